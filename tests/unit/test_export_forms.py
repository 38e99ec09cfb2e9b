"""The forms of the catalogue that other projects keep: the list, the C header, and a configuration's answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Command
from small_catalog import small_catalog, small_documents, write_catalog

from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.query import effective_intervals, entries_of, states_of
from vdsocat.exports import KernelRelease

CATALOG = small_catalog()
FACTS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("CONFIG_VDSO", "CONFIG_VDSO_GETRANDOM", "CONFIG_KUSER_HELPERS")}
)


def test_a_line_of_the_list_says_everything_of_one_export(vdsocat: Command) -> None:
    lines = vdsocat("query", "*", "--format", "list").out.splitlines()
    assert lines[0] == "# vdsocat-list/1: abi symbol version type binding since until condition"
    assert lines[1:] == [
        "arm __kuser_get_tls kuser+0xfe0 - - 2.6.0 - CONFIG_KUSER_HELPERS",
        "arm __vdso_clock_gettime LINUX_2.6 FUNC GLOBAL 4.1 - "
        "(CONFIG_VDSO and machine:arch-timer-usable) or (compat and machine:arch-timer-usable)",
        "i386 __kernel_sigreturn LINUX_2.5 NOTYPE GLOBAL 2.6.0 - -",
        "i386 __vdso_clock_gettime LINUX_2.6 FUNC GLOBAL 3.15 - -",
        "i386 __vdso_getcpu LINUX_2.6 FUNC GLOBAL 6.0 - -",
        "i386 __vdso_getrandom LINUX_2.6 FUNC GLOBAL 5.1 - CONFIG_VDSO_GETRANDOM",
        "i386 __vdso_time LINUX_2.6 FUNC GLOBAL 3.15 6.0 -",
        "x86-64 __vdso_clock_gettime LINUX_2.6 FUNC GLOBAL 2.6.23 - -",
        "x86-64 __vdso_getcpu LINUX_2.6 FUNC GLOBAL 5.1..5.3 - -",
        "x86-64 clock_gettime LINUX_2.6 FUNC WEAK 2.6.23 - -",
    ]


def test_the_list_can_be_narrowed(vdsocat: Command) -> None:
    lines = vdsocat("query", "getcpu", "--abi", "i386", "--format", "list").out.splitlines()
    assert lines[1:] == ["i386 __vdso_getcpu LINUX_2.6 FUNC GLOBAL 6.0 - -"]


@given(st.tuples(st.integers(2, 6), st.integers(0, 20)).map(KernelRelease), FACTS, st.booleans())
def test_effective_intervals_say_what_states_say(release: KernelRelease, config: dict[str, bool], usable: bool) -> None:
    options = {name: "y" for name, on in config.items() if on}
    for abi in CATALOG.sorted_abis():
        for mode in abi.modes():
            facts = KernelFacts(mode, options, {"machine:arch-timer-usable": usable})
            hosts = [host for host in abi.hosts if host.mode == mode and host.interval.when is None]
            states = {(one.symbol, one.where): one.state for one in states_of(abi, release, facts, hosts)}
            for one in entries_of(abi):
                if (state := states.get((one.symbol, one.where))) in ("present", "absent"):
                    decided = {str(part.decide(release, facts).state) for part in effective_intervals(one)}
                    assert ("present" in decided) is (state == "present")


def header(tmp_path: Path, vdsocat: Command) -> Path:
    path = tmp_path / "vdso.h"
    path.write_text(vdsocat("query", "*", "--format", "header").out, encoding="utf-8")
    return path


def test_the_header_has_what_the_newest_kernels_export(tmp_path: Path, catalog_root: Path, vdsocat: Command) -> None:
    documents = small_documents()
    documents["abis/i386.yaml"]["predefined"] = "defined(__i386__)"
    documents["abis/x86-64.yaml"]["predefined"] = "defined(__x86_64__)"
    documents["abis/x86-64.yaml"]["exports"].insert(
        2, documents["abis/x86-64.yaml"]["exports"][2] | {"since": "3.15", "until": ["5.1", "5.3"], "type": "NOTYPE"}
    )
    write_catalog(catalog_root, documents)
    text = preprocessed(header(tmp_path, vdsocat), ["gcc"])
    assert text["VDSO_ABI"] == '"x86-64"'
    assert text["VDSO_GETCPU_SYMBOL"] == '"__vdso_getcpu"'
    assert text["VDSO_GETCPU_VERSION"] == '"LINUX_2.6"'
    assert text["VDSO_GETCPU_SINCE"] == "VDSO_RELEASE(3, 15, 0)"
    assert text["VDSO_CLOCK_GETTIME_SYMBOL"] == '"__vdso_clock_gettime"'
    assert "VDSO_TIME_SYMBOL" not in text
    assert "/* if CONFIG_VDSO_GETRANDOM */" in header(tmp_path, vdsocat).read_text(encoding="utf-8")


def preprocessed(path: Path, compiler: list[str]) -> dict[str, str]:
    """The macros that a C compiler has after the header."""
    done = subprocess.run(
        [*compiler, "-dM", "-E", "-x", "c", str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    return {
        name: value for _, name, *rest in (line.split(" ", 2) for line in done.stdout.splitlines()) for value in rest
    }


def test_a_configuration_decides_what_a_release_leaves_open(tmp_path: Path, vdsocat: Command) -> None:
    config = tmp_path / "config"
    lines = ["# Linux/x86 6.1.5 Kernel Configuration", "CONFIG_64BIT=y", "CONFIG_VDSO_GETRANDOM=y"]
    config.write_text("\n".join(lines), encoding="utf-8")
    outcome = vdsocat("query", "getrandom", "getcpu", "--config", config, "--format", "csv")
    assert outcome.out.splitlines()[1:] == ["x86-64,native,__vdso_getcpu,LINUX_2.6,present,since 5.1…5.3"]
    config.write_text("\n".join([*lines, "CONFIG_IA32_EMULATION=y"]), encoding="utf-8")
    outcome = vdsocat("query", "getrandom", "--config", config, "--format", "csv")
    (row,) = outcome.out.splitlines()[1:]
    assert row.startswith("i386,compat,__vdso_getrandom,LINUX_2.6,present,")
    lacking = vdsocat("query", "getrandom", "--config", config, "--lacking", "--format", "csv").out
    assert "x86-64,native,never exported by this ABI" in lacking
    assert "arm64" not in lacking


def test_a_configuration_of_another_release_is_asked_of_that_one(tmp_path: Path, vdsocat: Command) -> None:
    config = tmp_path / "config"
    config.write_text("# Linux/x86_64 6.1.5 Kernel Configuration\nCONFIG_64BIT=y\n", encoding="utf-8")
    assert vdsocat("query", "getcpu", "--config", config, "--kernel", "5.0", "--format", "csv").out.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no kernel configuration"),
        ("CONFIG_A=y\n", "is no kernel configuration"),
        ("# Linux/vax 6.1 Kernel Configuration\nCONFIG_A=y\n", "no kernel architecture 'vax'"),
        ("# Linux/x86 next Kernel Configuration\nCONFIG_A=y\n", "'next' is no kernel release"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, vdsocat: Command, text: str, said: str) -> None:
    config = tmp_path / "config"
    config.write_text(text, encoding="utf-8")
    assert vdsocat("query", "getcpu", "--config", config).refused_in_one_sentence(said)


def test_a_configuration_that_is_not_there_is_named(vdsocat: Command) -> None:
    assert vdsocat("query", "getcpu", "--config", "/nowhere/.config").refused_in_one_sentence("/nowhere/.config")
