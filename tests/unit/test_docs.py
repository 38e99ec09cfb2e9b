"""The examples of the documentation, run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["python.md"])
def test_the_examples_of_a_page_are_true(page: str) -> None:
    result = doctest.testfile(str(DOCS / page), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.attempted > 0
    assert result.failed == 0


def test_the_package_has_what_it_promises_and_nothing_else() -> None:
    import vdsocat

    assert all(getattr(vdsocat, name) for name in vdsocat.__all__)
    with pytest.raises(AttributeError, match="no attribute 'catalogue'"):
        vdsocat.catalogue  # noqa: B018
