"""Conditions: what they accept, and Kleene's three-valued logic."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsocat.catalog.conditions import Condition, ConditionError, KernelFacts, all_of, any_of, simplify

NAMES = ("machine:a", "boot:b", "toolchain:c")
VALUES = st.fixed_dictionaries({name: st.sampled_from((True, False, None)) for name in NAMES})

Tree = Any


def trees() -> st.SearchStrategy[Tree]:
    """Expressions as nested tuples, so that a test can spell and evaluate them by itself."""
    return st.recursive(
        st.sampled_from(NAMES),
        lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(("and", "or")), inner, inner),
        max_leaves=8,
    )


def spell(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "not":
        return f"not ({spell(tree[1])})"
    return f"({spell(tree[1])}) {tree[0]} ({spell(tree[2])})"


def evaluate(tree: Tree, values: dict[str, bool]) -> bool:
    if isinstance(tree, str):
        return values[tree]
    if tree[0] == "not":
        return not evaluate(tree[1], values)
    one, other = evaluate(tree[1], values), evaluate(tree[2], values)
    return (one and other) if tree[0] == "and" else (one or other)


def kleene(tree: Tree, values: dict[str, bool | None]) -> bool | None:
    """Strong Kleene logic by its arithmetic: false 0, unknown 1, true 2; and = min, or = max, not = 2 - x."""

    def number(part: Tree) -> int:
        if isinstance(part, str):
            return {False: 0, None: 1, True: 2}[values[part]]
        if part[0] == "not":
            return 2 - number(part[1])
        return (min if part[0] == "and" else max)(number(part[1]), number(part[2]))

    return (False, None, True)[number(tree)]


def facts(values: dict[str, bool | None]) -> KernelFacts:
    return KernelFacts("native", named={name: value for name, value in values.items() if value is not None})


@given(trees(), VALUES)
def test_the_value_is_that_of_kleene_logic(tree: Tree, values: dict[str, bool | None]) -> None:
    assert Condition(spell(tree)).decide(facts(values)) is kleene(tree, values)


@given(trees(), VALUES)
def test_a_decided_condition_does_not_hang_on_what_is_unknown(tree: Tree, values: dict[str, bool | None]) -> None:
    decided = Condition(spell(tree)).decide(facts(values))
    unknown = [name for name, value in values.items() if value is None]
    for guesses in product((True, False), repeat=len(unknown)):
        complete = {name: bool(value) for name, value in values.items()} | dict(zip(unknown, guesses, strict=True))
        if decided is not None:
            assert evaluate(tree, complete) is decided


@given(trees())
def test_negation_twice_changes_nothing(tree: Tree) -> None:
    everything = dict.fromkeys(NAMES, True)
    once = Condition(spell(tree)).decide(KernelFacts("native", named=everything))
    twice = Condition(f"not not ({spell(tree)})").decide(KernelFacts("native", named=everything))
    assert once is twice


@given(st.text(alphabet="andornt ()CONFIG_x:-.&|!~*+01TRUEfalse\n\\\"'é", max_size=30))
def test_any_text_is_a_condition_or_a_condition_error(text: str) -> None:
    try:
        condition = Condition(text)
    except ConditionError:
        return
    assert condition.decide(KernelFacts("native")) in (True, False, None)
    assert condition.facts()


def test_not_binds_tighter_than_and_and_that_tighter_than_or() -> None:
    condition = Condition("native or compat and not native")
    assert condition.decide(KernelFacts("native")) is True
    assert Condition("(native or compat) and not native").decide(KernelFacts("native")) is False


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"CONFIG_FOO": "y"}, True),
        ({"CONFIG_FOO": "m"}, True),
        ({"CONFIG_FOO": "0x1000"}, True),
        ({"CONFIG_FOO": "n"}, False),
        ({"CONFIG_FOO": ""}, False),
        ({}, False),
        (None, None),
    ],
)
def test_an_option_is_true_when_set_false_when_not_and_unknown_without_a_config(
    config: dict[str, str] | None, expected: bool | None
) -> None:
    assert Condition("CONFIG_FOO").decide(KernelFacts("native", config)) is expected


@pytest.mark.parametrize("mode", ["native", "compat"])
def test_the_mode_is_always_decided(mode: str) -> None:
    assert Condition("compat").decide(KernelFacts(mode)) is (mode == "compat")
    assert Condition("native").decide(KernelFacts(mode)) is (mode == "native")


@pytest.mark.parametrize(
    ("text", "parameters", "expected"),
    [
        ("boot:vdso=0", {"vdso": "0"}, True),
        ("boot:vdso=0", {"vdso": "1"}, False),
        ("boot:vdso=0", {"vdso32": "0"}, False),
        ("boot:vdso=0", {}, False),
        ("boot:vdso=0", None, None),
        ("boot:syscall.x32=y", {"syscall.x32": "y"}, True),
        ("boot:nosmp", {"nosmp": ""}, True),
        ("boot:nosmp", {"quiet": ""}, False),
    ],
)
def test_a_boot_parameter_is_decided_by_the_command_line_where_it_is_known(
    text: str, parameters: dict[str, str] | None, expected: bool | None
) -> None:
    assert Condition(text).decide(KernelFacts("native", parameters=parameters)) is expected


def test_what_a_machine_says_of_a_boot_parameter_goes_before_the_command_line() -> None:
    facts = KernelFacts("native", named={"boot:vdso=0": True}, parameters={})
    assert Condition("boot:vdso=0").decide(facts) is True


def test_facts_are_named_once_in_order() -> None:
    condition = Condition("compat and CONFIG_B or machine:usable and CONFIG_A and compat")
    assert condition.facts() == ("CONFIG_A", "CONFIG_B", "compat", "machine:usable")


def test_the_reason_spells_every_fact_with_its_value() -> None:
    condition = Condition("CONFIG_A and CONFIG_B and compat and machine:x and boot:y")
    known = KernelFacts("native", {"CONFIG_A": "y"}, {"machine:x": False})
    assert condition.deciding(known) == "CONFIG_A=y, CONFIG_B=n, boot:y unknown, native, not machine:x"
    assert "CONFIG_A unknown" in condition.deciding(KernelFacts("native"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "CONFIG_A and",
        "and CONFIG_A",
        "(CONFIG_A",
        "CONFIG_A)",
        "CONFIG_A CONFIG_B",
        "not",
        "VDSO",
        "config_vdso",
        "CONFIG_",
        "machine:",
        "machine:Upper",
        "host:x86",
        "CONFIG_A == y",
        "true",
        "false",
        "1",
        "0",
        "CONFIG_A and 1",
    ],
)
def test_what_is_no_condition_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ConditionError, match=r"is no condition|names") as refusal:
        Condition(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("compat and ((native and CONFIG_VDSO) or (compat and CONFIG_COMPAT_VDSO))", "compat and CONFIG_COMPAT_VDSO"),
        ("CONFIG_A and CONFIG_A", "CONFIG_A"),
        ("not native", "compat"),
        ("CONFIG_B and native and CONFIG_A", "native and CONFIG_A and CONFIG_B"),
        ("(native or compat) and not CONFIG_A", "not CONFIG_A"),
        ("native or compat", True),
        ("native and compat", False),
        ("CONFIG_A and not CONFIG_A", False),
    ],
)
def test_a_condition_is_said_in_as_few_words_as_it_takes(text: str, simple: str | bool) -> None:
    said = simplify(Condition(text))
    assert (said if isinstance(said, bool) else said.text) == simple


def test_no_condition_always_holds() -> None:
    assert simplify(None) is True
    assert all_of([None, None]) is None
    assert any_of([Condition("native"), None]) is None


@given(
    trees(), trees(), st.sampled_from(("native", "compat")), st.fixed_dictionaries({n: st.booleans() for n in NAMES})
)
def test_joining_and_simplifying_change_no_value(one: Tree, other: Tree, mode: str, named: dict[str, bool]) -> None:
    facts = KernelFacts(mode, None, named)
    first, second = Condition(f"native and ({spell(one)})"), Condition(f"compat or ({spell(other)})")
    for joined, value in (
        (all_of([first, second]), first.decide(facts) and second.decide(facts)),
        (any_of([first, second]), first.decide(facts) or second.decide(facts)),
    ):
        simple = simplify(joined)
        assert (simple if isinstance(simple, bool) else simple.decide(facts)) == value


@pytest.mark.parametrize("mode", ["native", "compat"])
def test_an_image_without_its_kernel_has_no_mode(mode: str) -> None:
    assert Condition(mode).decide(KernelFacts("unknown")) is None
    assert Condition("native or compat").decide(KernelFacts("unknown")) is None


def test_of_a_configuration_known_in_part_only_that_part_decides() -> None:
    facts = KernelFacts("native", named={"CONFIG_A": True, "CONFIG_B": False})
    decided = [Condition(text).decide(facts) for text in ("CONFIG_A", "CONFIG_B", "CONFIG_C", "CONFIG_A or CONFIG_C")]
    assert decided == [True, False, None, True]
    assert Condition("CONFIG_B and CONFIG_C").deciding(facts) == "CONFIG_B=n, CONFIG_C unknown"
    whole = KernelFacts("native", {"CONFIG_B": "m"}, {"CONFIG_B": False})
    assert Condition("CONFIG_B").decide(whole) is True
