"""Rules about evidence: one change for each way to break them, and what is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from broken import SOURCE, Broken, Change, Documents, assert_breaks, assert_harmless, export, i386
from sightings import I386_6_1, evidence, image, sighting

FILE = "catalog/evidence/i386.yaml"
ABOUT_WHAT_NOBODY_SAW = ("unobserved-exports", "needless-reasons", "needless-reasons-against-booting")


def an_abi_that_is_none(documents: Documents) -> None:
    documents["catalog/evidence/i368.yaml"] = evidence("i368", (sighting(), image()))


def a_mode_that_no_host_has(documents: Documents) -> None:
    exports = [f"{name}@@LINUX_2.6 FUNC GLOBAL" for name in ("__vdso_clock_gettime", "__vdso_getcpu")]
    seen = image(*exports, "clock_gettime@@LINUX_2.6 FUNC WEAK", soname="linux-vdso.so.1")
    documents["catalog/evidence/x86-64.yaml"] = evidence("x86-64", (sighting(mode="compat"), seen))


def a_symbol_that_was_not_there(documents: Documents) -> None:
    documents[FILE] = evidence("i386", (sighting(), image(*(one for one in I386_6_1 if "getcpu" not in one))))


def a_symbol_that_was_there_too_early(documents: Documents) -> None:
    documents[FILE] = evidence("i386", (sighting("5.3.9"), image(*I386_6_1, "__vdso_time@@LINUX_2.6 FUNC GLOBAL")))


def a_symbol_that_nobody_entered(documents: Documents) -> None:
    documents[FILE] = evidence("i386", (sighting(), image(*I386_6_1, "__vdso_futex@@LINUX_2.6 FUNC GLOBAL")))


def a_symbol_of_another_type(documents: Documents) -> None:
    export(documents, "__kernel_sigreturn")["type"] = "FUNC"
    export(documents, "__kernel_sigreturn")["until"] = "6.0"
    documents[FILE] = evidence("i386", (sighting(), image()))


def a_symbol_without_its_option(documents: Documents) -> None:
    seen = sighting(config={"CONFIG_VDSO_GETRANDOM": "n"})
    documents[FILE] = evidence("i386", (seen, image()))


def a_kernel_without_an_image(documents: Documents) -> None:
    documents[FILE] = evidence("i386", (sighting(), None))


def an_image_where_there_is_none(documents: Documents) -> None:
    i386(documents)["vdso"][0]["until"] = "6.1"
    for entry in i386(documents)["exports"]:
        entry.setdefault("until", "6.1")
    documents[FILE] = evidence("i386", (sighting(), image("@@LINUX_2.6 FUNC GLOBAL")))


def other_hash_tables(documents: Documents) -> None:
    i386(documents)["hash"] = [{"styles": ["sysv", "gnu"], "since": "2.6.0", "source": SOURCE}]
    documents[FILE] = evidence("i386", (sighting(), image()))


def another_soname(documents: Documents) -> None:
    documents[FILE] = evidence("i386", (sighting(), image(soname="linux-vdso.so.1")))


def told(documents: Documents, auxv: tuple[str, ...], mappings: tuple[str, ...]) -> None:
    """A process of 6.1 was told this, and the catalogue says AT_SYSINFO_EHDR, [vdso], and [vvar] until 6.0."""
    i386(documents)["auxv"] = [{"tag": "AT_SYSINFO_EHDR", "since": "2.6.0", "source": SOURCE}]
    i386(documents)["mappings"] = [
        {"mapping": "[vdso]", "since": "2.6.0", "source": SOURCE},
        {"mapping": "[vvar]", "since": "3.15", "until": "6.0", "source": SOURCE},
        {"mapping": "[page]", "since": "3.15", "when": "boot:page=on", "source": SOURCE},
    ]
    seen = replace(sighting(), how="mapped", auxv=auxv, mappings=mappings)
    documents[FILE] = evidence("i386", (seen, image()))


def an_entry_that_a_process_did_not_get(documents: Documents) -> None:
    told(documents, (), ("[vdso]",))


def an_entry_that_nobody_entered(documents: Documents) -> None:
    told(documents, ("AT_SYSINFO", "AT_SYSINFO_EHDR"), ("[vdso]",))


def a_mapping_without_its_name(documents: Documents) -> None:
    told(documents, ("AT_SYSINFO_EHDR",), ("[page]",))


def a_mapping_that_should_be_gone(documents: Documents) -> None:
    told(documents, ("AT_SYSINFO_EHDR",), ("[vdso]", "[vvar]"))


BROKEN = [
    Broken(
        "evidence-of-unknown-abis",
        an_abi_that_is_none,
        "catalog/evidence/i368.yaml",
        "abi",
        ("there is no ABI 'i368'", "did you mean 'i386'?"),
    ),
    Broken(
        "evidence-of-unknown-abis",
        a_mode_that_no_host_has,
        "catalog/evidence/x86-64.yaml",
        "",
        ("linux-image-6.1.176", "no host of x86-64 is compat in 6.1.176"),
    ),
    Broken(
        "contradicted-catalogue",
        a_symbol_that_was_not_there,
        FILE,
        "",
        ("linux-image-6.1.176", "SYM-MISSING __vdso_getcpu@@LINUX_2.6: it must be there"),
    ),
    Broken(
        "contradicted-catalogue",
        a_symbol_that_was_there_too_early,
        FILE,
        "",
        ("SYM-UNEXPECTED __vdso_getcpu@@LINUX_2.6", "not before 6.0"),
    ),
    Broken(
        "contradicted-catalogue",
        a_symbol_that_nobody_entered,
        FILE,
        "",
        ("SYM-NEW __vdso_futex@@LINUX_2.6", "seen __vdso_futex@@LINUX_2.6 FUNC GLOBAL"),
    ),
    Broken(
        "contradicted-catalogue",
        a_symbol_of_another_type,
        FILE,
        "",
        ("SYM-UNEXPECTED __kernel_sigreturn", "gone since 6.0"),
    ),
    Broken(
        "contradicted-catalogue",
        a_symbol_without_its_option,
        FILE,
        "",
        ("SYM-UNEXPECTED __vdso_getrandom", "needs CONFIG_VDSO_GETRANDOM"),
    ),
    Broken("contradicted-catalogue", a_kernel_without_an_image, FILE, "", ("VDSO-PRESENT vDSO: none is carried",)),
    Broken(
        "contradicted-catalogue",
        an_image_where_there_is_none,
        FILE,
        "",
        ("VDSO-PRESENT vDSO: gone since 6.1", "seen an image"),
    ),
    Broken("contradicted-catalogue", other_hash_tables, FILE, "", ("ELF-HASH-STYLE", "expected sysv+gnu, seen sysv")),
    Broken(
        "contradicted-catalogue",
        an_entry_that_a_process_did_not_get,
        FILE,
        "",
        ("AT_SYSINFO_EHDR: a process was not told of it (since 2.6.0)",),
    ),
    Broken(
        "contradicted-catalogue",
        an_entry_that_nobody_entered,
        FILE,
        "",
        ("AT_SYSINFO: a process was told of it (no entry in the catalogue)",),
    ),
    Broken("contradicted-catalogue", a_mapping_without_its_name, FILE, "", ("[vdso]: a process was not told of it",)),
    Broken("contradicted-catalogue", a_mapping_that_should_be_gone, FILE, "", ("[vvar]: a process", "gone since 6.0")),
    Broken(
        "contradicted-catalogue",
        another_soname,
        FILE,
        "",
        ("ELF-SONAME", "expected linux-gate.so.1, seen linux-vdso.so.1"),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken, besides=ABOUT_WHAT_NOBODY_SAW)


def what_the_catalogue_says(documents: Documents) -> None:
    earlier = (*(one for one in I386_6_1 if "getcpu" not in one), "__vdso_time@@LINUX_2.6 FUNC GLOBAL")
    documents[FILE] = evidence("i386", (sighting(), image()), (sighting("5.3.9", "compat"), image(*earlier)))


def what_a_process_is_told_with_and_without_a_parameter(documents: Documents) -> None:
    told(documents, ("AT_SYSINFO_EHDR",), ("[vdso]",))


def what_depends_on_a_parameter(documents: Documents) -> None:
    told(documents, ("AT_SYSINFO_EHDR",), ("[page]", "[vdso]"))


def a_symbol_whose_option_is_not_known(documents: Documents) -> None:
    without = image(*(one for one in I386_6_1 if "getrandom" not in one))
    asked_for_another = sighting("6.1.177", config={"CONFIG_OTHER": "y"})
    documents[FILE] = evidence("i386", (sighting(), without), (asked_for_another, without))


def a_symbol_with_its_option_off(documents: Documents) -> None:
    without = image(*(one for one in I386_6_1 if "getrandom" not in one))
    documents[FILE] = evidence("i386", (sighting(config={"CONFIG_VDSO_GETRANDOM": "n"}), without))


def names_that_the_kernel_blanked(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["when"] = "machine:has-a-counter"
    blanked = image(*(one for one in I386_6_1 if "getcpu" not in one), "@@LINUX_2.6 FUNC GLOBAL")
    documents[FILE] = evidence("i386", (sighting(), blanked))


def a_release_that_is_not_settled(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = ["5.3", "6.1"]
    documents[FILE] = evidence("i386", (sighting("6.0.3"), image()), (sighting(), image()))


@pytest.mark.parametrize(
    "change",
    [
        what_the_catalogue_says,
        what_a_process_is_told_with_and_without_a_parameter,
        what_depends_on_a_parameter,
        a_symbol_whose_option_is_not_known,
        a_symbol_with_its_option_off,
        names_that_the_kernel_blanked,
        a_release_that_is_not_settled,
    ],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change, besides=ABOUT_WHAT_NOBODY_SAW)
