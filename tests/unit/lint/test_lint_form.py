"""The canonical form: what the fixer changes, what it keeps, and that it never changes what a file says."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from broken import clean_documents, write_files
from hypothesis import given, settings
from hypothesis import strategies as st

from vdsocat.catalog.evidence import AbiEvidence, spell_evidence
from vdsocat.documents import parse_yaml, read_schema
from vdsocat.errors import InputError
from vdsocat.lint.canonical import canonical_text, says_the_same
from vdsocat.lint.fix import fix
from vdsocat.lint.problem import LintInput
from vdsocat.lint.rules import form

ABI = "catalog/abis/i386.yaml"
EVIDENCE = "catalog/evidence/i386.yaml"

# They look at the text of files, so that no change of a document breaks them.
RULES_ABOUT_TEXT = (form.noncanonical_files, form.edited_evidence)

CANONICAL = """\
# What i386 exports.
abi: i386
name: 32-bit x86
elf: {machine: EM_386, class: 32, endianness: [little]}
hosts:
  - kernel: x86  # since the merge
    bits: 32
    mode: native
    since: ["2.6.23", "2.6.24"]
    source:
      - {tag: v2.6.24, path: arch/x86}
vdso:
  # The first one had no name.
  - since: "2.6.0"
    soname: linux-gate.so.1
    note: "Mapped by all, as they say: #1."
    source:
      - {tag: v6.1, path: arch/x86, note: "a, b"}
exports: []
# Nothing more is known.
"""


def canonical(text: str, schema: str = "abi") -> str:
    return canonical_text(text, read_schema(schema))


def test_what_is_canonical_stays_as_it_is() -> None:
    assert canonical(CANONICAL) == CANONICAL


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("abi: i386\nname: 32-bit x86\n", "name: 32-bit x86\nabi: i386\n"),
        ("    soname: linux-gate.so.1\n", "    soname:   linux-gate.so.1   \n"),
        (
            "elf: {machine: EM_386, class: 32, endianness: [little]}",
            "elf: { class: 32, machine: EM_386,\n  endianness: [ little ] }",
        ),
        ("      - {tag: v2.6.24, path: arch/x86}", "      - tag: v2.6.24\n        path: arch/x86"),
        ("      - {tag: v2.6.24, path: arch/x86}", "      - path: arch/x86\n        tag: v2.6.24"),
        ("      - {tag: v2.6.24, path: arch/x86}", "    - {path: arch/x86, tag: v2.6.24}"),
        (
            '      - {tag: v6.1, path: arch/x86, note: "a, b"}',
            "      - tag: v6.1\n        note: a, b\n        path: arch/x86",
        ),
        ("vdso:\n", "\n\nvdso:\n"),
        ("exports: []", "exports:\n  []"),
        ("# Nothing more", "  # Nothing more"),
        ("  # The first one", "# The first one"),
        ("kernel: x86  # since", "kernel: x86 # since"),
        (
            '    soname: linux-gate.so.1\n    note: "Mapped by all, as they say: #1."\n',
            '    note: "Mapped by all,\n      as they say: #1."\n    soname: linux-gate.so.1\n',
        ),
    ],
)  # fmt: skip
def test_the_form_is_restored(good: str, bad: str) -> None:
    assert good in CANONICAL
    changed = CANONICAL.replace(good, bad)
    assert canonical(changed) == CANONICAL
    assert says_the_same(changed, CANONICAL)


def test_a_comment_goes_with_the_key_that_it_stands_above() -> None:
    text = CANONICAL.replace(
        '    soname: linux-gate.so.1\n    note: "Mapped by all, as they say: #1."\n',
        '    note: "Mapped by all, as they say: #1."\n'
        "    # As the linker writes it.\n    soname: linux-gate.so.1  # DT_SONAME\n",
    )
    lines = canonical(text).splitlines()
    at = lines.index("    # As the linker writes it.")
    assert lines[at + 1] == "    soname: linux-gate.so.1  # DT_SONAME"
    assert lines[at + 2].startswith("    note: ")


def test_a_comment_above_the_key_that_becomes_the_first_stands_above_the_entry() -> None:
    text = CANONICAL.replace(
        '  - since: "2.6.0"\n    soname: linux-gate.so.1\n',
        '  - soname: linux-gate.so.1\n    # Long ago.\n    since: "2.6.0"\n',
    )
    lines = canonical(text).splitlines()
    at = lines.index("  # The first one had no name.")
    assert lines[at + 1 : at + 4] == ["  # Long ago.", '  - since: "2.6.0"', "    soname: linux-gate.so.1"]


def test_comments_within_a_collection_that_becomes_one_line_stand_above_it() -> None:
    text = CANONICAL.replace("endianness: [little]}", "# of course\n  endianness: [little]}  # always")
    lines = canonical(text).splitlines()
    at = lines.index("# of course")
    assert lines[at + 1] == "elf: {machine: EM_386, class: 32, endianness: [little]}  # always"


EXPORTS = """\
abi: i386
exports:
  - {symbol: b, since: "6.0"}
  - {symbol: a, since: ["5.1", "5.3"]}
  # An early one.
  - {symbol: b, since: "5.1"}
  - {symbol: b, since: {release: "5.3", backports: ["5.2.1"]}}
  - {symbol: a, since: "5.1"}
"""


def test_the_entries_of_a_symbol_stand_together_in_the_order_of_their_releases() -> None:
    assert canonical(EXPORTS).splitlines()[2:] == [
        "  # An early one.",
        '  - {symbol: b, since: "5.1"}',
        '  - {symbol: b, since: {release: "5.3", backports: ["5.2.1"]}}',
        '  - {symbol: b, since: "6.0"}',
        '  - {symbol: a, since: "5.1"}',
        '  - {symbol: a, since: ["5.1", "5.3"]}',
    ]


def test_releases_stand_in_their_order() -> None:
    text = 'releases:\n  - release: "5.10"\n  - release: "5.9"\n  - release: "5.9.1"\n'
    assert canonical(text, "releases") == 'releases:\n  - release: "5.9"\n  - release: "5.9.1"\n  - release: "5.10"\n'


def test_entries_without_what_orders_them_stay_as_they_stand() -> None:
    text = "exports:\n  - a\n  - 1\nentries:\n  - {since: soon, symbol: b}\n  - {since: now, symbol: a}\n"
    assert canonical(text, "releases") == text


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x\n", "--- {a: 1}\n", "a: !!str 1\n", "a: 1\n--- \nb: 2\n"])
def test_what_no_catalogue_file_needs_has_no_canonical_form(text: str) -> None:
    with pytest.raises(InputError, match=r"line [12] has an anchor, an alias, a tag or a document mark"):
        canonical(text)


_odd = [
    *("yes", "null", "1", "6.1", "0xff", "#", " a", "a ", "a: b", "- a", "a #b", "'", '"'),
    *("\\", "[", "a, b", "é", "\n", "a\nb", "a\n\n b", "\u2028", "a\x85b", "\U0001f600", "\U000e0001"),
]
_words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(_odd)
_scalars = _words | st.integers() | st.booleans() | st.none()
_sources = st.lists(
    st.dictionaries(st.sampled_from(["tag", "path", "note", "kernel"]), _scalars, max_size=4), max_size=3
)
_entries = st.fixed_dictionaries(
    {"symbol": st.sampled_from("abc"), "since": st.sampled_from(["5.1", "5.10", "6.0", ["5.1", "5.3"]])},
    optional={"note": _scalars, "source": _sources, "when": _words, "unknown key": st.lists(_scalars, max_size=2)},
)
_documents = st.fixed_dictionaries(
    {},
    optional={
        "name": _scalars,
        "exports": st.lists(_entries, max_size=4),
        "aliases": st.lists(_scalars, max_size=3),
        "elf": st.dictionaries(st.sampled_from(["class", "machine"]), _scalars),
        "abi": _words,
        "notes": st.lists(st.lists(_scalars, max_size=2) | st.dictionaries(_words, _scalars, max_size=2), max_size=3),
    },
).filter(bool)


class WithoutAnchors(yaml.SafeDumper):
    """Writes what it meets twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@settings(deadline=None)
@given(
    _documents, st.sampled_from([None, True, False]), st.sampled_from([None, '"', "'", "|", ">"]), st.integers(20, 200)
)
def test_the_canonical_form_says_the_same_and_is_its_own(
    document: Any, flow: bool | None, style: str | None, width: int
) -> None:
    text = yaml.dump(
        document,
        Dumper=WithoutAnchors,
        default_flow_style=flow,
        default_style=style,
        width=width,
        sort_keys=False,
        allow_unicode=True,
    )
    if "!!" in text or "\n..." in text:  # the dumper tags what its quotes would change, and ends open block scalars
        return
    once = canonical(text)
    assert says_the_same(text, once)
    assert canonical(once) == once
    if "exports" not in document:
        assert parse_yaml(once, "") == parse_yaml(text, "")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["# one", "  # two", "", "    # three"]), max_size=3), st.integers(0, 17))
def test_no_comment_is_lost_wherever_it_stands(comments: list[str], line: int) -> None:
    lines = CANONICAL.splitlines()
    text = "\n".join([*lines[:line], *comments, *lines[line:]]) + "\n"
    once = canonical(text)
    assert sorted(part.strip() for part in once.splitlines() if part.strip().startswith("#")) == sorted(
        part.strip() for part in text.splitlines() if part.strip().startswith("#")
    )
    assert canonical(once) == once
    assert says_the_same(once, text)


def canonical_files(root: Path) -> tuple[Path, Path]:
    roots = write_files(root, clean_documents(), canonical=False)
    assert list(fix(roots[0])) != []
    return roots


def test_the_fixer_makes_files_canonical_and_then_leaves_them_alone(tmp_path: Path) -> None:
    roots = write_files(tmp_path, clean_documents(), canonical=False)
    (tmp_path / ABI).chmod(0o640)
    fixed = list(fix(roots[0]))
    assert tmp_path / ABI in fixed
    assert stat.S_IMODE((tmp_path / ABI).stat().st_mode) == 0o640
    assert parse_yaml((tmp_path / ABI).read_text(), "") == clean_documents()[ABI]
    assert list(fix(roots[0])) == []
    assert sorted(path.name for path in roots[0].iterdir() if path.name.startswith(".")) == []


def test_the_fixer_leaves_alone_what_a_schema_rejects(tmp_path: Path) -> None:
    roots = canonical_files(tmp_path)
    broken = (tmp_path / ABI).read_text().replace("abi: i386\nname: 32-bit x86\n", "name: 32-bit x86\nabi: 386\n")
    (tmp_path / ABI).write_text(broken)
    (roots[0] / "abis" / "none.yaml").write_text("a: [\n")
    assert list(fix(roots[0])) == []
    assert (tmp_path / ABI).read_text() == broken


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = write_files(tmp_path, clean_documents(), canonical=False)

    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("vdsocat.lint.fix.tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match=r"\.yaml: cannot be written \(Permission denied\)\."):
        list(fix(roots[0]))


def texts_of(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.rglob("*.yaml")}


def test_the_rule_names_the_file_and_the_line(tmp_path: Path) -> None:
    canonical_files(tmp_path)
    texts = texts_of(tmp_path)
    documents = {name: parse_yaml(text, name) for name, text in texts.items()}
    assert list(form.noncanonical_files(LintInput(documents, texts))) == []
    texts[ABI] = texts[ABI].replace("  machine: EM_386\n  class: 32\n", "  class: 32\n  machine: EM_386\n")
    (problem,) = form.noncanonical_files(LintInput(documents, texts))
    line = texts[ABI].splitlines().index("  class: 32") + 1
    assert (problem.file, problem.place) == (ABI, ())
    assert f"line {line} is not in canonical form; run vdsocat lint --fix" in problem.text


def test_the_rule_says_what_has_no_canonical_form(tmp_path: Path) -> None:
    canonical_files(tmp_path)
    texts = texts_of(tmp_path)
    texts[ABI] = texts[ABI].replace("abi: i386", "abi: &name i386")
    (problem,) = form.noncanonical_files(LintInput({}, texts))
    assert "line 1 has an anchor" in problem.text


def test_evidence_is_as_programs_write_it() -> None:
    written = spell_evidence(AbiEvidence("i386"))
    document = parse_yaml(written, EVIDENCE)
    assert list(form.edited_evidence(LintInput({EVIDENCE: document}, {EVIDENCE: written}))) == []
    edited = LintInput({EVIDENCE: document}, {EVIDENCE: written + "# Somebody looked.\n"})
    (problem,) = form.edited_evidence(edited)
    assert (problem.file, problem.place) == (EVIDENCE, ())
    assert "record the evidence again" in problem.text


def test_the_fixer_leaves_evidence_alone(tmp_path: Path) -> None:
    roots = canonical_files(tmp_path)
    path = tmp_path / EVIDENCE
    path.parent.mkdir()
    path.write_text("{without: [], images: [], abi: i386}\n", encoding="utf-8")
    assert list(fix(roots[0])) == []
