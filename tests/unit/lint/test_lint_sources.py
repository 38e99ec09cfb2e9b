"""Rules about sources: one change for each way to break them, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from broken import COMMIT, Broken, Change, Documents, assert_breaks, assert_harmless, export, i386

ABI = "catalog/abis/i386.yaml"
RELEASES = "catalog/releases.yaml"


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
    sources(documents).append({"commit": COMMIT[:12], "path": "arch/x86"})


def a_source_given_twice(documents: Documents) -> None:
    sources(documents).append(dict(sources(documents)[0]))


def a_release_that_one_tree_shows(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["source"] = [{"tag": "v6.0", "path": "arch/x86"}]


def an_end_that_two_distant_trees_show(documents: Documents) -> None:
    trees = [{"tag": tag, "path": "arch/x86"} for tag in ("v5.1", "v6.0.1")]
    export(documents, "__vdso_time").update(since="2.6.0", source=trees)


def a_function_without_a_source(documents: Documents) -> None:
    del documents["catalog/functions.yaml"]["functions"][1]["source"]


def a_date_without_a_source(documents: Documents) -> None:
    documents[RELEASES]["releases"][-1]["source"] = []


def a_source_of_a_date_that_nobody_describes(documents: Documents) -> None:
    documents[RELEASES]["releases"][-1]["source"] = ["tabel"]


def a_source_of_no_date(documents: Documents) -> None:
    documents[RELEASES]["sources"]["rumour"] = {"what": "what people say"}


BROKEN = [
    Broken(
        "unsourced-facts",
        a_function_without_a_source,
        "catalog/functions.yaml",
        "functions/getcpu",
        ("has no source",),
    ),
    Broken("unsourced-facts", a_date_without_a_source, RELEASES, "releases/6.1", ("has a date, but no source",)),
    Broken(
        "undescribed-sources",
        a_source_of_a_date_that_nobody_describes,
        RELEASES,
        "releases/6.1",
        ("'tabel'", "did you mean 'table'?"),
    ),
    Broken("undescribed-sources", a_source_of_no_date, RELEASES, "sources/rumour", ("no release cites it",)),
    Broken(
        "unproven-bounds",
        a_release_that_one_tree_shows,
        ABI,
        "exports/__vdso_getcpu/since",
        ("6.0 needs the commit, or a source in 5.3 and one in 6.0",),
    ),
    Broken("unproven-bounds", an_end_that_two_distant_trees_show, ABI, "exports/__vdso_time/until", ("6.0 needs",)),
    Broken("vague-sources", a_note_alone, ABI, "exports/__vdso_getcpu/source/item 2", ("names no commit",)),
    Broken("vague-sources", a_tree_without_a_path, ABI, "exports/__vdso_getcpu/source/item 2", ("no path in it",)),
    Broken("vague-sources", a_path_without_a_tree, ABI, "exports/__vdso_getcpu/source/item 2", ("names no commit",)),
    Broken("vague-sources", a_vague_source_of_a_host, ABI, "hosts/item 1/source/item 1", ("no path in it",)),
    Broken("unequal-commits", an_abbreviated_commit, ABI, "exports/__vdso_getcpu/source/item 2", (COMMIT, COMMIT[:12])),
    Broken("repeated-sources", a_source_given_twice, ABI, "exports/__vdso_getcpu/source/item 2", ("is there twice",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def a_merge(documents: Documents) -> None:
    sources(documents).append({"commit": COMMIT, "note": "merge of x86-for-linus-6.0"})


def a_kernel(documents: Documents) -> None:
    sources(documents).append({"kernel": "Debian 6.1.176-1, amd64"})


def an_address(documents: Documents) -> None:
    sources(documents).append({"url": "https://lore.kernel.org/all/x", "note": "the patch"})


def two_neighbouring_trees(documents: Documents) -> None:
    trees = [{"tag": tag, "path": "arch/x86"} for tag in ("v5.3.18", "v6.0.1")]
    export(documents, "__vdso_getcpu")["source"] = trees


def a_pair_that_claims_nothing(documents: Documents) -> None:
    export(documents, "__vdso_getcpu").update(since=["5.1", "6.0"], source=[{"tag": "v6.0", "path": "arch/x86"}])


@pytest.mark.parametrize(
    "change",
    [a_merge, a_kernel, an_address, two_neighbouring_trees, a_pair_that_claims_nothing],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
