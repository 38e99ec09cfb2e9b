"""The kernel's own vDSO selftests: built at test time, run beside the probe, held against our verdicts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vdsocat.capture import Capture
from vdsocat.guest.console import Transcript
from vdsocat.guest.initramfs import write_initramfs
from vdsocat.guest.probe_files import load_probe, probe_name
from vdsocat.guest.run import BootPlan, boot_and_capture
from vdsocat.judging.finding import Finding, Verdict, gravest
from vdsocat.judging.judge import AbiJudgement
from vdsocat.judging.rules import CLOCKS

_PREFIX = "selftest-"
# tools/testing/selftests/kselftest.h
_EXIT_STATUS = {0: "ok", 1: "not ok", 4: "skip"}

# "ok 2 __vdso_clock_gettime CLOCK_REALTIME", "ok 3 # SKIP __vdso_clock_gettime64 CLOCK_REALTIME"
_TAP_LINE = re.compile(r"(ok|not ok) \d+ (# SKIP )?(__(?:vdso|kernel)_\S+)(?: (CLOCK_\S+))?\Z")
# vdso_test_correctness speaks a language of its own.
_RUN_LINE = re.compile(r"\[RUN\]\tTesting (\w+)(?: for clock \S+ \((-?\d+)\))?\.\.\.\Z")
_OUTCOME_LINE = re.compile(r"\[(OK|FAIL)\]")
_NOT_FOUND_LINE = re.compile(r"Warning: failed to find (\w+) in vDSO\Z")


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote, and the status that it ended with; None when it did not end by itself."""

    lines: tuple[str, ...]
    status: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A verdict of a selftest: "ok", "not ok" or "skip", on a function and, for some, a clock ("CLOCK_TAI", "10")."""

    program: str
    function: str
    clock: str | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A verdict of theirs beside ours: "pass", "fail", "absent" (rightly), or None where we have none."""

    theirs: Statement
    ours: str | None

    @property
    def agrees(self) -> bool:
        """Whether both say the same; a selftest skips what is absent, rightly or not."""
        return self.ours == {"ok": "pass", "not ok": "fail", "skip": "absent"}[self.theirs.verdict]

    @property
    def is_disagreement(self) -> bool:
        """Whether it wants a reason: not what passes with theirs and has no verdict of ours."""
        return not self.agrees and (self.ours is not None or self.theirs.verdict == "not ok")

    def key(self, abi: str) -> tuple[str, str, str, str | None, str]:
        """What an explanation names."""
        theirs = self.theirs
        return (abi, theirs.program, theirs.function, theirs.clock, theirs.verdict)


def build_selftests(
    programs: Sequence[str], source: Path, arch: str, compiler: str, directory: Path
) -> dict[str, bytes]:
    """The programs by name, built statically by the kernel's own Makefile; `source` is only read.

    The headers of the cross-compiler's libc serve in place of those that `make headers` would install, which takes
    longer than all the rest: `-o headers` leaves that step out. What 6.1's lack comes from the source.
    """
    libc, own = ([one for one in programs if ("standalone" in one) is standalone] for standalone in (False, True))
    # vdso_test_correctness takes it for granted that a libc's headers define __kernel_time_t; glibc's 2.36 do not.
    _make(libc, source, arch, compiler, directory, USERCFLAGS="-include linux/types.h")
    # The program without libc, on the other hand, needs the symbol versions of linux/elf.h, which 6.1's has not.
    elf = f"-D_LINUX_ELF_H -include {source}/include/uapi/linux/elf.h"
    installed = "-idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include"
    _make(own, source, arch, compiler, directory, KHDR_INCLUDES=f"{elf} {installed}")
    return {name: (directory / name).read_bytes() for name in programs}


def _make(programs: Iterable[str], source: Path, arch: str, compiler: str, directory: Path, **variables: str) -> None:
    targets = [str(directory / name) for name in programs]
    if not targets:
        return
    settings = {"ARCH": arch, "CROSS_COMPILE": compiler, "OUTPUT": str(directory), "USERLDFLAGS": "-static"}
    settings |= {"KHDR_INCLUDES": "", **variables}
    command = ["make", "-s", "-o", "headers", "-C", str(source / "tools/testing/selftests/vDSO")]
    command += [f"{name}={value}" for name, value in settings.items()] + targets
    directory.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"the selftests for {arch} were not built:\n{built.stderr[-3000:]}"


def boot_beside_probes(
    plan: BootPlan, programs: Mapping[tuple[str, str], bytes], directory: Path
) -> tuple[Capture, bytes]:
    """Boot as planned, with programs by (ABI, name) beside the probes; the capture and all that the console said.

    The probe's supervisor starts whatever is in /probes and reports how it ended, so nothing else is needed.
    """
    machine = plan.machine
    beside = {f"{_PREFIX}{abi}-{name}": content for (abi, name), content in programs.items()}
    probes = {name: load_probe(name) for name in plan.probes}
    init = probes[probe_name(machine.native_abi, machine.endianness)]
    initramfs = directory / "initramfs.cpio"
    initramfs.write_bytes(write_initramfs(init, probes | beside))

    def with_programs(command: tuple[str, ...]) -> tuple[str, ...]:
        words = list(command)
        words[words.index("-initrd") + 1] = str(initramfs)
        return tuple(words)

    log = directory / "console.log"
    plan = replace(plan, command=with_programs(plan.command), stock_command=with_programs(plan.stock_command))
    return boot_and_capture(plan, log), log.read_bytes()


def read_outputs(console: bytes) -> dict[str, Output]:
    """What each selftest wrote, by "ABI-program": the lines between the frames on its start and its end."""
    transcript = Transcript()
    outputs: dict[str, Output] = {}
    name, lines = None, []
    for line in console.splitlines():
        frames = list(transcript.feed(line + b"\n"))
        if not frames and name is not None:
            lines.append(line.decode("utf-8", "replace").rstrip("\r"))
        for frame in frames:
            if frame.type != "child" or not frame.fields[0].startswith(_PREFIX):
                continue
            subject, event, *detail = frame.fields
            if event == "started":
                name, lines = subject.removeprefix(_PREFIX), []
            else:
                assert name is not None
                outputs[name] = Output(tuple(lines), int(detail[0]) if event == "exit" else None)
                name = None
    return outputs


def statements_of(program: str, output: Output, function: str | None) -> Iterator[Statement]:
    """The verdicts in a selftest's output; `function` is what a program is about that tells its verdict by its status.

    A program that did not end by itself says "not ok" of that function, or of the run as a whole ("").
    """
    verdict = _EXIT_STATUS.get(-1 if output.status is None else output.status, "not ok")
    if function is not None:
        yield Statement(program, function, None, verdict)
        return
    parsed = list(_statements_in(program, output.lines))
    yield from parsed
    if output.status is None or (verdict == "not ok" and all(one.verdict != "not ok" for one in parsed)):
        yield Statement(program, "", None, "not ok")


def _statements_in(program: str, lines: Iterable[str]) -> Iterator[Statement]:
    running: tuple[str, str | None] | None = None
    for line in lines:
        if match := _TAP_LINE.match(line):
            said, skipped, symbol, clock = match.groups()
            yield Statement(program, function_of(symbol), clock, "skip" if skipped else said)
        elif match := _RUN_LINE.match(line):
            if running is not None and running[0] == "time":  # says nothing more where all is well
                yield Statement(program, *running, "ok")
            function, clock = match.groups()
            running = function, None if clock is None else CLOCKS.get(int(clock), clock)
        elif (match := _OUTCOME_LINE.match(line)) and running is not None:
            yield Statement(program, *running, "ok" if match[1] == "OK" else "not ok")
            running = running if running[0] == "getcpu" else None
        elif match := _NOT_FOUND_LINE.match(line):
            yield Statement(program, match[1], None, "skip")


def function_of(symbol: str) -> str:
    """The function that a symbol is called after on every architecture."""
    return re.sub(r"\A__(vdso|kernel)_", "", symbol.partition("@@")[0])


def compare(statement: Statement, judged: AbiJudgement, rules: Sequence[str]) -> Comparison:
    """A selftest's verdict beside what our rules found of the same function and clock."""
    if statement.verdict == "skip":
        return Comparison(statement, _absence(statement.function, judged.findings))
    verdicts = [
        finding
        for finding in judged.findings
        if finding.rule in rules and _subject(finding) == (statement.function, statement.clock)
    ]
    decided = gravest(verdicts)
    return Comparison(statement, decided.value if decided in (Verdict.PASS, Verdict.FAIL) else None)


def _absence(function: str, findings: Iterable[Finding]) -> str:
    """What the rules on presence say of a symbol that a selftest did not find."""
    about = [
        finding
        for finding in findings
        if finding.rule == "VDSO-PRESENT"
        or (finding.rule.startswith("SYM-") and function_of(finding.subject) == function)
    ]
    if any(finding.verdict is Verdict.FAIL for finding in about):
        return "fail"
    return "pass" if any(finding.rule in ("SYM-PRESENT", "SYM-NEW") for finding in about) else "absent"


def _subject(finding: Finding) -> tuple[str, str | None]:
    """The function and clock that a finding on a call is about: "__vdso_clock_gettime(CLOCK_TAI)", "__vdso_time"."""
    symbol = finding.subject.partition(" ")[0]
    name, _, clock = symbol.rstrip(")").partition("(")
    return function_of(name), clock or None
