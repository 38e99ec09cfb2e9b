"""Several makes that share one pool of jobs, with the real make."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from vdsocat.kernels.job_server import JobServer

# Each target notes when it begins and when it ends.
MAKEFILE = """\
all: 1 2 3 4 5 6
1 2 3 4 5 6:
	@echo + >> log
	@sleep 0.2
	@echo - >> log
"""


def most_at_once(directory: Path, makes: int, jobs: JobServer) -> int:
    """How many targets were made at the same time by some makes that share the jobs."""
    assert shutil.which("make"), "this test needs make (Debian package make)"
    (directory / "Makefile").write_text(MAKEFILE)
    environment = {**os.environ, "MAKEFLAGS": jobs.flags}
    running = [
        subprocess.Popen(["make"], cwd=directory, env=environment, pass_fds=jobs.descriptors, stderr=subprocess.PIPE)
        for _ in range(makes)
    ]
    said = [one.communicate()[1] for one in running]
    assert said == [b""] * makes
    now = most = 0
    for line in (directory / "log").read_text().split():
        now += 1 if line == "+" else -1
        most = max(most, now)
    assert now == 0
    return most


def test_one_make_has_all_jobs(tmp_path: Path) -> None:
    assert 1 < most_at_once(tmp_path, 1, JobServer(3)) <= 3


def test_several_makes_share_them_and_have_one_each(tmp_path: Path) -> None:
    started = time.monotonic()
    assert most_at_once(tmp_path, 3, JobServer(2)) <= 2 - 1 + 3
    assert time.monotonic() - started < 60


def test_the_default_is_a_job_for_each_processor_and_the_pipe_is_closed_in_the_end() -> None:
    jobs = JobServer()
    assert jobs.jobs == len(os.sched_getaffinity(0))
    reading, _ = jobs.descriptors
    os.fstat(reading)
    del jobs
    try:
        os.fstat(reading)
    except OSError:
        return
    raise AssertionError("the pipe is still open")
