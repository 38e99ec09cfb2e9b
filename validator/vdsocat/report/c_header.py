"""The catalogue as a C header for libc writers: names, versions and releases of what the newest kernels export."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from vdsocat.catalog.intervals import Interval
from vdsocat.catalog.model import Abi
from vdsocat.catalog.query import Exported, effective_intervals
from vdsocat.exports import KernelRelease

_OPENING = """\
/* What the vDSO of the newest Linux kernels exports, by ABI; made by vdsocat. SPDX-License-Identifier: CC0-1.0
 *
 * VDSO_ABI            the ABI that is compiled for, as vdsocat calls it
 * VDSO_name_SYMBOL    the ELF symbol of a function
 * VDSO_name_VERSION   its GNU symbol version
 * VDSO_name_SINCE     the first mainline release with it, to compare with VDSO_RELEASE(6, 11, 0)
 *
 * A comment says what a kernel may lack it for; look every symbol up and be ready not to find it. */
#ifndef VDSOCAT_VDSO_H
#define VDSOCAT_VDSO_H

#define VDSO_RELEASE(a, b, c) (((a) << 16) + ((b) << 8) + (c))
"""


def render_header(abis: Iterable[tuple[Abi, Sequence[Exported]]]) -> str:
    """The header for the ABIs with the entries wanted of each; those whose programs nobody can tell are left out."""
    known = [(abi, entries) for abi, entries in abis if abi.predefined and any(_current(entries))]
    lines = [_OPENING]
    for position, (abi, entries) in enumerate(known):
        lines.append(f"#{'elif' if position else 'if'} {abi.predefined}")
        lines.append(f'# define VDSO_ABI "{abi.name}"')
        lines += _definitions(entries)
    return "\n".join([*lines, *(["#endif"] if known else []), "", "#endif /* VDSOCAT_VDSO_H */"])


def _definitions(entries: Sequence[Exported]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for one in _current(entries):
        # Where a function has several symbols, its name stands for the first and each has one of its own too.
        name = one.function if one.function not in seen else one.symbol.strip("_")
        seen[name] = one.symbol
        macro = f"VDSO_{re.sub('[^A-Z0-9]', '_', name.upper())}"
        intervals = effective_intervals(one)
        condition = " or ".join(dict.fromkeys(str(interval.when) for interval in intervals if interval.when))
        since = min(interval.since.after for interval in _effective_since_unbroken(one, entries))
        yield f'# define {macro}_SYMBOL "{one.symbol}"' + (f" /* if {condition} */" if condition else "")
        yield f'# define {macro}_VERSION "{one.where}"'
        yield f"# define {macro}_SINCE {_spell(since)}"


def _effective_since_unbroken(one: Exported, entries: Sequence[Exported]) -> Iterator[Interval]:
    """The stretches of an entry and of those right before it that have the same symbol and version."""
    yield from effective_intervals(one)
    for earlier in entries:
        same = (earlier.symbol, earlier.where) == (one.symbol, one.where)
        if same and earlier.interval.until == one.interval.since:
            yield from _effective_since_unbroken(earlier, entries)


def _current(entries: Sequence[Exported]) -> Iterator[Exported]:
    """The symbols of the image that nothing has ended, without aliases."""
    for one in entries:
        if one.type is not None and one.interval.until is None and one.detail is None:
            yield one


def _spell(release: KernelRelease) -> str:
    numbers = (*release.parts, 0)[:3]
    return f"VDSO_RELEASE({', '.join(map(str, numbers))})"
