"""vdsocat lint: schema and consistency of the catalogue."""

from __future__ import annotations

import click

from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory


@click.command()
@click.option("--fix", "fixing", is_flag=True, help="Restore the order and the form of the catalogue's files first.")
@click.pass_context
def lint(context: click.Context, fixing: bool) -> None:
    """Check the catalogue and the machines: schemas first, then what a schema cannot say."""
    from vdsocat.lint.rules import RULES
    from vdsocat.lint.run import lint as find_violations

    settings: Settings = context.obj
    if fixing:
        from vdsocat.lint.fix import fix

        for path in fix(settings.catalog_root):
            click.echo(f"rewritten: {path}", err=True)
    result = find_violations(settings.catalog_root, data_directory("qemu-images"))
    for violation in result.violations:
        click.echo(str(violation))
    for violation, reason in result.exempted:
        click.echo(f"exempted: {violation} ({reason})", err=True)
    click.echo(
        f"{result.files} files, {len(RULES)} rules: {len(result.violations)} problems, {len(result.exempted)} exempted",
        err=True,
    )
    context.exit(1 if result.violations else 0)
