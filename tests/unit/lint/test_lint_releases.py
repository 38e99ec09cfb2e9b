"""Rules about releases: one change for each way to break them, and what is none."""

from __future__ import annotations

import pytest
from broken import Broken, Change, Documents, arm, assert_breaks, assert_harmless, export, i386

ABI = "catalog/abis/i386.yaml"
TABLE = "catalog/releases.yaml"


def releases(documents: Documents) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = documents[TABLE]["releases"]
    return entries


def an_undated_release(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = "5.17"


def an_undated_release_in_a_pair(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = ["5.17", "6.0"]


def an_undated_backport(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = {"release": "6.0", "backports": ["5.17.3"]}


def an_undated_release_of_an_area(documents: Documents) -> None:
    arm(documents)["areas"][0]["entries"][0]["since"] = "2.6.24"


def an_undated_end_of_an_architecture(documents: Documents) -> None:
    documents["catalog/architectures.yaml"]["architectures"][3]["until"] = "6.3"


def a_stable_release(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = "6.0.7"


def an_end_in_a_later_stable_release(documents: Documents) -> None:
    export(documents, "__vdso_time")["until"] = "6.0.7"


def a_release_out_of_order(documents: Documents) -> None:
    releases(documents).append(releases(documents).pop(-2))


def a_release_older_than_its_predecessor(documents: Documents) -> None:
    releases(documents)[-1]["date"] = "2019-01-01"


def a_stable_release_older_than_its_mainline(documents: Documents) -> None:
    releases(documents).append({"release": "6.1.1", "date": "2022-12-10", "source": ["table"]})


def a_gap(documents: Documents) -> None:
    releases(documents).append({"release": "6.3", "unknown": "made up", "source": []})


BROKEN = [
    Broken("undated-releases", an_undated_release, ABI, "exports/__vdso_getcpu/since", ("nobody dated release 5.17",)),
    Broken(
        "undated-releases",
        an_undated_release_in_a_pair,
        ABI,
        "exports/__vdso_getcpu/since",
        ("nobody dated release 5.17",),
    ),
    Broken(
        "undated-releases", an_undated_backport, ABI, "exports/__vdso_getcpu/since", ("nobody dated release 5.17.3",)
    ),
    Broken(
        "undated-releases",
        an_undated_release_of_an_area,
        "catalog/abis/arm.yaml",
        "areas/kuser/entries/__kuser_get_tls/since",
        ("nobody dated release 2.6.24",),
    ),
    Broken(
        "undated-architectures",
        an_undated_end_of_an_architecture,
        "catalog/architectures.yaml",
        "architectures/alpha/until",
        ("nobody dated release 6.3",),
    ),
    Broken("stable-bounds", a_stable_release, ABI, "exports/__vdso_getcpu/since", ("6.0.7 is a stable release",)),
    Broken("stable-bounds", an_end_in_a_later_stable_release, ABI, "exports/__vdso_time/until", ("under backports",)),
    Broken("unsorted-releases", a_release_out_of_order, TABLE, "releases/6.0", ("6.0 stands after 6.1",)),
    Broken(
        "unsorted-releases",
        a_release_older_than_its_predecessor,
        TABLE,
        "releases/6.1",
        ("6.1 is dated 2019-01-01, before 5.3 (2019-09-15)",),
    ),
    Broken(
        "unsorted-releases",
        a_stable_release_older_than_its_mainline,
        TABLE,
        "releases/6.1.1",
        ("6.1.1 is dated 2022-12-10, before 6.1 (2022-12-11)",),
    ),
    Broken("missing-releases", a_gap, TABLE, "", ("between 6.1 and 6.3",)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def a_stable_series_beside_a_younger_release(documents: Documents) -> None:
    entries = releases(documents)
    entries.insert(-1, {"release": "5.3.1", "date": "2024-01-01", "source": ["table"]})
    entries.sort(key=lambda entry: str(entry["release"]) if str(entry["release"])[0] != "2" else "")


def what_only_a_stable_series_had(documents: Documents) -> None:
    export(documents, "__vdso_time").update(since="6.0.7", until="6.1")


def what_a_stable_release_mended(documents: Documents) -> None:
    export(documents, "__vdso_time").update(since="6.0", until="6.0.7")


def a_stable_release_as_the_last_of_the_old_way(documents: Documents) -> None:
    i386(documents)["vdso"][0]["since"] = ["2.6.0", "2.6.1"]
    export(documents, "__kernel_sigreturn")["since"] = "2.6.1"
    export(documents, "__vdso_getcpu")["since"] = ["5.3.9", "6.0"]


@pytest.mark.parametrize(
    "change",
    [
        a_stable_series_beside_a_younger_release,
        what_only_a_stable_series_had,
        what_a_stable_release_mended,
        a_stable_release_as_the_last_of_the_old_way,
    ],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
