"""Answering a question from the index."""

from __future__ import annotations

from bisect import bisect_right

from vdsocat.errors import InputError, misspelt
from vdsocat.release_numbers import asked_release_numbers, padded, parse_release_numbers

# Loading typing takes half as long as starting Python.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from vdsocat.asking.question import Question

    Row = dict[str, str | None]
    # The state of one symbol of an ABI in one mode: symbol, function, where, state and reason.
    # A symbol of None is the whole ABI.
    SymbolState = tuple[str | None, str | None, str | None, str, str]
    StatesOf = Callable[[str, str], Iterable[SymbolState] | None]
    Release = tuple[int, ...]

# What the index keeps of each entry.
ROW_FIELDS = (
    "abi", "symbol", "function", "version", "type", "binding", "since", "since_date", "until", "until_date",
    "condition", "observed",
)  # fmt: skip
OVER_TIME_COLUMNS = ("abi", "symbol", "version", "since", "until", "observed", "condition")
AT_RELEASE_COLUMNS = ("abi", "mode", "symbol", "version", "state", "reason")
LACKING_COLUMNS = ("arch", "abi", "mode", "reason")
PROVIDER_FIELDS = ("abi", "symbol", "function", "version", "type", "binding", "since", "until")
PROVIDER_COLUMNS = ("abi", "symbol", "version", "since", "until")

_ABSENT = "absent"


class Answer:
    """Rows with their columns, the kind for JSON's schema, and what is to be said beside them."""

    def __init__(self, kind: str, columns: Sequence[str], rows: list[Row], remark: str | None = None) -> None:
        self.kind = kind
        self.columns = columns
        self.rows = rows
        self.remark = remark


def answer_from_index(question: Question, index: dict[str, Any]) -> Answer:
    """The answer for all releases or for one, from the index alone.

    InputError for a name that the catalogue has not, or a date before its first.
    """
    if question.provider is not None:
        return _of_provider(question, index)
    if not question.about_a_release:
        return _over_time(question, index)
    release = asked_release(question, index["releases"])
    return answer_at_release(question, index, release, lambda abi, mode: _states(index, abi, mode, release))


def answer_at_release(question: Question, index: dict[str, Any], release: Release, states_of: StatesOf) -> Answer:
    """The answer for one release, in which `states_of` tells the states of an ABI and a mode, None to pass it over.

    States are present, `conditional` (it depends on the kernel's configuration or the machine) and unknown (the
    catalogue has not settled it). An ABI that kernels run natively and as compat has one row, of mode `both`, where
    they agree.
    """
    names = names_asked(question, index)
    there: dict[tuple[str, SymbolState], list[str]] = {}
    lacking: dict[tuple[str, str], list[str]] = {}
    for abi, modes in abis_asked(question, index).items():
        for mode in modes:
            if question.mode not in (None, mode):
                continue
            said = states_of(abi, mode)
            if said is None:
                continue
            states = [one for one in said if one[0] is None or _is_wanted(one[:3], names, question)]
            found = [one for one in states if one[3] != _ABSENT]
            for one in found:
                there.setdefault((abi, one), []).append(mode)
            if not found:
                reasons = "; ".join(dict.fromkeys(one[4] for one in states)) or "never exported by this ABI"
                lacking.setdefault((abi, reasons), []).append(mode)
    if question.lacking:
        return Answer("lacking", LACKING_COLUMNS, list(_lacking_rows(question, index, release, lacking)))
    rows: list[Row] = [
        {"abi": abi, "mode": _spell_modes(modes), "symbol": symbol, "version": where, "state": state, "reason": reason}
        for (abi, (symbol, _, where, state, reason)), modes in there.items()
    ]
    return Answer("query", AT_RELEASE_COLUMNS, rows, _remark(question, index, len({abi for abi, _ in lacking})))


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def asked_release(question: Question, releases: Sequence[tuple[str, str]]) -> Release:
    """The release that the question is about, the newest one if it names none; `releases` are (release, date)."""
    if question.kernel is not None:
        return asked_release_numbers(question.kernel)
    if question.date is None:
        return parse_release_numbers(releases[-1][0])
    if not _is_date(question.date):
        raise InputError(f"{question.date!r} is no date such as 2020-05-31.")
    out = [release for release, date in releases if date <= question.date]
    if not out:
        raise InputError(f"The first release whose date is known is {releases[0][0]}, of {releases[0][1]}.")
    return max(map(parse_release_numbers, out), key=padded)


def _over_time(question: Question, index: dict[str, Any]) -> Answer:
    names, abis = names_asked(question, index), abis_asked(question, index)
    rows: list[Row] = [
        dict(zip(ROW_FIELDS, one, strict=True))
        for one in index["rows"]
        if one[0] in abis and _is_wanted(one[1:4], names, question)
    ]
    lacking = abis.keys() - {row["abi"] for row in rows}
    return Answer("query", OVER_TIME_COLUMNS, rows, _remark(question, index, len(lacking)))


def _of_provider(question: Question, index: dict[str, Any]) -> Answer:
    provider = index["providers"].get(question.provider)
    if provider is None:
        assert question.provider is not None
        raise InputError(f"The catalogue knows no provider {misspelt(question.provider, index['providers'])}")
    names, abis = names_asked(question, index), abis_asked(question, index)
    rows: list[Row] = [
        dict(zip(PROVIDER_FIELDS, one, strict=True))
        for one in provider
        if one[0] in abis and _is_wanted(one[1:4], names, question)
    ]
    return Answer("query-provider", PROVIDER_COLUMNS, rows)


def _lacking_rows(
    question: Question, index: dict[str, Any], release: Release, lacking: dict[tuple[str, str], list[str]]
) -> Iterator[Row]:
    """A row for each ABI and mode that lacks it, and one for each architecture of the release that has no vDSO."""
    abis = index["abis"]
    for (abi, reason), modes in lacking.items():
        yield {"arch": ", ".join(abis[abi][1]), "abi": abi, "mode": _spell_modes(modes), "reason": reason}
    for arch, none in _architectures_without(question, index, release):
        yield {"arch": arch, "abi": None, "mode": None, "reason": none}


def _architectures_without(question: Question, index: dict[str, Any], release: Release) -> Iterator[tuple[str, str]]:
    at = padded(release)
    for arch, (since, until, none) in index["architectures"].items():
        asked = arch in question.arch if question.arch else not question.abi
        if none and asked and since <= at and (until is None or at < until):
            yield arch, none


def _remark(question: Question, index: dict[str, Any], lacking: int) -> str | None:
    """What a list of those who have it leaves out."""
    for arch in question.arch:
        none = index["architectures"][arch][2]
        if none:
            return f"{arch} has no vDSO: {none}"
    if not lacking or not (question.patterns or question.node):
        return None
    return f"{lacking} other ABI{'s' if lacking > 1 else ''} without it: --lacking tells which, and why."


def _spell_modes(modes: Sequence[str]) -> str:
    return "both" if len(modes) > 1 else modes[0]


def _is_wanted(
    one: tuple[str | None, str | None, str | None], names: frozenset[str] | None, question: Question
) -> bool:
    """Whether a symbol, its function or the version it has is asked for."""
    symbol, function, where = one
    return (names is None or symbol in names or function in names) and (not question.node or where in question.node)


def names_asked(question: Question, index: dict[str, Any]) -> frozenset[str] | None:
    """Functions and symbols that the patterns stand for; None for all of them."""
    if not question.patterns:
        return None
    known = index["names"]
    found: set[str] = set()
    for pattern in question.patterns:
        if any(character in pattern for character in "*?["):
            from fnmatch import filter as matching

            matches = matching(known, pattern)
        else:
            matches = [pattern] if pattern in known else []
        if not matches:
            raise InputError(f"The catalogue knows no function or symbol {misspelt(pattern, known)}")
        found.update(matches)
    return frozenset(found)


def abis_asked(question: Question, index: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The ABIs asked for, with the modes in which kernels run them."""
    abis = index["abis"]
    for node in question.node:
        if node not in index["nodes"]:
            raise InputError(f"The catalogue knows no version node {misspelt(node, index['nodes'])}")
    for arch in question.arch:
        if arch not in index["architectures"]:
            raise InputError(f"There is no kernel architecture {misspelt(arch, index['architectures'])}")
    chosen = list(abis)
    if question.abi:
        chosen = [_abi_named(name, index["abi_names"]) for name in question.abi]
    return {
        name: abis[name][0] for name in chosen if not question.arch or not set(question.arch).isdisjoint(abis[name][1])
    }


def _abi_named(name: str, names: dict[str, str]) -> str:
    try:
        return names[name.lower()]
    except KeyError:
        raise InputError(f"There is no ABI {misspelt(name, names)}") from None


def _states(index: dict[str, Any], abi: str, mode: str, release: Release) -> Iterator[SymbolState]:
    """The states at a release of all symbols of an ABI in one mode, from the releases at which they change."""
    at = padded(release)
    for (symbol, function, where), keys, states in index["states"][abi][mode]:
        position = bisect_right(keys, at) - 1
        if states[position] is not None:
            yield (symbol, function, where, *states[position])
