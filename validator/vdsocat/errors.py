"""The exceptions whose text is meant for the user: one sentence each, mapped to an exit status."""


class VdsocatError(Exception):
    """Base of all errors that the command line prints as one sentence instead of a traceback."""

    exit_status = 2

    def sentence(self) -> str:
        """The text with a full stop where it has no end of its own."""
        text = str(self)
        return text if text.endswith((".", "?")) else f"{text}."


class InputError(VdsocatError):
    """The user's argument, file or catalogue cannot be used (exit status 2)."""


class RunError(VdsocatError):
    """A run could not be completed: no QEMU, no boot, panic, deadline, damaged record (exit status 3)."""

    exit_status = 3
