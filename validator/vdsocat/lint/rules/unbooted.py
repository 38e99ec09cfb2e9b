"""Rules about systems of which no kernel was booted."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.catalog.systems import UNBOOTED, Shown, System, Unbooted, systems, unbooted_from_document
from vdsocat.errors import did_you_mean
from vdsocat.lint.problem import CATALOG, LintInput, Problem

_FILE = CATALOG + UNBOOTED


def unexplained_systems(given: LintInput) -> Iterator[Problem]:
    """Of every system a kernel was booted, or there is a reason why not."""
    reasons = _reasons(given)
    for system in _systems(given):
        if system.shown is not Shown.BOOTED and not any(one.is_about(system) for one in reasons):
            text = f"no kernel was booted of {_spell(system)}; record evidence, or say in {_FILE} why not."
            yield Problem(f"{CATALOG}abis/{system.abi}.yaml", ("hosts",), text)


def needless_reasons_against_booting(given: LintInput) -> Iterator[Problem]:
    """A reason for not booting is for systems that there are and that nobody booted."""
    stated = list(_systems(given))
    for number, reason in enumerate(_reasons(given)):
        place = ("unbooted", number)
        meant = [system for system in stated if reason.is_about(system)]
        for name in reason.abis:
            if name not in given.catalog.abis:
                yield Problem(_FILE, place, f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
            elif not any(system.abi == name for system in meant):
                yield Problem(_FILE, place, f"{name} is not run so.")
        for system in meant:
            if system.shown is Shown.BOOTED:
                yield Problem(_FILE, place, f"is for {_spell(system)}, which was booted.")


RULES = (unexplained_systems, needless_reasons_against_booting)


def _reasons(given: LintInput) -> tuple[Unbooted, ...]:
    return unbooted_from_document(given.documents.get(_FILE, {}))


def _systems(given: LintInput) -> Iterator[System]:
    return systems(given.catalog, given.evidence.values())


def _spell(system: System) -> str:
    return f"{system.abi}, {system.endianness}-endian, {system.mode} on {system.kernel}"
