r"""The text of a file, whole or by lines: UTF-8, without a byte order mark.

Lines end with "\n" or "\r\n" alone: a text may hold U+0085, U+2028 and others at which
`str.splitlines` cuts.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from rnnkit.data.files import TextFile, open_text
from rnnkit.errors import DataError

# Gives the lines of a text from its first one on, each with its number.
Lines = Callable[[], Iterator[tuple[int, str]]]

_MARK = b"\xef\xbb\xbf"
# The first that fits: the mark of UTF-32 may begin with that of UTF-16.
_WIDE = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_LONGEST = 1 << 20  # bytes of a line that are decoded at a time
_HANGUL = re.compile("[가-힣]")


def read_lines(path: Path) -> Generator[tuple[int, str], None, None]:
    """Yield the lines of a text file, plain or compressed, without their ends, with their numbers.

    Raises:
        DataError: if there is no such file, it cannot be read or is damaged; naming the line, if
            one is not UTF-8 or holds a NUL byte.
    """
    file = _open(path)
    with file.text() as text:
        for number, line in _numbered(text):
            yield number, _decode(line, number, file).removesuffix("\n").removesuffix("\r")


def read_whole(path: Path) -> str:
    r"""Return the text of a file, plain or compressed, its line ends as "\n".

    Raises:
        DataError: as `read_lines`.
    """
    return "".join(read_pieces(path))


def read_pieces(path: Path) -> Generator[str, None, None]:
    r"""Yield the text of a file, plain or compressed, in pieces, its line ends as "\n".

    A piece is a line, or a part of a line of more than a million bytes.

    Raises:
        DataError: as `read_lines`.
    """
    file = _open(path)
    with file.text() as text:
        raw: Any = text.buffer
        number, place, rest = 1, 0, b""
        while read := raw.readline(_LONGEST):
            line = rest + read
            ended = line.endswith(b"\n")
            whole = len(line) if ended else _end_of_character(line)
            line, rest = line[:whole], line[whole:]
            yield unix_lines(_decode(line, number, file, place))
            marked = number == 1 and not place and line.startswith(_MARK)
            place += len(line) - len(_MARK) * marked
            if ended:
                number, place = number + 1, 0
        yield unix_lines(_decode(rest, number, file, place))


def unix_lines(text: str) -> str:
    r"""Return a text with its line ends, "\r\n" and "\r" too, as "\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _end_of_character(line: bytes) -> int:
    r"""Return where a part of a line may end: before a character, or "\r", that may go on."""
    for place in range(len(line) - 1, max(len(line) - 5, -1), -1):
        byte = line[place]
        if byte < 0x80 and byte != 0x0D:
            return place + 1
        if byte >= 0xC0 or byte == 0x0D:
            return place
    return len(line)  # no UTF-8, as decoding says


def _numbered(text: io.TextIOWrapper) -> Iterator[tuple[int, bytes]]:
    raw: Any = text.buffer
    return enumerate(raw, start=1)


def _open(path: Path) -> TextFile:
    if ".tar" in path.suffixes[-2:]:
        raise DataError(f"{path} is an archive; unpack it first and name the folder or file in it")
    if path.is_dir():
        raise DataError(f"{path} is a folder; a text file was expected")
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a regular file; save the text as a file")
    return open_text(path)


def _decode(line: bytes, number: int, file: TextFile, place: int = 0) -> str:
    if number == 1 and not place:
        for mark, encoding in _WIDE:
            if line.startswith(mark):
                raise DataError(f"{file.path} is {encoding} text; save the file as UTF-8")
        line = line.removeprefix(_MARK)
    if b"\x00" in line:
        raise DataError(
            f"line {number} of {file.path} holds a NUL byte, which no text does; save the file as "
            f"UTF-8 text"
        )
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        likely = " but looks like CP949" if _is_cp949(file) else ""
        raise DataError(
            f"line {number} of {file.path} is not UTF-8 text{likely} (byte "
            f"0x{line[error.start]:02X} at position {place + error.start + 1} of the line); save "
            f"the file as UTF-8"
        ) from error


def _is_cp949(file: TextFile) -> bool:
    """Tell whether the whole file can be read as CP949, and holds Korean syllables then."""
    found = False
    with file.open() as raw:
        for line in raw:
            try:
                text = line.decode("cp949")
            except UnicodeDecodeError:
                return False
            found = found or _HANGUL.search(text) is not None
    return found
