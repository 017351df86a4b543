"""Texts cut into tokens: characters, Hangul syllables, jamo or words.

Every level first brings a text to Unicode's normal form C, so that a text reads the same whether
its accents and syllables were written as one code point or as several.

| level    | a token is                                                                       |
|----------|----------------------------------------------------------------------------------|
| char     | a code point; an emoji of several code points is several tokens                  |
| syllable | a Hangul syllable, letter, ideograph, space or sign; a run of letters and digits |
|          | of other scripts is one token, in the case it was written in                     |
| jamo     | as char, but a Hangul syllable is its two or three conjoining jamo               |
| word     | a word in lower case, with apostrophes and marks inside it ("don't"), a number   |
|          | ("3.5", "1,000"), or one sign; spaces, and `<br />` of HTML, only divide         |
| bpe      | a piece that byte-pair encoding learned: `rnnkit.data.text.bpe`                  |

`join` is the exact inverse of `split` on char, syllable and jamo; on word it is a guess at spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from rnnkit.data.text.jamo import compose, decompose
from rnnkit.data.text.origins import Traced
from rnnkit.errors import ConfigError, closest

LEVELS = ("char", "syllable", "jamo", "word", "bpe")
HANGUL_LEVEL = "syllable"  # what `level_for` takes for texts that are mainly Hangul

_SAMPLE_TEXTS = 1000
_SAMPLE_CHARACTERS = 1000

_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
# Scripts that put no spaces between words: Thai to Myanmar and Khmer, kana, ideographs.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_SYLLABLE = re.compile(rf"[^\W_{_HANGUL}{_SPACELESS}]+|.", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>")
_LETTERS = {
    "hangul": re.compile(f"[{_HANGUL}]"),
    "spaceless": re.compile(rf"(?=[{_SPACELESS}])[^\W\d_]"),
    "other": re.compile(rf"[^\W\d_{_HANGUL}{_SPACELESS}]"),
}

_CLOSING = frozenset(".,!?;:%)]}…'”»、。，！？）」』")
_OPENING = frozenset("([{“«$#@（「『")
_BETWEEN = frozenset("-/_")


class Token(NamedTuple):
    """A token of a text.

    Args:
        piece: as the level writes it, such as a word in lower case.
        start: the first character of the text, as it was written, that it stands for.
        end: one past the last.
    """

    piece: str
    start: int
    end: int


def split(text: str, level: str) -> list[str]:
    """Return the tokens of a text at any level but bpe.

    Raises:
        ConfigError: if there is no such level, or it is bpe, which must be learned first.

    Example:
        >>> split("It's 3.5 of 10, <br />don’t!", "word")
        ["it's", '3.5', 'of', '10', ',', "don't", '!']
        >>> split("GPU 좋아", "syllable")
        ['GPU', ' ', '좋', '아']
    """
    _check(level)
    text = unicodedata.normalize("NFC", text)
    if level == "char":
        return list(text)
    if level == "jamo":
        return list(decompose(text))
    if level == "syllable":
        return _SYLLABLE.findall(text)
    # Once more, since lower case may have more marks, which have an order.
    text = _without_breaks(unicodedata.normalize("NFC", text.lower()))
    return _words(text.isascii()).findall(text)


def spans(text: str, level: str) -> list[Token]:
    """Return the tokens that `split` gives, each with its place in the text as it was written.

    The jamo of one syllable share its place. What a text loses on the way (spaces between words)
    is in no token.

    Raises:
        ConfigError: as `split`.

    Example:
        >>> spans("Good 영화", "word")
        [Token(piece='good', start=0, end=4), Token(piece='영화', start=5, end=7)]
    """
    _check(level)
    traced = Traced.of(text).composed()
    if level == "jamo":
        traced = traced.decomposed()
    if level in ("char", "jamo"):
        return [Token(piece, *traced.span(at, at + 1)) for at, piece in enumerate(traced.text)]
    if level == "syllable":
        pattern = _SYLLABLE
    else:
        traced = traced.lowered().composed()
        traced = traced.replaced(_without_breaks(traced.text))
        pattern = _words(traced.text.isascii())
    return [Token(m.group(), *traced.span(*m.span())) for m in pattern.finditer(traced.text)]


def join(tokens: Iterable[str], level: str) -> str:
    r"""Return the text of the tokens of any level but bpe.

    Words are put together as English is printed: no space before a comma, none after a bracket
    that opens, quotation marks in turn opening and closing.

    Raises:
        ConfigError: as `split`.

    Example:
        >>> join(['"', "don't", '"', '(', 'she', 'said', ')', '.'], "word")
        '"don\'t" (she said).'
    """
    _check(level)
    if level == "jamo":
        return compose("".join(tokens))
    return "".join(tokens if level != "word" else _spaced(tokens))


def level_for(texts: Sequence[str]) -> str:
    """Return the level for texts where none is named.

    At most 1,000 texts, evenly spread, are looked at, and 1,000 characters of each. Where most
    have no space inside (names, sequences of letters) or more than half of the letters are of
    scripts without spaces between words, such as Chinese and Japanese: char. Where more than half
    are Hangul: `HANGUL_LEVEL`. Else word.

    Example:
        >>> level_for(["A good film."]), level_for(["いい映画でした。"]), level_for(["Smith"])
        ('word', 'char', 'char')
    """
    step = max(1, len(texts) // _SAMPLE_TEXTS)
    sample = [text[:_SAMPLE_CHARACTERS].strip() for text in texts[::step]]
    sample = [unicodedata.normalize("NFC", text) for text in sample if text]
    spaced = sum(any(character.isspace() for character in text) for text in sample)
    if not sample or 2 * spaced < len(sample):
        return "char"
    whole = "".join(sample)
    letters = {script: len(pattern.findall(whole)) for script, pattern in _LETTERS.items()}
    if 2 * letters["spaceless"] > sum(letters.values()):
        return "char"
    return HANGUL_LEVEL if 2 * letters["hangul"] > sum(letters.values()) else "word"


def check_level(level: str) -> None:
    """Raise ConfigError if there is no such level."""
    if level not in LEVELS:
        raise ConfigError(
            f"level must be one of {', '.join(LEVELS)}, got {level!r}{closest(level, LEVELS)}"
        )


def _check(level: str) -> None:
    check_level(level)
    if level == "bpe":
        raise ConfigError("the pieces of level bpe must be learned; fit a TextCodec for them")


def _without_breaks(text: str) -> str:
    """Return a text in lower case with spaces for line breaks of HTML, and one apostrophe."""
    if "<br" in text:
        text = _BREAK.sub(lambda tag: " " * len(tag.group()), text)
    return text.replace("’", "'")


@cache
def _words(ascii_only: bool) -> re.Pattern[str]:
    r"""Return the pattern of words; texts in ASCII, which hold no marks, have a faster one.

    A mark is a vowel sign or accent that stands apart from its letter, as in Hindi, of the Basic
    Multilingual Plane. Python's `\w` leaves them out.
    """
    letter = r"[^\W_]"
    marks = "" if ascii_only else rf"|[{_marks()}]{letter}*"
    return re.compile(
        rf"{letter}+(?:'{letter}+|(?<=\d)[.,](?=\d){letter}+{marks})*"  # words and numbers
        rf"|[^\w\s]|_"
    )


def _marks() -> str:
    """Return the combining marks as the inside of a class of a regular expression."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x10000):
        if unicodedata.category(chr(code)).startswith("M"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


def _spaced(tokens: Iterable[str]) -> Iterable[str]:
    """Yield words and signs with the spaces that belong between them."""
    glued = True  # nothing goes before the first
    quoted = False
    for token in tokens:
        closing = token in _CLOSING or token in _BETWEEN or (token == '"' and quoted)
        if not (glued or closing):
            yield " "
        yield token
        if token == '"':
            quoted = not quoted
        glued = token in _OPENING or token in _BETWEEN or (token == '"' and quoted)
