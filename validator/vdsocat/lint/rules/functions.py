"""Rules about the generic functions behind the symbols, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator

from vdsocat.catalog.model import Abi
from vdsocat.errors import did_you_mean
from vdsocat.lint.facts import facts
from vdsocat.lint.problem import LintInput, Problem, abi_file

_FUNCTIONS = "catalog/functions.yaml"

# What a landing pad does is leave a signal handler, or start a system call again: the kernel jumps there.
_LANDING_PAD_SYSCALLS = ("sigreturn", "rt_sigreturn", "restart_syscall")


def undefined_functions(given: LintInput) -> Iterator[Problem]:
    """Every function that an entry names is defined in functions.yaml."""
    for abi in given.catalog.abis.values():
        for fact in facts(abi):
            if fact.kind in ("exports", "entries") and fact.entry.function not in given.catalog.functions:
                hint = did_you_mean(fact.entry.function, given.catalog.functions)
                text = f"nobody defines the function {fact.entry.function!r}{hint}"
                yield Problem(abi_file(abi), fact.place, text)


def unused_functions(given: LintInput) -> Iterator[Problem]:
    """Every function that is defined is what some symbol of an ABI or provider does."""
    used = {function for abi in given.catalog.abis.values() for function in _functions(abi)}
    for provider in given.catalog.providers.values():
        used |= {entry.function for abi in provider.abis for entry in abi.exports}
        used |= {entry.function for abi in provider.abis for area in abi.areas for entry in area.entries}
    for number, function in enumerate(given.catalog.functions):
        if function not in used:
            yield Problem(_FUNCTIONS, ("functions", number), f"no ABI has the function {function!r}.")


def callable_landing_pads(given: LintInput) -> Iterator[Problem]:
    """A landing pad is no function to call: the validator would jump out of its own stack frame."""
    for number, function in enumerate(given.catalog.functions.values()):
        if function.callable and function.syscall in _LANDING_PAD_SYSCALLS:
            text = f"does what {function.syscall} does, so it is a landing pad; callable must be false."
            yield Problem(_FUNCTIONS, ("functions", number), text)


def conventions_of_nothing(given: LintInput) -> Iterator[Problem]:
    """A calling convention names functions that the ABI has and that can be called."""
    for abi in given.catalog.abis.values():
        have = set(_functions(abi))
        for number, convention in enumerate(abi.conventions):
            place = ("conventions", number)
            for name in convention.functions:
                function = given.catalog.functions.get(name)
                if name not in have:
                    yield Problem(abi_file(abi), place, f"the ABI has no function {name!r}{did_you_mean(name, have)}")
                elif function is not None and not function.callable and convention.errors != "none":
                    yield Problem(abi_file(abi), place, f"{name} is not callable, so it reports no errors.")


def repeated_conventions(given: LintInput) -> Iterator[Problem]:
    """One convention holds for a function, and one at most for all that no other names."""
    for abi in given.catalog.abis.values():
        seen: set[str] = set()
        for number, convention in enumerate(abi.conventions):
            for name in convention.functions or ("all other functions",):
                if name in seen:
                    yield Problem(abi_file(abi), ("conventions", number), f"there is a convention for {name} already.")
                seen.add(name)


def clocksources_of_nothing(given: LintInput) -> Iterator[Problem]:
    """The clock sources that the vDSO can read are listed for ABIs that the catalogue has, once for each."""
    seen: set[str] = set()
    for number, row in enumerate(given.documents[_FUNCTIONS].get("clocksources", ())):
        place = ("clocksources", number)
        for name in row["abis"]:
            if name not in given.catalog.abis:
                yield Problem(_FUNCTIONS, place, f"there is no ABI {name!r}{did_you_mean(name, given.catalog.abis)}")
            elif name in seen:
                yield Problem(_FUNCTIONS, place, f"the clock sources of {name} are listed already.")
            seen.add(name)


def defects_of_nothing(given: LintInput) -> Iterator[Problem]:
    """A defect is one of functions, or ABIs, that are defined: a finding is known by it; no other name would match."""
    for number, row in enumerate(given.documents[_FUNCTIONS].get("defects", ())):
        for name in row.get("functions", ()):
            if name not in given.catalog.functions:
                hint = did_you_mean(name, given.catalog.functions)
                yield Problem(_FUNCTIONS, ("defects", number), f"nobody defines the function {name!r}{hint}")
        for name in row.get("abis", ()):
            if name not in given.catalog.abis:
                hint = did_you_mean(name, given.catalog.abis)
                yield Problem(_FUNCTIONS, ("defects", number), f"there is no ABI {name!r}{hint}")


RULES = (
    undefined_functions,
    unused_functions,
    callable_landing_pads,
    conventions_of_nothing,
    repeated_conventions,
    clocksources_of_nothing,
    defects_of_nothing,
)


def _functions(abi: Abi) -> Iterator[str]:
    for fact in facts(abi):
        if fact.kind in ("exports", "entries"):
            yield fact.entry.function
