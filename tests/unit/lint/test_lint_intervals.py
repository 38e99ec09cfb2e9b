"""Rules about stretches of releases: one change for each way to break them, and what is none."""

from __future__ import annotations

import pytest
from broken import SOURCE, Broken, Change, Documents, arm, assert_breaks, assert_harmless, export, i386

ABI = "catalog/abis/i386.yaml"


def since_after_until(documents: Documents) -> None:
    export(documents, "__vdso_time").update(since="6.1", until="5.3")


def since_at_until(documents: Documents) -> None:
    export(documents, "__vdso_time").update(since="5.3", until="5.3")


def a_pair_out_of_order(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = ["6.0", "5.3"]


def a_backport_to_a_younger_release(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["since"] = {"release": "5.3", "backports": ["6.0.1"]}


def overlapping_entries(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_time") | {"since": "5.3", "until": "6.1"})


def overlapping_with_a_condition(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_getrandom") | {"since": "6.0"})


def two_sonames_at_once(documents: Documents) -> None:
    i386(documents)["vdso"].append({"since": "5.3", "soname": "linux-gate.so.2", "source": SOURCE})


def two_sets_of_hash_tables_at_once(documents: Documents) -> None:
    i386(documents)["hash"] = [
        {"styles": ["sysv"], "since": "2.6.0", "source": SOURCE},
        {"styles": ["gnu"], "since": "5.3", "source": SOURCE},
    ]


def a_history_backwards(documents: Documents) -> None:
    comeback = dict(export(documents, "__vdso_time"))
    export(documents, "__vdso_time").update(since="6.1")
    del export(documents, "__vdso_time")["until"]
    i386(documents)["exports"].append(comeback)


def an_export_older_than_the_image(documents: Documents) -> None:
    i386(documents)["vdso"][0]["since"] = "2.6.23"


def an_export_between_two_images(documents: Documents) -> None:
    vdso = i386(documents)["vdso"]
    vdso[0]["until"] = "5.1"
    vdso.append(vdso[0] | {"since": "5.3", "until": "6.1"})
    vdso.append(vdso[0] | {"since": "6.1"})
    del vdso[2]["until"]
    documents[ABI]["exports"] = [export(documents, "__vdso_getcpu"), export(documents, "__vdso_time")]
    for function in ("getrandom", "sigreturn"):
        entry = {"symbol": f"__vdso_{function}", "function": function, "version": "LINUX_2.6", "since": "4.1"}
        documents["catalog/abis/arm.yaml"]["exports"].append(entry | {"source": SOURCE})


def exports_without_an_image(documents: Documents) -> None:
    i386(documents).update(vdso=[], exports=[export(documents, "__vdso_getcpu")])
    for number, function in enumerate(("time", "getrandom", "sigreturn")):
        entry = {"symbol": f"__vdso_{number}", "function": function, "version": "LINUX_2.6", "since": "4.1"}
        arm(documents)["exports"].append(entry | {"source": SOURCE})


def hash_tables_after_the_image(documents: Documents) -> None:
    i386(documents)["vdso"][0]["until"] = "6.1"
    i386(documents)["exports"] = [one | {"until": "6.1"} for one in i386(documents)["exports"] if "until" not in one]
    i386(documents)["exports"].append(
        export(documents, "__vdso_getcpu") | {"symbol": "__vdso_time", "function": "time"}
    )
    i386(documents)["hash"] = [{"styles": ["sysv"], "since": "2.6.0", "source": SOURCE}]


def an_auxv_entry_before_the_image(documents: Documents) -> None:
    arm(documents)["areas"][0]["since"] = arm(documents)["areas"][0]["entries"][0]["since"] = "3.15"
    arm(documents)["auxv"] = [{"tag": "AT_SYSINFO_EHDR", "since": "2.6.23", "source": SOURCE}]


def a_mapping_after_the_image(documents: Documents) -> None:
    documents["catalog/abis/x86-64.yaml"].update(
        vdso=[{"since": "2.6.23", "until": "6.1", "soname": "linux-vdso.so.1", "source": SOURCE}],
        exports=[one | {"until": "6.1"} for one in documents["catalog/abis/x86-64.yaml"]["exports"]],
        mappings=[{"mapping": "[vdso]", "since": "2.6.23", "source": SOURCE}],
    )


def an_image_before_its_hosts(documents: Documents) -> None:
    documents["catalog/abis/x86-64.yaml"]["hosts"][0]["since"] = "3.15"


def a_page_after_its_hosts(documents: Documents) -> None:
    for host in arm(documents)["hosts"]:
        host["until"] = "6.1"
    for entry in (*arm(documents)["vdso"], *arm(documents)["exports"]):
        entry["until"] = "6.1"


def an_image_without_hash_tables(documents: Documents) -> None:
    i386(documents)["hash"] = [{"styles": ["sysv"], "since": "5.1", "source": SOURCE}]


def a_condition_that_no_host_meets(documents: Documents) -> None:
    documents["catalog/abis/x86-64.yaml"]["exports"][2]["when"] = "CONFIG_GETCPU and not compat"


def an_entry_older_than_its_page(documents: Documents) -> None:
    arm(documents)["areas"][0]["since"] = "3.15"


BROKEN = [
    Broken("reversed-intervals", since_after_until, ABI, "exports/__vdso_time", ("since 6.1 is not before until 5.3",)),
    Broken("reversed-intervals", since_at_until, ABI, "exports/__vdso_time", ("since 5.3 is not before until 5.3",)),
    Broken(
        "reversed-intervals",
        a_pair_out_of_order,
        ABI,
        "exports/__vdso_getcpu/since",
        ("the pair 6.0…5.3 is not in order",),
    ),
    Broken(
        "misplaced-backports",
        a_backport_to_a_younger_release,
        ABI,
        "exports/__vdso_getcpu/since",
        ("6.0.1 is no backport", "5.3"),
    ),
    Broken("overlapping-intervals", overlapping_entries, ABI, "exports/__vdso_time", ("two entries", "from 5.3 until")),
    Broken("overlapping-intervals", overlapping_with_a_condition, ABI, "exports/__vdso_getrandom", ("since 6.0",)),
    Broken("overlapping-intervals", two_sonames_at_once, ABI, "vdso/item 2", ("since 2.6.0; since 5.3",)),
    Broken("overlapping-intervals", two_sets_of_hash_tables_at_once, ABI, "hash/item 2", ("overlap",)),
    Broken(
        "disordered-intervals", a_history_backwards, ABI, "exports/__vdso_time", ("since 3.15 stands after since 6.1",)
    ),
    Broken(
        "exports-outside-images",
        an_export_older_than_the_image,
        ABI,
        "exports/__kernel_sigreturn",
        ("since 2.6.0", "image since 2.6.23"),
    ),
    Broken(
        "exports-outside-images",
        an_export_between_two_images,
        ABI,
        "exports/__vdso_time",
        ("from 3.15 until 6.0", "from 2.6.0 until 5.1; from 5.3 until 6.1; since 6.1"),
    ),
    Broken("exports-outside-images", exports_without_an_image, ABI, "exports/__vdso_getcpu", ("never",)),
    Broken("exports-outside-images", hash_tables_after_the_image, ABI, "hash/item 1", ("since 2.6.0", "until 6.1")),
    Broken(
        "mappings-outside-images",
        an_auxv_entry_before_the_image,
        "catalog/abis/arm.yaml",
        "auxv/AT_SYSINFO_EHDR",
        ("AT_SYSINFO_EHDR is there since 2.6.23", "since 4.1; since 3.15"),
    ),
    Broken(
        "mappings-outside-images",
        a_mapping_after_the_image,
        "catalog/abis/x86-64.yaml",
        "mappings/[vdso]",
        ("[vdso] is there since 2.6.23", "from 2.6.23 until 6.1"),
    ),
    Broken(
        "images-outside-hosts",
        an_image_before_its_hosts,
        "catalog/abis/x86-64.yaml",
        "vdso/item 1",
        ("since 2.6.23", "hosts since 3.15"),
    ),
    Broken(
        "images-outside-hosts",
        a_page_after_its_hosts,
        "catalog/abis/arm.yaml",
        "areas/kuser",
        ("since 2.6.0", "until 6.1"),
    ),
    Broken(
        "images-without-hash-tables",
        an_image_without_hash_tables,
        ABI,
        "vdso/item 1",
        ("since 2.6.0", "hash tables since 5.1"),
    ),
    Broken(
        "conditions-of-no-host",
        a_condition_that_no_host_meets,
        "catalog/abis/x86-64.yaml",
        "exports/__vdso_getcpu/when",
        ("no host runs the ABI as compat",),
    ),
    Broken(
        "entries-outside-areas",
        an_entry_older_than_its_page,
        "catalog/abis/arm.yaml",
        "areas/kuser/entries/__kuser_get_tls",
        ("since 2.6.0", "kuser since 3.15"),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_change_breaks_one_rule(broken: Broken) -> None:
    assert_breaks(broken)


def a_comeback(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_time") | {"since": "6.1"})
    del i386(documents)["exports"][-1]["until"]


def an_export_of_stable_kernels_alone(documents: Documents) -> None:
    since = {"release": "5.3", "backports": ["5.1.20"]}
    export(documents, "__vdso_time").update(since=since, until="5.3")


def meeting_at_a_bound(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_time") | {"since": "6.0", "until": "6.1"})


def one_release_under_two_conditions(documents: Documents) -> None:
    export(documents, "__vdso_getcpu")["when"] = "native"
    i386(documents)["exports"].append(export(documents, "__vdso_getcpu") | {"when": "compat"})


def two_versions_at_once(documents: Documents) -> None:
    i386(documents)["exports"].append(export(documents, "__vdso_getcpu") | {"version": "LINUX_4.15"})


def a_change_of_soname(documents: Documents) -> None:
    vdso = i386(documents)["vdso"]
    vdso.append(vdso[0] | {"since": "5.3", "soname": "linux-gate.so.2"})
    vdso[0]["until"] = "5.3"


def two_auxv_tags_at_once(documents: Documents) -> None:
    i386(documents)["auxv"] = [
        {"tag": tag, "since": "2.6.0", "source": SOURCE} for tag in ("AT_SYSINFO", "AT_SYSINFO_EHDR")
    ]


@pytest.mark.parametrize(
    "change",
    [
        a_comeback,
        an_export_of_stable_kernels_alone,
        meeting_at_a_bound,
        one_release_under_two_conditions,
        two_versions_at_once,
        a_change_of_soname,
        two_auxv_tags_at_once,
    ],
    ids=lambda change: change.__name__,
)
def test_what_resembles_a_problem_but_is_none(change: Change) -> None:
    assert_harmless(change)
