"""The cache: whole entries or none, made once, whatever happens to those who make them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from vdsocat.cache import Cache
from vdsocat.errors import RunError


def test_a_directory_is_made_once_and_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    made = []

    def make(directory: Path) -> None:
        made.append(directory)
        (directory / "file").write_text("content")

    first = cache.directory("kernels", "a", make=make)
    second = cache.directory("kernels", "a", make=make)
    assert first == second == tmp_path / "cache/kernels/a"
    assert (first / "file").read_text() == "content"
    assert len(made) == 1
    assert made[0] != first


def test_a_failure_leaves_nothing_and_passes_on(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail(directory: Path) -> None:
        (directory / "half").write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.directory("kernels", "a", make=fail)
    assert list((tmp_path / "kernels").iterdir()) == []

    def fail_file(path: Path) -> None:
        path.write_text("ha")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.file("indexes", "a", make=fail_file)
    assert list((tmp_path / "indexes").iterdir()) == []


def test_a_file_is_never_seen_half_written(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def make(partial: Path) -> None:
        partial.write_text("first half, ")
        assert not (tmp_path / "index.json").exists()
        partial.write_text("first half, second half")

    assert cache.file("index.json", make=make).read_text() == "first half, second half"
    cache.replace("index.json", content=b"new")
    assert (tmp_path / "index.json").read_text() == "new"


def test_two_threads_make_an_entry_once(tmp_path: Path) -> None:
    made, waited, seen = [], [], []
    begun = threading.Event()

    def make(directory: Path) -> None:
        begun.set()
        time.sleep(0.2)
        made.append(directory)
        (directory / "whole").touch()

    def get(wait_first: bool) -> None:
        if wait_first:
            begun.wait()
        path = Cache(tmp_path).directory("kernels", "a", make=make, waiting=lambda: waited.append(1))
        seen.append((path / "whole").exists())

    threads = [threading.Thread(target=get, args=(second,)) for second in (False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert waited == [1]
    assert seen == [True, True]


def test_the_lock_of_a_killed_run_is_free_and_its_leftovers_go(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from vdsocat.cache import Cache\n"
        "def make(d):\n (d / 'half').write_text('ha'); print('begun', flush=True); time.sleep(60)\n"
        f"Cache(pathlib.Path({str(tmp_path)!r})).directory('kernels', 'killed', make=make)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        neighbour = Cache(tmp_path).directory("kernels", "living", make=lambda directory: None)
        assert {path.name for path in neighbour.parent.iterdir()} == {"living", ".partial-killed"}
        os.kill(process.pid, signal.SIGKILL)
    Cache(tmp_path).directory("kernels", "next", make=lambda directory: None)
    assert {path.name for path in (tmp_path / "kernels").iterdir()} == {"living", "next"}
    assert Cache(tmp_path).directory("kernels", "killed", make=lambda directory: None).is_dir()


def test_many_files_are_kept_too(tmp_path: Path) -> None:
    def make(directory: Path) -> None:
        for number in range(100):
            (directory / str(number)).touch()

    assert len(list(Cache(tmp_path).directory("tree", make=make).iterdir())) == 100


def test_names_cannot_leave_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for parts in [("..", "etc"), ("a/../../b",), ("/etc/passwd",), (".partial-x",)]:
        path = cache.path(*parts)
        assert path.resolve().is_relative_to(tmp_path)
        assert not path.name.startswith(".")


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"The cache directory .*file cannot be used \(Not a directory\)"):
        Cache(tmp_path / "file").directory("kernels", "a", make=lambda directory: None)
