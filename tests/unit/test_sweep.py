"""Sweeping over a mirror: which kernels, what is kept of them, what is looked at again, and what it all comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from elf_builder import Symbol
from fake_mirror import FakeMirror, Server, archive_of, serving
from small_catalog import small_catalog
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN
from small_mirror import add_kernel

from vdsocat.catalog.evidence import Evidence
from vdsocat.errors import InputError
from vdsocat.kernels.download import FetchError
from vdsocat.sweep.plan import plan_sweep
from vdsocat.sweep.proposal import propose_entries
from vdsocat.sweep.run import SweepSettings, Swept, sweep
from vdsocat.sweep.summary import (
    Found,
    findings_of_evidence,
    findings_of_judgements,
    group_findings,
    summarise_evidence,
)

CATALOG = small_catalog()
NEW = Symbol("__vdso_brand_new", "LINUX_2.6")


@pytest.fixture
def mirror(tmp_path: Path) -> FakeMirror:
    return FakeMirror(tmp_path / "mirror")


@pytest.fixture
def server(mirror: FakeMirror) -> Iterator[Server]:
    with serving(mirror.root) as server:
        yield server


class Sweeper:
    """Sweeps the mirror's suite with a cache and evidence of the test's own."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.cache = directory / "cache"
        self.root = directory / "catalog"

    def run(self, *, again: bool = False, cache: Path | None = None, offline: bool = False) -> list[Swept]:
        archive = archive_of(self.server.url, cache or self.cache)
        plan = plan_sweep(archive, ["bookworm"])
        archive = replace(archive, offline=offline)
        settings = SweepSettings(archive, CATALOG, Evidence(self.root), lambda text: None, again)
        return list(sweep(plan.kernels, settings))

    def debs_asked(self) -> list[str]:
        asked = [path.rpartition("/")[2] for path in self.server.asked if path.endswith(".deb")]
        self.server.asked.clear()
        return asked


@pytest.fixture
def sweeper(server: Server, tmp_path: Path) -> Sweeper:
    return Sweeper(server, tmp_path)


def planned(server: Server, cache: Path, *suites: str, architectures: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    plan = plan_sweep(archive_of(server.url, cache), suites, architectures)
    return [(one.name, one.candidates[0].package.version) for one in plan.kernels]


def verdicts(swept: list[Swept]) -> list[str]:
    return [str(one.result.judgement.abis[0].verdict) for one in swept if one.result and one.result.judgement]


def test_the_oldest_and_the_newest_of_each_series_are_planned(
    mirror: FakeMirror, server: Server, tmp_path: Path
) -> None:
    for version in ("6.1.9-1", "6.1.10-1", "6.1.100-1", "6.12.3-1"):
        add_kernel(mirror, version)
    mirror.publish("bookworm")
    assert planned(server, tmp_path / "cache", "bookworm") == [
        ("i386/686 6.1", "6.1.9-1"),
        ("i386/686 6.1", "6.1.100-1"),
        ("i386/686 6.12", "6.12.3-1"),
    ]


def test_every_architecture_and_flavour_is_planned_but_cloud_and_real_time(
    mirror: FakeMirror, server: Server, tmp_path: Path
) -> None:
    for flavour in ("686", "686-pae", "rt-686-pae", "cloud-686"):
        add_kernel(mirror, "6.1.9-1", flavour=flavour)
    add_kernel(mirror, "6.1.9-1", architecture="armhf", flavour="armmp")
    mirror.publish("bookworm")
    names = [name for name, _ in planned(server, tmp_path / "cache", "bookworm")]
    assert names == ["armhf/armmp 6.1", "i386/686 6.1", "i386/686-pae 6.1"]
    assert planned(server, tmp_path / "cache", "bookworm", architectures=("armhf",)) == [("armhf/armmp 6.1", "6.1.9-1")]


def test_a_signed_kernel_stands_for_its_unsigned_twin(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    content = add_kernel(mirror, "6.1.9-1").read_bytes()
    mirror.add("bookworm", "i386", "linux-image-6.1.9-686-unsigned", "6.1.9-1", content)
    mirror.add(
        "bookworm", "i386", "linux-image-6.1-686", "6.1.9-1", content, depends="linux-image-6.1.9-686 (= 6.1.9-1)"
    )
    mirror.add("bookworm", "i386", "linux-image-6.1.9-686-signed-template", "6.1.9-1", content)
    mirror.publish("bookworm")
    (kernel,) = plan_sweep(archive_of(server.url, tmp_path / "cache"), ["bookworm"]).kernels
    assert [one.package.name for one in kernel.candidates] == ["linux-image-6.1.9-686"]


def test_what_cannot_be_had_is_passed_over_by_name(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    add_kernel(mirror, "6.1.9-1")
    add_kernel(mirror, "6.1.9-1", architecture="armhf", flavour="armmp")
    mirror.publish("bookworm", by_hash=False)
    mirror.index("bookworm", "armhf").write_bytes(b"x" * 100)
    plan = plan_sweep(archive_of(server.url, tmp_path / "cache"), ["gone", "bookworm"])
    assert [one.architecture for one in plan.kernels] == ["i386"]
    missing_suite, stale_index = plan.passed_over
    assert "has no suite 'gone'" in missing_suite
    assert "bookworm/armhf" in stale_index


def test_suites_and_architectures_that_do_not_exist_are_bad_input(
    mirror: FakeMirror, server: Server, tmp_path: Path
) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    archive = archive_of(server.url, tmp_path / "cache")
    with pytest.raises(InputError, match=r"There is no kernel to sweep over: .* has no suite 'bokworm'"):
        plan_sweep(archive, ["bokworm"])
    with pytest.raises(InputError, match=r"no kernel to sweep over: Debian bookworm has no architecture 'i387'"):
        plan_sweep(archive, ["bookworm"], ["i387"])


def test_a_mirror_that_does_not_answer_is_no_bad_input(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"There is no kernel to sweep over: .* could not be fetched"):
        plan_sweep(archive_of("http://127.0.0.1:9", tmp_path / "cache"), ["bookworm"])


def test_a_kernel_is_judged_recorded_and_not_kept(mirror: FakeMirror, sweeper: Sweeper, tmp_path: Path) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    (one,) = sweeper.run()
    assert one.result is not None
    assert (one.result.source, one.result.error) == ("debian:bookworm/i386/686 6.1.9-1", None)
    assert verdicts([one]) == ["pass"]
    (observation,) = Evidence(sweeper.root).of("i386").observations
    assert observation.sighting.kernel_key == ("linux-image-6.1.9-686", "6.1.9-1", "i386")
    assert dict(observation.sighting.config or ()) == {"CONFIG_IA32_EMULATION": "n", "CONFIG_VDSO_GETRANDOM": "n"}
    assert not list(tmp_path.rglob("vmlinuz"))
    assert "127.0.0.1" not in (sweeper.root / "evidence/i386.yaml").read_text()
    assert str(tmp_path) not in (sweeper.root / "evidence/i386.yaml").read_text()


def test_a_sweep_goes_on_where_one_was_stopped(mirror: FakeMirror, sweeper: Sweeper) -> None:
    for version in ("5.1.9-1", "6.1.9-1"):
        add_kernel(mirror, version, symbols=(CLOCK, SIGRETURN) if version < "6" else I386_SYMBOLS)
    mirror.publish("bookworm")
    archive = archive_of(sweeper.server.url, sweeper.cache)
    settings = SweepSettings(archive, CATALOG, Evidence(sweeper.root), lambda text: None)
    next(sweep(plan_sweep(archive, ["bookworm"]).kernels, settings))
    assert sweeper.debs_asked() == ["linux-image-5.1.9-686_5.1.9-1_i386.deb"]
    sweeper.run()
    assert sweeper.debs_asked() == ["linux-image-6.1.9-686_6.1.9-1_i386.deb"]
    written = (sweeper.root / "evidence/i386.yaml").read_bytes()
    assert len(sweeper.run()) == 2
    assert sweeper.debs_asked() == []
    assert (sweeper.root / "evidence/i386.yaml").read_bytes() == written


def test_what_the_evidence_knows_is_not_fetched_unless_asked(
    mirror: FakeMirror, sweeper: Sweeper, tmp_path: Path
) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    sweeper.run()
    sweeper.debs_asked()
    (one,) = sweeper.run(cache=tmp_path / "empty")
    assert (one.known, one.result, sweeper.debs_asked()) == (True, None, [])
    (one,) = sweeper.run(cache=tmp_path / "empty", again=True)
    assert one.result is not None
    assert sweeper.debs_asked() == ["linux-image-6.1.9-686_6.1.9-1_i386.deb"]


def test_a_damaged_journal_is_read_anew(mirror: FakeMirror, sweeper: Sweeper) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    sweeper.run()
    (journal,) = (sweeper.cache / "sweep").glob("*.json")
    journal.write_text('{"schema": "an older one"}')
    sweeper.debs_asked()
    assert verdicts(sweeper.run(again=True)) == ["pass"]
    assert len(sweeper.debs_asked()) == 1


def test_a_package_that_is_only_listed_gives_way_to_the_next(mirror: FakeMirror, sweeper: Sweeper) -> None:
    gone = add_kernel(mirror, "6.1.30-1")
    for version in ("6.1.10-1", "6.1.20-1"):
        add_kernel(mirror, version)
    mirror.publish("bookworm")
    gone.unlink()
    swept = sweeper.run()
    assert [one.result.source for one in swept if one.result] == [
        "debian:bookworm/i386/686 6.1.10-1",
        "debian:bookworm/i386/686 6.1.20-1",
    ]
    assert "6.1.30-1 is not at" in swept[1].missing[0]


def test_a_series_that_is_only_listed_has_no_result(mirror: FakeMirror, sweeper: Sweeper) -> None:
    add_kernel(mirror, "6.1.30-1").unlink()
    mirror.publish("bookworm")
    (one,) = sweeper.run()
    assert (one.result, one.known) == (None, False)
    assert len(one.missing) == 1


def test_a_kernel_that_cannot_be_read_spoils_no_other(mirror: FakeMirror, sweeper: Sweeper) -> None:
    mirror.kernel("bookworm", "i386", "686", "5.10.1-1", image=b"no kernel at all")
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    bad, good = sweeper.run()
    assert bad.result is not None
    assert bad.result.error_status == 2
    assert "is no kernel image" in (bad.result.error or "")
    assert verdicts([good]) == ["pass"]


def test_offline_only_what_is_kept_is_judged(mirror: FakeMirror, sweeper: Sweeper) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    (one,) = sweeper.run(offline=True)
    assert one.result is not None
    assert "is not in the cache" in (one.result.error or "")
    assert one.result.error_status == 3
    sweeper.run()
    assert verdicts(sweeper.run(offline=True)) == ["pass"]


def test_offline_a_kernel_that_is_kept_stands_for_one_that_is_not(mirror: FakeMirror, sweeper: Sweeper) -> None:
    gone = add_kernel(mirror, "6.1.30-1")
    add_kernel(mirror, "6.1.10-1")
    add_kernel(mirror, "6.1.20-1")
    mirror.publish("bookworm")
    gone.unlink()
    sweeper.run()
    assert verdicts(sweeper.run(offline=True)) == ["pass", "pass"]


def findings(swept: list[Swept]) -> list[Found]:
    return list(findings_of_judgements(one.result.judgement for one in swept if one.result and one.result.judgement))


def test_the_sum_counts_kernels_images_and_exports(mirror: FakeMirror, sweeper: Sweeper) -> None:
    for version in ("6.1.9-1", "6.12.9-1"):
        add_kernel(mirror, version)
    add_kernel(mirror, "6.12.9-1", flavour="686-pae", symbols=(CLOCK, SIGRETURN))
    mirror.publish("bookworm")
    swept = sweeper.run()
    evidence = Evidence(sweeper.root)
    summary = summarise_evidence(evidence, findings(swept))
    (row,) = summary.abis
    assert (row.abi, row.kernels, row.images, row.exports) == ("i386", 3, 3, 3 + 3 + 2)
    assert row.releases == ("6.1.9", "6.12.9")
    assert (summary.kernels, summary.images, summary.exports) == (3, 3, 8)
    assert {str(verdict): count for verdict, count in row.findings.items()} == {"fail": 1, "review": 0, "unknown": 0}
    assert summarise_evidence(evidence, findings_of_evidence(evidence, CATALOG)) == summary


def test_evidence_of_kernels_that_were_judged_is_not_judged_twice(mirror: FakeMirror, sweeper: Sweeper) -> None:
    add_kernel(mirror, "6.12.9-1", symbols=(CLOCK, SIGRETURN))
    mirror.publish("bookworm")
    judged = [one.result.judgement for one in sweeper.run() if one.result and one.result.judgement]
    evidence = Evidence(sweeper.root)
    assert len(list(findings_of_evidence(evidence, CATALOG))) == 1
    assert list(findings_of_evidence(evidence, CATALOG, judged)) == []


def test_one_finding_of_many_kernels_is_told_once(mirror: FakeMirror, sweeper: Sweeper) -> None:
    for version in ("6.1.9-1", "6.2.9-1", "6.10.9-1", "6.12.9-1"):
        add_kernel(mirror, version, symbols=(CLOCK, SIGRETURN))
    mirror.publish("bookworm")
    (group,) = group_findings(findings(sweeper.run()))
    assert (group.abi, group.finding.rule) == ("i386", "SYM-MISSING")
    assert group.spell_releases() == "6.1.9 to 6.12.9, 4 images"


def proposed(mirror: FakeMirror, sweeper: Sweeper, *versions: tuple[str, tuple[Symbol, ...]]) -> list[str]:
    for version, symbols in versions:
        add_kernel(mirror, version, symbols=symbols)
    mirror.publish("bookworm")
    found = findings(sweeper.run())
    return [one.text for one in propose_entries(found, Evidence(sweeper.root), CATALOG)]


def test_a_new_export_is_proposed_as_an_entry(mirror: FakeMirror, sweeper: Sweeper) -> None:
    (text,) = proposed(
        mirror,
        sweeper,
        ("6.0.9-1", I386_SYMBOLS),
        ("6.1.9-1", (*I386_SYMBOLS, NEW)),
        ("6.1.20-1", (*I386_SYMBOLS, NEW)),
    )
    assert text == (
        "  - symbol: __vdso_brand_new\n"
        "    function: brand_new  # not in functions.yaml yet\n"
        "    version: LINUX_2.6\n"
        '    since: "6.1"\n'
        "    source:\n"
        '      - {kernel: "linux-image-6.0.9-686 6.0.9-1, i386", note: "without it"}\n'
        '      - {kernel: "linux-image-6.1.9-686 6.1.9-1, i386"}\n'
        '      - {kernel: "linux-image-6.1.20-686 6.1.20-1, i386"}\n'
    )


@pytest.mark.parametrize(
    ("versions", "since"),
    [
        ((("5.1.9-1", ()), ("6.1.9-1", (NEW,))), '    since: ["5.1", "6.1"]\n'),
        ((("6.1.9-1", (NEW,)),), '    since: "6.1"  # or earlier: no older kernel was looked at\n'),
        (
            (("6.1.9-1", ()), ("6.1.20-1", (NEW,))),
            '    since: "6.1"  # or a stable release of it: 6.1.9 is without it, 6.1.20 is not\n',
        ),
    ],
    ids=["releases between", "the oldest", "a stable release"],
)
def test_a_proposal_says_no_more_than_was_seen(
    mirror: FakeMirror, sweeper: Sweeper, versions: tuple[tuple[str, tuple[Symbol, ...]], ...], since: str
) -> None:
    shown = tuple((version, (*I386_SYMBOLS, *more)) for version, more in versions)
    assert since in proposed(mirror, sweeper, *shown)[0]


def test_a_known_function_and_an_odd_symbol_are_spelled(mirror: FakeMirror, sweeper: Sweeper) -> None:
    (text,) = proposed(
        mirror, sweeper, ("6.1.9-1", (*I386_SYMBOLS, Symbol("__kernel_getcpu", "LINUX_2.6", type=0, binding=2)))
    )
    assert "    function: getcpu\n" in text
    assert "    type: NOTYPE\n    binding: WEAK\n" in text
