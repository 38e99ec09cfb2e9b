"""Fetching QEMU out of a mirror that the test makes, with programs and libraries that it compiles."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_mirror import FakeMirror, Server, archive_of, deb, serving
from outcomes import Command

from vdsocat.errors import InputError
from vdsocat.guest import qemu_packages
from vdsocat.guest.fetched_qemu import FetchedQemu, fetched_qemus
from vdsocat.guest.qemu_packages import fetch_qemu, host_architecture
from vdsocat.kernels.download import VerificationError

SUITE = "bookworm-backports"
VERSION = "1:10.0.2+ds-2"
_STATIC = b'#!/bin/sh\necho "qemu-arm version 10.0.2"\n'
_PROGRAM = """
#include <stdio.h>
extern const char *part(void);
int main(int count, char **words) {
    printf("QEMU emulator version %s\\n", part());
    for (int i = 1; i < count; i++) puts(words[i]);
}
"""


def compiled(directory: Path, name: str, source: str, *options: str) -> bytes:
    """What gcc makes of a source."""
    (directory / "source.c").write_text(source)
    made = directory / name
    subprocess.run(["gcc", "-o", made, directory / "source.c", *options], check=True)
    return made.read_bytes()


def c_library() -> dict[str, bytes]:
    """The C library and dynamic linker of this machine, as a package libc6 would have them."""
    said = subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    paths = [Path(path) for path in re.findall(r"(/\S+/(?:libc|ld-[^/]*)\.so[^ ]*)", said)]
    assert len(paths) == 2, said
    return {f"./lib/x86_64-linux-gnu/{path.name}": path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def compiled_debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The packages with a real program, a real library, and the C library, by their names."""
    work = tmp_path_factory.mktemp("work")
    library = compiled(
        work, "libpart.so.1", 'const char *part(void) { return "10.0.2"; }', "-shared", "-Wl,-soname,libpart.so.1"
    )
    program = compiled(work, "qemu-system-hppa", _PROGRAM, str(work / "libpart.so.1"))
    libraries = "./usr/lib/x86_64-linux-gnu"
    return {
        "qemu-system-misc": deb(
            {
                "./usr/bin/qemu-system-hppa": program,
                "./usr/share/qemu/own.rom": b"own",
                "./usr/share/doc/qemu/x": b"left out",
            },
            links={"./usr/bin/kvm": "x"},
        ),
        "libpart1": deb({f"{libraries}/libpart.so.1.2.3": library, f"{libraries}/x/libpart.so": b""}),
        "libc6": deb(c_library(), suffix=""),
    }


@pytest.fixture
def mirror(tmp_path: Path, compiled_debs: dict[str, bytes]) -> FakeMirror:
    arch = host_architecture()
    made = FakeMirror(tmp_path / "mirror")
    depends = "libpart1:any (>= 1), seabios, qemu-system-common (= 1), qemu-system-riscv"
    made.add(SUITE, arch, "qemu-system-misc", VERSION, compiled_debs["qemu-system-misc"], depends)
    made.add(SUITE, arch, "qemu-system-common", VERSION, deb({"./usr/lib/x": b""}))
    made.add(SUITE, arch, "qemu-system-riscv", VERSION, deb({"./usr/bin/qemu-system-riscv64": _STATIC}))
    made.add(SUITE, arch, "qemu-user", VERSION, deb({"./usr/bin/qemu-arm": _STATIC, "./usr/bin/qemu-sh4": _STATIC}))
    made.add(SUITE, arch, "seabios", "1.16.3", deb({"./usr/share/seabios/bios.bin": b"new"}))
    made.add("bookworm", arch, "seabios", "1.16.2", deb({"./usr/share/seabios/bios.bin": b"old"}))
    made.add("bookworm", arch, "libc6", "2.36", compiled_debs["libc6"])
    made.add("bookworm", arch, "qemu-system-arm", "1:7.2", deb({"./usr/bin/qemu-system-arm": _STATIC}))
    made.add("bookworm", arch, "libpart1", "1.2", compiled_debs["libpart1"], pre_depends="libc6 (>= 2)")
    for suite in ("bookworm", SUITE):
        made.publish(suite)
    return made


@pytest.fixture
def server(mirror: FakeMirror) -> Iterator[Server]:
    with serving(mirror.root) as running:
        yield running


def fetched(name: str, server: Server, tmp_path: Path, suite: str = SUITE) -> FetchedQemu:
    return fetch_qemu(name, suite, archive_of(server.url, tmp_path / "cache"))


def said_by(program: Path, *words: str) -> list[str]:
    """What a program prints in an environment that is empty."""
    return subprocess.run([program, *words], capture_output=True, text=True, check=True, env={}).stdout.splitlines()


def test_a_program_runs_with_the_libraries_and_firmware_of_its_packages(server: Server, tmp_path: Path) -> None:
    qemu = fetched("qemu-system-misc", server, tmp_path)
    assert (qemu.version, qemu.package_version, qemu.programs) == ("10.0.2", VERSION, ("qemu-system-hppa",))
    assert said_by(qemu.path("qemu-system-hppa"), "-M", "B160L") == [
        "QEMU emulator version 10.0.2", "-L", f"{qemu.directory}/bin/../share/qemu", "-M", "B160L"
    ]  # fmt: skip
    assert {path.name: path.read_bytes() for path in (qemu.directory / "share/qemu").iterdir()} == {
        "own.rom": b"own",
        "bios.bin": b"new",
    }
    assert (qemu.directory / "lib/libpart.so.1").is_file()
    assert qemu.companions == ("libc6 2.36", "libpart1 1.2", "seabios 1.16.3")


def test_the_loader_and_the_libraries_are_the_fetched_ones(server: Server, tmp_path: Path) -> None:
    qemu = fetched("qemu-system-misc", server, tmp_path)
    (qemu.directory / "lib" / "libpart.so.1").unlink()
    gone = subprocess.run([qemu.path("qemu-system-hppa")], capture_output=True, text=True, check=False)
    assert "libpart.so.1" in gone.stderr


def test_static_programs_are_used_as_they_are(server: Server, tmp_path: Path) -> None:
    qemu = fetched("qemu-arm", server, tmp_path)
    assert (qemu.package, qemu.programs, qemu.companions) == ("qemu-user", ("qemu-arm", "qemu-sh4"), ())
    assert qemu.path("qemu-arm").read_bytes() == _STATIC
    assert os.access(qemu.path("qemu-arm"), os.X_OK)


def test_a_second_time_nothing_is_fetched(server: Server, tmp_path: Path) -> None:
    first = fetched("qemu-system-hppa", server, tmp_path)
    server.asked.clear()
    assert fetched("qemu-system-misc", server, tmp_path) == first
    assert not [path for path in server.asked if path.endswith(".deb")]
    assert fetched_qemus(archive_of(server.url, tmp_path / "cache").cache) == (first,)


@pytest.mark.parametrize(
    ("name", "suite", "words"),
    [
        (
            "qemu-system-arm",
            SUITE,
            r"no package of QEMU in bookworm-backports.*there are qemu-system-misc, .*qemu-user",
        ),
        ("qemu-systm-misc", SUITE, r"did you mean 'qemu-system-misc'"),
        ("hppa", SUITE, r"'hppa' is no package of QEMU"),
        ("../x", SUITE, r"'\.\./x' is no package of QEMU"),
        ("qemu-system-hpa", SUITE, r"qemu-system-misc .* has no qemu-system-hpa; did you mean 'qemu-system-hppa'\?"),
        ("qemu-alpha", SUITE, r"qemu-user .* has no qemu-alpha"),
        ("qemu-user", "bookworm-updates", "has no suite 'bookworm-updates'"),
        ("qemu-user", "a suite", "'a suite' is no name of a Debian suite"),
    ],
)
def test_a_wrong_name_is_bad_input(server: Server, tmp_path: Path, name: str, suite: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fetched(name, server, tmp_path, suite)


def test_a_library_that_no_package_has_is_named_and_nothing_is_kept(mirror: FakeMirror, tmp_path: Path) -> None:
    arch = host_architecture()
    lines = mirror.packages["bookworm", arch]
    mirror.packages["bookworm", arch] = [line for line in lines if not line.startswith("Package: libpart1")]
    mirror.publish("bookworm")
    with serving(mirror.root) as server, pytest.raises(VerificationError, match=r"needs .*libpart\.so\.1, which"):
        fetched("qemu-system-misc", server, tmp_path)
    assert fetched_qemus(archive_of("", tmp_path / "cache").cache) == ()


def test_a_damaged_package_is_refused(mirror: FakeMirror, server: Server, tmp_path: Path) -> None:
    path = next(mirror.root.glob("pool/**/libpart1_*.deb"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(VerificationError, match=r"libpart1 1\.2 from .* does not have the SHA-256"):
        fetched("qemu-system-misc", server, tmp_path)
    assert not list((tmp_path / "cache/qemu").glob("qemu-*"))


def test_a_package_without_programs_is_refused(mirror: FakeMirror, tmp_path: Path) -> None:
    mirror.add(SUITE, host_architecture(), "qemu-system-sparc", VERSION, deb({"./usr/share/x": b""}))
    mirror.publish(SUITE)
    with serving(mirror.root) as server, pytest.raises(VerificationError, match="holds no program of QEMU"):
        fetched("qemu-system-sparc", server, tmp_path)


def test_an_architecture_that_debian_has_not_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(InputError, match=r"no packages for this machine's architecture \(vax\)"):
        host_architecture()


def test_the_firmware_of_riscv_gets_the_name_that_qemu_looks_for(tmp_path: Path) -> None:
    path = "usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
    assert qemu_packages._destination(path, tmp_path) == (
        tmp_path / "share/qemu/opensbi-riscv64-generic-fw_dynamic.bin"
    )


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/../../x",
        "usr/bin/sub/qemu-arm",
        "usr/share/qemu/../x",
        "usr/share/qemu/a/b",
        "etc/passwd",
        "usr/bin/kvm",
    ],
)
def test_nothing_is_unpacked_elsewhere(tmp_path: Path, path: str) -> None:
    assert qemu_packages._destination(path, tmp_path) is None


def test_the_command_lists_what_was_fetched(vdsocat: Command) -> None:
    outcome = vdsocat("qemu", "list", "--format", "json")
    assert (outcome.status, json.loads(outcome.out)) == (0, {"schema": "vdsocat-qemu/1", "rows": []})


def test_offline_without_a_cache_is_one_sentence(vdsocat: Command) -> None:
    outcome = vdsocat("qemu", "fetch", "--offline", "qemu-user")
    assert outcome.status == 3
    assert "is not in the cache" in outcome.err and len(outcome.err.splitlines()) == 1


def test_a_suite_that_is_none_is_bad_input(vdsocat: Command) -> None:
    assert vdsocat("qemu", "fetch", "--suite", "no suite", "qemu-user").refused_in_one_sentence("'no suite' is no name")
