"""Documents: editions of a file, their rows, and how they are asked for."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_documents import document, raw_document, row, section

from vdsocat.catalog.document import Claim, Documents, editions_from_document, load_documents
from vdsocat.documents import schema_problems
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease

LATER = {"editions": ["1.1", "1.10"], "page_date": "2023-05-06", "source": [{"tag": "small-1.1"}]}


def write_document(root: Path, raw: dict[str, Any]) -> Path:
    path = root / "documents" / f"{raw['document']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


def test_the_small_document_conforms_to_the_schema() -> None:
    rows = [row("__vdso_time", since="3.15", until="6.0", when="compat", text="(odd)")]
    raw = raw_document([section("i386", *rows)], also_printed_in=[LATER])
    assert list(schema_problems(raw, "document")) == []


def test_a_row_has_what_is_printed_and_nothing_else() -> None:
    (only,) = document([section("i386", {"symbol": "__vdso_time"})]).sections[0].claims
    assert only == Claim("__vdso_time")
    full = row("__vdso_time", since="3.15", until="6.0", when="compat", text="*")
    (claim,) = document([section("i386", full)]).sections[0].claims
    assert (claim.version, claim.since, claim.until) == (
        "LINUX_2.6",
        KernelRelease.parse("3.15"),
        KernelRelease.parse("6.0"),
    )
    assert (str(claim.when), claim.text) == ("compat", "*")


def test_entry_points_and_light_weight_system_calls_are_tables_of_their_own() -> None:
    entry = {"offset": 0xB0, "printed": "00b0", "symbol": "lws_entry", "text": "lws_entry (CAS)"}
    area = {"kind": "gateway-page", "entries": [entry]}
    (one,) = document([section("parisc", area=area)]).sections
    assert one.entries is not None
    assert (one.entries.kind, one.entries.claims) == (
        "gateway-page",
        (Claim("lws_entry", offset=0xB0, text="lws_entry (CAS)"),),
    )
    for listed in (["getpid"], {"functions": ["getpid"], "text": "You can invoke these."}):
        (one,) = document([section("ia64", fsyscalls=listed)]).sections
        assert one.entries is not None
        assert (one.entries.kind, one.entries.claims) == ("fsyscall", (Claim("getpid"),))


def test_a_later_edition_prints_the_same_on_its_own_day() -> None:
    raw = raw_document([section("i386", row("__vdso_time"))], also_printed_in=[LATER])
    first, later, last = editions_from_document(raw)
    assert [one.name for one in (first, later, last)] == ["small.7-1.0", "small.7-1.1", "small.7-1.10"]
    assert (later.family, later.edition, later.date) == ("small.7", "1.1", datetime.date(2023, 5, 6))
    assert later.sections == first.sections
    assert [str(source) for source in later.sources] == ["small-1.1"]


def test_the_newest_edition_is_the_latest_and_of_one_day_the_highest() -> None:
    other = raw_document(document="other-3", edition="3")
    raws = [raw_document(also_printed_in=[LATER]), other]
    documents = Documents(one for raw in raws for one in editions_from_document(raw))
    assert [one.name for one in documents] == ["other-3", "small.7-1.0", "small.7-1.1", "small.7-1.10"]
    assert [one.name for one in documents.newest()] == ["other-3", "small.7-1.10"]
    assert documents.named("small.7").name == "small.7-1.10"
    assert documents.named("small.7-1.0").name == "small.7-1.0"


def test_an_unknown_document_is_one_sentence_with_a_hint() -> None:
    documents = Documents(editions_from_document(raw_document()))
    with pytest.raises(InputError, match=r"no document 'smal.7'; did you mean 'small.7'"):
        documents.named("smal.7")


def test_documents_are_read_from_their_files(tmp_path: Path) -> None:
    write_document(tmp_path, raw_document([section("i386", row("__vdso_time"))]))
    (one,) = load_documents(tmp_path)
    assert (one.name, one.covers("i386"), one.covers("arm")) == ("small.7-1.0", True, False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"page_date": "yesterday"}, "page_date"),
        ({"page_date": "2022-13-01"}, "small.7-1.0.yaml: month must be in 1..12"),
        ({"sections": [section("i386", row("__vdso_time", when="native nor compat"))]}, "is no condition"),
        ({"general": [{"about": "x", "text": "y", "states": "all-is-well"}]}, "all-is-well"),
    ],
)
def test_a_file_that_does_not_conform_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    write_document(tmp_path, raw_document() | change)
    with pytest.raises(InputError) as raised:
        load_documents(tmp_path)
    assert "small.7-1.0.yaml" in str(raised.value)
    assert words in str(raised.value)


def test_documents_and_the_catalogue_keep_their_prepared_forms_side_by_side(tmp_path: Path, catalog_root: Path) -> None:
    from vdsocat.catalog.files import load_catalog

    write_document(catalog_root, raw_document())
    cache = tmp_path / "cache"
    load_catalog(catalog_root, cache)
    load_documents(catalog_root, cache)
    load_catalog(catalog_root, cache)
    assert len(list(cache.glob("catalog-*.json"))) == 2
