"""The vDSO images that a SOURCE stands for, wherever they come from: a kernel's file, a capture, a lone .so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from vdsocat.capture import Capture, Provenance, parse_config
from vdsocat.catalog.model import Catalog
from vdsocat.elf.image import VdsoImage, read_vdso_image
from vdsocat.guest.stop import StopRequest
from vdsocat.sources import SourceSettings, tasks_for


@dataclass(frozen=True, slots=True)
class SeenImage:
    """One vDSO image of one ABI, with what is known of the kernel that it belongs to.

    abi         the ABI's name in the catalogue
    mode        "native" or "compat"; "unknown" of an image in a file of its own
    endianness  "little" or "big"
    release     the kernel.org release ("6.1.176", "7.3.4-arch1-1"; KernelRelease.parse reads it), or the provider's own
                version; None where nobody says it
    config      CONFIG_ names to values, None where the configuration is not known
    how         "mapped" in a process of a running kernel, or "static": read from the kernel's file
    data        the image's bytes; `image` is what they say
    """

    abi: str
    mode: str
    endianness: str
    release: str | None
    config: Mapping[str, str] | None
    how: str
    provenance: Provenance
    data: bytes
    image: VdsoImage


def images_of(
    source: str, settings: SourceSettings, progress: Callable[[str], None] = lambda text: None
) -> tuple[SeenImage, ...]:
    """The images that a SOURCE stands for, nothing booted; a kernel's native ABI comes first.

    SOURCE is a kernel image in any form, a build tree, a .deb, a vDSO .so, a capture, debian:SUITE/ARCH[/FLAVOUR],
    built:NAME, the name of a kernel or set:NAME, and also host and qemu-user:ABI, whose probe runs. A kernel without
    an image gives none. Two images of one ABI are alternatives that the kernel chooses from at boot.
    InputError for what is none of these, RunError when a kernel cannot be fetched or a probe not run.
    """
    return tuple(
        image for capture in captures_of(source, settings, progress) for image in images_in(capture, settings.catalog)
    )


def captures_of(
    source: str, settings: SourceSettings, progress: Callable[[str], None] = lambda text: None
) -> Iterator[Capture]:
    """The captures that a SOURCE stands for, made without booting; errors as of `images_of`."""
    for task in tasks_for([source], replace(settings, static=True)):
        yield task.capture(StopRequest(), progress)


def images_in(capture: Capture, catalog: Catalog) -> Iterator[SeenImage]:
    """The images that a capture holds, in its order; ImageError for one that cannot be read."""
    provenance = capture.provenance
    is_linux = provenance.provider == "linux"
    release = capture.upstream_release if is_linux else provenance.provider_version
    config = parse_config(capture.config) if capture.config is not None else None
    for seen in capture.abis:
        if seen.image is None:
            continue
        abi = catalog.abi(seen.abi)
        yield SeenImage(
            abi=abi.name,
            mode=abi.mode_on(provenance.kernel_arch, provenance.kernel_bits) if is_linux else "native",
            endianness=seen.endianness,
            release=release,
            config=config,
            how="static" if seen.is_static else "mapped",
            provenance=provenance,
            data=seen.image,
            image=read_vdso_image(
                seen.image, subject=f"the {seen.abi} image of {provenance.source}", load_address=seen.address
            ),
        )
