"""The probe's framed lines on a console: finding them between printk, checking them, keeping them in order."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# With its space: a kernel built by user@vdsocat names its builder in the first line that it prints.
MARK = "@vdsocat "
_FRAME = re.compile(rf"({MARK}(\S+) (\d{{1,9}}) ([a-z-]+)((?: \S+)*)) ([0-9a-f]{{8}})\s*\Z")
_PANIC = re.compile(r"Kernel panic - not syncing.*|Unable to mount root fs.*")
_LONGEST_LINE = 4096
# Bytes of frames and signs of damage that are kept: whole records have 150 KB, and a guest may send until its deadline.
_LARGEST_RECORD = 8 << 20
_MOST_DAMAGE = 100


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of the protocol whose CRC-32 was right."""

    speaker: str
    sequence: int
    type: str
    fields: tuple[str, ...]


@dataclass
class Transcript:
    """What a console has said so far.

    Feed it bytes as they come. `damage` names every frame that came damaged, twice or not at all; `panic` is the
    kernel's own line if it panicked; `finished` turns true with the supervisor's (or the only speaker's) end record.
    """

    frames: dict[str, list[Frame]] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    panic: str | None = None
    finished: bool = False
    _pending: bytes = b""
    _taken: int = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take in more console output; yields each new sound frame."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        self._pending = self._pending[-_LONGEST_LINE:]
        for line in lines:
            frame = self._read_line(line.decode("utf-8", "replace").rstrip("\r"))
            if frame is not None:
                yield frame

    def of(self, speaker: str) -> list[Frame]:
        """The frames of one speaker, in order."""
        return self.frames.get(speaker, [])

    def supervisor(self) -> str | None:
        """The speaker that is PID 1, if one has spoken."""
        return next((speaker for speaker in self.frames if speaker.endswith("/init")), None)

    def missing(self) -> str | None:
        """What is damaged or incomplete, as a clause; None when every speaker's record is whole."""
        if self.damage:
            return self.damage[0]
        for speaker, frames in self.frames.items():
            if frames[-1].type == "end" and frames[-1].fields[:1] != (str(len(frames)),):
                return f"{speaker} sent {' '.join(frames[-1].fields)} frames, of which {len(frames)} arrived"
        return None

    def _read_line(self, line: str) -> Frame | None:
        if self.panic is None and (match := _PANIC.search(line)):
            self.panic = match.group(0)
        start = line.find(MARK)
        if start < 0:
            return None
        match = _FRAME.match(line[start:])
        self._taken += len(line) - start
        if self._taken > _LARGEST_RECORD:
            self._note(f"it is larger than {_LARGEST_RECORD >> 20} MiB")
            return None
        if match is None:
            self._note(f"a line of the probe is garbled: {line[start : start + 60]!r}")
            return None
        text, speaker, sequence, kind, rest, crc = match.groups()
        if f"{binascii.crc32(text.encode('utf-8', 'replace')):08x}" != crc:
            self._note(f"frame {sequence} of {speaker} has a wrong checksum")
            return None
        return self._accept(Frame(speaker, int(sequence), kind, tuple(rest.split())))

    def _accept(self, frame: Frame) -> Frame:
        frames = self.frames.setdefault(frame.speaker, [])
        if frame.sequence != len(frames):
            self._note(f"{frame.speaker} jumped from frame {len(frames) - 1} to {frame.sequence}")
        frames.append(frame)
        if frame.type == "end" and (self.supervisor() in (None, frame.speaker)):
            self.finished = True
        return frame

    def _note(self, damage: str) -> None:
        if len(self.damage) < _MOST_DAMAGE:
            self.damage.append(damage)
