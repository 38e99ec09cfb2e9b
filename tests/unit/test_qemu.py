"""Finding QEMU's binaries on PATH or in a directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_qemu import make_fake_qemu

from vdsocat.cache import Cache
from vdsocat.catalog.files import load_catalog
from vdsocat.errors import InputError, RunError
from vdsocat.guest.fetched_qemu import FetchedQemu, fetched_qemus, write_fetched
from vdsocat.guest.qemu import Qemu, debian_package, qemu_finder
from vdsocat.guest.qemu_targets import OfferedTargets, offered_targets, targets_with_vdso
from vdsocat.guest.qemu_version import qemu_version, version_key
from vdsocat.installation import data_path


@pytest.mark.parametrize("place", [".", "usr/bin", "bin"])
@pytest.mark.parametrize("name", ["qemu-arm", "qemu-arm-static"])
def test_a_directory_or_an_unpacked_package_has_the_binary(tmp_path: Path, place: str, name: str) -> None:
    qemu = make_fake_qemu(tmp_path / place, name=name)
    assert qemu_finder(tmp_path)("qemu-arm") == Qemu(str(qemu.program))


def test_a_directory_wins_over_path_and_what_it_lacks_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError) as refusal:
        qemu_finder(tmp_path)("qemu-system-arm")
    assert str(refusal.value) == (
        f"There is no qemu-system-arm in {tmp_path}; Debian has it in the package qemu-system-arm."
    )


def test_path_is_searched_without_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu = make_fake_qemu(tmp_path, name="qemu-system-none")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert qemu_finder()("qemu-system-none").program == str(qemu.program)
    with pytest.raises(RunError, match=r"There is no qemu-system-ppc on PATH; .* package qemu-system-ppc"):
        qemu_finder()("qemu-system-ppc")


def test_a_directory_that_is_none_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--qemu .*none: is no directory\.$"):
        qemu_finder(tmp_path / "none")


@pytest.mark.parametrize(
    ("binary", "package"),
    [
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("qemu-system-aarch64", "qemu-system-arm"),
        ("qemu-system-mips64el", "qemu-system-mips"),
        ("qemu-system-ppc64", "qemu-system-ppc"),
        ("qemu-system-s390x", "qemu-system-misc"),
        ("qemu-system-riscv64", "qemu-system-misc"),
        ("qemu-aarch64", "qemu-user"),
    ],
)
def test_the_package_of_a_binary(binary: str, package: str) -> None:
    assert debian_package(binary) == package


def test_newer_suites_have_packages_of_their_own_for_some() -> None:
    assert debian_package("qemu-system-s390x", {"qemu-system-s390x", "qemu-system-misc"}) == "qemu-system-s390x"
    assert debian_package("qemu-system-riscv32", {"qemu-system-misc"}) == "qemu-system-misc"


def test_the_version_is_what_the_binary_says(tmp_path: Path) -> None:
    assert qemu_version([str(make_fake_qemu(tmp_path).program)]) == "7.2.22"


def test_a_binary_that_says_nothing_has_no_version(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    assert qemu_version([str(program)]) is None


def test_a_binary_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("no program")
    with pytest.raises(RunError, match=r"qemu cannot be run"):
        qemu_version([str(program)])


def test_versions_are_ordered_by_their_numbers() -> None:
    assert version_key("7.2.22") < version_key("8.2") < version_key("10.0") < version_key("10.0.13")


def fetched(cache: Cache, version: str, *programs: str) -> Path:
    """An entry as `vdsocat qemu fetch` leaves it, with stand-ins of this version; its bin directory."""
    directory = cache.path("qemu", f"qemu-system-misc_{version}")
    for name in programs:
        program = make_fake_qemu(directory / "bin", name=name).program
        program.write_text(program.read_text().replace("7.2.22", version))
    write_fetched(
        FetchedQemu(directory, "qemu-system-misc", f"1:{version}", "amd64", "sid", "0" * 64, version, programs, ())
    )
    return directory / "bin"


def test_what_is_on_path_is_taken_unless_it_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = make_fake_qemu(tmp_path / "path", name="qemu-system-sh4").program
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    cache = Cache(tmp_path / "cache")
    newer = fetched(cache, "10.0.2", "qemu-system-sh4")
    newest = fetched(cache, "11.1.3", "qemu-system-sh4")
    find = qemu_finder(cache=cache)
    assert find("qemu-system-sh4").program == str(on_path)
    assert find("qemu-system-sh4", "7.2") == Qemu(str(on_path))
    newer_one = find("qemu-system-sh4", "10.0")
    assert (newer_one.program, newer_one.version) == (str(newest / "qemu-system-sh4"), "11.1.3")
    assert qemu_finder("fetched", cache)("qemu-system-sh4").program == str(newest / "qemu-system-sh4")
    assert qemu_finder(newer)("qemu-system-sh4").version == "10.0.2"


def test_what_is_not_on_path_is_taken_from_the_fetched_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cache = Cache(tmp_path / "cache")
    programs = fetched(cache, "10.0.2", "qemu-system-hppa")
    assert qemu_finder(cache=cache)("qemu-system-hppa").program == str(programs / "qemu-system-hppa")


def test_too_old_everywhere_says_what_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu = make_fake_qemu(tmp_path / "path", name="qemu-system-loongarch64")
    monkeypatch.setenv("PATH", str(qemu.directory))
    with pytest.raises(RunError) as refusal:
        qemu_finder(cache=Cache(tmp_path / "cache"))("qemu-system-loongarch64", "10.0")
    assert str(refusal.value) == (
        f"qemu-system-loongarch64 10.0 or newer is needed here, and {qemu.program} is 7.2.22; "
        "`vdsocat qemu fetch qemu-system-loongarch64` fetches a newer one."
    )


def test_nothing_fetched_says_what_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^No qemu-system-arm was fetched; `vdsocat qemu fetch qemu-system-arm` does"):
        qemu_finder("fetched", Cache(tmp_path))("qemu-system-arm")


def test_the_fetched_ones_are_listed_newest_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for version in ("9.2.4", "11.1.3", "10.0.2"):
        fetched(cache, version, "qemu-arm")
    assert [one.version for one in fetched_qemus(cache)] == ["11.1.3", "10.0.2", "9.2.4"]
    assert fetched_qemus(Cache(tmp_path / "none")) == ()


def test_targets_are_told_by_mode_and_version_tools_and_second_names_are_none(tmp_path: Path) -> None:
    for name in ("qemu-system-arm", "qemu-system-sh4", "qemu-arm-static", "qemu-mips", "qemu-img", "qemu-pr-helper"):
        make_fake_qemu(tmp_path, name=name)
    (tmp_path / "qemu-mipsbe").symlink_to("qemu-mips")
    broken = tmp_path / "qemu-hppa"
    broken.write_text("no program")
    assert offered_targets(qemu_finder(tmp_path)) == (
        OfferedTargets("system", "7.2.22", ("arm", "sh4")),
        OfferedTargets("user", None, ("hppa",)),
        OfferedTargets("user", "7.2.22", ("arm", "mips")),
    )


@pytest.mark.parametrize(
    ("version", "mapped"), [("7.2.22", ()), ("8.2.2", ("arm", "armeb")), ("11.1.3", ("arm", "armeb", "sh4"))]
)
def test_which_targets_have_a_vdso_is_what_the_catalogue_says(version: str, mapped: tuple[str, ...]) -> None:
    provider = load_catalog(Path(data_path("catalog"))).providers["qemu-user"]
    assert targets_with_vdso(provider, version, ("arm", "armeb", "mips", "sh4")) == mapped
