"""What a kernel is told at boot, by its own configuration too."""

from __future__ import annotations

import pytest

from vdsocat.command_line import read_parameters, told_at_boot

OWN = {"CONFIG_CMDLINE": "vdso=0 quiet"}


def test_the_last_of_a_name_counts() -> None:
    assert read_parameters("vdso=1 quiet vdso=0 a=b=c") == {"vdso": "0", "quiet": "", "a": "b=c"}


@pytest.mark.parametrize(
    ("options", "given", "vdso"),
    [
        ({}, {}, "0"),
        ({}, {"vdso": "1"}, "1"),
        ({"CONFIG_X86": "y"}, {"panic": "-1"}, "0"),
        ({"CONFIG_X86": "y"}, {"vdso": "1"}, "1"),
        ({"CONFIG_X86": "y", "CONFIG_CMDLINE_OVERRIDE": "y"}, {"vdso": "1"}, "0"),
        ({"CONFIG_MIPS": "y"}, {"vdso": "1"}, "0"),
        ({"CONFIG_MIPS": "y", "CONFIG_MIPS_CMDLINE_BUILTIN_EXTEND": "y"}, {"vdso": "1"}, "1"),
        ({"CONFIG_ARM": "y", "CONFIG_CMDLINE_EXTEND": "y"}, {"vdso": "1"}, "0"),
        ({"CONFIG_ARM": "y", "CONFIG_CMDLINE_FORCE": "y"}, {"vdso": "1"}, "0"),
        ({"CONFIG_ARM": "y"}, {"console": "ttyAMA0"}, None),
    ],
)
def test_a_line_of_the_configuration_counts_where_the_architecture_takes_it(
    options: dict[str, str], given: dict[str, str], vdso: str | None
) -> None:
    assert told_at_boot(given, OWN | options).get("vdso") == vdso


@pytest.mark.parametrize("config", [None, {}, {"CONFIG_CMDLINE": ""}])
def test_without_one_it_is_what_was_given(config: dict[str, str] | None) -> None:
    assert told_at_boot({"vdso": "1"}, config) == {"vdso": "1"}
