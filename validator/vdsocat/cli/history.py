"""vdsocat history: what changed when, of a symbol, a function, an ABI, or in a release."""

from __future__ import annotations

import click

from vdsocat.catalog.history import Event, events_of
from vdsocat.catalog.model import Catalog, Source
from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.errors import InputError, misspelt
from vdsocat.exports import KernelRelease
from vdsocat.release_numbers import asked_release_numbers
from vdsocat.report.listing import FORMATS, render_listing

_COLUMNS = ("release", "date", "abi", "subject", "change")


@click.command()
@click.argument("what", metavar="SYMBOL|ABI|RELEASE")
@click.option("--abi", "abi_names", metavar="ABI", multiple=True, help="Only of this ABI. May be given several times.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_obj
def history(settings: Settings, what: str, abi_names: tuple[str, ...], format_: str) -> None:
    """What changed when, oldest first, with where it was read.

    A SYMBOL may be a function, or a glob for several; of a mainline RELEASE, such as 6.11, it is all that it brought.
    """
    catalog = settings.load_catalog()
    wanted = {catalog.abi(name).name for name in abi_names} or set(catalog.abis)
    events = [event for event in _events_about(what, catalog) if event.abi in wanted]
    rows = [_row(event, catalog) for event in events]
    columns = _COLUMNS if format_ == "table" else (*_COLUMNS, "function", "source")
    if not rows and format_ == "table":
        click.echo(f"Nothing is recorded of {what}" + (f" for {', '.join(sorted(wanted))}." if abi_names else "."))
    else:
        click.echo(render_listing(rows, columns, "history", format_, terminal_width()))


def _events_about(what: str, catalog: Catalog) -> list[Event]:
    events = events_of(catalog)
    abi = catalog.abi_named(what)
    if abi is not None:
        return [event for event in events if event.abi == abi.name]
    if what[:1].isdigit():
        release = KernelRelease(asked_release_numbers(what))
        if str(release) not in catalog.releases:
            raise InputError(f"The catalogue has no release {misspelt(what, catalog.releases)}")
        return [event for event in events if event.bound.after == release]
    names = catalog.matching_names(what)
    return [event for event in events if event.function is not None and names & {event.subject, event.function}]


def _row(event: Event, catalog: Catalog) -> dict[str, str | None]:
    return {
        "release": str(event.bound),
        "date": catalog.releases.get(str(event.bound.after)),
        "abi": event.abi,
        "subject": event.subject,
        "change": event.change,
        "function": event.function,
        "source": "; ".join(map(_spell_source, event.sources)),
    }


def _spell_source(source: Source) -> str:
    return f"{source} ({source.note})" if source.note and source.note != str(source) else str(source)
