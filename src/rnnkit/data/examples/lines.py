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
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
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
    file = _open(path)
    with file.text() as text:
        lines = [_decode(line, number, file) for number, line in _numbered(text)]
    return "".join(lines).replace("\r\n", "\n").replace("\r", "\n")


def _numbered(text: io.TextIOWrapper) -> Iterator[tuple[int, bytes]]:
    raw: Any = text.buffer
    return enumerate(raw, start=1)


def _open(path: Path) -> TextFile:
    if ".tar" in path.suffixes[-2:]:
        raise DataError(f"{path} is an archive; unpack it first and name the folder or file in it")
    return open_text(path)


def _decode(line: bytes, number: int, file: TextFile) -> str:
    if number == 1:
        if line.startswith(_UTF16):
            raise DataError(f"{file.path} is UTF-16 text; save the file as UTF-8")
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
            f"0x{line[error.start]:02X} at position {error.start + 1} of the line); save the file "
            f"as UTF-8"
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
