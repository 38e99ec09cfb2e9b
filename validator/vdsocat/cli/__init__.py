"""The command line. This module is on the way of every command, so it loads next to nothing itself."""

from __future__ import annotations

import os
import sys

VERBS = (
    "query",
    "show",
    "history",
    "diff",
    "check",
    "extract",
    "sweep",
    "errata",
    "audit",
    "report",
    "lint",
    "rules",
    "kernels",
    "qemu",
    "doctor",
)
INTERRUPTED = 130  # as a shell reports SIGINT
DEFECT = 3  # nothing was completed
_READER_GONE = 141  # as a shell reports SIGPIPE


def main() -> None:
    """Entry point: a question to the catalogue is answered from its index if that can be, all else goes to click."""
    try:
        status = _answer_quickly(sys.argv[1:])
        if status is None:
            from vdsocat.cli.group import run

            status = run()
    except BrokenPipeError:
        # What is left in stdout must not raise again at exit, and the status must not be that of a kernel that
        # conforms or fails.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _READER_GONE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception:
        # A defect of ours. Python's own status for it is that of a kernel that fails.
        import traceback

        traceback.print_exc()
        status = DEFECT
    sys.exit(status)


def _answer_quickly(words: list[str]) -> int | None:
    """The status of a query answered from the index in the cache; None for all else, which click is for."""
    roots = {"--catalog": "", "--cache": ""}
    while len(words) > 1 and words[0] in roots:
        roots[words[0]], words = words[1], words[2:]
    if words[:1] != ["query"]:
        return None
    from vdsocat.cli.places import cache_directory
    from vdsocat.cli.query import answer_quickly
    from vdsocat.errors import VdsocatError
    from vdsocat.installation import data_path

    try:
        catalog_root = roots["--catalog"] or data_path("catalog")
        answered = answer_quickly(words[1:], catalog_root, roots["--cache"] or cache_directory(os.environ))
    except VdsocatError as error:
        sys.stderr.write(f"vdsocat: {error.sentence()}\n")
        return error.exit_status
    return 0 if answered else None
