"""One run of the whole matrix, shared by the tests that look at it."""

from __future__ import annotations

import json

import pytest
from command_line import Matrix, vdsocat_with_peak


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Boot every kernel of the full list, fetching and building what the cache has not got."""
    captures = tmp_path_factory.mktemp("captures")
    run, peak = vdsocat_with_peak("check", "set:full", "--again", "--format", "json", "--out", str(captures))
    assert run.stdout, f"vdsocat check printed no report and said: {run.stderr[-2000:]}"
    return Matrix(json.loads(run.stdout), captures, run.returncode, run.stderr, peak)
