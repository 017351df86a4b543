"""The column names of a file, and whether it has those asked for, before heavy imports.

The command line checks its options against the file by these functions, so that a wrong name is
told at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnkit.data.columns import ALL, Columns
from rnnkit.data.files import ParquetFile, is_parquet, open_parquet
from rnnkit.data.text_table import TextTable, listed, open_table
from rnnkit.errors import DataError, closest


def column_names(path: Path, header: bool | None = None) -> list[str]:
    r"""Return the column names of a text table or Parquet file.

    Args:
        path: a table in CSV, TSV or similar text (also as .gz, .bz2, .xz), or in Parquet.
        header: whether a text table has a line of column names; `None` to find it.

    Raises:
        DataError: if there is no such file, it is empty, or it is neither UTF-8 text nor Parquet.
        MissingExtraError: if it is Parquet and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "air.csv"
        >>> _ = path.write_text("Month;Passengers\n1949-01;112\n")
        >>> column_names(path)
        ['Month', 'Passengers']
        >>> column_names(path, header=False)
        ['1', '2']
    """
    if is_parquet(path):
        return list(_named_parquet(path, header).names)
    return list(open_table(path, header=header).names)


def check_table(path: Path, columns: Columns) -> None:
    """Refuse a file that lacks a column named by `columns`, or that has no rows.

    Args:
        path: as for `column_names`.
        columns: what the user said; `all` as the only target is no column where there is none.

    Raises:
        DataError: as `column_names`; if a column is missing or stands twice; if there are no rows.
        MissingExtraError: if it is Parquet and pyarrow is not installed.
    """
    named = columns.named
    if columns.targets == (ALL,) and ALL in column_names(path, columns.header):
        named = (*named, ALL)
    check_columns(path, named, header=columns.header, ragged=columns.layout == "rows")


def check_columns(
    path: Path, columns: Sequence[str], *, header: bool | None = None, ragged: bool = False
) -> None:
    """Refuse a file that lacks one of `columns`, or that has no rows.

    Args:
        path: as for `column_names`.
        columns: the names asked for.
        header: as for `column_names`.
        ragged: whether the rows of a text table may be of any length.

    Raises:
        DataError: as `column_names`; if a column is missing or stands twice; if there are no rows.
        MissingExtraError: if it is Parquet and pyarrow is not installed.
    """
    if is_parquet(path):
        open_parquet_columns(path, columns, header)
    else:
        table = open_text_columns(path, columns, header, ragged)
        next(table.rows())


def check_column(column: str, names: Sequence[str], source: str, hint: str = "") -> None:
    """Refuse a column that `names` holds not at all, or twice.

    Args:
        column: the name asked for.
        names: of all columns.
        source: what the table is called.
        hint: what else is to be said about the names where the column is missing.

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
        f"{source} has no column {column!r}; its columns are {listed(names)}"
        f"{hint}{closest(column, names)}"
    )


def open_text_columns(
    path: Path, columns: Sequence[str], header: bool | None, ragged: bool
) -> TextTable:
    """Return a text table that has `columns`, as `check_columns` demands; its rows are not read.

    A ragged table may have columns by number beyond those of its first row.
    """
    table = open_table(path, header=header, ragged=ragged)
    hint = ""
    if table.header == "numbers":
        hint = ", by number since its first line holds data; use these, or add a header line"
    for column in columns:
        if not (ragged and column.isdecimal() and int(column) > len(table.names)):
            check_column(column, table.names, str(path), hint)
    return table


def open_parquet_columns(path: Path, columns: Sequence[str], header: bool | None) -> ParquetFile:
    """Return a Parquet file that has rows and `columns`, as `check_columns` demands."""
    file = _named_parquet(path, header)
    for column in columns:
        check_column(column, file.names, str(path))
        if column in file.nested:
            raise DataError(
                f"column {column!r} of {path} holds lists or structures; a column of single values "
                f"was expected"
            )
    if not file.rows:
        raise DataError(f"{path} has column names but no rows; at least one row was expected")
    return file


def _named_parquet(path: Path, header: bool | None) -> ParquetFile:
    refuse_header_option(header, str(path))
    return open_parquet(path)


def refuse_header_option(header: bool | None, source: str) -> None:
    """Refuse to read a table without its names, where they are no line of a text."""
    if header is False:
        raise DataError(f"{source} has column names of its own; leave the option header out")
