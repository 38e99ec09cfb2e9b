"""What a kernel is told at boot: by whoever boots it, and by its own configuration (CONFIG_CMDLINE)."""

from __future__ import annotations

from collections.abc import Mapping

_ALONE = ("CONFIG_CMDLINE_FORCE", "CONFIG_CMDLINE_OVERRIDE", "CONFIG_CMDLINE_OVERWRITE")


def read_parameters(line: str) -> dict[str, str]:
    """The names on a command line with their values, the last one of each; "" for a name without a value."""
    return {name: value for name, _, value in (word.partition("=") for word in line.split())}


def told_at_boot(given: Mapping[str, str], config: Mapping[str, str] | None) -> dict[str, str]:
    """The names that a kernel of this configuration finds on its command line when it is booted with `given`.

    A line of its own comes before what it is given on x86, and behind it on mips; elsewhere it stands in for what
    nobody gives, unless it is there to extend that. Some kernels look at no other. (arch/x86/kernel/setup.c,
    arch/mips/kernel/setup.c and early_init_dt_scan_chosen() in drivers/of/fdt.c, v7.3)
    """
    own = read_parameters((config or {}).get("CONFIG_CMDLINE", ""))
    if config is None or not own:
        return dict(given)
    if any(config.get(option) == "y" for option in _ALONE):
        return own
    if config.get("CONFIG_X86") == "y" or config.get("CONFIG_MIPS_CMDLINE_BUILTIN_EXTEND") == "y":
        return {**own, **given}
    if config.get("CONFIG_MIPS") == "y" or config.get("CONFIG_CMDLINE_EXTEND") == "y":
        return {**given, **own}
    return dict(given) or own
