"""Running a kernel's own build: what it needs, how it is configured, and what became of the options asked for."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vdsocat.errors import MissingToolsError, RunError
from vdsocat.kernels.gcc_plugin import DisabledPasses, build_plugin, missing_for_plugin, plugin_flags
from vdsocat.kernels.job_server import JobServer

# What every build needs: tools, and headers of the host, with the Debian packages that have them.
_TOOLS = {"make": "make", "gcc": "gcc", "flex": "flex", "bison": "bison", "bc": "bc", "tar": "tar"}
_HEADERS = {"stdlib.h": "libc6-dev"}
# How often it is told what goes on.
TALK_SECONDS = 1.0
# What make and its compilers have, asked to end, to remove what they had half written.
_ENDING_SECONDS = 10.0

_COMPILED = re.compile(r"  [A-Z][A-Z0-9]+ +(\S+)")
_SET = re.compile(r"(CONFIG_\w+)=(.*)\Z")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set\Z")


@dataclass(frozen=True, slots=True)
class BuildRecipe:
    """How to build one kernel: `arch` is the kernel's ARCH, `fragment` the options laid over allnoconfig.

    The source is the newest linux-source-* of `release` in any of `suites`. `headers` are headers of the host that
    this kernel's build needs beyond the C library's, with the Debian packages that have them; `tools` are programs
    likewise. `image` is what QEMU starts, below the build's own directory. `variables` are more words for make.
    `disabled_passes` are those that the compiler gets wrong.
    """

    name: str
    arch: str
    cross_compile: str
    compiler_package: str
    fragment: Path
    suites: tuple[str, ...]
    release: str
    headers: Mapping[str, str] = field(default_factory=dict)
    image: str = "vmlinux"
    variables: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    disabled_passes: DisabledPasses | None = None

    @property
    def compiler(self) -> str:
        """The compiler's name."""
        return f"{self.cross_compile}gcc"


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
    wanted = {**_TOOLS, recipe.compiler: recipe.compiler_package, **recipe.tools}
    if recipe.disabled_passes:
        wanted["g++"] = "g++"
    missing = {tool: package for tool, package in wanted.items() if shutil.which(tool) is None}
    # User Mode Linux is a program, and needs them for itself.
    compiler = recipe.compiler if recipe.arch == "um" else "gcc"
    if compiler not in missing:
        headers = {**_HEADERS, **recipe.headers}.items()
        missing |= {f"the header {name}": package for name, package in headers if not _has_header(compiler, name)}
    if recipe.disabled_passes and recipe.compiler not in missing:
        missing |= missing_for_plugin(recipe.disabled_passes, recipe.compiler)
    return missing


def require_tools(recipe: BuildRecipe) -> None:
    """MissingToolsError when something is not installed that a build needs, with the packages that bring it."""
    if missing := missing_tools(recipe):
        packages = tuple(dict.fromkeys(missing.values()))
        raise MissingToolsError(
            f"Building the kernel {recipe.name} needs {listed(list(missing))}, not installed here; "
            f"on Debian, `apt-get install {' '.join(packages)}` brings what is missing.",
            packages,
        )


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


def compiler_version(recipe: BuildRecipe) -> str:
    """What the compiler of a recipe calls itself, and what it is told to do without."""
    version = _first_line([recipe.compiler, "--version"])
    if recipe.disabled_passes is None:
        return version
    return f"{version}, without {listed(recipe.disabled_passes.names)}"


def _first_line(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def tool_versions(recipe: BuildRecipe) -> dict[str, str]:
    """What the programs call themselves that turn source into a kernel: a new one makes another kernel of the same."""
    tools = ("gcc", recipe.compiler, f"{recipe.cross_compile}ld", *recipe.tools)
    return {tool: _first_line([tool, "--version"]) for tool in tools if shutil.which(tool)}


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True, slots=True)
class KernelBuild:
    """A kernel's build out of its source tree: what comes out is in `objects`, and is made again only where it must be.

    As many compilers run at once as `jobs` lets all builds have, at low priority. `log` gets all that make says.
    `progress` hears what is done at least once a second, the same again where nothing is new: an exception from it
    ends the build.
    """

    recipe: BuildRecipe
    source: Path
    objects: Path
    log: Path
    progress: Callable[[str], None]
    jobs: JobServer

    @property
    def kernel(self) -> Path:
        """The kernel as `compile` left it."""
        return self.objects / self.recipe.image

    @property
    def config(self) -> Path:
        """The configuration, as `configure` left it."""
        return self.objects / ".config"

    @property
    def release(self) -> str:
        """What the kernel calls itself (uname -r)."""
        return (self.objects / "include/config/kernel.release").read_text(encoding="utf-8").strip()

    def configure(self) -> None:
        """Lay the fragment over allnoconfig; RunError when an option did not survive that, or a path cannot be used."""
        if re.search(r"[\s:]", str(self.objects)):
            raise RunError(
                f"Kernels cannot be built in {self.objects.parent}: kbuild takes no path with blanks or colons."
            )
        self.objects.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        doing = f"configuring {self.recipe.name}"
        self.progress(doing)
        if self.recipe.disabled_passes:
            build_plugin(self.recipe.disabled_passes, self.recipe.compiler, self.objects, self._environment())
        self._make(doing, "allnoconfig", f"KCONFIG_ALLCONFIG={self.recipe.fragment.resolve()}")
        self._make(doing, "olddefconfig")
        fragment = self.recipe.fragment.read_text(encoding="utf-8")
        if lost := lost_options(fragment, self.config.read_text(encoding="utf-8")):
            raise RunError(
                f"{self.recipe.fragment}: this source does not take {listed([str(one) for one in lost])}; "
                "an option that they depend on may be missing."
            )

    def compile(self) -> None:
        """Make the kernel; RunError with the error that ended the build and the file that has the whole log."""
        self._make(f"building {self.recipe.name}", Path(self.recipe.image).name)

    def _make(self, doing: str, target: str, *variables: str) -> None:
        command = [
            "make", "-C", str(self.source), f"O={self.objects}",
            f"ARCH={self.recipe.arch}", f"CROSS_COMPILE={self.recipe.cross_compile}",
            *(f"{name}={value}" for name, value in self.recipe.variables.items()), *variables, target,
        ]  # fmt: skip
        if self.recipe.disabled_passes:
            command.append(f"KCFLAGS={' '.join(plugin_flags(self.recipe.disabled_passes, self.objects))}")
        made, latest = 0, ""
        talked = time.monotonic()
        with (
            self.log.open("a", encoding="utf-8", errors="replace") as log,
            _running(command, {**self._environment(), "MAKEFLAGS": self.jobs.flags}, self.jobs.descriptors) as lines,
        ):
            begun = log.tell()
            for line in lines:
                log.write(line)
                if match := _COMPILED.match(line):
                    made, latest = made + 1, match[1].removeprefix(f"{self.objects}/")
                if time.monotonic() - talked >= TALK_SECONDS:
                    talked = time.monotonic()
                    counted = doing.startswith("building") and latest
                    self.progress(f"{doing}: {made} files made ({latest})" if counted else doing)
        if lines.status:
            reason = _first_error(self.log, begun)
            raise RunError(f"Building the kernel {self.recipe.name} failed ({reason}); the log is {self.log}.")

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's environment but the search path, and the same time and names in every build."""
        source_date = time.gmtime((self.source / "Makefile").stat().st_mtime)
        return {
            "PATH": os.pathsep.join(os.get_exec_path()),
            "LC_ALL": "C",
            "HOME": str(self.objects),
            "KBUILD_BUILD_TIMESTAMP": time.strftime("%Y-%m-%d %H:%M:%S UTC", source_date),
            "KBUILD_BUILD_USER": "vdsocat",
            "KBUILD_BUILD_HOST": "vdsocat",
            "KBUILD_BUILD_VERSION": "1",
            "LOCALVERSION": "-vdsocat",
        }


class _Lines:
    """The output of a command, line by line, and its status after the last one; an empty text while it says nothing."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.status = 0

    def __iter__(self) -> Iterator[str]:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        output = select.poll()
        output.register(descriptor, select.POLLIN)
        begun = b""
        while True:
            if not output.poll(TALK_SECONDS * 1000):
                yield ""
                continue
            heard = os.read(descriptor, 1 << 16)
            *whole, begun = (begun + heard).split(b"\n")
            yield from (f"{line.decode('utf-8', 'replace')}\n" for line in whole)
            if not heard:
                break
        self.status = self._process.wait()


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], inherited: Sequence[int]) -> Iterator[_Lines]:
    """Run a command at low priority, with these descriptors.

    It and all its children are gone when the block is left, however that happens.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment, pass_fds=inherited, process_group=0,
    )  # fmt: skip
    try:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        yield _Lines(process)
    finally:
        if process.poll() is None:
            _end(process)
        if process.stdout:
            process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its children.

    Asked first, make removes what was being made: a half-written object would be newer than its source, and be taken.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_ENDING_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _first_error(log: Path, begun: int) -> str:
    """The first complaint in the log after its first `begun` bytes."""
    said = log.read_bytes()[begun:].decode("utf-8", "replace")
    lines = [line.strip() for line in said.splitlines()]
    errors = [line for line in lines if re.search(r"\berror\b|\*\*\*|undefined reference", line, re.IGNORECASE)]
    return (errors or lines[-1:] or ["make said nothing"])[0][:300]


def _has_header(compiler: str, header: str) -> bool:
    source = f"#include <{header}>\n".encode()
    command = [compiler, "-E", "-x", "c", "-"]
    return subprocess.run(command, input=source, capture_output=True, check=False).returncode == 0
