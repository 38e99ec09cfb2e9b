"""From places to lines, and from an ABI's file to its facts."""

from __future__ import annotations

import pytest
from broken import SOURCE, arm, clean_documents

from vdsocat.document_lines import line_of
from vdsocat.documents import Place
from vdsocat.lint.facts import facts
from vdsocat.lint.problem import LintInput

TEXT = """\
# A comment.
abi: i386
exports:
  - symbol: a
    since: "5.1"
    source:
      - {tag: v5.1,
         path: a}
  - symbol: b
1: one
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("abi",), 2),
        (("exports",), 3),
        (("exports", 0), 4),
        (("exports", 0, "since"), 5),
        (("exports", 0, "source", 0), 7),
        (("exports", 0, "source", 0, "path"), 8),
        (("exports", 1, "symbol"), 9),
        ((1,), 10),
        ((), None),
    ],
)
def test_a_place_has_the_line_where_it_begins(place: Place, line: int | None) -> None:
    assert line_of(place, TEXT) == line


@pytest.mark.parametrize(
    ("place", "line"),
    [(("exports", 1, "until"), 9), (("exports", 7), 3), (("exports", 0, "since", "release"), 5), (("none",), None)],
)
def test_what_is_not_there_has_the_line_of_what_it_would_be_in(place: Place, line: int | None) -> None:
    assert line_of(place, TEXT) == line


def test_every_entry_of_an_abi_is_a_fact_with_its_place() -> None:
    documents = clean_documents()
    arm(documents).update(
        hash=[{"styles": ["sysv", "gnu"], "since": "4.1", "source": SOURCE}],
        auxv=[{"tag": "AT_SYSINFO_EHDR", "since": "4.1", "source": SOURCE}],
        mappings=[{"mapping": "[vdso]", "since": "4.1", "source": SOURCE}],
        conventions=[{"errors": "negative-errno", "text": "As C has it.", "source": SOURCE}],
    )
    abi = LintInput(documents, {}).catalog.abis["arm"]
    assert [(fact.place, fact.name, fact.subject) for fact in facts(abi)] == [
        (("hosts", 0), "arm, 32-bit, native", "arm"),
        (("hosts", 1), "arm64, 64-bit, compat", "arm64"),
        (("vdso", 0), "vdso", "linux-vdso.so.1"),
        (("hash", 0), "sysv and gnu", "sysv and gnu"),
        (("auxv", 0), "AT_SYSINFO_EHDR", "AT_SYSINFO_EHDR"),
        (("mappings", 0), "[vdso]", "[vdso]"),
        (("conventions", 0), "all other functions", "all other functions"),
        (("areas", 0), "kuser", "kuser"),
        (("areas", 0, "entries", 0), "__kuser_get_tls", "__kuser_get_tls"),
        (("exports", 0), "__vdso_clock_gettime", "__vdso_clock_gettime"),
    ]
