"""What running a command in a test left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    def refused_in_one_sentence(self, *words: str) -> bool:
        """Status 2, nothing on stdout, and on stderr one line that is a sentence with all the words in it."""
        assert self.status == 2, (self.status, self.out, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].endswith((".", "?"))
        for word in words:
            assert word in self.err, (word, self.err)
        return True


Command = Callable[..., Outcome]
