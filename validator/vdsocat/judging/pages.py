"""The page of each rule, from the docstring of the function that judges by it: nothing is typed twice."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from vdsocat import judging
from vdsocat.judging.structure import StructureRule

_TITLE = re.compile(r"([A-Z]+(?:-[A-Z]+)+): ")
_PART = re.compile(r"^(Why|Source|Reproduce): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RulePage:
    """What is told of a rule: what it checks, why anyone cares, what guarantees it, how to see it oneself.

    `details` is what there is to say of what it checks beyond the first paragraph, "" for nothing.
    """

    name: str
    checks: str
    details: str
    why: str
    source: str
    reproduce: str


def rule_pages() -> dict[str, RulePage]:
    """The page of every rule that a kernel is judged by, in the order of their names.

    ValueError for a docstring without one of its parts, or a rule with two pages.
    """
    pages: dict[str, RulePage] = {}
    for name, text in _documented_rules():
        if name in pages:
            raise ValueError(f"two functions have the page of {name}")
        pages[name] = _read_page(name, text)
    return dict(sorted(pages.items()))


def _documented_rules() -> Iterator[tuple[str, str]]:
    """Names and docstrings: of the table of structure rules, and of functions whose docstring begins with a name."""
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                text = inspect.getdoc(value) or ""
                if match := _TITLE.match(text):
                    yield match[1], text[match.end() :]
            elif isinstance(value, tuple):
                yield from (
                    (rule.name, inspect.cleandoc(rule.page)) for rule in value if isinstance(rule, StructureRule)
                )


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(judging.__path__):
        yield importlib.import_module(f"{judging.__name__}.{found.name}")


def _read_page(name: str, text: str) -> RulePage:
    """ "What is checked.", an empty line, perhaps more of it, and then the parts, each begun by its word."""
    told, *rest = _PART.split(text)
    parts = {word: _one_line(said) for word, said in zip(rest[::2], rest[1::2], strict=True)}
    missing = [word for word in ("Why", "Source", "Reproduce") if not parts.get(word)]
    if missing:
        raise ValueError(f"the docstring of {name} does not say {', '.join(missing)}")
    checks, _, details = told.partition("\n\n")
    return RulePage(name, _one_line(checks), _one_line(details), parts["Why"], parts["Source"], parts["Reproduce"])


def _one_line(text: str) -> str:
    return " ".join(text.split())
