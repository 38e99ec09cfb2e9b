"""Text from anywhere, made safe to look at: what a reader cannot see, or what moves other text about, is spelt out."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with control, format and bidirectional characters, and all else that has no picture, as escapes.

    A kernel's strings, and so those of a capture, may hold any character: \\u202e turns the reading order round.
    """
    return "".join(one if one.isprintable() else _spell(ord(one)) for one in text)


def _spell(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
