"""Finding QEMU's programs: on PATH, in a directory, among those that were fetched, or in a container's image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vdsocat.cache import Cache
from vdsocat.errors import InputError, RunError
from vdsocat.guest.container import ENGINES, ContainerImage, container_name, open_image
from vdsocat.guest.fetched_qemu import fetched_qemus
from vdsocat.guest.qemu_version import qemu_version, version_key

FETCHED = "fetched"

_PACKAGES = {
    "qemu-system-x86": ("x86_64", "i386"),
    "qemu-system-arm": ("arm", "aarch64"),
    "qemu-system-mips": ("mips", "mipsel", "mips64", "mips64el"),
    "qemu-system-ppc": ("ppc", "ppc64"),
    "qemu-system-sparc": ("sparc", "sparc64"),
}
# Split off qemu-system-misc in Debian 13.
_NEWER_PACKAGES = {"qemu-system-riscv": ("riscv32", "riscv64"), "qemu-system-s390x": ("s390x",)}


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that starts QEMU, and one that ends what it may have started elsewhere (empty: nothing)."""

    command: tuple[str, ...]
    ending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Qemu:
    """One of QEMU's programs: its path, or its name in a container's image; with what is known of versions."""

    program: str
    image: ContainerImage | None = None
    _versions: dict[str, str | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def version(self) -> str | None:
        """What it says its version is ("7.2.22"), asked once; RunError when it cannot be run."""
        if self.image is not None:
            return self.image.programs[self.program]
        if self.program not in self._versions:
            self._versions[self.program] = qemu_version([self.program])
        return self._versions[self.program]

    def is_at_least(self, least: str | None) -> bool:
        """Whether it is of this version or newer."""
        return least is None or (self.version is not None and version_key(self.version) >= version_key(least))

    def launch(self, command: Sequence[str], files: Sequence[Path]) -> Launch:
        """How a command that begins with the program is started, for one run; `files` are those that it reads."""
        if self.image is None:
            return Launch(tuple(command))
        name = container_name()
        return Launch(self.image.run(command, files, name), self.image.end(name))


@dataclass
class QemuFinder:
    """Finds a program by its name ("qemu-system-arm", "qemu-aarch64"); made by `qemu_finder`.

    `image` or `places` is where the user said to look; without both it is PATH, and what is on PATH gives way to what
    was fetched where it is too old or missing. A program is asked for its version once.
    """

    where: str
    places: tuple[Path, ...] | None = None
    cache: Cache | None = None
    image: ContainerImage | None = None
    _versions: dict[str, str | None] = field(default_factory=dict, repr=False)

    def __call__(self, name: str, least: str | None = None) -> Qemu:
        """The program, of version `least` or newer; RunError, with what would help, when there is none."""
        old = None
        for program in self._candidates(name):
            found = Qemu(program, self.image, self._versions)
            if found.is_at_least(least):
                return found
            old = old or found
        if old is not None:
            raise RunError(
                f"{name} {least} or newer is needed here, and {old.program} is {old.version}; {self.newer(name)}."
            )
        if self.where == FETCHED:
            raise RunError(f"No {name} was fetched; `vdsocat qemu fetch {name}` does it.")
        if self.image is not None:
            raise RunError(f"There is no {name} {self.where}.")
        help_ = f"Debian has it in the package {debian_package(name)}"
        if self.places is None:
            help_ += f", and `vdsocat qemu fetch {name}` fetches one without root"
        raise RunError(f"There is no {name} {self.where}; {help_}.")

    def newer(self, name: str) -> str:
        """What brings a newer program of this name, as the end of a sentence."""
        if self.image is None:
            return f"`vdsocat qemu fetch {name}` fetches a newer one"
        return 'an image of a newer suite (make image IMAGE_OPTIONS="--build-arg QEMU_SUITE=…") has a newer one'

    def programs(self) -> tuple[str, ...]:
        """The names of all programs of QEMU's that it might find, tools among them; each by one name."""
        if self.image is not None:
            return tuple(sorted(self.image.programs))
        places = self.places or ()
        if self._is_path:
            places = tuple(Path(place) for place in os.get_exec_path())
        paths = (path for place in places if place.is_dir() for path in place.glob("qemu-*"))
        names = {path.name for path in paths if not _is_another_name(path)}
        if self.where == FETCHED and self.cache is not None:
            names |= {name for one in fetched_qemus(self.cache) for name in one.programs}
        return tuple(sorted(names))

    @property
    def _is_path(self) -> bool:
        return self.places is None and self.image is None and self.where != FETCHED

    def _candidates(self, name: str) -> Iterator[str]:
        """The programs of this name, the preferred one first; static ones (qemu-arm-static) serve as well."""
        for one in (name, f"{name}-static"):
            if self._is_path:
                yield from filter(None, [shutil.which(one)])
            yield from (str(place / one) for place in self.places or () if (place / one).is_file())
            if self.image is not None and one in self.image.programs:
                yield one
        if self.places is None and self.image is None and self.cache is not None:
            yield from (str(one.path(name)) for one in fetched_qemus(self.cache) if name in one.programs)


def qemu_finder(where: str | Path | None = None, cache: Cache | None = None) -> QemuFinder:
    """A finder for what --qemu says.

    None is PATH, "fetched" the newest that was fetched into the cache, "docker:IMAGE" and "podman:IMAGE" an image of a
    container. All else is a directory, which may hold the programs itself or be the root of an unpacked package
    (usr/bin below it). InputError when that does not exist; RunError when the image cannot be used.
    """
    if where is None:
        return QemuFinder("on PATH", cache=cache)
    if where == FETCHED:
        return QemuFinder(FETCHED, cache=cache)
    engine, _, name = str(where).partition(":")
    if engine in ENGINES and not Path(where).exists():
        return QemuFinder(f"in the image {name}", image=open_image(engine, name, cache))
    directory = Path(where)
    if not directory.is_dir():
        raise InputError(f"--qemu {where}: is no directory.")
    return QemuFinder(f"in {where}", (directory, directory / "usr" / "bin", directory / "bin"))


def _is_another_name(path: Path) -> bool:
    """Whether it is a link to a program of another target: Debian has qemu-x86_64 as qemu-amd64, too."""
    real = path.resolve().name
    return real.startswith("qemu-") and real.removesuffix("-static") != path.name.removesuffix("-static")


def debian_package(binary: str, offered: Collection[str] = ()) -> str:
    """The Debian package that has a QEMU binary: of Debian 12, or of a newer suite that has the `offered` packages."""
    system, _, target = binary.partition("qemu-system-")
    if system or not target:
        return "qemu-user"
    packages = _PACKAGES | {name: targets for name, targets in _NEWER_PACKAGES.items() if name in offered}
    return next((package for package, targets in packages.items() if target in targets), "qemu-system-misc")
