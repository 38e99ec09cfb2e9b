"""The pages of rules: as Markdown for docs/rules/, as text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vdsocat.judging.pages import RulePage

_MARKDOWN_WIDTH = 120
_CODE = re.compile(r"(`[^`]*`)")


def render_markdown(page: RulePage) -> str:
    """One rule: its name as the heading, and a paragraph for each part."""
    paragraphs = [f"**{word}:** {escape_prose(text)}" for word, text in _parts(page)]
    return f"# {page.name}\n\n" + "\n\n".join(_fill(one, _MARKDOWN_WIDTH) for one in paragraphs) + "\n"


def render_text(page: RulePage, width: int) -> str:
    """The same for a terminal of `width` columns, without a final newline."""
    return "\n\n".join([page.name, *(_fill(f"{word}: {text}", width) for word, text in _parts(page))])


def render_index(pages: Mapping[str, RulePage]) -> str:
    """The list of rules, each with what it checks and a link to its page beside it."""
    rows = "\n".join(f"| [{one.name}]({one.name}.md) | {escape_prose(one.checks)} |" for one in pages.values())
    made = "Made by `make rules` from the docstrings of the functions that judge; `vdsocat rules RULE` prints one."
    return f"# Rules\n\n{made}\n\n| rule | checks |\n|---|---|\n{rows}\n"


def _parts(page: RulePage) -> Iterator[tuple[str, str]]:
    yield "Checks", f"{page.checks} {page.details}".rstrip()
    yield "Why", page.why
    yield "Source", page.source
    yield "Reproduce", page.reproduce


def escape_prose(text: str) -> str:
    """Prose as Markdown: what would be markup outside of code, such as the stars of arch/*/include, said not to be."""
    pieces = _CODE.split(text)
    return "".join(piece if number % 2 else re.sub(r"([*|<])", r"\\\1", piece) for number, piece in enumerate(pieces))


def _fill(paragraph: str, width: int) -> str:
    return textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
