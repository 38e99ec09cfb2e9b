"""The numbers of a kernel release, for whoever cannot afford to load more."""

from __future__ import annotations

import re

from vdsocat.errors import InputError

_RELEASE = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+~_].*)?\Z")
_MOST_PARTS = 4


def parse_release_numbers(text: str) -> tuple[int, ...]:
    """The two to four numbers of "6.1", "v6.1.176" or "6.12.107+deb13-amd64"; ValueError for anything else."""
    match = _RELEASE.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no kernel release such as 6.1 or 2.6.15")
    return tuple(int(part) for part in match.groups() if part is not None)


def asked_release_numbers(text: str) -> tuple[int, ...]:
    """The numbers of a release that a user named; InputError for what is none."""
    try:
        return parse_release_numbers(text)
    except ValueError as error:
        raise InputError(f"{error}.") from None


def padded(parts: tuple[int, ...]) -> tuple[int, ...]:
    """The numbers with zeros behind them, for comparing."""
    return parts + (0,) * (_MOST_PARTS - len(parts))
