"""Text for pictures: letters that some font here has, of a width that fits.

A column name may hold any letters. What no installed font can draw would come out as empty boxes;
`Lettering` puts plain words in its place and remembers that it did, so that the picture can say so.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from matplotlib import font_manager

# Beside DejaVu Sans, which ships with matplotlib: fonts that carry Hangul, kana and Han.
_WIDER_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "NanumGothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
    "Arial Unicode MS",
)


class Lettering:
    r"""The fonts of one picture, and whether they sufficed.

    Example:
        >>> lettering = Lettering()
        >>> lettering.text("Passengers", "column 1"), lettering.complete
        ('Passengers', True)
        >>> lettering.text("\U0010ffff", "column 1"), lettering.complete
        ('column 1', False)
    """

    def __init__(self) -> None:
        self.complete = True

    def text(self, wanted: str, instead: str) -> str:
        """Return `wanted` on one line, or `instead` when a letter has no font here."""
        line = " ".join(wanted.split())
        if all(_is_drawable(letter) for letter in set(line)):
            return line
        self.complete = False
        return instead

    @property
    def style(self) -> dict[str, Any]:
        """What every text of the picture is made with: the fonts, and `$` as a mere letter."""
        return {"fontfamily": list(_families()), "parse_math": False}


def wrap(text: str, width: int) -> str:
    """Break `text` between words into lines of at most `width` columns; wide letters count twice.

    A word longer than a line stays whole on its own line, cut at `width`.

    Example:
        >>> wrap("one two three", 7).splitlines()
        ['one two', 'three']
    """
    lines = [""]
    for word in (shorten(word, width) for word in text.split()):
        longer = f"{lines[-1]} {word}".lstrip()
        if _columns(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def shorten(text: str, width: int) -> str:
    """Cut `text` to `width` columns, the last of them an ellipsis.

    Example:
        >>> shorten("temperature", 6), shorten("temp", 6)
        ('tempe…', 'temp')
    """
    if _columns(text) <= width:
        return text
    while _columns(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


@lru_cache(maxsize=1)
def _families() -> tuple[str, ...]:
    installed = set(font_manager.fontManager.get_font_names())
    return ("DejaVu Sans", *(family for family in _WIDER_FONTS if family in installed))


@lru_cache(maxsize=4096)
def _is_drawable(letter: str) -> bool:
    return any(
        font_manager.get_font(
            font_manager.findfont(
                font_manager.FontProperties(family=family), fallback_to_default=False
            )
        ).get_char_index(ord(letter))
        for family in _families()
    )
