"""A set of one's own: the sources that a matrix file lists, each with its options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vdsocat.check import Task
from vdsocat.documents import read_users_file
from vdsocat.errors import InputError
from vdsocat.sources import SourceSettings, looks_like_path, tasks_for


@dataclass(frozen=True, slots=True)
class MatrixEntry:
    """A SOURCE with its own options; None leaves an option as the command line has it.

    `append` comes after the command line's words. `name` is what results call a source that is one kernel.
    """

    source: str
    name: str | None = None
    excepted: tuple[str, ...] = ()
    config: Path | None = None
    append: str = ""
    deadline: float | None = None
    cost: bool | None = None
    static: bool | None = None

    def settings(self, common: SourceSettings) -> SourceSettings:
        """The settings of this entry among those of all."""
        words = " ".join(one for one in (common.boot.append, self.append) if one)
        excluded = {request.name for source in self.excepted for request in common.expand(source)}
        return replace(
            common,
            boot=replace(common.boot, append=words, deadline=self.deadline or common.boot.deadline),
            config=self.config or common.config,
            excluded=common.excluded | excluded,
            cost=common.cost if self.cost is None else self.cost,
            static=common.static if self.static is None else self.static,
            name=self.name,
        )


def read_matrix(path: Path) -> tuple[MatrixEntry, ...]:
    """The entries of a matrix file (schemas/matrix.schema.json), in its order.

    Paths are relative to the file. InputError names the file, the line and what is wrong there.
    """
    document = read_users_file(path, "matrix")
    return tuple(_entry(raw if isinstance(raw, dict) else {"source": raw}, path.parent) for raw in document["sources"])


def tasks_of(entries: Iterable[MatrixEntry], common: SourceSettings) -> list[Task]:
    """The tasks of all entries, in order; what is there twice with the same options is done once.

    InputError for a source that is none, and for two results that would have the same name.
    """
    tasks: dict[str, Task] = {}
    settings: dict[str, SourceSettings] = {}
    for entry in entries:
        own = entry.settings(common)
        found = list(tasks_for([entry.source], own))
        if entry.name is not None and len(found) != 1:
            raise InputError(
                f"{entry.source} stands for {len(found)} kernels, which cannot all be named {entry.name!r}."
            )
        for task in found:
            if settings.setdefault(task.source, own) != own:
                raise InputError(f"{task.source} is there twice with different options; give one of them a `name`.")
            tasks.setdefault(task.source, task)
    return list(tasks.values())


def _entry(raw: dict[str, Any], directory: Path) -> MatrixEntry:
    config = raw.get("config")
    return MatrixEntry(
        source=_from(directory, raw["source"]),
        name=raw.get("name"),
        excepted=tuple(raw.get("except", ())),
        config=directory / config if config is not None else None,
        append=raw.get("append", ""),
        deadline=raw.get("deadline"),
        cost=raw.get("cost"),
        static=raw.get("static"),
    )


def _from(directory: Path, source: str) -> str:
    """The source with its path taken from the file's directory; a named form stays as it is."""
    return str(directory / source) if (directory / source).exists() or looks_like_path(source) else source
