"""Conditions of the catalogue: boolean expressions over facts of one kernel, decided in three values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boolean

_FACT = re.compile(
    r"(CONFIG_[A-Z0-9_a-z]+|native|compat|(machine|toolchain):[a-z0-9-]+|boot:[a-z0-9._-]+(=[a-z0-9]+)?)\Z"
)

# Characters that facts contain and that boolean.py would otherwise take for operators or reject.
_ALGEBRA = boolean.BooleanAlgebra(allowed_in_token=(".", ":", "_", "-", "="))


_MODES = ("native", "compat")


class ConditionError(ValueError):
    """The text is no condition."""


@dataclass(frozen=True)
class KernelFacts:
    """What is known of the kernel and of how it runs an ABI, as far as conditions ask for it.

    `mode` is "native" or "compat", or "unknown" of an image without its kernel. `config` maps CONFIG_ names to their
    values ("y", "m", a number, a string); an option that is not set is missing from it. None means that the
    configuration is not known. `parameters` maps the names on the kernel's command line to their values, None when it
    is not known: they decide boot:NAME and boot:NAME=VALUE. `named` decides facts that nothing else does, options of a
    configuration that is known in part among them.
    """

    mode: str
    config: Mapping[str, str] | None = None
    named: Mapping[str, bool] = field(default_factory=dict)
    parameters: Mapping[str, str] | None = None

    def decide(self, fact: str) -> bool | None:
        """True, False, or None where nothing known decides the fact."""
        if fact in _MODES:
            return None if self.mode == "unknown" else fact == self.mode
        if fact.startswith("CONFIG_") and self.config is not None:
            return is_set(self.config.get(fact, "n"))
        if fact.startswith("boot:") and fact not in self.named and self.parameters is not None:
            name, equals, value = fact.removeprefix("boot:").partition("=")
            return self.parameters.get(name) == value if equals else name in self.parameters
        return self.named.get(fact)


def is_set(value: str) -> bool:
    """Whether an option of this value counts as true."""
    return value not in ("n", "")


@dataclass(frozen=True)
class Condition:
    """A parsed condition, such as `CONFIG_COMPAT_VDSO and compat`."""

    text: str

    def __post_init__(self) -> None:
        _parse(self.text)

    def __str__(self) -> str:
        return self.text

    def facts(self) -> tuple[str, ...]:
        """The facts that the expression names, in alphabetical order."""
        return tuple(sorted({str(symbol.obj) for symbol in _parse(self.text).get_symbols()}))

    def decide(self, facts: KernelFacts) -> bool | None:
        """Three-valued (Kleene) value of the expression: None where it hangs on a fact that is not known."""
        return _decide(_parse(self.text), facts)

    def deciding(self, facts: KernelFacts) -> str:
        """The facts with their values, for the reason of a finding: `CONFIG_VDSO=n, native`."""
        return ", ".join(_spell(fact, facts) for fact in self.facts())


def all_of(conditions: Iterable[Condition | None]) -> Condition | None:
    """The condition that all of them hold; None stands for one that always holds."""
    return _joined("and", [one for one in conditions if one is not None])


def any_of(conditions: Iterable[Condition | None]) -> Condition | None:
    """The condition that one of them holds; None if one is None."""
    several = list(conditions)
    return None if None in several else _joined("or", [one for one in several if one is not None])


def _joined(operator: str, conditions: Sequence[Condition]) -> Condition | None:
    texts = list(dict.fromkeys(one.text for one in conditions))
    if len(texts) > 1:
        texts = [f"({text})" if " and " in text or " or " in text else text for text in texts]
    return Condition(f" {operator} ".join(texts)) if texts else None


def simplify(condition: Condition | None) -> Condition | bool:
    """The same condition in as few words as it takes, as alternatives; True if it always holds, False if it never does.

    Native and compat exclude each other, and one of them holds.
    """
    if condition is None:
        return True
    compat = _ALGEBRA.Symbol("compat")
    excluding = _parse(condition.text).subs({_ALGEBRA.Symbol("native"): _ALGEBRA.NOT(compat)})
    # Going through the conjunctive form finds what holds either way: "A or not A" in the disjunctive one stays.
    simple = _ALGEBRA.dnf(_ALGEBRA.cnf(excluding))
    if simple in (_ALGEBRA.TRUE, _ALGEBRA.FALSE):
        return bool(simple == _ALGEBRA.TRUE)
    return Condition(_text_of(simple))


def _text_of(expression: Any) -> str:
    """An expression in disjunctive form as the catalogue writes it, what kernels run it how first."""
    if isinstance(expression, boolean.OR):
        return " or ".join(
            f"({_text_of(one)})" if isinstance(one, boolean.AND) else _text_of(one) for one in expression.args
        )
    if isinstance(expression, boolean.AND):
        return " and ".join(sorted(map(_text_of, expression.args), key=lambda text: (text not in _MODES, text)))
    if isinstance(expression, boolean.NOT):
        inner = str(expression.args[0].obj)
        return "native" if inner == "compat" else f"not {inner}"
    return str(expression.obj)


def _spell(fact: str, facts: KernelFacts) -> str:
    value = facts.decide(fact)
    if value is None:
        return f"{fact} unknown"
    if fact.startswith("CONFIG_"):
        return f"{fact}={'y' if value else 'n'}"
    if fact in ("native", "compat"):
        return facts.mode
    return fact if value else f"not {fact}"


@cache
def _parse(text: str) -> Any:
    try:
        expression = _ALGEBRA.parse(text)
    except (boolean.ParseError, AssertionError, TypeError, IndexError) as error:
        raise ConditionError(f"{text!r} is no condition: {error}") from None
    if _has_constant(expression):
        raise ConditionError(f"{text!r} is no condition: true, false, 1 and 0 are no facts of a kernel")
    for symbol in expression.get_symbols():
        if not _FACT.match(str(symbol.obj)):
            raise ConditionError(
                f"{text!r} names {str(symbol.obj)!r}, which is neither CONFIG_…, native, compat, machine:…, boot:… "
                "nor toolchain:…"
            )
    return expression


def _has_constant(expression: Any) -> bool:
    """boolean.py reads true, 1, false, 0 and none as constants."""
    if isinstance(expression, boolean.Symbol):
        return False
    return not expression.args or any(_has_constant(operand) for operand in expression.args)


def _decide(expression: Any, facts: KernelFacts) -> bool | None:
    if isinstance(expression, boolean.Symbol):
        return facts.decide(str(expression.obj))
    values = list(_operands(expression, facts))
    if isinstance(expression, boolean.NOT):
        return None if values[0] is None else not values[0]
    absorbing = isinstance(expression, boolean.OR)
    if absorbing in values:
        return absorbing
    return None if None in values else not absorbing


def _operands(expression: Any, facts: KernelFacts) -> Iterator[bool | None]:
    return (_decide(operand, facts) for operand in expression.args)
