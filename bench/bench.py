"""The speed goals: each thing beside what it is held against, run in turn on this machine. `make bench`.

`bench.py [GROUP…]` measures some groups alone; whatever is measured replaces the same in results.json, and
the README's table is written anew (`bench.py --table` does that alone).
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernels import SETTINGS, BootPlan, bare_boot, decompressor, guest_seconds, plans, seconds_of_checks
from measure import MEGABYTES, Figure, UnmeasuredError, figure_of, in_turn, seconds
from table import render_table, write_table

from vdsocat.kernels.packages import version_key

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results.json"
README = ROOT / "README.md"
BIN = Path(sys.executable).parent
VDSOCAT = str(BIN / "vdsocat")
BARE_PYTHON = [sys.executable, "-c", "pass"]
BOOT_GOAL, BOOT_GOALS = 1.1, {"x86-64": 0.7, "ppc64le": 0.7}
_JUDGED = (0, 1)
# A group says what there is to measure; what fails then costs no other figure.
Measure = Callable[[], Figure]


def query() -> Iterator[Measure]:
    """A question against Python's own start."""
    questions = {
        "query of all releases": ["getcpu"],
        "query of one release": ["getcpu", "--kernel", "5.4"],
        "query of a glob as JSON": ["*getres*", "--format", "json"],
        "query of who lacks it": ["getcpu", "--lacking"],
    }
    for name, words in questions.items():
        ours = functools.partial(seconds, [VDSOCAT, "query", *words])
        yield functools.partial(in_turn, "query", name, ours, functools.partial(seconds, BARE_PYTHON), 4.0, runs=25)


def boot() -> Iterator[Measure]:
    """A check of a kernel's file against a plain boot of it with an init that only powers off."""
    with tempfile.TemporaryDirectory() as directory:
        for plan in (one for one in plans("set:full") if one.qemu):
            name = plan.kernel.source
            config = ["--config", plan.kernel.config] if plan.kernel.config else []
            ours = functools.partial(seconds, [VDSOCAT, "check", "--again", *config, plan.kernel.image], _JUDGED)
            theirs = functools.partial(bare_boot, plan, Path(directory))
            yield functools.partial(in_turn, "boot", name, ours, theirs, BOOT_GOALS.get(plan.machine.name, BOOT_GOAL))


def probes() -> Iterator[Measure]:
    """A boot with all that its probes check against the same boot without what goes beyond names."""

    def share(plan: BootPlan) -> Figure:
        boots = [seconds_of_checks(plan) for _ in range(5)]
        pairs = [(boot, boot - checks) for boot, checks in boots]
        return figure_of("probes", plan.kernel.source, pairs, 1.25)

    for plan in plans("set:full", stock=False):
        if plan.qemu:
            yield functools.partial(share, plan)


def cost() -> Iterator[Measure]:
    """A boot that measures costs, too, against the same without: less than two boots, so that it adds less than one."""
    without = {plan.kernel.source: plan for plan in plans("set:full", stock=False)}
    for plan in plans("set:full", stock=False, cost=True):
        if plan.cost:
            ours = functools.partial(guest_seconds, plan, plan.command)
            theirs = functools.partial(guest_seconds, plan, without[plan.kernel.source].command)
            yield functools.partial(in_turn, "cost", plan.kernel.source, ours, theirs, 2.0)


def static() -> Iterator[Measure]:
    """A check without booting against decompressing the same kernel with its format's own tool."""
    with tempfile.TemporaryDirectory() as directory:
        for plan in plans("set:full"):
            command = decompressor(plan, Path(directory))
            if command is not None:
                ours = functools.partial(seconds, [VDSOCAT, "check", "--static", plan.kernel.image], _JUDGED)
                # What follows the stream in the image is a trailing garbage to the tools: status 1 or 2.
                name = f"{plan.kernel.source} ({Path(command[2]).suffix[1:]})"
                yield functools.partial(
                    in_turn, "static", name, ours, functools.partial(seconds, command, (0, 1, 2)), 1.5
                )


def matrix() -> Iterator[Measure]:
    """The full matrix against the sum of its single checks, and the most memory that vdsocat itself takes."""
    names = [plan.kernel.source for plan in plans("set:full")]
    check = [VDSOCAT, "check", "--again", "--offline"]
    peaks: list[float] = []

    def time_of() -> Figure:
        single = [[seconds([*check, name], _JUDGED) for name in names] for _ in range(3)]
        together = []
        for _ in range(5):
            elapsed, peak = _matrix_run([*check, "set:full"])
            together.append(elapsed)
            peaks.append(peak)
        ours, theirs = statistics.median(together), statistics.median(map(sum, single))
        return Figure("matrix", "set:full on two cores", round(ours, 2), round(theirs, 2), round(ours / theirs, 3), 0.6)

    yield time_of
    yield lambda: Figure("matrix", "peak memory", max(peaks), None, max(peaks), 120, MEGABYTES)


def selftests() -> Iterator[Measure]:
    """A check of an x86-64 kernel against its own selftests through virtme-ng."""
    from virtme import VirtmeNg

    directory = ROOT / "build" / "bench"
    shutil.rmtree(directory, ignore_errors=True)
    other = VirtmeNg(directory, linux_source())
    ours = functools.partial(seconds, [VDSOCAT, "check", "--again", str(other.package)], _JUDGED)
    yield functools.partial(
        in_turn, "selftests", "x86-64 through virtme-ng", ours, functools.partial(seconds, other.command()), 0.33
    )


def linux_source() -> Path:
    """The source of the newest release that building kernels has left in the cache."""
    # linux-source-7.3-703e369ddd4c
    trees = list((SETTINGS.cache / "sources").glob("linux-source-*/linux"))
    trees.sort(key=lambda tree: version_key(tree.parent.name.split("-")[2]))
    if not trees:
        raise SystemExit("no kernel source is in the cache: `vdsocat kernels fetch built:ppc64` brings one")
    return trees[-1]


def _matrix_run(command: list[str]) -> tuple[float, float]:
    """Seconds, and the largest resident size of the process itself in MB, QEMU's not counted."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status, peak = Path(f"/proc/{process.pid}/status"), 0.0
    while process.poll() is None:
        lines = status.read_text().splitlines()
        peak = max(peak, *(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)
        time.sleep(0.05)
    if process.returncode not in _JUDGED:
        raise UnmeasuredError(f"vdsocat check set:full: status {process.returncode}")
    return time.perf_counter() - started, round(peak, 1)


GROUPS: dict[str, Callable[[], Iterator[Measure]]] = {
    one.__name__: one for one in (query, boot, probes, cost, static, matrix, selftests)
}


def main(words: list[str]) -> int:
    """Print a line for each figure, and keep them; status 1 if one misses its goal or fails, 2 for an unknown group."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # with it every start compiles every module
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"figures": []}
    if words == ["--table"]:
        _write_table(kept)
        return 0
    unknown = [word for word in words if word not in GROUPS]
    if unknown:
        print(f"bench: there is no group {unknown[0]}; there are {', '.join(GROUPS)}.", file=sys.stderr)
        return 2
    missed = 0
    for group in words or GROUPS:
        figures = []
        for measure in GROUPS[group]():
            try:
                figure = measure()
            except UnmeasuredError as error:
                print(f"not measured: {error}", file=sys.stderr, flush=True)
                missed += 1
                continue
            figures.append(figure)
            missed += not figure.met
            print(line_of(figure), flush=True)
        others = [one for one in kept["figures"] if one["group"] != group]
        kept = {**_machine(), "figures": others + [one.to_json() for one in figures]}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        _write_table(kept)
    return 1 if missed else 0


def _write_table(results: Mapping[str, Any]) -> None:
    README.write_text(write_table(README.read_text(encoding="utf-8"), render_table(results)), encoding="utf-8")


def line_of(figure: Figure) -> str:
    """A figure for a terminal."""
    against = "" if figure.theirs is None else f"{figure.theirs:8.3f} {figure.unit}  ratio {figure.ratio:6.2f}"
    verdict = "ok" if figure.met else "MISSED"
    return f"{figure.name:<28}{figure.ours:8.3f} {figure.unit} {against:<28} goal {figure.goal:5.2f}   {verdict}"


def _machine() -> dict[str, object]:
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "python": ".".join(map(str, sys.version_info[:3])),
        "qemu": qemu.partition("version ")[2].split(" ")[0].strip(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
