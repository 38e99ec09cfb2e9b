"""vdsocat audit: which consumers, against which kernel, in which form, with which exit status."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from outcomes import Command
from small_consumers import lookup, raw_consumer, relied, write_consumer
from small_images import i386_capture, i386_image

from vdsocat.capture import capture_to_json
from vdsocat.documents import schema_problems

# Made up: what it looks up is there, but not under LINUX_5.11, and its older releases could read one hash table only.
SMALL = raw_consumer(
    lookup(),
    lookup("__vdso_getcpu", "LINUX_5.11", purpose="getcpu"),
    properties=(relied("hash", "sysv", until="1.10"), relied("hash", "sysv", "gnu", since="1.10")),
)
FAULTLESS = raw_consumer(lookup(), name="goodlibc")


@pytest.fixture
def consumers(catalog_root: Path) -> Path:
    """The small catalogue with two consumers."""
    write_consumer(catalog_root, SMALL)
    write_consumer(catalog_root, FAULTLESS)
    return catalog_root


def rows(text: str) -> list[dict[str, Any]]:
    """The rows of a JSON answer, which must conform to its schema."""
    document = json.loads(text)
    assert list(schema_problems(document, "audit")) == []
    rows: list[dict[str, Any]] = document["rows"]
    return rows


def test_a_lookup_that_never_matches_fails_the_audit(vdsocat: Command, consumers: Path) -> None:
    outcome = vdsocat("audit")
    assert outcome.status == 1
    assert "__vdso_getcpu@LINUX_5.11" in outcome.out
    assert "every release that exports it has it as LINUX_2.6" in " ".join(outcome.out.split())
    assert "goodlibc" not in outcome.out
    assert outcome.err == "2 pass, 1 fail\n"


def test_a_consumer_without_faults_passes_in_silence(vdsocat: Command, consumers: Path) -> None:
    outcome = vdsocat("audit", "goodlibc")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "1 pass\n")
    assert "matches since 3.15" in vdsocat("audit", "--consumer", "goodlibc", "-v").out


def test_json_has_every_column_and_conforms_to_its_schema(vdsocat: Command, consumers: Path) -> None:
    assert rows(vdsocat("audit", "tinylibc", "--format", "json").out) == [
        {
            "consumer": "tinylibc",
            "consumer_release": "1.10",
            "abi": "i386",
            "kernel": None,
            "verdict": "fail",
            "rule": "LOOKUP-NEVER",
            "subject": "__vdso_getcpu@LINUX_5.11",
            "purpose": "getcpu",
            "since": None,
            "finding": "never matches: every release that exports it has it as LINUX_2.6; it makes the system call",
            "fallback": "syscall",
            "source": "0123456789ab src/vdso.c",
        }
    ]
    assert len(rows(vdsocat("audit", "--format", "json", "--verbose").out)) == 3
    assert rows(vdsocat("audit", "goodlibc", "--format", "json").out) == []


def test_csv_and_markdown_have_the_same_rows(vdsocat: Command, consumers: Path) -> None:
    (row,) = csv.DictReader(io.StringIO(vdsocat("audit", "--format", "csv").out))
    assert (row["consumer"], row["rule"], row["since"]) == ("tinylibc", "LOOKUP-NEVER", "")
    lines = vdsocat("audit", "--format", "markdown").out.splitlines()
    assert lines[0] == "| consumer | abi | verdict | subject | finding |"
    assert lines[2].startswith("| tinylibc | i386 | fail | __vdso_getcpu@LINUX_5.11 |")


def test_one_abi_alone_is_judged(vdsocat: Command, consumers: Path) -> None:
    assert vdsocat("audit", "--abi", "x86_64").status == 0
    assert vdsocat("audit", "--abi", "ia32").status == 1


def test_what_one_release_has(vdsocat: Command, consumers: Path) -> None:
    outcome = vdsocat("audit", "--kernel", "3.0", "--format", "json", "-v")
    assert outcome.status == 0
    found = rows(outcome.out)
    assert [(row["consumer"], row["verdict"], row["kernel"]) for row in found] == [
        ("goodlibc", "expected-absent", "3.0"),
        ("tinylibc", "expected-absent", "3.0"),
        ("tinylibc", "expected-absent", "3.0"),
    ]


@pytest.fixture
def gnu_alone(tmp_path: Path) -> Path:
    """The capture of a kernel whose image has no DT_HASH."""
    path = tmp_path / "capture.json"
    path.write_text(json.dumps(capture_to_json(i386_capture(i386_image(hash_styles=("gnu",))))), encoding="utf-8")
    return path


def test_a_kernel_that_drops_a_hash_table(vdsocat: Command, consumers: Path, gnu_alone: Path) -> None:
    assert vdsocat("audit", "--kernel", gnu_alone).status == 0
    outcome = vdsocat("audit", "tinylibc@1.9", "--kernel", gnu_alone, "--format", "json")
    assert outcome.status == 1
    (row,) = rows(outcome.out)
    assert (row["consumer_release"], row["rule"], row["kernel"]) == ("1.9", "PROPERTY-HASH", "test-kernel")
    assert row["finding"].startswith("the image has DT_GNU_HASH, and not DT_HASH: tinylibc on i386 loses clock_gettime")


def test_two_images_of_an_abi_that_agree_are_told_once(vdsocat: Command, consumers: Path, tmp_path: Path) -> None:
    capture = i386_capture(i386_image(hash_styles=("gnu",)))
    path = tmp_path / "alternatives.json"
    path.write_text(json.dumps(capture_to_json(replace(capture, abis=capture.abis * 2))), encoding="utf-8")
    assert len(rows(vdsocat("audit", "tinylibc@1.9", "--kernel", path, "--format", "json").out)) == 1


def test_an_image_in_a_file_of_its_own(vdsocat: Command, consumers: Path, tmp_path: Path) -> None:
    path = tmp_path / "vdso32.so"
    path.write_bytes(i386_image())
    assert vdsocat("audit", "goodlibc", "--kernel", path).status == 0
    path.write_bytes(i386_image(()))
    outcome = vdsocat("audit", "goodlibc", "--kernel", path)
    assert outcome.status == 1
    assert "the image does not have it" in outcome.out


def test_exports_that_nobody_looks_up(vdsocat: Command, consumers: Path) -> None:
    outcome = vdsocat("audit", "--unused", "--abi", "i386", "--format", "json")
    assert outcome.status == 0
    document = json.loads(outcome.out)
    assert document["schema"] == "vdsocat-audit-unused/1"
    assert [row["symbol"] for row in document["rows"]] == ["__vdso_getcpu", "__kernel_sigreturn", "__vdso_getrandom"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tinylbc",), "did you mean 'tinylibc'?"),
        (("tinylibc@",), "is no release of tinylibc"),
        (("--abi", "sparc128"), "no ABI 'sparc128'"),
        (("--kernel", "./nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_one_sentence(vdsocat: Command, consumers: Path, words: tuple[str, ...], told: str) -> None:
    assert vdsocat("audit", *words).refused_in_one_sentence(told)


def test_without_an_image_every_lookup_fails(vdsocat: Command, consumers: Path, gnu_alone: Path) -> None:
    outcome = vdsocat("audit", "--abi", "arm", "--kernel", gnu_alone)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == f"{gnu_alone}: has no vDSO image of these ABIs, so every lookup fails.\n"


def test_nothing_is_judged_of_an_abi_that_a_consumer_does_not_know(vdsocat: Command, consumers: Path) -> None:
    outcome = vdsocat("audit", "--abi", "arm")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "nothing to judge\n")


def test_a_consumer_that_does_not_conform_is_named(vdsocat: Command, consumers: Path) -> None:
    path = write_consumer(consumers, raw_consumer(lookup(fallback="prayer")))
    assert vdsocat("audit").refused_in_one_sentence(str(path), "'prayer'")
