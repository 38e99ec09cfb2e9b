"""vdsocat extract: the vDSO images that a source carries, written to files, and what they export; nothing is booted."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from vdsocat.cli.kernel_options import KernelAccess, kernel_options
from vdsocat.cli.settings import Settings
from vdsocat.cli.terminal import StatusLine
from vdsocat.errors import InputError
from vdsocat.images import SeenImage, images_of
from vdsocat.printable import printable
from vdsocat.sources import log_name

SCHEMA = "vdsocat-images/1"


@click.command(short_help="Write out the vDSO images of a kernel, without booting.")
@click.argument("source", metavar="SOURCE")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the images into this directory.")
@click.option("--abi", "abi_name", metavar="ABI", help="Only the images of this ABI.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The kernel's .config, for a kernel given as a file.",
)
@click.option("--format", "format_", type=click.Choice(("table", "json")), default="table", show_default=True)
@kernel_options
@click.pass_obj
def extract(
    settings: Settings,
    source: str,
    out: Path | None,
    abi_name: str | None,
    config: Path | None,
    format_: str,
    mirror: str | None,
    offline: bool,
) -> None:
    """Print what the vDSO images of a kernel export, and write them to files, without booting.

    SOURCE is as for `vdsocat check`. A capture gives the images as they were mapped, everything else as the kernel
    carries them: what a kernel changes at boot (instructions for the machine's CPU, names that arm takes away) is then
    not done yet.
    """
    catalog = settings.load_catalog()
    wanted = catalog.abi(abi_name).name if abi_name else None
    sources = KernelAccess(settings, mirror, offline).static_sources(catalog, config)
    with StatusLine(sys.stderr, 1) as status:
        images = images_of(source, sources, status.tell)
    images = tuple(one for one in images if wanted in (None, one.abi))
    if wanted and not images:
        raise InputError(f"{source}: carries no vDSO image for {wanted}.")
    files = _write(images, out) if out else [None] * len(images)
    if format_ == "json":
        document = {"schema": SCHEMA, "images": [_document(one, file) for one, file in zip(images, files, strict=True)]}
        click.echo(json.dumps(document, indent=2))
    elif not images:
        click.echo(f"{source}: carries no vDSO image.", err=True)
    else:
        click.echo("\n\n".join(_spell(one, file) for one, file in zip(images, files, strict=True)))


def _write(images: tuple[SeenImage, ...], directory: Path) -> list[str | None]:
    """Write the images whole or not at all; a second image of one ABI gets a number."""
    written: list[str | None] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for position, one in enumerate(images):
            twins = sum(_file_stem(other) == _file_stem(one) for other in images[:position])
            path = directory / (f"{_file_stem(one)}-{twins + 1}.so" if twins else f"{_file_stem(one)}.so")
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(one.data)
            partial.replace(path)
            written.append(os.fspath(path))
    except OSError as error:
        raise InputError(f"{error.filename or directory}: cannot be written ({error.strerror or error}).") from None
    return written


def _file_stem(one: SeenImage) -> str:
    # A release is what the kernel says it is: it may be a path.
    return log_name(f"{one.release or 'unknown'}-{one.abi}-{one.endianness}")


def _spell(one: SeenImage, file: str | None) -> str:
    image = one.image
    release = printable(one.release) if one.release else "an unknown release"
    head = f"{one.abi} ({one.mode}, {one.endianness}-endian, {one.how}) of {release}"
    facts = [
        f"{image.machine} {image.elf_class}-bit",
        f"soname {image.soname or 'none'}",
        f"hash {'+'.join(image.hash_styles) or 'none'}",
        f"{len(one.data)} bytes",
    ]
    lines = [f"{head}: {', '.join(facts)}" + (f"\n  written to {file}" if file else "")]
    lines += [f"  {export.versioned_name} {export.type} {export.binding}" for export in image.exports]
    return "\n".join(lines)


def _document(one: SeenImage, file: str | None) -> dict[str, Any]:
    image = one.image
    return {
        "abi": one.abi,
        "mode": one.mode,
        "endianness": one.endianness,
        "release": one.release,
        "how": one.how,
        "source": one.provenance.source,
        "file": file,
        "bytes": len(one.data),
        "machine": image.machine,
        "elf_class": image.elf_class,
        "osabi": image.osabi,
        "soname": image.soname,
        "hash_styles": list(image.hash_styles),
        "build_id": image.build_id,
        "exports": [
            {
                "symbol": export.name,
                "version": export.version,
                "type": export.type,
                "binding": export.binding,
                "value": f"{export.value:#x}",
                "size": export.size,
            }
            for export in image.exports
        ],
    }
