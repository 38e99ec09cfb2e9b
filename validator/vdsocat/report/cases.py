"""A report as test cases in suites, which is what the formats of continuous integration are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from vdsocat.printable import printable


class Result(Enum):
    """What a case came to: what is `expected` is on record or waived, of what is `undecided` nothing can be told."""

    OK = "ok"
    FAILED = "failed"
    EXPECTED = "expected"
    UNDECIDED = "undecided"
    ERROR = "error"


_OF_VERDICTS = {
    "pass": Result.OK,
    "fail": Result.FAILED,
    "expected-absent": Result.OK,
    "review": Result.OK,
    "unknown": Result.UNDECIDED,
    "known-defect": Result.EXPECTED,
    "waived": Result.EXPECTED,
}
_OF_KINDS = {
    "incompatible": Result.FAILED,
    "review": Result.OK,
    "neutral": Result.OK,
    "waived": Result.EXPECTED,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One finding or change: `said` is its verdict or kind, `text` what there is to say, "" for a mere pass.

    All texts are printable. `file` is where a user finds what it is about, where that is a file of theirs.
    """

    name: str
    result: Result
    said: str
    text: str
    file: str | None = None

    @property
    def is_bad(self) -> bool:
        """Whether it is one for which the exit status is not 0."""
        return self.result in (Result.FAILED, Result.ERROR)


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one ABI of a kernel, of its comparison with a baseline, or of the waivers."""

    name: str
    cases: tuple[Case, ...]

    @property
    def is_bad(self) -> bool:
        """Whether any case is."""
        return any(case.is_bad for case in self.cases)


@dataclass(frozen=True, slots=True)
class Group:
    """All suites of one kernel; `properties` say which kernel it is, as far as that is known."""

    name: str
    suites: tuple[Suite, ...]
    properties: Mapping[str, str]

    @property
    def is_bad(self) -> bool:
        """Whether any suite is."""
        return any(suite.is_bad for suite in self.suites)


def groups_of(document: Mapping[str, Any]) -> tuple[Group, ...]:
    """The cases of a report (`report_document`), kernel by kernel; the waivers are a group of their own.

    A case is bad where it counts for the exit status. Where there is a baseline, the comparison decides that: what
    fails on both is no new failure.
    """
    groups = [_group(kernel, document["strict"]) for kernel in document["kernels"]]
    if document["waivers"]:
        cases = tuple(_waiver(used) for used in document["waivers"])
        groups.append(Group("waivers", (Suite("waivers", _told_apart(cases)),), {}))
    return tuple(groups)


def _group(kernel: Mapping[str, Any], strict: bool) -> Group:
    name = printable(kernel["source"])
    file = _own_file(kernel["source"])
    if kernel["error"] is not None:
        case = Case("judged", Result.ERROR, "not judged", printable(kernel["error"]), file)
        return Group(name, (Suite("source", (case,)),), {})
    regression = kernel["regression"]
    suites = [_abi(abi, strict, None if regression is None else regression["baseline"], file) for abi in kernel["abis"]]
    if regression is not None:
        suites.append(_regression(regression, strict, file))
    provenance = kernel["provenance"]
    known = {
        "release": kernel["release"],
        "provider": provenance["provider"],
        "kernel sha256": provenance.get("kernel_sha256"),
        "package": provenance.get("kernel_package"),
        "qemu": provenance.get("qemu_version"),
    }
    return Group(name, tuple(suites), {key: printable(str(value)) for key, value in known.items() if value})


def _abi(abi: Mapping[str, Any], strict: bool, baseline: str | None, file: str | None) -> Suite:
    cases = tuple(_finding(finding, strict, baseline, file) for finding in abi["findings"])
    return Suite(printable(f"{abi['abi']} {abi['endianness']}-endian {abi['mode']}"), _told_apart(cases))


def _finding(finding: Mapping[str, Any], strict: bool, baseline: str | None, file: str | None) -> Case:
    said = finding["verdict"]
    result = _OF_VERDICTS[said]
    values = (("expected ", finding["expected"]), ("seen ", finding["seen"]), ("waived: ", finding["waiver"]))
    told = ", ".join(f"{word}{value}" for word, value in values if value is not None)
    text = "" if said == "pass" else finding["reason"] + (f" ({told})" if told else "")
    if baseline is not None and result is Result.FAILED:
        result, text = Result.EXPECTED, f"{text}; the comparison with {baseline} decides"
    elif baseline is None and strict and said == "review":
        result = Result.FAILED
    return Case(printable(f"{finding['rule']} {finding['subject']}"), result, said, printable(text), file)


def _regression(regression: Mapping[str, Any], strict: bool, file: str | None) -> Suite:
    cases = [_change(change, strict, file) for change in regression["changes"]]
    notes = map(printable, regression["notes"])
    cases += [Case(f"compared: {note}", Result.UNDECIDED, "unknown", note) for note in notes]
    name = printable(f"against {regression['baseline']}")
    return Suite(name, _told_apart(cases) or (Case("no change", Result.OK, "neutral", ""),))


def _change(change: Mapping[str, Any], strict: bool, file: str | None) -> Case:
    said = change["kind"]
    result = Result.FAILED if strict and said == "review" else _OF_KINDS[said]
    waived = f" (waived: {change['waiver']})" if change["waiver"] else ""
    words = (change["abi"], change["rule"], change["subject"])
    name = " ".join(word for word in words if word)
    return Case(printable(name), result, said, printable(f"{change['change']}{waived}"), file)


def _waiver(used: Mapping[str, Any]) -> Case:
    rejected = used["complaint"] is not None
    text = used["complaint"] or f"{used['matches']} matched: {used['reason']}"
    return Case(
        printable(used["waiver"]), Result.ERROR if rejected else Result.OK, used["use"], printable(text), used["file"]
    )


def _told_apart(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases under names that occur once: those who compare two runs go by them."""
    return tuple(_numbered(cases))


def _numbered(cases: Sequence[Case]) -> Iterator[Case]:
    met: Counter[str] = Counter()
    for case in cases:
        met[case.name] += 1
        yield replace(case, name=f"{case.name} ({met[case.name]})") if met[case.name] > 1 else case


def _own_file(source: str) -> str | None:
    """The SOURCE where it is a path below the directory that everything is run in, as a repository's files are."""
    is_path = "/" in source and ":" not in source and not source.startswith(("/", ".."))
    return printable(source.removeprefix("./").rstrip("/")) if is_path else None
