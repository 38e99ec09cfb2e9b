"""Coverage: what counts as sourced, as observed and as a proven release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from broken import Documents, arm, clean_documents, export, i386
from sightings import I386_6_1, evidence, image, sighting

from vdsocat.catalog.evidence import ImageFacts, Sighting
from vdsocat.lint.coverage import AbiCoverage, Coverage, coverage
from vdsocat.lint.problem import LintInput

SOURCE = [{"tag": "v6.1", "path": "arch/x86"}]
FILE = "catalog/evidence/i386.yaml"


def measure(documents: Documents) -> Coverage:
    return coverage(LintInput(documents, {}))


def figures(documents: Documents, abi: str) -> AbiCoverage:
    return next(one for one in measure(documents).abis if one.abi == abi)


def observed(*looks: tuple[Sighting, ImageFacts | None], change: Any = None) -> set[str]:
    """The names of the facts of i386 that the looks show."""
    documents = clean_documents()
    documents["catalog/unobservable.yaml"]["unobservable"] = []
    documents["catalog/abis"] = {}
    if change:
        change(documents)
    everything = {f"{fact.kind} {fact.name}" for fact in measure(documents).unobserved if fact.abi.name == "i386"}
    documents[FILE] = evidence("i386", *looks)
    left = {f"{fact.kind} {fact.name}" for fact in measure(documents).unobserved if fact.abi.name == "i386"}
    return everything - left


def test_the_figures_add_up() -> None:
    documents = clean_documents()
    documents["catalog/unobservable.yaml"]["unobservable"] = [{"abis": ["arm"], "reason": "Nobody has one."}]
    documents[FILE] = evidence("i386", (sighting(), image()))
    measured = measure(documents)
    total = measured.total
    assert [one.abi for one in measured.abis] == ["arm", "i386", "x86-64"]
    assert (total.facts, total.sourced) == (19, 19)
    assert total.observed + total.unobservable + total.unobserved == total.facts
    assert len(measured.unobserved) == total.unobserved
    kinds = {kind: (count, seen) for kind, count, seen in measured.kinds}
    assert kinds["exports"] == (9, 4)
    assert sum(count for count, _ in kinds.values()) == total.facts
    assert sum(seen for _, seen in kinds.values()) == total.observed
    ((reason, facts),) = measured.reasons
    assert (reason, {fact.abi.name for fact in facts}) == ("Nobody has one.", {"arm"})


def test_a_fact_with_nothing_but_a_vague_source_is_not_sourced() -> None:
    documents = clean_documents()
    export(documents, "__vdso_getcpu")["source"] = [{"note": "hearsay"}, {"tag": "v6.1"}]
    assert figures(documents, "i386").sourced == figures(documents, "i386").facts - 1


def test_a_kernel_shows_its_host_its_image_and_its_exports() -> None:
    assert observed((sighting(), image())) == {
        "hosts x86, 32-bit, native",
        "vdso vdso",
        "exports __vdso_clock_gettime",
        "exports __vdso_getcpu",
        "exports __kernel_sigreturn",
        "exports __vdso_getrandom",
    }


def test_a_kernel_shows_nothing_of_other_releases() -> None:
    assert "exports __vdso_getcpu" not in observed((sighting("5.3.9"), image()))
    assert "exports __vdso_time" not in observed((sighting(), image(*I386_6_1, "__vdso_time@@LINUX_2.6 FUNC GLOBAL")))


@pytest.mark.parametrize("spelled", ["__vdso_getcpu@@LINUX_2.5 FUNC GLOBAL", "__vdso_getcpu@@LINUX_2.6 NOTYPE GLOBAL"])
def test_another_version_or_type_is_another_export(spelled: str) -> None:
    exports = (*(one for one in I386_6_1 if "getcpu" not in one), spelled)
    assert "exports __vdso_getcpu" not in observed((sighting(), image(*exports)))


def test_a_kernel_shows_nothing_of_other_modes_and_configurations() -> None:
    def change(documents: Documents) -> None:
        export(documents, "__vdso_getcpu")["when"] = "compat"
        export(documents, "__vdso_clock_gettime")["when"] = "not CONFIG_VDSO_GETRANDOM"

    shown = observed((sighting(config={"CONFIG_VDSO_GETRANDOM": "y"}), image()), change=change)
    assert {"exports __vdso_getcpu", "exports __vdso_clock_gettime"} & shown == set()
    assert "exports __vdso_getrandom" in shown


def test_a_kernel_without_an_image_shows_its_host_only() -> None:
    assert observed((sighting(mode="compat"), None)) == {"hosts x86, 64-bit, compat"}


def test_another_soname_is_another_image() -> None:
    assert "vdso vdso" not in observed((sighting(), image(soname="linux-vdso.so.1")))


def with_hash_and_auxv(documents: Documents) -> None:
    i386(documents)["hash"] = [{"styles": ["gnu", "sysv"], "since": "2.6.0", "source": SOURCE}]
    i386(documents)["auxv"] = [
        {"tag": tag, "since": "2.6.0", "source": SOURCE} for tag in ("AT_SYSINFO", "AT_SYSINFO_EHDR")
    ]


def test_hash_tables_are_observed_as_a_set() -> None:
    both = image(hash_styles=("sysv", "gnu"))
    assert "hash gnu and sysv" in observed((sighting(), both), change=with_hash_and_auxv)
    assert "hash gnu and sysv" not in observed((sighting(), image()), change=with_hash_and_auxv)


def test_only_a_booted_kernel_shows_what_a_process_gets() -> None:
    def change(documents: Documents) -> None:
        with_hash_and_auxv(documents)
        page = dict(arm(documents)["areas"][0])
        i386(documents)["areas"] = [page | {"area": "page", "mapping": "[page]"}, page | {"area": "nameless"}]
        del i386(documents)["areas"][1]["mapping"]
        i386(documents)["mappings"] = [
            {"mapping": name, "since": "2.6.0", "source": SOURCE} for name in ("[vdso]", "[vvar]", "[page]")
        ]

    booted = replace(sighting(), how="mapped", auxv=("AT_SYSINFO_EHDR",), mappings=("[page]", "[vdso]"))
    shown = observed((booted, image()), change=change) - observed((sighting(), image()), change=change)
    assert shown == {"auxv AT_SYSINFO_EHDR", "mappings [vdso]", "mappings [page]", "areas page"}


def proven(source: list[dict[str, Any]], since: Any = "6.0") -> int:
    """How many more bounds of i386 are proven when an export has this source instead of none that proves."""
    documents = clean_documents()
    export(documents, "__vdso_getcpu").update(since=since, source=SOURCE)
    before = figures(documents, "i386").proven
    export(documents, "__vdso_getcpu")["source"] = source
    return figures(documents, "i386").proven - before


@pytest.mark.parametrize(
    ("source", "since", "count"),
    [
        ([{"commit": "0123456789ab", "path": "a"}], "6.0", 1),
        ([{"tag": "v5.3.18", "path": "a"}, {"tag": "v6.0", "path": "a"}], "6.0", 1),
        ([{"tag": "v5.3", "path": "a"}, {"tag": "v6.1", "path": "a"}], "6.0", 0),
        ([{"tag": "v5.1", "path": "a"}, {"tag": "v6.0", "path": "a"}], "6.0", 0),
        ([{"tag": "v6.0", "path": "a"}, {"kernel": "Debian 6.0"}], "6.0", 0),
        ([{"commit": "0123456789ab", "note": "merge of something"}], "6.0", 0),
        ([{"commit": "0123456789ab", "path": "a"}], ["5.3", "6.0"], 0),
    ],
)
def test_a_commit_or_two_neighbouring_trees_prove_a_release(
    source: list[dict[str, Any]], since: Any, count: int
) -> None:
    assert proven(source, since) == count


def test_what_came_with_the_image_leans_on_its_proof() -> None:
    documents = clean_documents()
    for entry in (arm(documents)["vdso"][0], arm(documents)["exports"][0]):
        entry["source"] = SOURCE
    before = figures(documents, "arm").proven
    arm(documents)["vdso"][0]["source"] = [{"commit": "0123456789ab", "path": "a"}]
    assert figures(documents, "arm").proven == before + 2


def test_an_end_leans_on_the_proof_of_the_next_beginning() -> None:
    documents = clean_documents()
    export(documents, "__vdso_time")["source"] = SOURCE
    again = export(documents, "__vdso_time") | {"since": "6.0", "version": "LINUX_2.5"}
    del again["until"]
    i386(documents)["exports"].append(again)
    before = figures(documents, "i386").proven
    again["source"] = [{"commit": "0123456789ab", "path": "a"}]
    assert figures(documents, "i386").proven == before + 2


def test_the_first_release_of_the_table_needs_no_proof() -> None:
    documents = clean_documents()
    export(documents, "__kernel_sigreturn")["source"] = SOURCE
    count = figures(documents, "i386").proven
    export(documents, "__kernel_sigreturn")["since"] = "2.6.1"
    assert figures(documents, "i386").proven == count - 1
