"""vdsocat errata: where documents disagree with the catalogue."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.errors import InputError
from vdsocat.release_numbers import asked_release_numbers
from vdsocat.report.listing import FORMATS, render_listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vdsocat.audits.errata import DocumentErrata
    from vdsocat.catalog.document import Document, Documents
    from vdsocat.catalog.model import Catalog
    from vdsocat.exports import KernelRelease


@click.command(short_help="Where documents disagree with the catalogue.")
@click.argument("names", metavar="[DOCUMENT]…", nargs=-1)
@click.option("--all", "all_editions", is_flag=True, help="Every edition, not only the newest of each document.")
@click.option(
    "--abi", "abi_names", metavar="ABI", multiple=True, help="Only what concerns this ABI (may be given several times)."
)
@click.option(
    "--kernel",
    "release",
    metavar="RELEASE",
    help="Look up to this release for what has changed since a document's day (default: the newest).",
)
@click.option("--summary", is_flag=True, help="One line per document.")
@click.option("--format", "format_", type=click.Choice((*FORMATS, "man")), default="table", show_default=True)
@click.pass_context
def errata(
    context: click.Context,
    names: tuple[str, ...],
    all_editions: bool,
    abi_names: tuple[str, ...],
    release: str | None,
    summary: bool,
    format_: str,
) -> None:
    """Where documents disagree with the catalogue, with what is right and where that is known from.

    DOCUMENT is a document (vdso.7: its newest edition) or an edition of it (vdso.7-5.13). A document is held against
    the kernel that was the newest on its day; what later kernels changed is listed apart, as outdated. --format man
    prints a manual page's symbol tables as they should be at --kernel, as roff.

    Exit status: 0 no errata, 1 errata (outdated ones are none), 2 usage or bad input. --format man prints no errata.
    """
    from vdsocat.audits.errata import find_errata
    from vdsocat.catalog.document import load_documents

    settings: Settings = context.obj
    catalog = settings.load_catalog()
    documents = load_documents(settings.catalog_root, settings.cache)
    now = _release(catalog, release)
    chosen = _choose(documents, names, all_editions)
    abis = frozenset(catalog.abi(name).name for name in abi_names) or None
    if format_ == "man":
        click.echo(_corrected(chosen, catalog, now, bool(summary or all_editions or abis)))
        return
    results = [find_errata(document, catalog, now, abis) for document in chosen]
    click.echo(_render(results, format_, summary))
    context.exit(1 if any(result.disagrees for result in results) else 0)


def _choose(documents: Documents, names: Sequence[str], all_editions: bool) -> list[Document]:
    """The documents that the arguments name, each once; the newest editions where they name none."""
    if not list(documents):
        raise InputError("The catalogue has no documents.")
    if not names:
        return list(documents) if all_editions else list(documents.newest())
    named = [documents.named(name) for name in names]
    if all_editions:
        families = {document.family for document in named}
        return [document for document in documents if document.family in families]
    return list({document.name: document for document in named}.values())


def _release(catalog: Catalog, text: str | None) -> KernelRelease:
    """The release to look up to; InputError for one that the catalogue does not know yet."""
    from vdsocat.audits.errata import newest_release
    from vdsocat.exports import KernelRelease

    newest = newest_release(catalog)
    if text is None:
        return newest
    release = KernelRelease(asked_release_numbers(text))
    if release.mainline > newest:
        raise InputError(f"The catalogue knows no release after {newest}, so it cannot speak of {release}.")
    return release


def _render(results: Sequence[DocumentErrata], format_: str, summary: bool) -> str:
    from vdsocat.report import errata as report

    if summary:
        rows = report.summary_rows(results)
        return render_listing(rows, report.SUMMARY_COLUMNS, "errata-summary", format_, terminal_width())
    if format_ == "json":
        return json.dumps(report.errata_document(results), indent=2)
    if format_ == "table":
        return "\n\n".join("\n".join(report.draw_errata(result, terminal_width())) for result in results)
    return render_listing(report.errata_rows(results), report.ROW_COLUMNS, "errata", format_)


def _corrected(chosen: Sequence[Document], catalog: Catalog, release: KernelRelease, restricted: bool) -> str:
    """The tables of the one chosen document that has any; InputError where that is not one."""
    from vdsocat.report.manual_page import corrected_page, render_page

    if restricted:
        raise InputError("--format man prints the whole page of one edition; leave --all, --abi and --summary out.")
    pages = [document for document in chosen if document.sections]
    if len(pages) != 1:
        raise InputError("--format man prints the tables of one document with sections on ABIs; name one.")
    return render_page(corrected_page(pages[0], catalog, release))
