"""Ending a guest whose vdsocat was killed itself: a small shell waits beside each, and outlives whoever started it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# `read` fails at the end of the pipe, which the kernel closes however its writer died; otherwise a line comes first.
_WATCH = 'read -r line || { kill -9 "-$1"; shift; [ $# -eq 0 ] || exec "$@"; }'


@contextmanager
def ended_with_us(group: int, ending: Sequence[str] = ()) -> Iterator[None]:
    """While this lasts, the process group is killed if this process ends in any way, SIGKILL included.

    `ending` is a command that is run then, to end what the group has started elsewhere.

    prctl(PR_SET_PDEATHSIG) would reach one process only, and not the guest of a wrapper; and it must be called between
    fork and exec, where Python is not safe in a process with threads.
    """
    watch = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "sh", str(group), *ending],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watch.communicate(b"ended\n")
