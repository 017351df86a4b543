"""Hangul syllables as the letters that they are made of.

A syllable block is two or three jamo: initial consonant, vowel, and perhaps a final consonant. They
are written as conjoining jamo (U+1100 to U+11FF), which are told apart by place, so that Unicode's
normal form C (The Unicode Standard, section 3.12) makes the same syllables of them again.
"""

from __future__ import annotations

import re
import unicodedata

_SYLLABLES = re.compile("[가-힣]+")


def decompose(text: str) -> str:
    """Return a text with its Hangul syllables as conjoining jamo, and all else as it is.

    Example:
        >>> [f"{ord(letter):X}" for letter in decompose("각é")]
        ['1100', '1161', '11A8', 'E9']
    """
    return _SYLLABLES.sub(lambda run: unicodedata.normalize("NFD", run.group()), text)


def compose(text: str) -> str:
    """Return a text with its conjoining jamo as syllables: the inverse of `decompose`.

    It is exact for texts of normal form C. Jamo that make no syllable stay as they are.

    Example:
        >>> compose(decompose("닭갈비 ㅋㅋ"))
        '닭갈비 ㅋㅋ'
    """
    return unicodedata.normalize("NFC", text)
