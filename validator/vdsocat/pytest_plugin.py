"""A pytest plugin: `pytest --vdsocat-kernel=SOURCE` has a test for each ABI and symbol, or rule, of a kernel.

Everything but the options is loaded when they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vdsocat.judging.changes import Change
    from vdsocat.judging.finding import Finding
    from vdsocat.judging.result import CheckResult


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which begin with --vdsocat."""
    group = parser.getgroup("vdsocat", "the vDSO of kernels")
    group.addoption(
        "--vdsocat-kernel",
        action="append",
        default=[],
        metavar="SOURCE",
        help="Judge the vDSO of a kernel: all that `vdsocat check` takes. May be given several times.",
    )
    group.addoption(
        "--vdsocat-baseline",
        metavar="CAPTURE",
        help="Compare with a capture, or a directory of captures: what is incompatible with it fails, nothing else.",
    )
    group.addoption("--vdsocat-waivers", metavar="FILE", type=Path, help="What is accepted, and why (YAML).")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests of the kernels, before any is deselected."""
    for source in config.getoption("--vdsocat-kernel"):
        name = f"vdsocat:{source}"
        kernel = Kernel.from_parent(session, name=name, nodeid=name, source=source)
        items.extend(item for item in session.genitems(kernel) if isinstance(item, pytest.Item))


class Kernel(pytest.Collector):
    """The kernels that one SOURCE stands for; collecting boots them."""

    def __init__(self, *, source: str, **others: Any) -> None:
        super().__init__(**others)
        self.source = source

    def collect(self) -> Iterator[Question]:
        """A question for each symbol and rule of each ABI; one alone for a kernel that could not be judged."""
        from vdsocat.errors import VdsocatError

        try:
            results = list(self._results())
        except VdsocatError as error:
            yield Question.from_parent(self, name="judged", error=error.sentence())
            return
        for result in results:
            before = "" if result.source == self.source else f"{result.source}::"
            if result.judgement is None:
                yield Question.from_parent(self, name=f"{before}judged", error=result.error)
            decided = result.regression is None
            for name, findings in _findings_by_name(result).items():
                yield Question.from_parent(self, name=before + name, findings=findings, decided=decided)
            for name, changes in _changes_by_name(result).items():
                yield Question.from_parent(self, name=before + name, changes=changes)

    def _results(self) -> Iterator[CheckResult]:
        """What `vdsocat check` comes to, one kernel after the other, in the order of the kernels."""
        import os
        from dataclasses import replace

        from vdsocat.check import Limits, Matrix, check_all
        from vdsocat.cli.kernel_options import KernelAccess
        from vdsocat.cli.regression import RegressionOptions, Standard
        from vdsocat.cli.settings import Settings
        from vdsocat.guest.stop import StopRequest
        from vdsocat.sources import tasks_for

        own = Settings.from_environment(None, None, os.environ)
        catalog = own.load_catalog()
        settings = KernelAccess(own).static_sources(catalog)
        baseline, waivers = (self.config.getoption(f"--vdsocat-{name}") for name in ("baseline", "waivers"))
        standard = Standard(RegressionOptions(baseline, waivers), catalog)
        standard.read_baseline(settings)
        tasks = list(tasks_for([self.source], replace(settings, static=False)))
        matrix = Matrix(catalog, Limits(boots=1), lambda text, source: None, StopRequest())
        in_order = [task.source for task in tasks]
        results = sorted(check_all(tasks, matrix), key=lambda result: in_order.index(result.source))
        yield from map(standard.hold, results)


class Question(pytest.Item):
    """What is found of one symbol, or by one rule, on one ABI; or what became of it since the baseline.

    `decided` is false where a baseline decides, and a `fail` is no more than something to tell.
    """

    def __init__(
        self,
        *,
        findings: Sequence[Finding] = (),
        changes: Sequence[Change] = (),
        error: str | None = None,
        decided: bool = True,
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self.findings, self.changes, self.error, self.decided = findings, changes, error, decided

    def runtest(self) -> None:
        """Fail with a sentence for each thing that fails; what is accepted xfails, and what nothing decides skips."""
        from vdsocat.judging.changes import Kind
        from vdsocat.judging.finding import Verdict

        fails = [one.sentence() for one in self.findings if one.verdict is Verdict.FAIL]
        bad = [self.error] if self.error else fails if self.decided else []
        bad += [one.sentence() for one in self.changes if one.kind is Kind.INCOMPATIBLE]
        if bad:
            raise VdsoError("\n".join(_printable(bad)))
        accepted = [one.sentence() for one in self.findings if one.verdict in (Verdict.KNOWN_DEFECT, Verdict.WAIVED)]
        accepted += [one.sentence() for one in self.changes if one.kind is Kind.WAIVED]
        if fails or accepted:
            pytest.xfail("; ".join(_printable([*fails, *accepted])))
        if self.findings and all(one.verdict is Verdict.UNKNOWN for one in self.findings):
            pytest.skip("; ".join(_printable([one.sentence() for one in self.findings])))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The sentences, without a traceback of ours."""
        if isinstance(excinfo.value, VdsoError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """What a failure is headed with."""
        return self.path, None, self.name


class VdsoError(AssertionError):
    """Something of a vDSO is not as it must be."""


def _findings_by_name(result: CheckResult) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for row in result.judgement.abis if result.judgement else ():
        for finding in row.findings:
            name = f"{row.abi} {row.mode}::{_what(finding.rule, finding.subject)}"
            found.setdefault(name, []).append(finding)
    return found


def _changes_by_name(result: CheckResult) -> dict[str, list[Change]]:
    if result.regression is None:
        return {}
    found: dict[str, list[Change]] = {}
    for change in result.regression.changes:
        name = f"against {result.regression.baseline}::{change.abi}::{_what(change.rule, change.subject)}"
        found.setdefault(name, []).append(change)
    return found or {f"against {result.regression.baseline}::no change": []}


def _what(rule: str, subject: str) -> str:
    """The symbol that it is about, or else the rule: a symbol begins with underscores, or has a rule on symbols."""
    from vdsocat.judging.changes import symbol_of

    symbol = symbol_of(subject)
    return next(_printable([symbol if symbol.startswith("__") or rule.startswith("SYM-") else rule]))


def _printable(texts: Iterable[str]) -> Iterator[str]:
    from vdsocat.printable import printable

    return map(printable, texts)
