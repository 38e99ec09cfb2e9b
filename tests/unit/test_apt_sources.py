"""Which mirror apt is configured with, from both formats of its sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdsocat.errors import InputError
from vdsocat.kernels.apt_sources import debian_mirror, read_apt_sources

DEB822 = """\
# the main archive
Types: deb deb-src
# a comment inside a stanza
URIs: http://mirror.example/debian/ https://second.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: sid
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/other.gpg] https://packages.example/apt cloud-bookworm main
deb [ arch=amd64 ] http://mirror.example/debian trixie main # the mirror
deb http://mirror.example/debian-security trixie-security main
deb http://flat.example/ ./
"""


def sources(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "sources.list.d").mkdir(exist_ok=True)
    for name, text in files.items():
        path = tmp_path / "sources.list" if name == "list" else tmp_path / "sources.list.d" / name.replace("_", ".")
        path.write_text(text)
    return tmp_path


def test_deb822_format(tmp_path: Path) -> None:
    found = read_apt_sources(sources(tmp_path, debian_sources=DEB822))
    assert [source.uri for source in found] == [
        "http://mirror.example/debian",
        "https://second.example/debian",
        "http://mirror.example/debian-security",
    ]
    assert found[0].suites == ("bookworm", "bookworm-updates")
    assert debian_mirror(found, "trixie") == "http://mirror.example/debian"
    assert debian_mirror(found, "bookworm-security") == "http://mirror.example/debian-security"


def test_one_line_format(tmp_path: Path) -> None:
    found = read_apt_sources(sources(tmp_path, list=ONE_LINE))
    assert debian_mirror(found, "sid") == "http://mirror.example/debian"
    assert debian_mirror(found, "trixie-security") == "http://mirror.example/debian-security"
    assert not any("source.example" in source.uri or "commented" in source.uri for source in found)


def test_a_security_mirror_alone_is_no_main_mirror(tmp_path: Path) -> None:
    found = read_apt_sources(sources(tmp_path, list="deb http://s.example/debian-security trixie-security main\n"))
    with pytest.raises(InputError, match=r"names no Debian mirror .* --mirror URL"):
        debian_mirror(found, "trixie")


def test_other_distributions_and_no_sources_at_all(tmp_path: Path) -> None:
    found = read_apt_sources(sources(tmp_path, list="deb http://archive.example/ubuntu noble main universe\n"))
    with pytest.raises(InputError, match="--mirror URL"):
        debian_mirror(found, "bookworm")
    assert read_apt_sources(tmp_path / "nowhere") == ()


def test_all_security_suites_come_from_the_archive_of_one(tmp_path: Path) -> None:
    text = "deb http://m.example/debian bookworm main\ndeb http://m.example/debian-security bookworm-security main\n"
    found = read_apt_sources(sources(tmp_path, list=text))
    assert debian_mirror(found, "trixie-security") == "http://m.example/debian-security"
    assert debian_mirror(found, "trixie") == "http://m.example/debian"


def test_another_vendors_security_suite_is_none_of_debians(tmp_path: Path) -> None:
    text = "deb http://m.example/debian bookworm main\ndeb http://u.example/ubuntu jammy-security main\n"
    assert debian_mirror(read_apt_sources(sources(tmp_path, list=text)), "trixie-security") == "http://m.example/debian"
