"""Exit statuses that `git bisect run` understands: 0 good, 1 bad, 125 cannot be tested, 128 stop bisecting."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import click

from vdsocat.errors import VdsocatError
from vdsocat.judging.result import BAD_INPUT, CONFORMS, FAILED, INCOMPLETE

CANNOT_BE_TESTED = 125
STOP = 128
_OPTION = "--bisect"
# git-bisect(1), "bisect run": 1 to 127 without 125 is bad, and 128 and more abort. A kernel that cannot be judged says
# nothing of its commit.
_MEANING = {CONFORMS: 0, FAILED: 1, BAD_INPUT: CANNOT_BE_TESTED, INCOMPLETE: CANNOT_BE_TESTED}


class BisectingCommand(click.Command):
    """A command with an option --bisect, under which nothing but a kernel's own fail ends with status 1.

    A usage error, waivers or a baseline that cannot be used, and a defect of vdsocat itself stop the bisection: none
    of them is the fault of the commit that happens to be looked at.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        bisecting = _is_asked_for(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if not bisecting:
                raise
            error.show()
            raise click.exceptions.Exit(STOP) from None

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx.params.get(_OPTION.strip("-")):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit as error:
            raise click.exceptions.Exit(_MEANING.get(error.exit_code, STOP)) from None
        except click.ClickException as error:
            error.show()
        except VdsocatError as error:
            click.echo(f"vdsocat: {error.sentence()}", err=True)
        except click.Abort:
            raise
        except OSError as error:
            click.echo(f"vdsocat: {error.filename or 'a file'}: {error.strerror}.", err=True)
        except Exception:
            traceback.print_exc()
        raise click.exceptions.Exit(STOP)


def _is_asked_for(args: Sequence[str]) -> bool:
    return _OPTION in args[: args.index("--") if "--" in args else None]
