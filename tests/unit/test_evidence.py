"""Evidence: what is recorded of a judgement, how it is kept, and what it answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from small_catalog import small_catalog
from small_images import CLOCK, SIGRETURN, i386_capture, i386_image, write_vmlinux

from vdsocat.capture import Capture
from vdsocat.catalog.conditions import Condition
from vdsocat.catalog.defects import Defect
from vdsocat.catalog.evidence import AbiEvidence, Evidence, ImageFacts, Observation, Sighting, spell_evidence
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.documents import schema_problems
from vdsocat.elf.image import read_vdso_image
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease
from vdsocat.guest.run import KernelUnderTest
from vdsocat.judging.evidence import judge_observation
from vdsocat.judging.finding import Verdict
from vdsocat.judging.judge import judge_capture
from vdsocat.recording import observations_of
from vdsocat.static_capture import capture_kernel

CATALOG = small_catalog()
FACTS = ImageFacts.of(read_vdso_image(i386_image()))
FEWER = ImageFacts.of(read_vdso_image(i386_image((CLOCK, SIGRETURN))))


def sighting(version: str = "6.1.176-1", **more: str) -> Sighting:
    release = version.partition("-")[0]
    values = {
        "kernel": f"linux-image-{release}-686",
        "version": version,
        "architecture": "i386",
        "release": release,
        "mode": "native",
        "how": "static",
        "date": "2026-07-01",
        "package_sha256": "a" * 64,
        "image_sha256": "b" * 64,
    }
    return Sighting(**(values | more))


OLD = Observation(sighting("5.10.223-1"), FEWER)
MIDDLE = Observation(sighting("6.1.176-1"), FACTS)
NEW = Observation(sighting("6.12.5-1"), FACTS)
WITHOUT = Observation(replace(sighting("6.1.170-1"), image_sha256=None), None)


def evidence(*observations: Observation) -> AbiEvidence:
    return AbiEvidence("i386").with_observations(observations)


def test_the_file_is_the_same_whatever_the_order_of_looking() -> None:
    one_way = spell_evidence(evidence(OLD, MIDDLE, NEW, WITHOUT))
    assert spell_evidence(evidence(WITHOUT, NEW).with_observations([OLD]).with_observations([MIDDLE])) == one_way


def test_the_file_conforms_to_its_schema_and_groups_kernels_by_facts() -> None:
    document = yaml.safe_load(spell_evidence(evidence(OLD, MIDDLE, NEW, WITHOUT)))
    assert list(schema_problems(document, "evidence")) == []
    assert [len(one["seen"]) for one in document["images"]] == [1, 2]
    assert [one["kernel"] for one in document["without"]] == ["linux-image-6.1.170-686"]
    assert document["images"][1]["exports"] == [
        "__kernel_sigreturn@@LINUX_2.5 NOTYPE GLOBAL",
        "__vdso_clock_gettime@@LINUX_2.6 FUNC GLOBAL",
        "__vdso_getcpu@@LINUX_2.6 FUNC GLOBAL",
    ]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    configured = replace(MIDDLE, sighting=replace(MIDDLE.sighting, config=(("CONFIG_A", "y"), ("CONFIG_B", "n"))))
    assert Evidence(tmp_path).record({"i386": [OLD, configured, WITHOUT]}) == ("i386",)
    assert Evidence(tmp_path).of("i386") == evidence(OLD, configured, WITHOUT)
    assert [one.abi for one in Evidence(tmp_path)] == ["i386"]


def test_looking_again_on_another_day_changes_nothing(tmp_path: Path) -> None:
    Evidence(tmp_path).record({"i386": [MIDDLE]})
    written = (tmp_path / "evidence/i386.yaml").read_bytes()
    later = replace(MIDDLE, sighting=replace(MIDDLE.sighting, date="2026-12-24"))
    assert Evidence(tmp_path).record({"i386": [later]}) == ()
    assert (tmp_path / "evidence/i386.yaml").read_bytes() == written


def test_what_was_seen_differently_takes_the_old_ones_place() -> None:
    later = Observation(replace(MIDDLE.sighting, date="2026-12-24", image_sha256="c" * 64), FEWER)
    assert evidence(MIDDLE, NEW).with_observations([later]) == evidence(later, NEW)


def test_a_kernel_seen_both_ways_is_kept_both_ways() -> None:
    mapped = Observation(replace(MIDDLE.sighting, how="mapped"), FEWER)
    assert len(evidence(MIDDLE, mapped).observations) == 2


def test_a_kernel_told_something_else_is_another_look_at_it(tmp_path: Path) -> None:
    mapped = Observation(replace(MIDDLE.sighting, how="mapped"), FEWER)
    told = Observation(replace(mapped.sighting, parameters=(("vdso", "0"),)), FEWER)
    known = evidence(told, mapped)
    assert len(known.observations) == 2
    assert known.with_observations([mapped]) == known
    assert told.sighting.facts.decide("boot:vdso=0") is True
    assert mapped.sighting.facts.decide("boot:vdso=0") is None
    Evidence(tmp_path).record({"i386": known.observations})
    assert Evidence(tmp_path).of("i386") == known


def test_it_says_where_a_symbol_was_last_seen_and_where_found_absent() -> None:
    known = evidence(NEW, OLD, WITHOUT, MIDDLE)
    assert known.last_seen("__vdso_getcpu", "LINUX_2.6") == NEW.sighting
    assert [one.release for one in known.seen("__vdso_getcpu", "LINUX_2.6")] == ["6.1.176", "6.12.5"]
    assert [one.release for one in known.found_absent("__vdso_getcpu", "LINUX_2.6")] == ["5.10.223", "6.1.170"]
    assert known.last_seen("__vdso_getcpu", "LINUX_9.9") is None


def test_an_abi_nobody_looked_at_has_no_evidence(tmp_path: Path) -> None:
    assert Evidence(tmp_path).of("i386") == AbiEvidence("i386")
    assert list(Evidence(tmp_path / "nowhere")) == []


def test_a_file_that_is_no_evidence_is_one_sentence_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence/i386.yaml").write_text("abi: i386\nimages: []\n")
    asked = Evidence(tmp_path)
    with pytest.raises(InputError, match=r"i386\.yaml: the file: the key 'without' is missing\."):
        asked.of("x86-64")


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where the directory should be")
    with pytest.raises(InputError, match=r"i386\.yaml: the evidence cannot be written \("):
        Evidence(tmp_path).record({"i386": [MIDDLE]})
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


def packaged(capture: Capture, package: str = "linux-image-6.1.0-50-686") -> Capture:
    named = replace(
        capture.provenance,
        kernel_package=package,
        kernel_package_version="6.1.176-1",
        kernel_package_architecture="i386",
        kernel_package_sha256="d" * 64,
    )
    return replace(capture, provenance=named)


def recorded(capture: Capture) -> dict[str, list[Observation]]:
    return observations_of(judge_capture(capture, CATALOG), CATALOG)


def test_a_mapped_image_is_recorded_with_its_kernel_and_the_options_that_conditions_name() -> None:
    (one,) = recorded(packaged(i386_capture(i386_image())))["i386"]
    assert one.facts == FACTS
    assert one.sighting.kernel_key == ("linux-image-6.1.0-50-686", "6.1.176-1", "i386")
    assert (one.sighting.how, one.sighting.mode, one.sighting.date) == ("mapped", "native", "2026-01-02")
    assert one.sighting.config == (("CONFIG_IA32_EMULATION", "n"), ("CONFIG_VDSO_GETRANDOM", "n"))


def test_what_the_kernel_was_told_is_recorded_if_conditions_name_it() -> None:
    i386 = CATALOG.abi("i386")
    named = replace(i386.vdso[0], interval=replace(i386.vdso[0].interval, when=Condition("not boot:vdso32=0")))
    catalog = replace(CATALOG, abis={**CATALOG.abis, "i386": replace(i386, vdso=(named,))})
    capture = packaged(i386_capture(i386_image()))
    for words, parameters in (("quiet vdso32=1", (("vdso32", "1"),)), ("quiet", None)):
        told = replace(capture, provenance=replace(capture.provenance, command=("qemu", "-append", words)))
        (one,) = observations_of(judge_capture(told, catalog), catalog)["i386"]
        assert one.sighting.parameters == parameters


def test_what_a_process_got_is_recorded_whatever_the_catalogue_says_of_it() -> None:
    def recorded_of(auxv: tuple[tuple[int, int], ...], *names: str) -> Sighting:
        lines = tuple(f"b7f94000-b7f98000 r--p 00000000 00:00 0          {name}" for name in names)
        capture = packaged(i386_capture(i386_image(), auxv=auxv, mappings=lines))
        return recorded(capture)["i386"][0].sighting

    seen = recorded_of(((33, 0xB7F98000), (6, 4096)), "[vvar]", "[vdso]", "[stack]", "[heap]", "/probe", "[new]")
    assert (seen.auxv, seen.mappings) == (("AT_SYSINFO_EHDR",), ("[new]", "[vdso]", "[vvar]"))
    assert recorded_of(((32, 0xB7F98400), (33, 0))).auxv == ("AT_SYSINFO",)
    assert recorded_of(()).mappings is None


def test_what_a_process_got_is_read_again(tmp_path: Path) -> None:
    booted = replace(sighting(how="mapped"), auxv=("AT_SYSINFO_EHDR",), mappings=("[vdso]", "[vvar]"))
    Evidence(tmp_path).record({"i386": [Observation(booted, FACTS)]})
    document = yaml.safe_load((tmp_path / "evidence" / "i386.yaml").read_text())
    assert list(schema_problems(document, "evidence")) == []
    assert Evidence(tmp_path).of("i386").observations[0].sighting == booted


def test_a_carried_image_is_recorded_as_static(tmp_path: Path) -> None:
    kernel = write_vmlinux(tmp_path / "vmlinux", images=(i386_image(),))
    (one,) = recorded(packaged(capture_kernel(KernelUnderTest("a-kernel", kernel), CATALOG)))["i386"]
    assert (one.sighting.how, one.sighting.config, one.facts) == ("static", None, FACTS)
    assert (one.sighting.auxv, one.sighting.mappings) == (None, None)


def test_a_built_kernel_is_called_after_its_build() -> None:
    (one,) = recorded(packaged(i386_capture(i386_image()), "linux-source-6.1"))["i386"]
    assert one.sighting.kernel == "built:test-kernel"


def test_a_kernel_without_an_image_is_recorded_as_one(tmp_path: Path) -> None:
    (one,) = recorded(packaged(i386_capture(None)))["i386"]
    assert (one.facts, one.sighting.image_sha256) == (None, None)


@pytest.mark.parametrize(
    "more",
    [{"outcome": "exec-failed", "detail": 8}, {"outcome": "hang"}, {"outcome": "signal", "detail": 11}],
    ids=lambda more: str(more["outcome"]),
)
def test_programs_that_did_not_get_to_the_vdso_are_no_evidence_of_its_absence(more: dict[str, object]) -> None:
    assert recorded(packaged(i386_capture(None, **more))) == {}


def test_an_unreadable_image_is_no_evidence() -> None:
    assert recorded(packaged(i386_capture(b"\x7fELF garbage"))) == {}


def test_a_kernel_that_nobody_can_look_at_again_is_no_evidence() -> None:
    assert recorded(i386_capture(i386_image())) == {}


@pytest.mark.parametrize(
    ("observation", "rule", "verdict"),
    [
        (MIDDLE, "SYM-PRESENT", Verdict.PASS),
        (replace(MIDDLE, facts=FEWER), "SYM-MISSING", Verdict.FAIL),
        (replace(MIDDLE, facts=replace(FACTS, exports=(*FACTS.exports, "__vdso_x@@LINUX_2.6 FUNC GLOBAL"))), "SYM-NEW",
         Verdict.REVIEW),
        (replace(MIDDLE, facts=replace(FACTS, soname="linux-vdso.so.1")), "ELF-SONAME", Verdict.FAIL),
        (WITHOUT, "VDSO-PRESENT", Verdict.FAIL),
    ],
    ids=["as catalogued", "fewer", "more", "another soname", "no image"],
)  # fmt: skip
def test_evidence_is_judged_again_by_the_catalogue_as_it_is(
    observation: Observation, rule: str, verdict: Verdict
) -> None:
    found = {(one.rule, one.verdict) for one in judge_observation(observation, CATALOG.abi("i386"), CATALOG.defects)}
    assert (rule, verdict) in found
    assert verdict is Verdict.FAIL or not any(one is Verdict.FAIL for _, one in found)


def test_what_a_known_defect_explains_wants_no_entry() -> None:
    more = replace(MIDDLE, facts=replace(FACTS, exports=(*FACTS.exports, "__vdso_x@@LINUX_2.6 FUNC GLOBAL")))
    always = Interval(Bound(KernelRelease((2, 6))))
    defect = Defect("known", (), ("__vdso_x@@LINUX_2.6",), always, "It is there.", rule="SYM-NEW", abis=("i386",))
    found = {one.subject: one for one in judge_observation(more, CATALOG.abi("i386"), (defect,))}["__vdso_x@@LINUX_2.6"]
    assert (found.rule, found.verdict, found.defect) == ("SYM-NEW", Verdict.KNOWN_DEFECT, "known")


def test_an_option_that_was_recorded_decides_a_condition() -> None:
    def getrandom(config: tuple[tuple[str, str], ...] | None) -> Verdict:
        observation = replace(MIDDLE, sighting=replace(MIDDLE.sighting, config=config))
        (finding,) = (
            one
            for one in judge_observation(observation, CATALOG.abi("i386"), CATALOG.defects)
            if "getrandom" in one.subject
        )
        return finding.verdict

    assert getrandom((("CONFIG_VDSO_GETRANDOM", "n"),)) is Verdict.EXPECTED_ABSENT
    assert getrandom((("CONFIG_VDSO_GETRANDOM", "y"),)) is Verdict.FAIL
    assert getrandom(None) is Verdict.UNKNOWN
    assert getrandom((("CONFIG_OTHER", "y"),)) is Verdict.UNKNOWN


def test_the_schema_is_sound_json() -> None:
    from vdsocat.documents import data_directory

    assert json.loads((data_directory("schemas") / "evidence.schema.json").read_text())["title"]


def test_where_no_image_tells_the_byte_order_of_two_the_sighting_does() -> None:
    i386 = CATALOG.abi("i386")
    both = replace(
        CATALOG, abis={**CATALOG.abis, "i386": replace(i386, elf=replace(i386.elf, endianness=("little", "big")))}
    )
    for image, catalog, told in ((None, both, "little"), (i386_image(), both, None), (None, CATALOG, None)):
        capture = packaged(i386_capture(image))
        (one,) = observations_of(judge_capture(capture, catalog), catalog)["i386"]
        assert one.sighting.endianness == told
