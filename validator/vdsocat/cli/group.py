"""The command line as click sees it: one module per verb, loaded only when the verb is called."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from vdsocat import __version__
from vdsocat.cli import INTERRUPTED, VERBS
from vdsocat.cli.interruption import raise_on_ending_signals
from vdsocat.cli.settings import Settings
from vdsocat.errors import VdsocatError


class _Verbs(click.Group):
    """A group whose commands are modules of this package, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(f"vdsocat.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from vdsocat.errors import did_you_mean

            raise click.UsageError(f"There is no command {args[0]!r}{did_you_mean(args[0], VERBS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vdsocat")
@click.option(
    "--catalog",
    "catalog_root",
    type=click.Path(path_type=Path, file_okay=False),
    help="Use the catalogue in this directory instead of the one that came with vdsocat.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep kernels and other fetched or made files here (default: ~/.cache/vdsocat).",
)
@click.pass_context
def cli(context: click.Context, catalog_root: Path | None, cache: Path | None) -> None:
    """A catalogue of the Linux vDSO's ABI, and a validator that boots real kernels and holds them to it.

    Exit status: 0 conforms, 1 at least one fail, 2 usage or bad input, 3 a run could not be completed.
    """
    context.obj = Settings.from_environment(catalog_root, cache, os.environ)


def run() -> int:
    """Run the verb that the command line names: every error meant for the user ends as one sentence and a status."""
    raise_on_ending_signals()
    try:
        status = cli(prog_name="vdsocat", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        status = error.exit_code
    except click.Abort:
        status = INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = 2
    except VdsocatError as error:
        click.echo(f"vdsocat: {error.sentence()}", err=True)
        status = error.exit_status
    except KeyboardInterrupt:
        status = INTERRUPTED
    except SystemExit as error:
        # So click ends when the reader of a pipe has gone.
        raise BrokenPipeError from error
    except BrokenPipeError:
        raise
    except OSError as error:
        click.echo(f"vdsocat: {error.filename or 'a file'}: {error.strerror}.", err=True)
        status = 2
    return status if isinstance(status, int) else 0
