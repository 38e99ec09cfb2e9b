"""Lists in JSON, held to their published schema: those of the real catalogue, whose rows are of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from outcomes import Command
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_capture, i386_image

from vdsocat.capture import capture_to_json
from vdsocat.documents import data_directory, schema_problems

# By the name of the list, a call that prints it and the least number of its rows.
CALLS: dict[str, tuple[tuple[str, ...], int]] = {
    "query": (("query", "*"), 100),
    "query at a release": (("query", "*", "--kernel", "6.1"), 100),
    "query by a configuration": (("query", "clock_gettime", "--config", ".config"), 1),
    "lacking": (("query", "getcpu", "--lacking"), 10),
    "query-provider": (("query", "*", "--provider", "qemu-user"), 10),
    "show": (("show", "arm"), 10),
    "show a symbol": (("show", "ppc32", "getcpu"), 1),
    "history": (("history", "*"), 100),
    "diff": (("diff", "2.6.30", "7.3"), 100),
    "diff of captures": (("diff", "old.json", "new.json"), 1),
    "kernels": (("kernels", "list"), 10),
    "rules": (("rules",), 40),
    "lint": (("lint",), 0),
    "lint-rules": (("lint", "--rules"), 40),
    "doctor": (("doctor",), 10),
    "qemu": (("qemu", "list"), 0),
    "errata-summary": (("errata", "--summary"), 1),
    "audit-unused": (("audit", "--unused"), 1),
}


@pytest.fixture
def listing(vdsocat: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on the real catalogue, beside two captures and a configuration, and read what it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".config").write_text("# Linux/x86 6.12.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    for name, symbols in (("old.json", I386_SYMBOLS), ("new.json", (CLOCK, SIGRETURN))):
        (tmp_path / name).write_text(json.dumps(capture_to_json(i386_capture(i386_image(symbols)))))

    def run(*words: str) -> dict[str, Any]:
        outcome = vdsocat("--catalog", data_directory("catalog"), *words, "--format", "json")
        document: dict[str, Any] = json.loads(outcome.out)
        return document

    return run


@pytest.mark.parametrize("name", CALLS)
def test_a_list_conforms_to_its_schema(name: str, listing: Any) -> None:
    words, least = CALLS[name]
    document = listing(*words)
    assert document["schema"] == f"vdsocat-{name.split()[0]}/1"
    assert len(document["rows"]) >= least
    assert list(schema_problems(document, "listing")) == []
    if document["rows"]:
        document["rows"][0]["surprise"] = ""
        assert list(schema_problems(document, "listing")) != []


def test_every_list_of_the_schema_is_looked_at() -> None:
    schema = json.loads((data_directory("schemas") / "listing.schema.json").read_text())
    assert {f"vdsocat-{name.split()[0]}/1" for name in CALLS} == set(schema["properties"]["schema"]["enum"])
