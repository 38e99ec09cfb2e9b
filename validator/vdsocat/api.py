"""The catalogue for programs: `from vdsocat import Catalog`. docs/python.md has examples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from vdsocat.catalog import model
from vdsocat.catalog.conditions import KernelFacts
from vdsocat.catalog.files import load_catalog
from vdsocat.catalog.history import Event, changes_between, events_of
from vdsocat.catalog.query import Exported, SymbolState, entries_of, states_of
from vdsocat.exports import KernelRelease
from vdsocat.installation import data_path


class Catalog(model.Catalog):
    """Everything that the catalogue says, as typed, read-only objects, and what can be asked of it."""

    @classmethod
    def load(cls, root: Path | str | None = None, cache: Path | str | None = None) -> Self:
        """The catalogue in a directory, by default the one that came with vdsocat.

        With `cache` its prepared form is kept in that directory, which makes the next load ten times as fast.
        InputError names the file and the place of whatever does not conform to its schema.
        """
        loaded = load_catalog(Path(root or data_path("catalog")), Path(cache) if cache else None)
        return cls(
            loaded.abis,
            loaded.functions,
            loaded.releases,
            loaded.providers,
            loaded.architectures,
            loaded.fast_paths,
            loaded.defects,
        )

    def find(self, pattern: str, abi: str | None = None) -> tuple[Exported, ...]:
        """All entries for a function, a symbol or a glob, of one ABI or of all, in the order of the ABIs' names.

        InputError with a did-you-mean when the catalogue has no such name or ABI.
        """
        names = self.matching_names(pattern)
        abis = [self.abi(abi)] if abi else self.sorted_abis()
        return tuple(one for each in abis for one in entries_of(each, names))

    def states(
        self,
        abi: str,
        release: str,
        mode: str = "native",
        config: Mapping[str, str] | None = None,
        facts: Mapping[str, bool] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> tuple[SymbolState, ...]:
        """Whether each symbol of an ABI is there in a kernel release that runs the ABI natively or as compat.

        `config` maps CONFIG_ names to values (an option that is not set is missing); None when it is not known.
        `facts` are further named facts that conditions ask for, such as "machine:arch-timer-usable"; `parameters`
        maps the names on the kernel's command line to their values.
        InputError for an unknown ABI, ValueError for what is no release.
        """
        known = KernelFacts(mode, config, facts or {}, parameters or {})
        return tuple(states_of(self.abi(abi), KernelRelease.parse(release), known))

    def history(self, pattern: str | None = None) -> tuple[Event, ...]:
        """What came, changed and went, oldest first: all of it, or of one function, symbol or glob."""
        events = events_of(self)
        if pattern is None:
            return events
        names = self.matching_names(pattern)
        return tuple(one for one in events if one.function is not None and names & {one.subject, one.function})

    def changes(self, old: str, new: str) -> tuple[tuple[str, str, str], ...]:
        """(ABI, symbol or other subject, change in words) of what is otherwise in the second release."""
        releases = KernelRelease.parse(old), KernelRelease.parse(new)
        return tuple((one.abi, one.subject, one.change) for one in changes_between(self, *releases))
