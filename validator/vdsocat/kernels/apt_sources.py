"""Which Debian mirror the host's apt is configured with, read from its sources in both formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vdsocat.errors import InputError

# The names under which Debian publishes releases (wiki: DebianReleases), without suffixes such as -backports. Other
# repositories that a machine may have (nodejs, docker, Ubuntu) use other words as their suites.
_DEBIAN_SUITES = frozenset(
    {"buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid", "experimental", "rc-buggy"}
    | {"oldoldstable", "oldstable", "stable", "testing", "unstable"}
)
_DEBIAN_SUFFIXES = ("-updates", "-backports", "-backports-sloppy", "-proposed-updates")

_ONE_LINE = re.compile(
    r"(?P<type>deb|deb-src)\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?:\s+(?P<components>.+))?\Z"
)


@dataclass(frozen=True, slots=True)
class AptSource:
    """One repository that apt knows: `uri` without a trailing slash, as sources.list(5) describes it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]

    @property
    def is_debian_main(self) -> bool:
        """Whether it is a mirror of Debian's main archive that can be reached with HTTP."""
        return (
            self.uri.startswith(("http://", "https://"))
            and "main" in self.components
            and any(_is_debian_suite(suite) for suite in self.suites)
        )


def read_apt_sources(directory: Path) -> tuple[AptSource, ...]:
    """The enabled binary repositories under `directory` (/etc/apt), in apt's order; unreadable files are left out."""
    found: list[AptSource] = []
    parts = directory / "sources.list.d"
    for path in (directory / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found += _deb822_sources(text) if path.suffix == ".sources" else _one_line_sources(text)
    return tuple(found)


def debian_mirror(sources: Iterable[AptSource], suite: str) -> str:
    """The URI to take a Debian suite from: the repository that names this very suite, else the first main mirror.

    The former is what finds security suites, which are not on the main mirror. InputError when there is neither.
    """
    known = [source for source in sources if source.uri.startswith(("http://", "https://"))]
    for source in known:
        if suite in source.suites and "main" in source.components:
            return source.uri
    # All security suites are in one archive: the one of the host's own release has the others'.
    for source in known if suite.endswith("-security") else ():
        if any(one.endswith("-security") and _is_debian_suite(one.removesuffix("-security")) for one in source.suites):
            return source.uri
    for source in known:
        if source.is_debian_main:
            return source.uri
    raise InputError("The configuration of apt names no Debian mirror to fetch from; give one with --mirror URL.")


def _is_debian_suite(suite: str) -> bool:
    for suffix in _DEBIAN_SUFFIXES:
        suite = suite.removesuffix(suffix)
    return suite in _DEBIAN_SUITES


def _one_line_sources(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if match and match["type"] == "deb":
            components = tuple((match["components"] or "").split())
            yield AptSource(match["uri"].rstrip("/"), (match["suite"],), components)


def _deb822_sources(text: str) -> Iterator[AptSource]:
    from debian.deb822 import Deb822

    for stanza in Deb822.iter_paragraphs(text.splitlines(), use_apt_pkg=False):
        if "deb" not in stanza.get("Types", "").split() or stanza.get("Enabled", "yes").strip().lower() in _NO:
            continue
        for uri in stanza.get("URIs", "").split():
            yield AptSource(
                uri.rstrip("/"), tuple(stanza.get("Suites", "").split()), tuple(stanza.get("Components", "").split())
            )


# apt's words for a false value (StringToBool in apt-pkg/contrib/strutl.cc).
_NO = frozenset({"no", "false", "without", "off", "disable", "0"})
