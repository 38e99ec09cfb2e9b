"""Building the kernels that no distribution packages, from Debian's linux-source and a kconfig fragment."""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vdsocat.errors import InputError, RunError
from vdsocat.kernels.deb_archive import read_deb
from vdsocat.kernels.debian import DebianArchive, NotCachedError, Package, StaleIndexError
from vdsocat.kernels.download import VerificationError
from vdsocat.kernels.files import KernelFiles, read_record, write_record
from vdsocat.kernels.job_server import JobServer
from vdsocat.kernels.kbuild import TALK_SECONDS, BuildRecipe, KernelBuild, compiler_version, listed, require_tools
from vdsocat.kernels.packages import is_of_release, version_key

# linux-source-* is of Architecture: all, and every architecture's index lists those.
_INDEX_ARCHITECTURE = "amd64"
_SOURCE = re.compile(r"linux-source-\d+\.\d+\Z")
_SOURCE_TARBALL = re.compile(r"usr/src/linux-source-[^/]+\.tar\.xz\Z")

# More of them are not told one by one.
_LISTED_SUITES = 3
_CHUNK = 1 << 20

# Part of a build's key: to be raised when the way of building changes what comes out.
_RECIPE_FORMAT = 1


def find_source(recipe: BuildRecipe, archive: DebianArchive) -> tuple[str, Package]:
    """The newest source package for a recipe, and its suite; InputError when no suite has one of that release.

    Of several suites, those are passed over that the mirror has not got.
    """
    found, others = [], set()
    for suite in recipe.suites:
        try:
            packages = archive.linux_packages(suite, _INDEX_ARCHITECTURE)
        except (InputError, NotCachedError, StaleIndexError):
            if len(recipe.suites) == 1:
                raise
            continue
        sources = [package for package in packages if _SOURCE.match(package.name)]
        found += [(suite, package) for package in sources if is_of_release(package.version, recipe.release)]
        others |= {package.name for package in sources}
    if not found:
        few = len(recipe.suites) <= _LISTED_SUITES
        lacking = f"Debian {listed(recipe.suites)} has no" if few else "No suite of Debian has a"
        there = f"; there are {listed(sorted(others, key=version_key))}" if others else ""
        raise InputError(f"{lacking} linux-source package of release {recipe.release}{there}.")
    return max(found, key=lambda one: version_key(one[1].version))


def ensure_built(recipe: BuildRecipe, archive: DebianArchive, jobs: JobServer | None = None) -> KernelFiles:
    """The kernel of a recipe, built unless the archive's cache has one of the same source, fragment and compiler.

    As many compilers run at once as `jobs` lets all builds have (default: one per processor), at low priority. The
    archive's `progress` hears a line a second. RunError names the tools that are missing, the options that did not
    survive, or the error that ended the build and the file that has the whole log.
    """
    require_tools(recipe)
    suite, package = find_source(recipe, archive)
    compiler = compiler_version(recipe)
    fragment = recipe.fragment.read_bytes()
    key = _build_key(recipe, package, fragment, compiler)

    def make(directory: Path) -> None:
        started = time.monotonic()
        objects, log = directory / "objects", archive.cache.path("logs", f"build-{recipe.name}.log")
        source = source_tree(package, suite, archive)
        build = KernelBuild(recipe, source, objects, log, archive.progress, jobs or JobServer())
        build.configure()
        build.compile()
        files = KernelFiles(
            source=f"built:{recipe.name}",
            image=Path(shutil.copy(build.kernel, directory / build.kernel.name)),
            config=Path(shutil.copyfile(build.config, directory / "config")),
            package=package.name,
            version=package.version,
            architecture=recipe.arch,
            flavour=recipe.name,
            suite=suite,
            sha256=package.sha256,
            release=build.release,
            compiler=compiler,
            fragment_sha256=hashlib.sha256(fragment).hexdigest(),
            build_seconds=round(time.monotonic() - started, 1),
        )
        write_record(files, directory)
        shutil.rmtree(objects)

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
            _untar(unpacked.read, tree, what, lambda: archive.progress(f"unpacking {what}"))
        deb.unlink()

    # The name goes into make's rules, so it has none of the ~ and + of a version.
    directory = archive.cache.directory(
        "sources", f"{package.name}-{package.sha256[:12]}",
        make=make, waiting=lambda: archive.progress(f"waiting for another run that fetches {package.name}"),
    )  # fmt: skip
    return directory / "linux"


def _build_key(recipe: BuildRecipe, package: Package, fragment: bytes, compiler: str) -> str:
    parts = [str(_RECIPE_FORMAT), package.sha256, recipe.arch, recipe.cross_compile, compiler, fragment.decode("utf-8")]
    parts += [f"{name}={value}" for name, value in recipe.variables.items()]
    if recipe.disabled_passes:
        parts.append(recipe.disabled_passes.plugin.read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _untar(read: Callable[[int], bytes], directory: Path, what: str, working: Callable[[], None]) -> None:
    """Unpack with tar, which neither leaves the directory nor needs to be root; much faster than Python's tarfile.

    `working` is called once a second meanwhile; an exception from it ends the unpacking.
    """
    command = ["tar", "-x", "--no-same-owner", "--strip-components=1", "-C", str(directory)]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints)
        assert process.stdin is not None
        told = time.monotonic()
        try:
            with contextlib.suppress(BrokenPipeError):
                while chunk := read(_CHUNK):
                    process.stdin.write(chunk)
                    if time.monotonic() - told >= TALK_SECONDS:
                        told = time.monotonic()
                        working()
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
