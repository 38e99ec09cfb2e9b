"""What became of a vDSO ABI between two sets of exports, sorted by what it means for those who use it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from vdsocat.catalog.history import (
    HASH_TABLES,
    VDSO,
    Difference,
    Told,
    spell_styles,
    words_of_export,
)
from vdsocat.elf.image import VdsoImage

_UNNAMED = "(unnamed)"
# What is told of a subject, gravest first, with the rule whose matter it is.
_RULES_OF_WORDS = {
    "version": "SYM-VERSION",
    "type": "SYM-TYPE",
    "offset": "SYM-VERSION",
    "soname": "ELF-SONAME",
    "styles": "ELF-HASH-STYLE",
    "kernels": "ABI-RUNS",
    "binding": "SYM-BINDING",
}
# Whoever looks a symbol up takes it weak or global.
_HARMLESS_WORDS = frozenset(("binding",))


class Kind(StrEnum):
    """What a change means: something that users have is gone or different, something wants a look, or neither.

    A `waived` one is one of the first two that a waiver accepts.
    """

    INCOMPATIBLE = "incompatible"
    REVIEW = "review"
    NEUTRAL = "neutral"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `change` is a part of a sentence, "is gone"; `rule` names the page that says why it matters.

    `mode` is "native" or "compat", "unknown" of a lone image, "" where it makes no difference. `waiver` is the reason
    by which a waived one is accepted.
    """

    kind: Kind
    abi: str
    mode: str
    rule: str
    subject: str
    change: str
    waiver: str | None = None

    def sentence(self) -> str:
        """The change in one line, for people."""
        return f"{self.rule} {self.subject}: {self.told}".strip()

    @property
    def told(self) -> str:
        """What changed and, of what is waived, why that is accepted."""
        return f"{self.change} (waived: {self.waiver})" if self.waiver else self.change


def differences_of_images(abi: str, old: Iterable[VdsoImage], new: Iterable[VdsoImage]) -> Iterator[Difference]:
    """What became of everything that the images of one ABI have: its vDSO, the hash tables, each symbol.

    Several images of one ABI are alternatives that the kernel chooses from at boot, and are told together.
    """
    before, after = _told(old), _told(new)
    for subject in dict.fromkeys((*before, *after)):
        difference = Difference(abi, subject, before.get(subject, ()), after.get(subject, ()))
        if difference.change:
            yield difference


def _told(images: Iterable[VdsoImage]) -> dict[str, tuple[Told, ...]]:
    told: dict[str, list[Told]] = {}
    for image in images:
        told.setdefault(VDSO, []).append(Told({"soname": image.soname or ""}))
        told.setdefault(HASH_TABLES, []).append(Told({"styles": spell_styles(image.hash_styles)}))
        for export in image.exports:
            told.setdefault(export.name or _UNNAMED, []).append(Told(words_of_export(export)))
    return {subject: tuple(several) for subject, several in told.items()}


def sort_difference(difference: Difference, mode: str = "") -> Change:
    """A difference as a change of its kind, under the rule that it is a matter of.

    What is gone is incompatible, and so is another version, type, soname or hash table in place of one that was there.
    What came is for review: from its first release on it is ABI.
    """
    old, new = difference.old, difference.new
    changed = [word for word in _RULES_OF_WORDS if _words(old, word) != _words(new, word)]
    lost = [word for word in changed if word not in _HARMLESS_WORDS and not _words(old, word) <= _words(new, word)]
    if difference.subject == _UNNAMED:  # names that arm blanks: those with names tell what is gone
        kind, rule = Kind.NEUTRAL, "SYM-PRESENT"
    elif not new:
        kind, rule = Kind.INCOMPATIBLE, _rule_of_presence(difference, "SYM-MISSING")
    elif not old:
        kind, rule = Kind.REVIEW, _rule_of_presence(difference, "SYM-NEW")
    elif changed:
        kind, rule = (Kind.INCOMPATIBLE if lost else Kind.REVIEW), _RULES_OF_WORDS[(lost or changed)[0]]
    else:  # only the condition under which it is there
        kind, rule = Kind.REVIEW, _rule_of_presence(difference, "SYM-ABSENT")
    return Change(kind, difference.abi, mode, rule, difference.subject, difference.change)


def symbol_of(subject: str) -> str:
    """The symbol that a finding's or a change's subject begins with: "__vdso_time" of "__vdso_time@@LINUX_2.6"."""
    return re.split(r"[@( ]", subject, maxsplit=1)[0]


def _words(several: Iterable[Told], word: str) -> frozenset[str]:
    """The values of one word; hash styles one by one."""
    return frozenset(value for one in several if word in one.words for value in one.words[word].split(" and "))


def _rule_of_presence(difference: Difference, of_symbols: str) -> str:
    """The rule that looks whether a subject is there: by its name, as the catalogue gives names to subjects."""
    subject = difference.subject
    words = {word for told in (*difference.old, *difference.new) for word in told.words}
    if subject == VDSO:
        return "VDSO-PRESENT"
    if subject == HASH_TABLES:
        return "ELF-HASH-STYLE"
    if "kernels" in words:
        return "ABI-RUNS"
    if subject.startswith("AT_"):
        return "AUXV-TAG"
    if subject.startswith("["):
        return "MAP-NAME"
    # A symbol has a version, or an offset in a fixed page: an area has neither.
    return of_symbols if words else "AREA-PRESENT"
