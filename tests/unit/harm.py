"""The bounds within which a run on damaged input must stay: memory, time, and where files appear."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings

# What a run may take beside what Python has taken already: the largest kernel that is unpacked, and as much again.
MEMORY = 1 << 30
SECONDS = 20


def a_thousand_times(test: Callable[..., None]) -> Callable[..., None]:
    """Have a test `given` a thousand examples, the same in every run, and leave it out of the quick round."""
    often = settings(
        max_examples=1000, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    return pytest.mark.long(seed(5)(often(test)))  # type: ignore[no-any-return]


class HangError(Exception):
    """A run that did not end."""


@contextmanager
def bounded() -> Iterator[None]:
    """No more than MEMORY beside what there is, and no more than SECONDS."""

    def give_up(*_: object) -> None:
        raise HangError

    old = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = signal.signal(signal.SIGALRM, give_up)
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, old[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, old)
        signal.signal(signal.SIGALRM, before)


def files_beside(root: Path, out: Path) -> set[Path]:
    """All files below `root` but those directly in `out` and those in the cache."""
    return {
        path
        for path in root.rglob("*")
        if path.is_file() and path.parent != out and not path.is_relative_to(root / "cache")
    }


def is_shown(text: str) -> bool:
    """Whether all of it is visible characters in lines: nothing that a terminal would obey."""
    return text.replace("\n", "").isprintable()
