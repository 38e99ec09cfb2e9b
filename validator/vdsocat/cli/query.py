"""vdsocat query: which ABIs export a function or symbol."""

from __future__ import annotations

import click

from vdsocat.catalog.query import RELEASE_COLUMNS, ROW_COLUMNS, rows_at_release, rows_over_time
from vdsocat.cli.settings import Settings, terminal_width
from vdsocat.errors import InputError
from vdsocat.exports import KernelRelease
from vdsocat.report.listing import FORMATS, render_listing

# What people read where machines get an empty symbol.
_NOT_EXPORTED = "not exported"


@click.command()
@click.argument("patterns", metavar="PATTERN…", nargs=-1, required=True)
@click.option("--abi", "abi_names", multiple=True, help="Only this ABI (may be given several times).")
@click.option("--kernel", "release", metavar="RELEASE", help="Answer for one kernel release, such as 5.4.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_obj
def query(
    settings: Settings, patterns: tuple[str, ...], abi_names: tuple[str, ...], release: str | None, format_: str
) -> None:
    """Which ABIs export a function or symbol, under which name and version, since when.

    PATTERN is a function (getcpu), a symbol (__vdso_getcpu) or a glob ('*getres*').
    """
    catalog = settings.load_catalog()
    names = frozenset[str]().union(*(catalog.matching_names(pattern) for pattern in patterns))
    abis = [catalog.abi(name) for name in abi_names] or catalog.sorted_abis()
    if release is None:
        rows = list(rows_over_time(catalog, names, abis))
        columns = (
            ROW_COLUMNS
            if format_ == "table"
            else (*ROW_COLUMNS[:2], "function", *ROW_COLUMNS[2:4], "since_date", *ROW_COLUMNS[4:])
        )
    else:
        rows = list(rows_at_release(names, abis, _parse_release(release)))
        columns = RELEASE_COLUMNS
    if format_ in ("table", "markdown"):
        rows = [row if row["symbol"] else {**row, "symbol": _NOT_EXPORTED} for row in rows]
    click.echo(render_listing(rows, columns, "query", format_, terminal_width()))


def _parse_release(text: str) -> KernelRelease:
    try:
        return KernelRelease.parse(text)
    except ValueError as error:
        raise InputError(f"{error}.") from None
