"""vdsocat lint: schema and consistency of the catalogue, and how much of it is sourced and observed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.report.listing import FORMATS, render_listing

if TYPE_CHECKING:
    from vdsocat.lint.run import LintResult


@click.command(short_help="Check the catalogue and the machines.")
@click.option("--fix", "fixing", is_flag=True, help="Restore the order and the form of the catalogue's files first.")
@click.option("--coverage", "covering", is_flag=True, help="Count what has a source and what a real kernel showed.")
@click.option("--rules", "listing", is_flag=True, help="List the rules, and do nothing else.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.pass_context
def lint(context: click.Context, fixing: bool, covering: bool, listing: bool, format_: str) -> None:
    """Check the catalogue and the machines: schemas first, then what a schema cannot say."""
    from vdsocat.lint.run import LintResult, lint_input, read_lint_input

    settings: Settings = context.obj
    if listing:
        click.echo(_spell_rules(format_))
        return
    if fixing:
        _fix(settings)
    given, rejected = read_lint_input(settings.catalog_root, data_directory("qemu-images"))
    result = LintResult(len(given.texts), rejected) if rejected else lint_input(given)
    _print(result, format_, talk=covering)
    if covering and not rejected:
        from vdsocat.lint.coverage import coverage
        from vdsocat.report.coverage import render_coverage

        click.echo(render_coverage(coverage(given), format_, terminal_width()))
    context.exit(1 if result.violations else 0)


def _fix(settings: Settings) -> None:
    from vdsocat.lint.fix import fix

    for path in fix(settings.catalog_root):
        click.echo(f"rewritten: {path}", err=True)


def _print(result: LintResult, format_: str, talk: bool) -> None:
    """The violations on stdout, or as `talk` on stderr where stdout is for something else; all else on stderr."""
    from vdsocat.lint.rules import RULES

    if format_ == "table" or talk:
        for violation in result.violations:
            click.echo(str(violation), err=talk)
    else:
        columns = ("file", "line", "rule", "place", "text")
        rows = [{column: _cell(getattr(one, column)) for column in columns} for one in result.violations]
        click.echo(render_listing(rows, columns, "lint", format_))
    for violation, reason in result.exempted:
        click.echo(f"exempted: {violation} ({reason})", err=True)
    counts = f"{len(result.violations)} problems, {len(result.exempted)} exempted"
    click.echo(f"{result.files} files, {len(RULES)} rules: {counts}", err=True)


def _cell(value: str | int | None) -> str | None:
    return None if value in (None, "") else str(value)


def _spell_rules(format_: str) -> str:
    """Every rule with the paragraph of its docstring that says what it checks."""
    from vdsocat.lint.problem import rule_name
    from vdsocat.lint.rules import RULES

    rows: list[dict[str, str | None]] = [
        {"rule": rule_name(rule), "checks": " ".join(inspect.getdoc(rule).split())}  # type: ignore[union-attr]
        for rule in RULES
    ]
    return render_listing(rows, ("rule", "checks"), "lint-rules", format_, terminal_width())
