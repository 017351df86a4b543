"""Texts that are changed before they are cut into tokens, each character with where it came from.

This is the slow way, for the one text whose tokens are shown to a person. Encoding changes whole
texts at once and gives the same characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rnnkit.data.text.jamo import decompose


@dataclass(frozen=True)
class Traced:
    """A text, and which characters of the text as it was written each of its characters stands for.

    Args:
        text: `N` characters.
        starts: `N` places of the original where the characters begin.
        ends: `N` places where they end (one past the last).

    Example:
        >>> traced = Traced.of("e\u0301t").composed()
        >>> traced.text, traced.starts, traced.ends
        ('ét', (0, 2), (2, 3))
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Traced:
        """Return a text before any change."""
        return cls(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))

    def composed(self) -> Traced:
        """Return the text in Unicode's normal form C."""
        if unicodedata.is_normalized("NFC", self.text):
            return self
        pieces = [(piece, unicodedata.normalize("NFC", piece)) for piece in _segments(self.text)]
        return self._replaced(pieces)

    def lowered(self) -> Traced:
        """Return the text in lower case."""
        lowered = self.text.lower()
        if len(lowered) == len(self.text):
            return Traced(lowered, self.starts, self.ends)
        return self._replaced(_cut(lowered, self.text, str.lower))

    def decomposed(self) -> Traced:
        """Return the text with its Hangul syllables as conjoining jamo."""
        return self._replaced(_cut(decompose(self.text), self.text, decompose))

    def replaced(self, text: str) -> Traced:
        """Return a text of the same length, a character for a character."""
        return Traced(text, self.starts, self.ends)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the places of the original of the characters `start` to `end`, at least one."""
        return self.starts[start], self.ends[end - 1]

    def _replaced(self, pieces: Iterable[tuple[str, str]]) -> Traced:
        """Return the text with each piece of it, in order, as the other of the pair."""
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for old, new in pieces:
            first, last = self.span(at, at + len(old))
            text.append(new)
            starts += [first] * len(new)
            ends += [last] * len(new)
            at += len(old)
        return Traced("".join(text), tuple(starts), tuple(ends))


def _cut(whole: str, text: str, change: Callable[[str], str]) -> Iterable[tuple[str, str]]:
    """Yield each character of `text` with its part of `whole`, which is `change(text)`.

    The part is cut from the whole, since what becomes of a character may depend on its neighbours
    (a sigma at the end of a word), but not how long it becomes.
    """
    at = 0
    for character in text:
        size = len(change(character))
        yield character, whole[at : at + size]
        at += size


def _segments(text: str) -> Iterable[str]:
    """Yield pieces of a text that its normal form C does not join."""
    begin = 0
    for at in range(1, len(text)):
        character = text[at]
        if unicodedata.combining(unicodedata.normalize("NFD", character)[0]):
            continue
        piece = text[begin:at]
        apart = unicodedata.normalize("NFC", piece) + unicodedata.normalize("NFC", character)
        if unicodedata.normalize("NFC", piece + character) == apart:
            yield piece
            begin = at
    if text:
        yield text[begin:]
