"""Reading the catalogue from its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vdsocat.catalog import model as catalog
from vdsocat.catalog.defects import defects_from_document
from vdsocat.catalog.fast_paths import fast_paths_from_document
from vdsocat.catalog.model import Catalog
from vdsocat.documents import read_documents
from vdsocat.errors import InputError

_FILES = ("abis/*.yaml", "providers/*.yaml", "architectures.yaml", "functions.yaml", "releases.yaml")


def load_catalog(root: Path, cache: Path | None = None) -> Catalog:
    """The catalogue under `root` (the directory `catalog`), from its prepared form in `cache` if that is current.

    InputError names the file and the place of whatever does not conform to its schema.
    """
    return assemble_catalog(read_documents(root, _FILES, cache))


def assemble_catalog(documents: Mapping[str, Any]) -> Catalog:
    """The catalogue that documents (by path under catalog/) make; InputError names the one that cannot be read."""

    def build(prefix: str, from_document: Callable[[Mapping[str, Any]], Any]) -> list[Any]:
        return [_build(name, one, from_document) for name, one in documents.items() if name.startswith(prefix)]

    for name in ("architectures.yaml", "functions.yaml", "releases.yaml"):
        if name not in documents:
            raise InputError(f"{name} is missing from the catalogue.")
    return Catalog(
        architectures=catalog.architectures_from_document(documents["architectures.yaml"]),
        abis={abi.name: abi for abi in build("abis/", catalog.abi_from_document)},
        functions=catalog.functions_from_document(documents["functions.yaml"]),
        releases=catalog.releases_from_document(documents["releases.yaml"]),
        fast_paths=fast_paths_from_document(documents["functions.yaml"]),
        defects=defects_from_document(documents["functions.yaml"]),
        providers={one.name: one for one in build("providers/", catalog.provider_from_document)},
    )


def _build(name: str, document: Mapping[str, Any], from_document: Callable[[Mapping[str, Any]], Any]) -> Any:
    try:
        return from_document(document)
    except ValueError as error:
        raise InputError(f"{name}: {error}.") from None
