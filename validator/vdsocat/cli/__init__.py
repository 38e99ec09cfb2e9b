"""The command line: one module per verb, loaded only when the verb is called."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from vdsocat import __version__
from vdsocat.cli.interruption import raise_on_ending_signals
from vdsocat.cli.settings import Settings
from vdsocat.errors import VdsocatError

_VERBS = ("query", "show", "check", "report", "lint", "kernels", "doctor")
_INTERRUPTED = 130  # as a shell reports SIGINT
_READER_GONE = 141  # as a shell reports SIGPIPE


class _Verbs(click.Group):
    """A group whose commands are modules of this package, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command = getattr(importlib.import_module(f"vdsocat.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            from vdsocat.catalog.model import did_you_mean

            raise click.UsageError(f"There is no command {args[0]!r}{did_you_mean(args[0], _VERBS)}")
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


def main() -> None:
    """Entry point: every error that is meant for the user ends as one sentence and an exit status."""
    raise_on_ending_signals()
    try:
        status = cli(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        status = error.exit_code
    except click.Abort:
        status = _INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = 2
    except VdsocatError as error:
        click.echo(f"vdsocat: {error.sentence()}", err=True)
        status = error.exit_status
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe has gone (click turns that into SystemExit). What is left in stdout must not raise again
        # at exit, and the status must not be that of a kernel that conforms or fails.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _READER_GONE
    except OSError as error:
        click.echo(f"vdsocat: {error.filename or 'a file'}: {error.strerror}.", err=True)
        status = 2
    sys.exit(status if isinstance(status, int) else 0)
