"""Texts as they are given, checked whenever they are gone over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from rnnkit.errors import DataError

_CHUNK = 1024  # texts at a time
_SURROGATE = re.compile("[\ud800-\udfff]")

Place = Callable[[int], str]


def place_in_list(number: int) -> str:
    """Return how Python names text `number` of a list."""
    return f"texts[{number}]"


@dataclass(frozen=True)
class Texts:
    """Texts that are checked whenever they are gone over."""

    texts: Iterable[str]
    place: Place

    def __iter__(self) -> Iterator[str]:
        return checked(self.texts, self.place)


def checked(texts: Iterable[str], place: Place) -> Iterator[str]:
    """Yield the texts.

    Raises:
        DataError: at the first that is no text, or holds what no text file can.
    """
    if isinstance(texts, str):
        raise DataError("a list of texts was expected, got one text; put it into a list")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"{place(number)} is {text!r}, of type {type(text).__name__}; a text was expected"
            )
        if not text.isascii() and (half := _SURROGATE.search(text)):
            raise DataError(
                f"{place(number)} holds half a character (U+{ord(half.group()):X}, a lone "
                f"surrogate) at position {half.start()}; write the text anew from its source"
            )
        yield text


def chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts, some at a time."""
    rest = iter(texts)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
