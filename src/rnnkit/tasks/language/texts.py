"""A text in memory or in a temporary file, and the pieces that either is read in."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnkit.data.examples.lines import unix_lines
from rnnkit.data.stored import IntArray, Scratch
from rnnkit.data.text.given import checked
from rnnkit.errors import DataError

_BLOCK = 1 << 15  # characters whose bytes are found together
_WINDOW = 1 << 16  # characters that are looked through at a time
_PIECE = 1 << 12  # characters of a piece, at least

# Where a text may be cut without a token being any other for it, at no level:
# - the normal form of no text reaches over a character of ASCII, and no lower case over a space;
# - the pieces of words (level bpe) begin with the last space of several, or take all but the last;
# - of `<br />`, which words leave out, spaces stand before "/" or ">".
_CUT = re.compile(r"[ \n](?=[^\s/>])")


@dataclass(frozen=True, eq=False)
class StoredText:
    r"""A text in a temporary file; its parts share the file.

    Args:
        file: that holds it in UTF-8.
        starts: the byte with which each 32,768 characters of the file begin, and its last.
        start: the first character of the file that belongs to the text.
        stop: one past the last.

    Example:
        >>> import tempfile
        >>> text = StoredText.write(["one ", "둘\nthree"], Path(tempfile.gettempdir()))
        >>> len(text), text.find("\n", 0, 9), text[4:8].read(0, 2)
        (11, 5, '둘\n')
    """

    file: Scratch
    starts: IntArray
    start: int
    stop: int

    @classmethod
    def write(cls, pieces: Iterable[str], folder: Path) -> StoredText:
        """Write a text to a new file, a piece at a time.

        Args:
            pieces: of the text, one after another.
            folder: on whose disk the file lies.

        Raises:
            DataError: if it cannot be written.
        """
        file = Scratch(folder)
        starts = array("q", [0])
        characters, held, count = 0, list[str](), 0
        for piece in pieces:
            held.append(piece)
            count += len(piece)
            if count < _BLOCK:
                continue
            text = "".join(held)
            whole = count - count % _BLOCK
            for at in range(0, whole, _BLOCK):
                file.append(text[at : at + _BLOCK].encode())
                starts.append(file.size)
            characters += whole
            held, count = [text[whole:]], count - whole
        if count:
            file.append("".join(held).encode())
            starts.append(file.size)
        return cls(file, np.array(starts, dtype=np.int64), 0, characters + count)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, part: slice) -> StoredText:
        start, stop, _ = part.indices(len(self))
        return StoredText(self.file, self.starts, self.start + start, self.start + max(start, stop))

    def read(self, start: int, stop: int) -> str:
        """Return the characters from `start` to before `stop`, fewer at the end of the text.

        Raises:
            DataError: if the file cannot be read.
        """
        start, stop = self.start + start, min(self.start + stop, self.stop)
        if start >= stop:
            return ""
        first, last = start // _BLOCK, -(-stop // _BLOCK)
        begin, end = int(self.starts[first]), int(self.starts[last])
        text = self.file.read(begin, end - begin).decode()
        return text[start - first * _BLOCK : stop - first * _BLOCK]

    def find(self, part: str, start: int, stop: int) -> int:
        """Return the place of `part` between the characters `start` and `stop`, or -1."""
        found = self.read(start, stop).find(part)
        return found if found < 0 else start + found


Text = str | StoredText


def plain_text(text: object, name: str) -> str:
    r"""Return a text from Python as one from a file is read.

    Its line ends are "\n", and it is in normal form C, as which every level reads it: so sizes,
    cuts and bits per character are of the same characters however accents and syllables were
    written.

    Args:
        text: any characters.
        name: what it is called in errors.

    Raises:
        DataError: if it is no text, or holds what no text file can: half a character, or NUL.

    Example:
        >>> plain_text("cafe\u0301\r\n", "the text")
        'café\n'
    """
    if not isinstance(text, str):
        raise DataError(f"{name} must be a text, got {type(text).__name__}")
    (text,) = checked([text], lambda _: name)
    if "\0" in text:
        raise DataError(
            f"{name} holds a NUL character at position {text.index(chr(0))}, which no text does:"
            " leave it out"
        )
    return unicodedata.normalize("NFC", unix_lines(text))


def composed(pieces: Iterable[str]) -> Iterator[str]:
    """Yield a text, given in pieces, in normal form C, which is that of the whole.

    A cut is before a character of ASCII, which joins with none before it; so the text must have
    some, such as spaces and ends of lines.
    """
    held = list[str]()
    for piece in pieces:
        places = range(len(piece) - 1, -1, -1)
        cut = next((at for at in places if piece[at].isascii()), None)
        if cut is None:
            held.append(piece)
            continue
        yield unicodedata.normalize("NFC", "".join([*held, piece[:cut]]))
        held = [piece[cut:]]
    yield unicodedata.normalize("NFC", "".join(held))


def windows(text: Text) -> Iterator[str]:
    """Yield a text, 65,536 characters at a time."""
    for at in range(0, len(text), _WINDOW):
        stop = at + _WINDOW
        yield text[at:stop] if isinstance(text, str) else text.read(at, stop)


def pieces(text: Text) -> Iterator[str]:
    """Yield a text in pieces whose tokens, one after another, are those of the whole.

    A piece has 4,096 characters, or goes on to the next space or end of a line that is followed by
    something else; the last one may have fewer.
    """
    held, count = list[str](), 0
    for window in windows(text):
        at = 0
        while found := _CUT.search(window, at + max(0, _PIECE - count)):
            yield "".join([*held, window[at : found.start()]])
            held, count, at = [], 0, found.start()
        held.append(window[at:])
        count += len(window) - at
    if count:
        yield "".join(held)


@dataclass(frozen=True)
class Pieces:
    """The pieces of several texts, which may be gone over more than once."""

    texts: tuple[Text, ...]

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            yield from pieces(text)
