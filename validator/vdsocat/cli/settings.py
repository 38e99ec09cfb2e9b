"""What the environment and the global options say; read here once, and nowhere below the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vdsocat.catalog.files import load_catalog
from vdsocat.catalog.model import Catalog
from vdsocat.cli.places import cache_directory
from vdsocat.installation import data_path


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
        return cls(
            catalog_root=catalog_root or Path(data_path("catalog")),
            cache=(cache or Path(cache_directory(environment))).absolute(),
            colour=not environment.get("NO_COLOR") and environment.get("TERM") != "dumb",
        )

    def load_catalog(self) -> Catalog:
        """The catalogue, from its prepared form when that is current."""
        return load_catalog(self.catalog_root, self.cache)
