"""Building the kernels that no distribution packages, from Debian's linux-source and a kconfig fragment."""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from vdsocat.errors import InputError, RunError
from vdsocat.kernels.deb_archive import read_deb
from vdsocat.kernels.debian import DebianArchive, Package
from vdsocat.kernels.download import VerificationError
from vdsocat.kernels.files import KernelFiles, read_record, write_record
from vdsocat.kernels.packages import is_of_release, version_key

# linux-source-* is of Architecture: all, and every architecture's index lists those.
_INDEX_ARCHITECTURE = "amd64"
_SOURCE = re.compile(r"linux-source-\d+\.\d+\Z")
_SOURCE_TARBALL = re.compile(r"usr/src/linux-source-[^/]+\.tar\.xz\Z")

# What every build needs: tools, and headers of the host, with the Debian packages that have them.
_TOOLS = {"make": "make", "gcc": "gcc", "flex": "flex", "bison": "bison", "bc": "bc", "tar": "tar"}
_HEADERS = {"stdlib.h": "libc6-dev"}
_TALK_SECONDS = 1.0
_CHUNK = 1 << 20

# Part of a build's key: to be raised when the way of building changes what comes out.
_RECIPE_FORMAT = 1

_COMPILED = re.compile(r"  [A-Z][A-Z0-9]+ +(\S+)")
_SET = re.compile(r"(CONFIG_\w+)=(.*)\Z")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set\Z")


@dataclass(frozen=True, slots=True)
class BuildRecipe:
    """How to build one kernel: `arch` is the kernel's ARCH, `fragment` the options laid over allnoconfig.

    The source is the newest linux-source-* of `release` in any of `suites`. `headers` are headers of the host that
    this kernel's build needs beyond the C library's, with the Debian packages that have them.
    """

    name: str
    arch: str
    cross_compile: str
    compiler_package: str
    fragment: Path
    suites: tuple[str, ...]
    release: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LostOption:
    """An option that the fragment asks for and that the kernel's configuration has not: None stands for "not set"."""

    name: str
    wanted: str | None
    got: str | None

    def __str__(self) -> str:
        return f"{self.name} ({self.wanted or 'not set'} wanted, {self.got or 'not set'} got)"


def missing_tools(recipe: BuildRecipe) -> dict[str, str]:
    """What is not installed of what a build needs, as tool → Debian package."""
    wanted = {**_TOOLS, f"{recipe.cross_compile}gcc": recipe.compiler_package}
    missing = {tool: package for tool, package in wanted.items() if shutil.which(tool) is None}
    if "gcc" not in missing:
        headers = {**_HEADERS, **recipe.headers}
        missing |= {f"the header {header}": package for header, package in headers.items() if not _has_header(header)}
    return missing


def find_source(recipe: BuildRecipe, archive: DebianArchive) -> tuple[str, Package]:
    """The newest source package for a recipe, and its suite; InputError when no suite has one of that release."""
    found = [
        (suite, package)
        for suite in recipe.suites
        for package in archive.linux_packages(suite, _INDEX_ARCHITECTURE)
        if _SOURCE.match(package.name) and is_of_release(package.version, recipe.release)
    ]
    if not found:
        raise InputError(f"Debian {_listed(recipe.suites)} has no linux-source package of release {recipe.release}.")
    return max(found, key=lambda one: version_key(one[1].version))


def ensure_built(recipe: BuildRecipe, archive: DebianArchive, jobs: int | None = None) -> KernelFiles:
    """The kernel of a recipe, built unless the archive's cache has one of the same source, fragment and compiler.

    `jobs` compilers run at once (default: as many as there are processors), at low priority. The archive's `progress`
    hears a line a second. RunError names the tools that are missing, the options that did not survive, or the error
    that ended the build and the file that has the whole log.
    """
    if missing := missing_tools(recipe):
        raise RunError(
            f"Building the kernel {recipe.name} needs {_listed(list(missing))}, not installed here; "
            f"on Debian, `apt-get install {' '.join(dict.fromkeys(missing.values()))}` brings what is missing."
        )
    suite, package = find_source(recipe, archive)
    compiler = _compiler_version(recipe)
    fragment = recipe.fragment.read_bytes()
    key = _build_key(recipe, package, fragment, compiler)

    def make(directory: Path) -> None:
        started = time.monotonic()
        build = _Build(recipe, source_tree(package, suite, archive), directory, archive, jobs or _processors())
        release = build.run(fragment.decode("utf-8"))
        files = KernelFiles(
            source=f"built:{recipe.name}",
            image=directory / "vmlinux",
            config=directory / "config",
            package=package.name,
            version=package.version,
            architecture=recipe.arch,
            flavour=recipe.name,
            suite=suite,
            sha256=package.sha256,
            release=release,
            compiler=compiler,
            fragment_sha256=hashlib.sha256(fragment).hexdigest(),
            build_seconds=round(time.monotonic() - started, 1),
        )
        write_record(files, directory)

    directory = archive.cache.directory(
        "kernels", f"built-{recipe.name}-{key}",
        make=make, waiting=lambda: archive.progress(f"waiting for another run that builds {recipe.name}"),
    )  # fmt: skip
    return read_record(directory)


def source_tree(package: Package, suite: str, archive: DebianArchive) -> Path:
    """The unpacked source, about 2 GB, fetched into the archive's cache unless it is there."""
    what = f"{package.name} {package.version}"

    def make(directory: Path) -> None:
        deb = directory / "package.deb"
        archive.fetch(package, suite, deb)
        archive.progress(f"unpacking {what}")
        tree = directory / "linux"
        tree.mkdir()
        tarball = next((one for one in read_deb(deb, what) if _SOURCE_TARBALL.match(one.path)), None)
        if tarball is None:
            raise VerificationError(f"The package {what} holds no source tarball.")
        with lzma.open(tarball.content) as unpacked:
            _untar(unpacked.read, tree, what)
        deb.unlink()

    # The name goes into make's rules, so it has none of the ~ and + of a version.
    directory = archive.cache.directory(
        "sources", f"{package.name}-{package.sha256[:12]}",
        make=make, waiting=lambda: archive.progress(f"waiting for another run that fetches {package.name}"),
    )  # fmt: skip
    return directory / "linux"


def lost_options(fragment: str, config: str) -> tuple[LostOption, ...]:
    """The options of a kconfig fragment that a .config does not have as asked, in the fragment's order."""
    wanted, got = _options(fragment), _options(config)
    return tuple(
        LostOption(name, value, got.get(name)) for name, value in wanted.items() if (got.get(name) or None) != value
    )


def _options(text: str) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    for line in text.splitlines():
        if match := _SET.match(line):
            options[match[1]] = None if match[2] == "n" else match[2]
        elif match := _UNSET.match(line):
            options[match[1]] = None
    return options


def _build_key(recipe: BuildRecipe, package: Package, fragment: bytes, compiler: str) -> str:
    parts = [str(_RECIPE_FORMAT), package.sha256, recipe.arch, recipe.cross_compile, compiler, fragment.decode("utf-8")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _compiler_version(recipe: BuildRecipe) -> str:
    command = [f"{recipe.cross_compile}gcc", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _has_header(header: str) -> bool:
    source = f"#include <{header}>\n".encode()
    return subprocess.run(["gcc", "-E", "-x", "c", "-"], input=source, capture_output=True, check=False).returncode == 0


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _untar(read: Callable[[int], bytes], directory: Path, what: str) -> None:
    """Unpack with tar, which neither leaves the directory nor needs to be root; much faster than Python's tarfile."""
    command = ["tar", "-x", "--no-same-owner", "--strip-components=1", "-C", str(directory)]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints)
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                while chunk := read(_CHUNK):
                    process.stdin.write(chunk)
        except (lzma.LZMAError, EOFError) as error:
            raise VerificationError(f"The tarball in {what} is damaged ({error}).") from None
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()
        if process.returncode:
            complaints.seek(0)
            lines = complaints.read().decode("utf-8", "replace").splitlines()
            raise RunError(f"{what} could not be unpacked ({lines[0] if lines else 'tar failed'}).")


@dataclass(frozen=True, slots=True)
class _Build:
    """One build: the kernel and its .config go to `directory`, the objects below it only as long as it lasts."""

    recipe: BuildRecipe
    source: Path
    directory: Path
    archive: DebianArchive
    jobs: int

    @property
    def objects(self) -> Path:
        return self.directory / "objects"

    def run(self, fragment: str) -> str:
        """Configure and compile; the kernel's release (uname -r)."""
        if re.search(r"[\s:]", str(self.directory)):
            raise RunError(f"Kernels cannot be built in {self.directory}: kbuild takes no path with blanks or colons.")
        name = self.recipe.name
        self.objects.mkdir()
        log_path = self.archive.cache.path("logs", f"build-{name}.log")
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("w", encoding="utf-8", errors="replace") as log:
            self.archive.progress(f"configuring {name}")
            self._make(log, "allnoconfig", f"KCONFIG_ALLCONFIG={self.recipe.fragment.resolve()}")
            self._make(log, "olddefconfig")
            config = self.objects / ".config"
            if lost := lost_options(fragment, config.read_text(encoding="utf-8")):
                raise RunError(
                    f"{self.recipe.fragment}: this source does not take {_listed([str(one) for one in lost])}; "
                    "an option that they depend on may be missing."
                )
            self._make(log, "vmlinux")
        shutil.copyfile(config, self.directory / "config")
        shutil.copyfile(self.objects / "vmlinux", self.directory / "vmlinux")
        release = (self.objects / "include/config/kernel.release").read_text(encoding="utf-8").strip()
        shutil.rmtree(self.objects)
        return release

    def _make(self, log: TextIO, target: str, *variables: str) -> None:
        command = [
            "make", "-C", str(self.source), f"O={self.objects}", f"-j{self.jobs}",
            f"ARCH={self.recipe.arch}", f"CROSS_COMPILE={self.recipe.cross_compile}",
            *variables, target,
        ]  # fmt: skip
        compiled = 0
        talked = time.monotonic()
        with _running(command, self._environment()) as lines:
            for line in lines:
                log.write(line)
                if match := _COMPILED.match(line):
                    compiled += 1
                    if target == "vmlinux" and time.monotonic() - talked >= _TALK_SECONDS:
                        talked = time.monotonic()
                        latest = match[1].removeprefix(f"{self.objects}/")
                        self.archive.progress(f"building {self.recipe.name}: {compiled} files made ({latest})")
        log.flush()
        if lines.status:
            reason = _first_error(Path(log.name))
            raise RunError(f"Building the kernel {self.recipe.name} failed ({reason}); the log is {log.name}.")

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's environment but the search path, and the same time and names in every build."""
        source_date = time.gmtime((self.source / "Makefile").stat().st_mtime)
        return {
            "PATH": os.pathsep.join(os.get_exec_path()),
            "LC_ALL": "C",
            "HOME": str(self.directory),
            "KBUILD_BUILD_TIMESTAMP": time.strftime("%Y-%m-%d %H:%M:%S UTC", source_date),
            "KBUILD_BUILD_USER": "vdsocat",
            "KBUILD_BUILD_HOST": "vdsocat",
            "KBUILD_BUILD_VERSION": "1",
            "LOCALVERSION": "-vdsocat",
        }


class _Lines:
    """The output of a command, line by line, and its status after the last one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.status = 0

    def __iter__(self) -> Iterator[str]:
        assert self._process.stdout is not None
        yield from self._process.stdout
        self.status = self._process.wait()


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[_Lines]:
    """Run a command at low priority; it and all its children are gone when the block is left, however that happens."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env=environment, process_group=0,
    )  # fmt: skip
    try:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        yield _Lines(process)
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout:
            process.stdout.close()


def _first_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    errors = [line for line in lines if re.search(r"\berror\b|\*\*\*|undefined reference", line, re.IGNORECASE)]
    return (errors or lines[-1:] or ["make said nothing"])[0][:300]
