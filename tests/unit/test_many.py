"""Many kernels at once: what is booted, in which order, how much at a time, and what is kept for later runs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from consoles import PANIC, boot_lines
from fake_qemu import FakeQemu, make_fake_qemu
from outcomes import Command
from small_images import i386_image, write_vmlinux

from vdsocat.documents import read_schema, schema_problems

CONSOLE = b"".join(boot_lines(i386_image()))
# Each start is noted with its arguments.
NOTE = """
printf '%s\\n' "$*" >> 'DIRECTORY/started'
sleep 0.2
"""
# Waits, a few seconds at most, until as many run as may, and then a moment longer for one too many.
GATHER = """
mkdir -p 'DIRECTORY/running' && : > 'DIRECTORY/running/'$$
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ "$(ls 'DIRECTORY/running' | wc -l)" -ge MOST ] && break
    sleep 0.2
done
sleep 0.4
ls 'DIRECTORY/running' | wc -l >> 'DIRECTORY/at-a-time'
rm 'DIRECTORY/running/'$$
"""


@pytest.fixture
def qemu(tmp_path: Path) -> FakeQemu:
    return make_fake_qemu(tmp_path / "qemu", CONSOLE, before=NOTE)


def started(qemu: FakeQemu) -> list[str]:
    """The names of the kernels that were booted, in order."""
    path = qemu.directory / "started"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Path(words[words.index("-kernel") + 1]).name for words in map(str.split, lines)]


def forget(qemu: FakeQemu) -> None:
    (qemu.directory / "started").unlink(missing_ok=True)


def kernels(directory: Path, *names: str) -> list[Path]:
    """Kernels that differ in their release, so that none is another's copy."""
    directory.mkdir(exist_ok=True)
    return [write_vmlinux(directory / name, release=f"6.1.0-{number}-686") for number, name in enumerate(names)]


def write_matrix(path: Path, *sources: Any, **others: Any) -> Path:
    path.write_text(yaml.safe_dump({"sources": list(sources)} | others))
    return path


def test_an_unchanged_kernel_is_not_booted_again_and_the_output_says_so(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu
) -> None:
    one, other = kernels(tmp_path / "k", "one", "other")
    first = vdsocat("check", "--qemu", qemu.directory, one)
    assert (first.status, started(qemu)) == (0, ["one"])
    assert "not booted again" not in first.out
    forget(qemu)
    second = vdsocat("check", "--qemu", qemu.directory, one, other)
    assert (second.status, started(qemu)) == (0, ["other"])
    assert second.out.splitlines()[-1].startswith(
        "1 of 2 kernels were not booted again: captures kept from boots on 20"
    )
    assert ", 2 rows: " in second.out


def test_again_boots_what_is_kept(vdsocat: Command, tmp_path: Path, qemu: FakeQemu) -> None:
    (kernel,) = kernels(tmp_path / "k", "one")
    for _ in range(2):
        outcome = vdsocat("check", "--again", "--qemu", qemu.directory, kernel)
        assert "not booted again" not in outcome.out
    assert started(qemu) == ["one", "one"]


def test_a_copy_elsewhere_is_the_same_kernel_under_its_own_name(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu
) -> None:
    (kernel,) = kernels(tmp_path / "k", "one")
    copy = tmp_path / "copy"
    copy.write_bytes(kernel.read_bytes())
    vdsocat("check", "--qemu", qemu.directory, kernel)
    outcome = vdsocat("check", "--format", "json", "--qemu", qemu.directory, copy)
    (result,) = json.loads(outcome.out)["kernels"]
    assert started(qemu) == ["one"]
    assert result["kept"] is True
    assert result["source"] == result["provenance"]["source"] == result["provenance"]["kernel_path"] == str(copy)
    assert "The kernel was not booted again: captures kept from boots on 20" in outcome.err


@pytest.mark.parametrize("change", ["bytes", "config", "append", "stock", "qemu"])
def test_whatever_decides_what_a_boot_shows_makes_it_another_boot(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu, change: str
) -> None:
    (kernel,) = kernels(tmp_path / "k", "one")
    config = tmp_path / "config"
    config.write_text("CONFIG_X86_32=y\n")
    arguments: list[object] = ["check", "--qemu", qemu.directory, "--config", config, kernel]
    assert vdsocat(*arguments).status == 0
    assert vdsocat(*arguments, "--deadline", 50).status == 0
    assert started(qemu) == ["one"], "neither a second run nor another deadline is another boot"
    if change == "bytes":
        kernel.write_bytes(kernel.read_bytes() + b"\0")
    elif change == "config":
        config.write_text("CONFIG_X86_32=y\n# CONFIG_VDSO_GETRANDOM is not set\n")
    elif change == "qemu":
        qemu.program.write_text(qemu.program.read_text().replace("7.2.22", "7.2.23"))
    else:
        arguments += ["--append", "loglevel=8"] if change == "append" else ["--stock"]
    assert vdsocat(*arguments).status == 0
    assert started(qemu) == ["one", "one"]


def test_judging_is_done_anew_from_what_is_kept(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu, catalog_root: Path
) -> None:
    (kernel,) = kernels(tmp_path / "k", "one")
    assert vdsocat("check", "--qemu", qemu.directory, kernel).status == 0
    abi = catalog_root / "abis" / "i386.yaml"
    abi.write_text(abi.read_text().replace("__vdso_getcpu", "__vdso_getnode"))
    outcome = vdsocat("check", "--qemu", qemu.directory, kernel)
    assert (outcome.status, started(qemu)) == (1, ["one"])
    assert "SYM-MISSING __vdso_getnode@@LINUX_2.6" in " ".join(outcome.out.split())


def test_what_was_not_completed_is_not_kept(vdsocat: Command, tmp_path: Path) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", PANIC, before=NOTE)
    (kernel,) = kernels(tmp_path / "k", "one")
    assert vdsocat("check", "--stock", "--qemu", qemu.directory, kernel).status == 3
    assert vdsocat("check", "--stock", "--qemu", qemu.directory, kernel).status == 3
    assert started(qemu) == ["one", "one"]


def test_a_kept_capture_that_is_damaged_is_made_anew(vdsocat: Command, tmp_path: Path, qemu: FakeQemu) -> None:
    (kernel,) = kernels(tmp_path / "k", "one")
    vdsocat("check", "--qemu", qemu.directory, kernel)
    (kept,) = (tmp_path / "cache" / "captures").iterdir()
    kept.write_bytes(kept.read_bytes()[:-100])
    assert vdsocat("check", "--qemu", qemu.directory, kernel).status == 0
    assert started(qemu) == ["one", "one"]


def test_a_cache_that_cannot_keep_captures_spoils_no_check(vdsocat: Command, tmp_path: Path, qemu: FakeQemu) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "captures").write_text("in the way")
    (kernel,) = kernels(tmp_path / "k", "one")
    outcome = vdsocat("check", "--qemu", qemu.directory, kernel)
    assert (outcome.status, outcome.err) == (0, "")


def test_resume_boots_only_what_is_not_there_complete_and_unchanged(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu
) -> None:
    sources = kernels(tmp_path / "k", "whole", "cut", "changed", "missing")
    out = tmp_path / "out"
    arguments = ["check", "--again", "--jobs", 1, "--out", out, "--qemu", qemu.directory, *sources]
    assert vdsocat(*arguments).status == 0
    files = {path.name.rpartition("_")[2].removesuffix(".json"): path for path in out.glob("*.json")}
    assert set(files) == {"whole", "cut", "changed", "missing"}
    files["cut"].write_bytes(files["cut"].read_bytes()[:1000])
    files["missing"].unlink()
    sources[2].write_bytes(sources[2].read_bytes() + b"\0")
    forget(qemu)
    outcome = vdsocat(*arguments, "--resume")
    assert outcome.status == 0
    assert sorted(started(qemu)) == ["changed", "cut", "missing"]
    assert "1 of 4 kernels were not booted again" in outcome.out
    assert len(list(out.glob("*.json"))) == 4


def test_resume_wants_to_know_what(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--resume", *kernels(tmp_path / "k", "one"))
    assert outcome.status == 2
    assert "--resume goes on with what is in a directory: name it with --out." in outcome.err


def test_the_longest_boots_come_first_by_what_earlier_runs_took(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu
) -> None:
    sources = kernels(tmp_path / "k", "quick", "brisk", "slow")
    arguments = ["check", "--again", "--jobs", 1, "--qemu", qemu.directory, *sources]
    vdsocat(*arguments)
    assert started(qemu) == ["quick", "brisk", "slow"], "nothing is known yet, so that the order is the given one"
    durations = tmp_path / "cache" / "durations.json"
    noted = json.loads(durations.read_text())
    assert {Path(source).name for source, seconds in noted["sources"].items() if seconds > 0} == set(started(qemu))
    assert set(noted["machines"]) == {"i386"}
    # A busy computer may have taken any time for any of them.
    noted["sources"] = dict(zip(map(str, sources), (1.0, 2.0, 3.0), strict=True))
    durations.write_text(json.dumps(noted))
    forget(qemu)
    vdsocat(*arguments)
    assert started(qemu) == ["slow", "brisk", "quick"]


@pytest.mark.parametrize("content", ["", "[]", '{"sources": {"a": "b"}, "machines": {}}', '{"sources": 1}'])
def test_durations_that_cannot_be_read_only_cost_their_order(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu, content: str
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "durations.json").write_text(content)
    assert vdsocat("check", "--qemu", qemu.directory, *kernels(tmp_path / "k", "one")).status == 0


@pytest.mark.parametrize(("limits", "most"), [(["--memory", 2000], 3), (["--memory", 1300], 2), (["--memory", 100], 1)])
def test_boots_are_bounded_by_memory_and_one_that_needs_more_runs_alone(
    vdsocat: Command, tmp_path: Path, limits: Sequence[object], most: int
) -> None:
    qemu = make_fake_qemu(tmp_path / "qemu", CONSOLE, before=GATHER.replace("MOST", str(most)))
    sources = kernels(tmp_path / "k", *(f"k{number}" for number in range(6)))
    assert vdsocat("check", "--jobs", 3, *limits, "--qemu", qemu.directory, *sources).status == 0
    at_a_time = list(map(int, (qemu.directory / "at-a-time").read_text().split()))
    assert len(at_a_time) == 6
    assert max(at_a_time) == most, "an i386 guest has 512 MiB, and QEMU takes 128 beside"


def test_a_matrix_file_gives_each_source_its_own_options(vdsocat: Command, tmp_path: Path, qemu: FakeQemu) -> None:
    kernels(tmp_path / "k", "one", "other")
    (tmp_path / "k" / "config-of-other").write_text("CONFIG_OTHER=y\n")
    matrix = write_matrix(
        tmp_path / "k" / "nightly.yaml",
        "one",
        {"source": "./other", "config": "config-of-other", "append": "vdso=0"},
        {"source": "one", "name": "one without", "append": "vdso32=0"},
    )
    outcome = vdsocat(
        "check", "--matrix", matrix, "--append", "quiet", "--qemu", qemu.directory, "--out", tmp_path / "out"
    )
    assert outcome.status == 0, outcome
    captures = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json")]
    words = {one["provenance"]["source"]: one["provenance"]["command"][-1] for one in captures}
    assert {Path(source).name for source in words} == {"one", "other", "one without"}
    ends = {Path(source).name: text.split("quiet ", 1)[1].split("quiet")[-1].split() for source, text in words.items()}
    assert ends["one"] == []
    assert ends["other"] == ["vdso=0"]
    assert ends["one without"] == ["vdso32=0"]
    assert [one["config"] is not None for one in captures].count(True) == 1


def test_a_matrix_file_may_stand_beside_sources_and_what_is_there_twice_is_done_once(
    vdsocat: Command, tmp_path: Path, qemu: FakeQemu
) -> None:
    one, other = kernels(tmp_path / "k", "one", "other")
    matrix = write_matrix(tmp_path / "matrix.yaml", str(one), {"source": str(other)}, str(one))
    outcome = vdsocat("check", one, "--matrix", matrix, "--qemu", qemu.directory)
    assert outcome.status == 0
    assert sorted(started(qemu)) == ["one", "other"]
    assert "2 sources, 2 rows" in outcome.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sources:\n  - source: a\n    apend: quiet\n", ["line 3: unknown key 'apend'; did you mean 'append'"]),
        ("sources:\n  - a\nsorces: []\n", ["line 3: unknown key 'sorces'; did you mean 'sources'"]),
        ("sources:\n  - append: quiet\n", ["line 2: the key 'source' is missing."]),
        ("sources: []\n", ["line 1: "]),
        ("sources:\n  - source: a\n    deadline: soon\n", ["line 3: 'soon' is not of type 'number'."]),
        ("sources:\n  - source: a\n    deadline: 0\n", ["line 3: 0 is less than the minimum of 1."]),
        ("sources:\n  - 7\n", ["line 2: 7 is a"]),
        ("- a\n", [": "]),
        ("", [": "]),
        ("sources: [\n", ["is no valid YAML at line 2"]),
        ("sources: [a]\nsources: [b]\n", ["is no valid YAML at line 2 (the key 'sources' is given twice)"]),
        ("sources: [amd64-6.1x]\n", ["'amd64-6.1x' is no kernel", "did you mean 'amd64-6.1'"]),
        ("sources: [{source: 'set:core', except: ['set:ful']}]\n", ["There is no set of kernels named 'ful'"]),
        ("sources: [{source: 'set:core', name: x}]\n", ["set:core stands for", "cannot all be named 'x'"]),
        ("sources: [one, {source: one, append: a}]\n", ["one is there twice with different options; give one of them"]),
    ],
)
def test_a_matrix_file_that_cannot_be_used_is_one_sentence(
    vdsocat: Command, tmp_path: Path, text: str, words: Sequence[str]
) -> None:
    kernels(tmp_path, "one")
    path = tmp_path / "matrix.yaml"
    path.write_text(text)
    assert vdsocat("check", "--matrix", path).refused_in_one_sentence(*words)


def test_a_matrix_file_that_is_not_there_is_one_sentence(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--matrix", tmp_path / "none.yaml")
    assert outcome.refused_in_one_sentence("none.yaml", "cannot be read")


def test_a_missing_file_of_a_matrix_is_a_row_among_others(vdsocat: Command, tmp_path: Path, qemu: FakeQemu) -> None:
    kernels(tmp_path / "k", "one")
    matrix = write_matrix(tmp_path / "k" / "m.yaml", "one", "./gone", {"source": "one", "name": "n", "config": "gone"})
    outcome = vdsocat("check", "--matrix", matrix, "--qemu", qemu.directory)
    assert outcome.status == 2
    assert "gone does not exist" in " ".join(outcome.out.split())
    assert "Traceback" not in outcome.err
    assert ", 1 row: " in outcome.out


def test_nothing_to_check_is_a_usage_error(vdsocat: Command) -> None:
    outcome = vdsocat("check")
    assert outcome.status == 2
    assert "Missing argument 'SOURCE…'." in outcome.err


def test_the_matrix_file_of_the_documentation_conforms_and_the_table_there_has_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "many.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert list(schema_problems(yaml.safe_load(example), "matrix")) == []
    documented = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))))
    assert documented == set(read_schema("matrix")["properties"]["sources"]["items"]["then"]["properties"])
