"""vdsocat lint: schema and consistency of the catalogue, and how much of it is sourced and observed."""

from __future__ import annotations

import click

from vdsocat.cli.places import terminal_width
from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory
from vdsocat.report.listing import FORMATS


@click.command()
@click.option("--fix", "fixing", is_flag=True, help="Restore the order and the form of the catalogue's files first.")
@click.option("--coverage", "covering", is_flag=True, help="Count what has a source and what a real kernel showed.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", help="How to print the coverage.")
@click.pass_context
def lint(context: click.Context, fixing: bool, covering: bool, format_: str) -> None:
    """Check the catalogue and the machines: schemas first, then what a schema cannot say."""
    from vdsocat.lint.rules import RULES
    from vdsocat.lint.run import LintResult, lint_input, read_lint_input

    settings: Settings = context.obj
    if fixing:
        from vdsocat.lint.fix import fix

        for path in fix(settings.catalog_root):
            click.echo(f"rewritten: {path}", err=True)
    given, rejected = read_lint_input(settings.catalog_root, data_directory("qemu-images"))
    result = LintResult(len(given.texts), rejected) if rejected else lint_input(given)
    for violation in result.violations:
        click.echo(str(violation), err=covering)
    for violation, reason in result.exempted:
        click.echo(f"exempted: {violation} ({reason})", err=True)
    click.echo(
        f"{result.files} files, {len(RULES)} rules: {len(result.violations)} problems, {len(result.exempted)} exempted",
        err=True,
    )
    if covering and not rejected:
        from vdsocat.lint.coverage import coverage
        from vdsocat.report.coverage import render_coverage

        click.echo(render_coverage(coverage(given), format_, terminal_width()))
    context.exit(1 if result.violations else 0)
