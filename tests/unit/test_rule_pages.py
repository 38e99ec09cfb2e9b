"""The pages of rules: every rule has one, made from its docstring, and docs/rules/ has them as they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from outcomes import Command

from vdsocat import judging
from vdsocat.judging.pages import RulePage, _read_page, rule_pages
from vdsocat.report.rule_pages import render_index, render_markdown, render_text

DOCS = Path(__file__).parents[2] / "docs" / "rules"
PAGE = RulePage("ELF-TEST", "all is well in arch/*/a", "and arch/*/b.", "it | breaks.", "the `a*b` of it", "`readelf`")


def test_every_rule_that_the_judge_names_has_a_page_and_every_page_a_rule() -> None:
    named = {name for path in Path(judging.__path__[0]).glob("*.py") for name in _rules_named_in(path)}
    assert {"SYM-MISSING", "ELF-LOAD", "CALL-VALUE", "MAP-NAME", "FAST-PATH"} <= named
    assert named == rule_pages().keys()


def test_the_committed_pages_are_those_of_the_docstrings() -> None:
    pages = rule_pages()
    expected = {f"{name}.md": render_markdown(page) for name, page in pages.items()} | {
        "README.md": render_index(pages)
    }
    committed = {path.name: path.read_text("utf-8") for path in DOCS.iterdir()}
    assert sorted(committed) == sorted(expected), "`make rules` writes them"
    assert [name for name in expected if committed[name] != expected[name]] == [], "`make rules` writes them"


def test_a_docstring_is_read_part_by_part() -> None:
    said = "Why: because\n  of it.\nSource: the file: line 3.\nReproduce: `run`"
    page = _read_page("A-B", f"what it\nchecks.\n\n{said}")
    assert page == RulePage("A-B", "what it checks.", "", "because of it.", "the file: line 3.", "`run`")
    assert _read_page("A-B", f"what it\nchecks.\n\nAnd\nhow.\n\n{said}").details == "And how."


@pytest.mark.parametrize(
    ("text", "missing"), [("checks.", "Why, Source, Reproduce"), ("c.\n\nWhy: w\nSource: s", "Rep")]
)
def test_a_docstring_without_a_part_is_an_error(text: str, missing: str) -> None:
    with pytest.raises(ValueError, match=f"docstring of A-B does not say {missing}"):
        _read_page("A-B", text)


def test_markup_outside_of_code_is_escaped() -> None:
    text = render_markdown(PAGE)
    assert r"**Checks:** all is well in arch/\*/a and arch/\*/b." in text
    assert r"it \| breaks." in text
    assert "the `a*b` of it" in text
    assert "arch/*/a" in render_text(PAGE, 80)


def test_the_verb_lists_the_rules(vdsocat: Command) -> None:
    outcome = vdsocat("rules", "--format", "csv")
    assert outcome.status == 0
    assert len(outcome.out.splitlines()) == len(rule_pages()) + 1


def test_the_verb_prints_a_page(vdsocat: Command) -> None:
    outcome = vdsocat("rules", "sym-missing")
    assert outcome.status == 0
    assert outcome.out.startswith("SYM-MISSING\n\nChecks: a symbol that the catalogue expects")


def test_the_verb_knows_no_other_rule(vdsocat: Command) -> None:
    outcome = vdsocat("rules", "SYM-MISING")
    assert outcome.status == 2
    assert "no rule 'SYM-MISING'; did you mean 'SYM-MISSING'" in outcome.err


def test_the_verb_writes_the_pages(vdsocat: Command, tmp_path: Path) -> None:
    assert vdsocat("rules", "--out", tmp_path / "rules").status == 0
    assert {path.stem for path in (tmp_path / "rules").iterdir()} == rule_pages().keys() | {"README"}


def _rules_named_in(path: Path) -> set[str]:
    """The names that are written out as a string of their own: docstrings are longer."""
    strings = (node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant))
    return {text for text in strings if isinstance(text, str) and re.fullmatch(r"[A-Z]+(-[A-Z]+)+", text)}
