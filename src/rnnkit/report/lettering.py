"""Text for pictures: letters that some font here has, of a width that fits.

A column name may hold any letters. What no installed font can draw would come out as empty boxes;
`Lettering` puts plain words in its place and remembers that it did, so that the picture can say so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from matplotlib import font_manager

from rnnkit.messages import Message
from rnnkit.report.language import Language, render, words

# Beside DejaVu Sans, which ships with matplotlib: fonts that carry Hangul, kana and Han.
_WIDER_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "NanumGothic",
    "NanumBarunGothic",
    "NanumSquare",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
    "Baekmuk Dotum",
    "Arial Unicode MS",
)

NO_KOREAN_FONT = Message(
    "No font on this machine has Korean letters, so the words in the pictures are English. Install"
    " one, such as Nanum Gothic or Noto Sans CJK, and run the command again."
)


class Lettering:
    r"""The language and the fonts of one picture, and whether the fonts sufficed.

    Args:
        language: that is wanted. Without a font for it the picture is in English.

    Example:
        >>> lettering = Lettering()
        >>> lettering.text("Passengers", "column 1"), lettering.complete
        ('Passengers', True)
        >>> lettering.text("\U0010ffff", "column 1"), lettering.complete
        ('column 1', False)
    """

    def __init__(self, language: Language = "en") -> None:
        self.language: Language = language if can_draw(language) else "en"
        self.complete = True

    @property
    def say(self) -> Callable[[str], str]:
        """The function that says a fixed label in the picture's language."""
        return words(self.language)

    def render(self, text: str | Message) -> str:
        """Return `text` in the picture's language on one line; empty where a letter has no font."""
        return self.text(render(text, self.language), "")

    def text(self, wanted: str, instead: str) -> str:
        """Return `wanted` on one line, or `instead` where a letter has no font here."""
        line = " ".join(wanted.split())
        if _are_drawable(line):
            return line
        self.complete = False
        return instead

    @property
    def style(self) -> dict[str, Any]:
        """What every text of the picture is made with: the fonts, and `$` as a mere letter."""
        return {"fontfamily": list(_families()), "parse_math": False}


def can_draw(language: Language) -> bool:
    """Return whether the fonts of this machine have the letters of `language`.

    Where they have not, pictures are in English, and `NO_KOREAN_FONT` says so in a report.
    """
    return language == "en" or _are_drawable("가힣")


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
        if columns(longer) <= width:
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
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def columns(text: str) -> int:
    """Return how many columns `text` takes; wide letters, such as those of Korean, take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _are_drawable(text: str) -> bool:
    letters = set(text)
    if all(map(_is_drawable, letters)):
        return True
    return _find_new_fonts() and all(map(_is_drawable, letters))


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


@lru_cache(maxsize=1)
def _find_new_fonts() -> bool:
    """Return whether a font was installed since matplotlib wrote its list of fonts.

    That list is kept from run to run, and matplotlib does not look for what came later.
    """
    known = {Path(font.fname) for font in font_manager.fontManager.ttflist}
    new = [path for path in font_manager.findSystemFonts() if Path(path) not in known]
    for path in new:
        with suppress(OSError, RuntimeError):  # not a font that matplotlib can read
            font_manager.fontManager.addfont(path)
    _families.cache_clear()
    _is_drawable.cache_clear()
    return bool(new)
