"""Evidence made up for tests of lint."""

from __future__ import annotations

from typing import Any

from vdsocat.catalog.evidence import AbiEvidence, ImageFacts, Observation, Sighting, spell_evidence
from vdsocat.documents import parse_yaml

I386_6_1 = (
    "__kernel_sigreturn@@LINUX_2.5 NOTYPE GLOBAL",
    "__vdso_clock_gettime@@LINUX_2.6 FUNC GLOBAL",
    "__vdso_getcpu@@LINUX_2.6 FUNC GLOBAL",
    "__vdso_getrandom@@LINUX_2.6 FUNC GLOBAL",
)


def sighting(release: str = "6.1.176", mode: str = "native", config: dict[str, str] | None = None) -> Sighting:
    """One look at a kernel of a made-up package."""
    options = tuple(config.items()) if config is not None else None
    return Sighting(
        kernel=f"linux-image-{release}",
        version=f"{release}-1",
        architecture="i386",
        release=release,
        mode=mode,
        how="static",
        date="2026-11-24",
        package_sha256="0" * 64,
        image_sha256="1" * 64,
        config=options,
    )


def image(
    *exports: str, soname: str | None = "linux-gate.so.1", hash_styles: tuple[str, ...] = ("sysv",)
) -> ImageFacts:
    """What an image holds; by default what the small catalogue says of i386 in 6.1."""
    return ImageFacts("little", soname, hash_styles, 0, tuple(sorted(exports or I386_6_1)))


def evidence(abi: str, *observations: tuple[Sighting, ImageFacts | None]) -> Any:
    """The document of an ABI's evidence."""
    return parse_yaml(spell_evidence(AbiEvidence(abi, tuple(Observation(*one) for one in observations))), abi)
