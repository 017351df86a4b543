"""Text from data inside a page: every letter can be seen, none has an effect on what is around."""

from __future__ import annotations

import re
import unicodedata
from html import escape

# Control characters, halves of surrogate pairs, and what is no character.
_UNSEEABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_JOINER = "\u200d"


def seeable(text: str) -> str:
    r"""Return `text` escaped, with pictures of the control characters that a page must not hold.

    Example:
        >>> seeable("a<b\x00\x85")
        'a&lt;b␀␤'
    """
    return escape(_UNSEEABLE.sub(_picture, text))


def isolated(text: str) -> str:
    """Return `text` as `seeable` does, for a line: its direction is kept to itself.

    Example:
        >>> isolated("x")
        '<bdi>x</bdi>'
    """
    return f"<bdi>{seeable(text)}</bdi>"


def clusters(text: str) -> list[tuple[int, int]]:
    """Return where the parts of `text` begin and end that are drawn as one: é, 👍🏽, a flag.

    These are the main cases of Unicode's UAX #29, "Unicode Text Segmentation", section 3.1.

    Example:
        >>> clusters("e\u0301t")
        [(0, 2), (2, 3)]
    """
    starts = [i for i in range(len(text)) if i == 0 or not _is_joined(text[i - 1], text[i])]
    return list(zip(starts, [*starts, len(text)][1:], strict=True))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return {0x7F: "\u2421", 0x85: "\u2424"}.get(code, "\ufffd")


def _is_joined(before: str, letter: str) -> bool:
    """Return whether `letter` is drawn together with the one before it."""
    return (
        unicodedata.category(letter) in ("Mn", "Me", "Mc")
        or _JOINER in (before, letter)
        or "\U0001f3fb" <= letter <= "\U0001f3ff"  # tones of skin
        or (_is_of_flag(before) and _is_of_flag(letter))
        or "\u1160" <= letter <= "\u11ff"  # vowels and finals of Hangul
        or (before, letter) == ("\r", "\n")
    )


def _is_of_flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"
