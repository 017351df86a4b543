"""Opening the file of a table: compression, encodings, Parquet; every failure is one sentence.

Nothing heavy is imported but pyarrow, and that for Parquet alone. The first bytes of a file decide
what it is, not its name.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnkit.errors import DataError, MissingExtraError, closest

_SAMPLE = 1 << 16
_COMPRESSED = (".gz", ".bz2", ".xz")
_HANGUL = re.compile("[가-힣]")
_UNDECODED = re.compile("[\udc80-\udcff]")  # what "surrogateescape" makes of bytes that are no text


@dataclass(frozen=True)
class TextFile:
    """A text file, plain or compressed.

    Args:
        path: where it is.
        open: gives its uncompressed bytes.
        damage: the errors of its decompression besides OSError.
    """

    path: Path
    open: Callable[[], Any]
    damage: tuple[type[Exception], ...] = ()

    @contextmanager
    def text(self) -> Iterator[io.TextIOWrapper]:
        """Open the text, its line endings as they are.

        Raises:
            DataError: at once or while the text is read, if the file cannot be read, is damaged, or
                is not UTF-8.
        """
        with _reading(self.path, self.damage), self._decoded("utf-8-sig") as text:
            try:
                yield text
            except UnicodeDecodeError as error:
                raise self._not_utf8() from error

    def sample(self) -> tuple[str, bool]:
        """Return the beginning of the text, and whether the file goes on after it.

        The sample may end inside a character, and bytes that are no UTF-8 are replaced.

        Raises:
            DataError: as `text`; if the file is no text.
        """
        with _reading(self.path, self.damage), self.open() as file:
            first = file.read(_SAMPLE)
            if first.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(f"{self.path} is UTF-16 text; save the file as UTF-8")
            if b"\x00" in first:
                raise DataError(f"{self.path} is not a text table; save it as CSV or Parquet")
            return first.decode("utf-8-sig", errors="replace"), bool(file.read(1))

    def check(self) -> None:
        """Read all of a compressed file, whose damage may show at its end alone.

        Raises:
            DataError: if it is damaged.
        """
        if self.damage:
            with _reading(self.path, self.damage), self.open() as file:
                while file.read(_SAMPLE):
                    pass

    def _decoded(self, encoding: str, errors: str = "strict") -> io.TextIOWrapper:
        return io.TextIOWrapper(self.open(), encoding=encoding, errors=errors, newline="")

    def _not_utf8(self) -> DataError:
        likely = " but looks like CP949" if self._is_cp949() else ""
        with self._decoded("utf-8-sig", errors="surrogateescape") as text:
            line = next(
                number for number, line in enumerate(text, start=1) if _UNDECODED.search(line)
            )
        return DataError(
            f"line {line} of {self.path} is not UTF-8 text{likely}; save the file as UTF-8"
        )

    def _is_cp949(self) -> bool:
        """Tell whether the whole file can be read as CP949, and holds Korean syllables then."""
        try:
            with self._decoded("cp949") as text:
                # To the end of the file, since any line may be the one that is no CP949.
                return sum(_HANGUL.search(line) is not None for line in text) > 0
        except UnicodeDecodeError:
            return False


def open_text(path: Path) -> TextFile:
    """Return a text file, plain or compressed by gzip, bzip2 or xz.

    Raises:
        DataError: if there is no such file, or it is an archive.
    """
    first = _first_bytes(path)
    if first.startswith(b"PK\x03\x04"):
        raise DataError(f"{path} is a ZIP archive or a workbook; save the table as CSV")
    if first.startswith(b"\x1f\x8b"):
        import gzip
        import zlib

        return TextFile(path, lambda: gzip.open(path), (EOFError, zlib.error))
    if first.startswith(b"BZh") and first[4:10] == b"1AY&SY":
        import bz2

        return TextFile(path, lambda: bz2.open(path), (EOFError,))
    if first.startswith(b"\xfd7zXZ\x00"):
        import lzma

        return TextFile(path, lambda: lzma.open(path), (EOFError, lzma.LZMAError))
    return TextFile(path, lambda: path.open("rb"))


def table_name(path: Path) -> str:
    """Return what the table in a file is called: its name without suffix and compression.

    Example:
        >>> table_name(Path("data/sales.2020.csv.gz"))
        'sales.2020'
    """
    return Path(path.stem).stem if path.suffix in _COMPRESSED else path.stem


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by its first bytes.

    Raises:
        DataError: if there is no such file.
    """
    return _first_bytes(path).startswith(b"PAR1")


@dataclass(frozen=True)
class ParquetFile:
    """What a Parquet file says of itself.

    Args:
        path: where it is.
        names: of the columns, in their order.
        nested: those of them whose cells are lists, structures or maps.
        rows: how many there are.
    """

    path: Path
    names: tuple[str, ...]
    nested: frozenset[str]
    rows: int


def open_parquet(path: Path) -> ParquetFile:
    """Return what a Parquet file says of itself.

    Raises:
        DataError: if the file is damaged.
        MissingExtraError: if pyarrow is not installed.
    """
    with reading_parquet(path) as parquet:
        import pyarrow

        metadata = parquet.read_metadata(path)
        fields = list(metadata.schema.to_arrow_schema())
        names = tuple(str(column.name) for column in fields)
        nested = frozenset(str(c.name) for c in fields if pyarrow.types.is_nested(c.type))
        groups = [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]
        if min(groups, default=0) < 0 or sum(groups) != metadata.num_rows:
            raise DataError(
                f"{path} is damaged: it says that it has {metadata.num_rows} rows, and its parts"
                f" have {sum(groups)}"
            )
        return ParquetFile(path, names, nested, metadata.num_rows)


@contextmanager
def reading_parquet(path: Path) -> Iterator[Any]:
    """Give the module `pyarrow.parquet`, and turn its errors on `path` into one sentence.

    Raises:
        DataError: if the file is damaged, or holds what pandas cannot.
        MissingExtraError: if pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            f'reading {path} needs pyarrow; install it with: pip install "rnnkit[forecast]"'
        ) from error
    try:
        yield pyarrow.parquet
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is a damaged Parquet file: {_reason(error)}") from error
    except (ValueError, LookupError, OverflowError) as error:
        # A cell or type that pandas cannot hold, such as a time in a zone that nobody knows.
        what = f"{type(error).__name__}: {_reason(error)}"
        raise DataError(f"{path} holds a column that cannot be read ({what})") from error


def _reason(error: Exception) -> str:
    """Return the first sentence of an error, on one line."""
    return " ".join(str(error).split()).partition(". ")[0].removesuffix(".")


def _first_bytes(path: Path) -> bytes:
    with _reading(path):
        if path.is_dir():
            raise DataError(f"{path} is a folder; a file was expected, such as CSV or Parquet")
        if not path.exists():
            folder = path.parent
            known = [file.name for file in folder.iterdir()] if folder.is_dir() else []
            raise DataError(f"there is no file {path}{closest(path.name, known, cutoff=0.7)}")
        if not path.is_file():
            raise DataError(f"{path} is not a regular file; save the table as a file")
        with path.open("rb") as file:
            return file.read(16)


@contextmanager
def _reading(path: Path, damage: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn the errors of opening and decompressing into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # of gzip and bz2, not of the system
            raise _damaged(path, error) from error
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except damage as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is damaged ({error}): copy or download it again")
