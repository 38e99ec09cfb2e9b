"""Passes of a compiler that must not run because it gets them wrong, disabled by a plugin that is built on the spot."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vdsocat.errors import RunError

_HOST_COMPILER = "g++"


@dataclass(frozen=True, slots=True)
class DisabledPasses:
    """Passes of gcc, by the names that -fdump-passes prints ("rtl-sh_treg_combine2").

    `plugin` is the source of the plugin that disables those that it is told; `package` is the Debian package with the
    headers that the compiler has for plugins.
    """

    names: tuple[str, ...]
    plugin: Path
    package: str


def missing_for_plugin(passes: DisabledPasses, compiler: str) -> dict[str, str]:
    """The header of the compiler's that a plugin needs, unless it is there, with its Debian package."""
    header = _headers(compiler) / "gcc-plugin.h"
    return {} if header.is_file() else {f"the header gcc-plugin.h of {compiler}": passes.package}


def build_plugin(passes: DisabledPasses, compiler: str, directory: Path, environment: Mapping[str, str]) -> None:
    """Build the plugin into `directory`; RunError with the first complaint when it does not compile."""
    command = [
        _HOST_COMPILER, "-shared", "-fPIC", "-fno-rtti", "-O1",
        "-I", str(_headers(compiler)), "-o", str(_plugin(passes, directory)), str(passes.plugin),
    ]  # fmt: skip
    result = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        lines = result.stderr.splitlines()
        complaint = next((line for line in lines if "error" in line), lines[0] if lines else "no reason given")
        raise RunError(f"The plugin {passes.plugin} does not compile for {compiler} ({complaint[:300]}).")


def plugin_flags(passes: DisabledPasses, directory: Path) -> tuple[str, ...]:
    """The options of the compiler that load the plugin in `directory` and tell it the passes."""
    plugin = _plugin(passes, directory)
    return f"-fplugin={plugin}", *(f"-fplugin-arg-{plugin.stem}-{name}" for name in passes.names)


def _plugin(passes: DisabledPasses, directory: Path) -> Path:
    return directory / f"{passes.plugin.stem}.so"


def _headers(compiler: str) -> Path:
    """Where a compiler has its headers for plugins: below the bare word "plugin" if it knows of no such directory."""
    command = [compiler, "-print-file-name=plugin"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()) / "include"
