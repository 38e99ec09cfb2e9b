"""Rules about sources: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import Broken, Change, Documents, assert_breaks, assert_harmless, export, i386

ABI = "catalog/abis/i386.yaml"
FULL = "7a59ed415f5b57469e22e41fc4188d5399e0b194"


def sources(documents: Documents) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = export(documents, "__vdso_getcpu")["source"]
    return entries


def a_note_alone(documents: Documents) -> None:
    sources(documents).append({"note": "somebody said so"})


def a_tree_without_a_path(documents: Documents) -> None:
    sources(documents).append({"tag": "v6.0"})


def a_path_without_a_tree(documents: Documents) -> None:
    sources(documents).append({"path": "arch/x86"})


def a_vague_source_of_a_host(documents: Documents) -> None:
    i386(documents)["hosts"][0]["source"] = [{"commit": "0123456789ab"}]


def an_abbreviated_commit(documents: Documents) -> None:
    sources(documents).append({"commit": FULL[:12], "path": "arch/x86"})


def a_source_given_twice(documents: Documents) -> None:
    sources(documents).append(dict(sources(documents)[0]))


BROKEN = [
    Broken("vague-sources", a_note_alone, ABI, "exports/__vdso_getcpu/source/item 2", ("names no commit",)),
    Broken("vague-sources", a_tree_without_a_path, ABI, "exports/__vdso_getcpu/source/item 2", ("no path in it",)),
    Broken("vague-sources", a_path_without_a_tree, ABI, "exports/__vdso_getcpu/source/item 2", ("names no commit",)),
    Broken("vague-sources", a_vague_source_of_a_host, ABI, "hosts/item 1/source/item 1", ("no path in it",)),
    Broken("unequal-commits", an_abbreviated_commit, ABI, "exports/__vdso_getcpu/source/item 2", (FULL, FULL[:12])),
    Broken("repeated-sources", a_source_given_twice, ABI, "exports/__vdso_getcpu/source/item 2", ("is there twice",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def a_merge(documents: Documents) -> None:
    sources(documents).append({"commit": FULL, "note": "merge of x86-for-linus-6.0"})


def a_kernel(documents: Documents) -> None:
    sources(documents).append({"kernel": "Debian 6.1.176-1, amd64"})


def an_address(documents: Documents) -> None:
    sources(documents).append({"url": "https://lore.kernel.org/all/x", "note": "the patch"})


@pytest.mark.parametrize("change", [a_merge, a_kernel, an_address], ids=lambda change: change.__name__)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
