"""vdsocat lint: schema and consistency of the catalogue."""

from __future__ import annotations

import click

from vdsocat.cli.settings import Settings
from vdsocat.documents import data_directory


@click.command()
@click.pass_context
def lint(context: click.Context) -> None:
    """Check the catalogue and the machines: schemas first, then what a schema cannot say."""
    from vdsocat.catalog.lint import RULES
    from vdsocat.catalog.lint import lint as find_problems

    settings: Settings = context.obj
    problems = find_problems(settings.catalog_root, data_directory("qemu-images"))
    for problem in problems:
        click.echo(str(problem))
    files = sum(1 for _ in settings.catalog_root.rglob("*.yaml"))
    click.echo(f"{files} catalogue files, {len(RULES)} rules: {len(problems)} problems", err=True)
    context.exit(1 if problems else 0)
