"""Running QEMU until the probe's last record, and leaving nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vdsocat.errors import RunError
from vdsocat.guest.console import Frame, Transcript
from vdsocat.guest.stop import InterruptedRunError, StopRequest
from vdsocat.guest.timing import Stopwatch
from vdsocat.guest.watch import ended_with_us

# How long QEMU may go on after a panic, so that the log holds the kernel's reasons.
_AFTER_PANIC_SECONDS = 1.0
_LOG_TAIL_LINES = 3
_ENDING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class BootEnd:
    """How a boot ended: "complete", "panic", "exit" (QEMU ended by itself), "deadline"; wall seconds it took.

    `phases` are the parts of them: see vdsocat.guest.timing.
    """

    outcome: str
    seconds: float
    transcript: Transcript
    exit_status: int | None = None
    log_tail: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)


class StartError(RunError):
    """The command could not be started, for the reason that `errno` gives."""

    def __init__(self, sentence: str, errno: int | None) -> None:
        super().__init__(sentence)
        self.errno = errno


def run_guest(
    command: Sequence[str],
    deadline: float,
    log: Path | None = None,
    stop: StopRequest | None = None,
    on_frame: Callable[[Frame], None] = lambda frame: None,
    ending: Sequence[str] = (),
) -> BootEnd:
    """Run a command whose stdout is the guest's console, until the end record, a panic, its exit or `deadline` seconds.

    The console goes to `log` as it comes. The process is ended by its own id whatever happens, also when `stop` is
    set (InterruptedRunError is raised then) or this process is killed. StartError when the command cannot be started.
    """
    watch = Stopwatch(counted="-icount" in command)
    transcript = Transcript()
    tail = bytearray()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise StartError(
            f"{command[0]} cannot be started ({error.strerror}); `vdsocat doctor` tells what to install.", error.errno
        ) from None
    try:
        assert process.stdout is not None
        with ended_with_us(process.pid, ending), (log or Path(os.devnull)).open("wb", buffering=0) as log_file:
            outcome = _follow(
                process.stdout.fileno(), transcript, tail, log_file, watch, watch.started + deadline, stop, on_frame
            )
    finally:
        # A process that has ended by itself is only reaped; its exit status is kept.
        if process.poll() is None and not _ends_within(process, 0.2 if transcript.finished is False else 0):
            _end_elsewhere(ending)
            # Its whole group, since what is called QEMU may be a wrapper whose child is QEMU.
            os.killpg(process.pid, signal.SIGKILL)
        exit_status = process.wait()
        if exit_status:
            # What started it elsewhere may have died before that did.
            _end_elsewhere(ending)
        if process.stdout:
            process.stdout.close()
    lines = [line.strip() for line in tail.decode("utf-8", "replace").splitlines() if line.strip()]
    last_words = " / ".join(lines[-_LOG_TAIL_LINES:])
    return BootEnd(outcome, watch.seconds(), transcript, exit_status, last_words, watch.phases())


def _end_elsewhere(ending: Sequence[str]) -> None:
    if ending:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(ending, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ENDING_SECONDS, check=False)


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _follow(
    descriptor: int,
    transcript: Transcript,
    tail: bytearray,
    log_file: object,
    watch: Stopwatch,
    until: float,
    stop: StopRequest | None,
    on_frame: Callable[[Frame], None],
) -> str:
    """Read the console until something ends it; says what."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if stop is not None and stop.is_set():
                raise InterruptedRunError
            left = until - time.monotonic()
            if left <= 0:
                return "panic" if transcript.panic else "deadline"
            if not selector.select(min(left, 0.2)):
                continue
            data = os.read(descriptor, 65536)
            if not data:
                return "panic" if transcript.panic else "exit"
            log_file.write(data)  # type: ignore[attr-defined]
            tail += data
            del tail[:-4096]
            watch.hear(data)
            panicked = transcript.panic
            for frame in transcript.feed(data):
                watch.note(frame)
                on_frame(frame)
            if transcript.finished:
                return "complete"
            if transcript.panic and not panicked:
                until = min(until, time.monotonic() + _AFTER_PANIC_SECONDS)


def require_complete(end: BootEnd, deadline: float, log: Path | None) -> Transcript:
    """The transcript of a boot that ended with a whole record; RunError says what went wrong otherwise."""
    where = f"; the console log is {log}" if log else ""
    said = f" (last words: {end.log_tail})" if end.log_tail else " (the console stayed empty)"
    if end.outcome == "panic":
        raise RunError(f"The kernel panicked: {end.transcript.panic}{where}.")
    if end.outcome == "deadline":
        heard = "stopped speaking" if end.transcript.frames else "said nothing that the probe would say"
        raise RunError(f"The guest {heard} and was ended at its deadline of {deadline:.0f} s{said}{where}.")
    if end.outcome == "exit":
        raise RunError(
            f"QEMU ended by itself with status {end.exit_status} before the probe's last record{said}{where}."
        )
    missing = end.transcript.missing()
    if missing is not None:
        raise RunError(f"The probe's record arrived damaged: {missing}{where}.")
    return end.transcript
