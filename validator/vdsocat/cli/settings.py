"""What the environment and the global options say; read here once, and nowhere below the command line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vdsocat.catalog.files import load_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.documents import data_directory


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are, and whether colour is wanted on a terminal."""

    catalog_root: Path
    cache: Path
    colour: bool

    @classmethod
    def from_environment(
        cls, catalog_root: Path | None, cache: Path | None, environment: Mapping[str, str]
    ) -> Settings:
        """Options win over XDG_CACHE_HOME; NO_COLOR and TERM=dumb turn colour off."""
        base = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "/tmp", ".cache"))
        return cls(
            catalog_root=catalog_root or data_directory("catalog"),
            cache=(cache or base / "vdsocat").absolute(),
            colour=not environment.get("NO_COLOR") and environment.get("TERM") != "dumb",
        )

    def load_catalog(self) -> Catalog:
        """The catalogue, from its prepared form when that is current."""
        return load_catalog(self.catalog_root, self.cache)


def terminal_width() -> int:
    """Columns to draw for: the terminal's, 80 when there is none."""
    return shutil.get_terminal_size((80, 24)).columns
