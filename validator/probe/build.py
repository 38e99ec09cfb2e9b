#!/usr/bin/env python3
"""Builds every probe of probes.toml into the package, with a manifest, or checks what is there against it."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
PREBUILT = SOURCES.parent / "vdsocat" / "probes"
MANIFEST = "manifest.json"


class BuildError(Exception):
    """One sentence that says why a probe cannot be built, and what to do."""


@dataclass(frozen=True)
class Recipe:
    """How one probe is built: a row of probes.toml, with the flags of all probes before its own."""

    abi: str
    endianness: str
    assembly: str
    tools: tuple[str, ...]
    packages: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def compiler(self) -> str:
        """The tool that compiles and links; the others it calls itself."""
        return self.tools[0]

    @property
    def name(self) -> str:
        """The probe's file name and the name it speaks under: mips-o32-be."""
        return f"{self.abi}-{'le' if self.endianness == 'little' else 'be'}"


def read_recipes(path: Path) -> list[Recipe]:
    """All rows of probes.toml, in its order."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    common = tuple(table["flags"])
    return [
        Recipe(
            abi=row["abi"],
            endianness=row["endianness"],
            assembly=row["assembly"],
            tools=tuple(row["tools"]),
            packages=tuple(row["package"].split()),
            flags=common + tuple(row["flags"]),
        )
        for row in table["probe"]
    ]


def first_line(command: Sequence[str]) -> str:
    """What a tool calls itself, on the first line that it prints."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).splitlines()[0].strip()


def require_tools(recipes: Sequence[Recipe]) -> None:
    """Raises BuildError with the packages to install if a compiler or linker is missing."""
    missing = {
        package
        for recipe in recipes
        if not all(shutil.which(tool) for tool in recipe.tools)
        for package in recipe.packages
    }
    if missing:
        raise BuildError(f"compilers are missing; install them with: apt-get install {' '.join(sorted(missing))}")


def digest_sources() -> str:
    """SHA-256 over the names and bytes of everything that probes are built from."""
    digest = hashlib.sha256()
    for path in sorted([*SOURCES.glob("*.[ch]"), *SOURCES.glob("abi/*"), SOURCES / "probes.toml"]):
        digest.update(f"{path.relative_to(SOURCES)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def build_probe(recipe: Recipe, directory: Path) -> Path:
    """Compiles one probe into the directory; paths are relative, so none of this machine's gets into the file."""
    target = directory / recipe.name
    command = [
        recipe.compiler,
        *recipe.flags,
        f'-DPROBE_NAME="{recipe.name}"',
        *("-include", f"abi/{recipe.abi}.h"),
        *("-I", "."),
        *("-o", str(target)),
        f"abi/{recipe.assembly}",
        *sorted(source.name for source in SOURCES.glob("*.c")),
    ]
    result = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"{recipe.name} does not build with {recipe.compiler}:\n{result.stderr.strip()}")
    if result.stderr:
        print(result.stderr, file=sys.stderr)
    target.chmod(0o755)
    return target


def describe_probe(recipe: Recipe, target: Path) -> dict[str, object]:
    """The manifest's record of one probe."""
    return {
        "abi": recipe.abi,
        "endianness": recipe.endianness,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "size": target.stat().st_size,
        "compiler": first_line([recipe.compiler, "--version"]),
        "linker": first_line([recipe.compiler, *recipe.flags, "-Wl,--version"]),
        "flags": " ".join(recipe.flags),
    }


def build_all(recipes: Sequence[Recipe], directory: Path) -> dict[str, dict[str, object]]:
    """Builds the probes into the directory; the manifest's records by probe name."""
    require_tools(recipes)
    return {recipe.name: describe_probe(recipe, build_probe(recipe, directory)) for recipe in recipes}


def read_manifest() -> dict[str, dict[str, object]]:
    """The manifest of the prebuilt probes; empty if there is none yet."""
    path = PREBUILT / MANIFEST
    return json.loads(path.read_text(encoding="utf-8"))["probes"] if path.exists() else {}


def write_manifest(probes: dict[str, dict[str, object]]) -> None:
    """Writes the manifest, sorted by name, with the digest of the sources, so that a change of them shows."""
    text = json.dumps({"sources": digest_sources(), "probes": dict(sorted(probes.items()))}, indent=2)
    (PREBUILT / MANIFEST).write_text(text + "\n", encoding="utf-8")


def check(recipes: Sequence[Recipe]) -> list[str]:
    """Rebuilds elsewhere; one sentence for each probe that does not come out as it is checked in."""
    known = read_manifest()
    differences = []
    with tempfile.TemporaryDirectory() as directory:
        built = build_all(recipes, Path(directory))
    for name, record in built.items():
        if name not in known:
            differences.append(f"{name} is not in the manifest; run make probes.")
            continue
        file = PREBUILT / name
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != known[name]["sha256"]:
            differences.append(f"{name} as checked in is not what its manifest says; run make probes.")
        elif record["sha256"] != known[name]["sha256"]:
            tools = [key for key in ("compiler", "linker") if record[key] != known[name][key]]
            why = "; ".join(f"{key} is {record[key]!r}, was {known[name][key]!r}" for key in tools)
            differences.append(f"{name} comes out different ({why or 'the sources or flags have changed'}).")
    return differences


def main() -> int:
    """Exit status 0 when built or equal, 1 when a check finds a difference, 2 when something cannot be built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="rebuild elsewhere and compare with what is checked in")
    parser.add_argument("probe", nargs="*", help="names such as mips-o32-be; default all")
    arguments = parser.parse_args()
    recipes = read_recipes(SOURCES / "probes.toml")
    unknown = set(arguments.probe) - {recipe.name for recipe in recipes}
    if unknown:
        print(f"error: no probe is named {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    chosen = [recipe for recipe in recipes if not arguments.probe or recipe.name in arguments.probe]
    try:
        if arguments.check:
            differences = check(chosen)
            print("\n".join(differences) or f"{len(chosen)} probes come out bit for bit as checked in.")
            return 1 if differences else 0
        PREBUILT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as directory:
            built = build_all(chosen, Path(directory))
            for name in built:
                shutil.copy2(Path(directory) / name, PREBUILT / name)
        write_manifest(built if len(chosen) == len(recipes) else read_manifest() | built)
        for name, record in built.items():
            print(f"{name}: {record['size']} bytes")
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
