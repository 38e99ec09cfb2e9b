"""The register of known defects and the page about them belong together."""

from __future__ import annotations

import re
from pathlib import Path

from vdsocat.catalog.files import load_catalog
from vdsocat.installation import data_path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings.md"


def test_every_known_defect_has_its_section_of_that_name() -> None:
    sections = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    catalog = load_catalog(Path(data_path("catalog")))
    defects = [one.name for one in catalog.defects]
    defects += [one.name for provider in catalog.providers.values() for one in provider.defects]
    assert defects
    assert set(defects) <= set(sections)
    assert len(set(defects)) == len(defects)


def test_known_defects_are_of_functions_that_the_catalogue_has() -> None:
    catalog = load_catalog(Path(data_path("catalog")))
    for defect in catalog.defects:
        assert set(defect.functions) <= set(catalog.functions), defect.name


def test_fast_paths_are_of_abis_that_the_catalogue_has() -> None:
    catalog = load_catalog(Path(data_path("catalog")))
    named = {abi for paths in catalog.fast_paths.functions.values() for path in paths for abi in path.abis}
    named |= {abi for sources in catalog.fast_paths.clocksources for abi in sources.abis}
    assert named <= set(catalog.abis)
