"""The systems of the catalogue: what was booted, what was only read or emulated, and what is said of the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from outcomes import Command
from small_catalog import small_catalog

from vdsocat.catalog.evidence import AbiEvidence, ImageFacts, Observation, Sighting
from vdsocat.catalog.intervals import Bound, Interval
from vdsocat.catalog.model import Provider, ProviderAbi
from vdsocat.catalog.systems import Shown, System, Unbooted, systems
from vdsocat.documents import data_directory
from vdsocat.exports import KernelRelease

CATALOG = small_catalog()
SEEN = Sighting("k", "1", "armhf", "6.1.1", "native", "static", "2026-11-24", "0" * 64, "1" * 64)
LITTLE = ImageFacts("little", None, ("gnu",), 0, ())
BIG = replace(LITTLE, endianness="big")


def of_arm(*observations: Observation) -> dict[tuple[str, str], System]:
    found = systems(CATALOG, [AbiEvidence("arm", observations)])
    return {(one.mode, one.endianness): one for one in found if one.abi == "arm"}


def test_a_system_is_an_abi_in_one_byte_order_run_in_one_mode() -> None:
    found = of_arm()
    assert list(found) == [("native", "little"), ("native", "big"), ("compat", "little"), ("compat", "big")]
    assert {(one.kernel, one.bits) for one in found.values()} == {("arm", 32), ("arm64", 64)}
    assert {one.sighting for one in found.values()} == {None}


def test_the_newest_booted_release_counts_and_else_the_newest_that_was_read() -> None:
    found = of_arm(
        Observation(replace(SEEN, release="6.2"), LITTLE),
        Observation(replace(SEEN, how="mapped", mappings=("[vdso]",)), LITTLE),
        Observation(replace(SEEN, mode="compat", release="6.3"), LITTLE),
        Observation(replace(SEEN, mode="compat", release="6.4"), LITTLE),
        Observation(replace(SEEN, mode="compat", release="6.5"), None),
        Observation(replace(SEEN, how="mapped", mappings=("[vdso]",), release="6.10"), BIG),
    )
    states = {key: (one.shown, one.sighting.release if one.sighting else None) for key, one in found.items()}
    assert states == {
        ("native", "little"): (Shown.BOOTED, "6.1.1"),
        ("native", "big"): (Shown.BOOTED, "6.10"),
        ("compat", "little"): (Shown.READ, "6.4"),
        ("compat", "big"): (Shown.NOTHING, None),
    }


def test_a_kernel_that_maps_no_image_was_booted_in_the_byte_order_that_its_sighting_tells() -> None:
    mapped_nothing = replace(SEEN, how="mapped", image_sha256=None, mappings=("[vectors]",))
    assert {one.shown for one in of_arm(Observation(mapped_nothing, None)).values()} == {Shown.NOTHING}
    found = of_arm(Observation(replace(mapped_nothing, endianness="big"), None))
    assert [key for key, one in found.items() if one.shown is Shown.BOOTED] == [("native", "big")]


@pytest.mark.parametrize(
    ("offered", "shown"), [((), {"little", "big"}), (("big",), {"big"}), (("little",), {"little"})]
)
def test_an_emulator_counts_in_the_byte_orders_that_it_offers(offered: tuple[str, ...], shown: set[str]) -> None:
    entry = ProviderAbi("arm", Interval(Bound.parse("8.2")), None, (), endianness=offered)
    catalog = replace(CATALOG, providers={"an-emulator": Provider("an-emulator", "An emulator", (entry,), {})})
    told = [one for one in systems(catalog, []) if one.abi == "arm"]
    assert {one.endianness for one in told if one.shown is Shown.EMULATED} == shown
    assert {tuple(one.emulators.items()) for one in told if one.emulators} == {(("an-emulator", "8.2"),)}


def test_of_directories_that_followed_each_other_the_last_one_counts() -> None:
    old = replace(CATALOG.abis["arm"].hosts[0], kernel="arm26")
    interval = replace(old.interval, since=replace(old.interval.since, after=KernelRelease.parse("2.5.0")))
    arm = replace(CATALOG.abis["arm"], hosts=(*CATALOG.abis["arm"].hosts, replace(old, interval=interval)))
    told = systems(replace(CATALOG, abis={"arm": arm}), [])
    assert {one.kernel for one in told if one.mode == "native"} == {"arm"}


def test_a_reason_is_for_the_systems_that_fit_all_it_names() -> None:
    found = of_arm()
    reason = Unbooted(("arm",), "No.", "2026-11-25", endianness="big", mode="compat")
    assert [key for key, one in found.items() if reason.is_about(one)] == [("compat", "big")]
    assert all(Unbooted(("arm", "i386"), "No.", "2026-11-25").is_about(one) for one in found.values())
    assert not any(Unbooted(("i386",), "No.", "2026-11-25").is_about(one) for one in found.values())


def test_the_list_says_what_was_seen_and_why_no_more(vdsocat: Command, catalog_root: Path) -> None:
    (catalog_root / "unbooted.yaml").write_text(
        'unbooted: [{abis: [arm], mode: compat, reason: Nobody has one., date: "2026-11-24"}]\n'
    )
    outcome = vdsocat("kernels", "systems", "--format", "csv")
    assert outcome.status == 0
    assert outcome.out.splitlines()[:5] == [
        "abi,kernel,order,mode,shown,linux,date,reason",
        "arm,arm 32-bit,little,native,catalogue only,,,unknown: nobody wrote it down",
        "arm,arm 32-bit,big,native,catalogue only,,,unknown: nobody wrote it down",
        "arm,arm64 64-bit,little,compat,catalogue only,,2026-11-24,Nobody has one.",
        "arm,arm64 64-bit,big,compat,catalogue only,,2026-11-24,Nobody has one.",
    ]


def test_the_readme_is_what_the_catalogue_gives(vdsocat: Command, tmp_path: Path) -> None:
    root = data_directory("catalog").parent
    committed = (root / "README.md").read_text("utf-8")
    page = tmp_path / "README.md"
    page.write_text(committed)
    assert vdsocat("--catalog", root / "catalog", "kernels", "systems", "--into", page).status == 0
    assert page.read_text("utf-8") == committed, "`make systems` writes it"
    assert committed.count("| booted |") >= 30


def test_what_stands_between_the_marks_is_replaced_and_nothing_else(vdsocat: Command, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin, end = "<!-- systems: made by `make systems` -->", "<!-- end of systems -->"
    page.write_text(f"# A\n{begin}\nold\n{end}\nmore\n")
    assert vdsocat("kernels", "systems", "--into", page).status == 0
    written = page.read_text()
    assert written.startswith(f"# A\n{begin}\n\nOf 7 systems: 0 booted, 0 static only, 0 user-mode only, 7 catalogue")
    assert written.endswith(f"\n\n{end}\nmore\n")
    assert "old" not in written


def test_a_page_without_marks_is_left_alone(vdsocat: Command, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n")
    assert vdsocat("kernels", "systems", "--into", page).refused_in_one_sentence(str(page), "<!-- systems", "<!-- end")
    assert page.read_text() == "# A\n"
