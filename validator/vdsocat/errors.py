"""The exceptions whose text is meant for the user: one sentence each, mapped to an exit status."""

from __future__ import annotations

from collections.abc import Iterable


class VdsocatError(Exception):
    """Base of all errors that the command line prints as one sentence instead of a traceback."""

    exit_status = 2

    def sentence(self) -> str:
        """The text in visible characters, for a kernel may say any, with a full stop where it has no end of its own."""
        from vdsocat.printable import printable

        text = printable(str(self))
        return text if text.endswith((".", "?")) else f"{text}."


class InputError(VdsocatError):
    """The user's argument, file or catalogue cannot be used (exit status 2)."""


class RunError(VdsocatError):
    """A run could not be completed: no QEMU, no boot, panic, deadline, damaged record (exit status 3)."""

    exit_status = 3


class MissingToolsError(RunError):
    """Something is not installed that a run needs; `packages` are Debian's that bring it."""

    def __init__(self, text: str, packages: tuple[str, ...]) -> None:
        super().__init__(text)
        self.packages = packages


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """The tail of a sentence about a wrong name: "; did you mean 'getcpu'?", or "." when nothing is near."""
    import difflib

    near = difflib.get_close_matches(wrong, sorted(right), n=3, cutoff=0.6)
    if not near:
        return "."
    return "; did you mean " + " or ".join(repr(name) for name in near) + "?"


def misspelt(wrong: str, right: Iterable[str]) -> str:
    """The wrong name, quoted, with that tail: the end of a sentence such as "There is no ABI …"."""
    return f"{wrong!r}{did_you_mean(wrong, right)}"
