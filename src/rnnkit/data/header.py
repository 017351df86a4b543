"""The rows of a text table, and its column names before anything heavy is imported.

A text table is UTF-8 with a header line and a delimiter that is found from the first lines. It may
be compressed. Parquet is known by its first bytes; only then pyarrow is imported.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnkit.errors import DataError, MissingExtraError, closest

# A comma also stands in texts and numbers: it is taken only where nothing else fits as well.
_DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE = 1 << 16
_SHOWN = 20


def read_header(path: Path) -> list[str]:
    r"""Return the column names of a text table or Parquet file.

    Args:
        path: a table in CSV, TSV or similar text (also as .gz, .bz2, .xz), or in Parquet.

    Raises:
        DataError: if there is no such file, it is empty, or it is neither UTF-8 text nor Parquet.
        MissingExtraError: if it is Parquet and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "air.csv"
        >>> _ = path.write_text("Month;Passengers\n1949-01;112\n")
        >>> read_header(path)
        ['Month', 'Passengers']
    """
    if is_parquet(path):
        return [str(name) for name in _parquet_metadata(path).schema.to_arrow_schema().names]
    for _, cells in read_rows(path):
        return cells
    raise DataError(f"{path} is empty; a header line and rows were expected")


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Refuse a file that lacks one of `columns`, or that has no rows.

    Args:
        path: as for `read_header`.
        columns: the names asked for.

    Raises:
        DataError: as `read_header`; if a column is missing or stands twice; if there are no rows.
        MissingExtraError: if it is Parquet and pyarrow is not installed.
    """
    names = read_header(path)
    for column in columns:
        if column not in names and all(_looks_like_data(name) for name in names):
            raise DataError(
                f"{path} has no column {column!r}: its first line holds data "
                f"({_listed(names)}) where column names were expected; put a header line above it"
            )
        check_column(column, names, str(path))
    if is_parquet(path):
        empty = _parquet_metadata(path).num_rows == 0
    else:
        empty = next(itertools.islice(read_rows(path), 1, None), None) is None
    if empty:
        raise DataError(f"{path} has column names but no rows; at least one row was expected")


def check_column(column: str, names: Sequence[str], source: str) -> None:
    """Refuse a column that `names` holds not at all, or twice.

    Raises:
        DataError: naming what was found in `source`, and the name nearest to `column`.

    Example:
        >>> check_column("Pasengers", ["Month", "Passengers"], "air.csv")
        Traceback (most recent call last):
        rnnkit.errors.DataError: air.csv has no column 'Pasengers'; its columns are 'Month', \
'Passengers'; did you mean 'Passengers'?
    """
    count = list(names).count(column)
    if count == 1:
        return
    if count:
        raise DataError(f"{source} has {count} columns named {column!r}; names must differ")
    raise DataError(
        f"{source} has no column {column!r}; its columns are {_listed(names)}"
        f"{closest(column, names)}"
    )


def read_rows(path: Path) -> Generator[tuple[int, list[str]], None, None]:
    """Yield the rows of a text table, its header first, each with the line on which it starts.

    Lines without any text are passed over. The header's names come without the space around them.

    Raises:
        DataError: if there is no such file, or it is not UTF-8, damaged, or wrongly quoted.
    """
    source = _source(path)
    delimiter = _delimiter(path, source)
    line = 1
    header = True
    with _reading(path, source.damage), source.text() as text:
        reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True)
        try:
            for cells in reader:
                if _has_text(cells):
                    yield line, [name.strip() for name in cells] if header else cells
                    header = False
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"line {line} of {path} cannot be split into cells ({error}); "
                f"check its quotation marks"
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"line {_undecodable_line(source)} of {path} is not UTF-8 text; "
                f"save the file as UTF-8"
            ) from error


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by its first bytes.

    Raises:
        DataError: if there is no such file.
    """
    return _first_bytes(path).startswith(b"PAR1")


@dataclass(frozen=True)
class _Source:
    """How to open a file, and the errors of its decompression besides OSError."""

    open: Callable[[], Any]
    damage: tuple[type[Exception], ...] = ()

    def text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self.open(), encoding="utf-8-sig", newline="")


def _source(path: Path) -> _Source:
    first = _first_bytes(path)
    if first.startswith(b"PK\x03\x04"):
        raise DataError(f"{path} is a ZIP archive or a workbook; save the table as CSV")
    if first.startswith(b"\x1f\x8b"):
        import gzip
        import zlib

        return _Source(lambda: gzip.open(path), (EOFError, zlib.error))
    if first.startswith(b"BZh") and first[4:10] == b"1AY&SY":
        import bz2

        return _Source(lambda: bz2.open(path), (EOFError,))
    if first.startswith(b"\xfd7zXZ\x00"):
        import lzma

        return _Source(lambda: lzma.open(path), (EOFError, lzma.LZMAError))
    return _Source(lambda: path.open("rb"))


def _first_bytes(path: Path) -> bytes:
    with _reading(path):
        if path.is_dir():
            raise DataError(f"{path} is a folder; a CSV or Parquet file was expected")
        if not path.exists():
            folder = path.parent
            known = [file.name for file in folder.iterdir()] if folder.is_dir() else []
            raise DataError(f"there is no file {path}{closest(path.name, known)}")
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
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except damage as error:
        raise DataError(f"{path} is damaged: {error}") from error


def _undecodable_line(source: _Source) -> int:
    with source.open() as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    raise AssertionError("some line could not be decoded")


def _delimiter(path: Path, source: _Source) -> str:
    """Return the delimiter that cuts most of the first lines into as many cells as the header."""
    with _reading(path, source.damage), source.open() as file:
        first = file.read(_SAMPLE)
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(f"{path} is UTF-16 text; save the file as UTF-8")
        if b"\x00" in first:
            raise DataError(f"{path} is not a text table; save it as CSV or Parquet")
    if ".tsv" in path.suffixes:
        return "\t"
    # The sample may end inside a character; read_rows reports a file that is not UTF-8.
    sample = first.decode("utf-8-sig", errors="replace")
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        widths = [
            len(cells)
            for cells in csv.reader(
                io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True
            )
            if _has_text(cells)
        ]
        agreeing = widths.count(widths[0]) if widths and widths[0] > 1 else 0
        if agreeing > most:
            best, most = delimiter, agreeing
    return best


def _has_text(cells: Sequence[str]) -> bool:
    return len(cells) > 1 or (len(cells) == 1 and bool(cells[0].strip()))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN])) or "none"
    return f"{shown}, ... ({len(names)} in all)" if len(names) > _SHOWN else shown


def _looks_like_data(name: str) -> bool:
    """Tell whether a column name is a number, date or time, or nothing."""
    return not any(character.isalpha() for character in name.replace("e", "").replace("E", ""))


def _parquet_metadata(path: Path) -> Any:
    with reading_parquet(path) as parquet:
        return parquet.read_metadata(path)


@contextmanager
def reading_parquet(path: Path) -> Iterator[Any]:
    """Give the module `pyarrow.parquet`, and turn its errors on `path` into one sentence.

    Raises:
        DataError: if the file is damaged.
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
        reason = " ".join(str(error).split()).partition(". ")[0].removesuffix(".")
        raise DataError(f"{path} is a damaged Parquet file: {reason}") from error
