"""A cluster on the command line: what is said when there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from distributed import KilledWorker
from outcomes import Command
from small_images import write_vmlinux

from vdsocat.cluster import DaskCluster


def test_without_dask_one_sentence_says_what_to_install(
    vdsocat: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    outcome = vdsocat("check", "--scheduler", "tcp://127.0.0.1:8786", write_vmlinux(tmp_path / "vmlinux"))
    assert outcome.refused_in_one_sentence("--scheduler needs Dask's distributed: pip install 'vdsocat[dask]'.")


@pytest.mark.parametrize("address", ["ftp://nowhere:1", "tcp://127.0.0.1:notaport", "", "a b"])
def test_an_address_that_is_none_is_one_sentence(vdsocat: Command, tmp_path: Path, address: str) -> None:
    outcome = vdsocat("check", "--scheduler", address, write_vmlinux(tmp_path / "vmlinux"))
    assert outcome.status in (2, 3)
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"vdsocat: No Dask scheduler answers at {address} (") and line.endswith(".")


def test_what_dask_reports_becomes_a_sentence() -> None:
    cluster = DaskCluster(None, "tcp://here:1")  # type: ignore[arg-type]
    assert cluster.explain(KilledWorker("boot", None, 3)).sentence() == (
        "The workers that made this boot died, one after the other."
    )
    assert "install vdsocat there" in cluster.explain(ModuleNotFoundError("No module named 'vdsocat'")).sentence()
    assert (
        cluster.explain(OSError("gone")).sentence().startswith("The cluster at tcp://here:1 could not make this boot")
    )
