"""One pool of jobs for all the makes of a run: GNU make's job server (its manual, "POSIX Jobserver Interaction")."""

from __future__ import annotations

import os
import weakref


class JobServer:
    """Lets the makes that are told of it have `jobs` children at a time together; each may have one in any case."""

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self.descriptors = os.pipe()
        weakref.finalize(self, _close, self.descriptors)
        # Each make has one job of its own, beside those in the pipe.
        os.write(self.descriptors[1], b"+" * (self.jobs - 1))

    @property
    def flags(self) -> str:
        """What MAKEFLAGS has to be for a make that inherits the descriptors."""
        reading, writing = self.descriptors
        return f"-j{self.jobs} --jobserver-auth={reading},{writing}"


def _close(descriptors: tuple[int, int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
