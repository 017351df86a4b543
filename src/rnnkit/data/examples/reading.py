"""Reading labelled examples of whatever a path leads to, whole or in pieces."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from rnnkit.data.examples.arrays import read_arrays
from rnnkit.data.examples.choosing import Cells, settle_columns, wide_features
from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.delimited import SAMPLE, Delimited
from rnnkit.data.examples.folders import read_folder
from rnnkit.data.examples.keras_npz import Part, is_keras_npz, read_keras_npz
from rnnkit.data.examples.lines import read_lines
from rnnkit.data.examples.objects import JsonLines
from rnnkit.data.examples.signals import read_signals
from rnnkit.data.examples.sources import first_cells, open_rows, refuse_columns, source_kind
from rnnkit.data.examples.tables import examples_of_table
from rnnkit.data.files import ParquetFile, reading_parquet, table_name
from rnnkit.data.header import check_column, open_parquet_columns
from rnnkit.data.table import Table, read_table
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message

_CHUNK = 10_000


def read_examples(
    source: str | Path | pd.DataFrame,
    columns: ExampleColumns | None = None,
    *,
    wants: Wants = "class",
    part: Part = "train",
    name: str | None = None,
) -> Examples:
    r"""Read sequences and what is to be said of them.

    Args:
        source: a text table (CSV, TSV or the like) or JSON Lines, also as .gz, .bz2, .xz; Parquet;
            a folder of classes; a `.npz` file; a `.ts` file; or a frame.
        columns: what the columns of a table are, see `choosing.settle_columns` for those left open.
        wants: what is to be said of each sequence: its `class`, its `numbers`, or `nothing`, where
            a label or target that was named may be absent.
        part: of a folder or `.npz` file that has both.
        name: what the data are called; by default as the file.

    Raises:
        DataError: if the source cannot be read, or does not hold what is wanted, naming the row.
        ConfigError: if columns or a part were said of a source that has none.
        MissingExtraError: if it is Parquet and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "reviews.csv"
        >>> _ = path.write_text('text,label\n"Good, if long",pos\n#1 flop,neg\n')
        >>> examples = read_examples(path)
        >>> examples.texts, examples.classes
        (('Good, if long', '#1 flop'), ('pos', 'neg'))
    """
    columns = columns or ExampleColumns()
    if isinstance(source, pd.DataFrame):
        examples = _of_frame(source, columns, wants)
    elif isinstance(source, (str, Path)):
        examples = _of_path(Path(source), columns, wants, part)
    else:
        raise DataError(
            f"source must be a path or a DataFrame, got {type(source).__name__}; give lists and "
            f"arrays as X and y"
        )
    if wants == "class" and examples.classes is None:
        raise DataError(f"{source} has no labels; one for each sequence was expected")
    if wants == "numbers" and examples.targets is None:
        raise DataError(f"{source} has no numbers to predict; one for each sequence was expected")
    return examples if name is None else replace(examples, name=name)


def find_columns(
    source: str | Path | pd.DataFrame,
    columns: ExampleColumns | None = None,
    *,
    wants: Wants = "class",
) -> ExampleColumns:
    """Return what the columns of a table are, those found by a rule included.

    Other tables of the same columns are read alike by what is returned, whatever is in them.

    Args:
        source: as for `read_examples`; of what has no columns, `columns` is returned.
        columns: what the user said.
        wants: as for `read_examples`.

    Raises:
        DataError: as `read_examples`.
    """
    columns = columns or ExampleColumns()
    if isinstance(source, pd.DataFrame):
        return settle_columns(_frame_cells(_frame_table(source, columns, wants)), columns, wants)[0]
    path = Path(source)
    kind = source_kind(path)
    if kind in ("folder", "npz", "signals"):
        refuse_columns(path, columns)
        return columns
    if kind == "parquet":
        return settle_columns(_parquet_cells(path, columns, wants)[1], columns, wants)[0]
    rows = open_rows(path, kind, columns, lambda: read_lines(path))
    return settle_columns(first_cells(rows), columns, wants)[0]


def iter_examples(
    path: str | Path,
    columns: ExampleColumns | None = None,
    *,
    chunk: int = _CHUNK,
    wants: Wants = "class",
) -> Generator[Examples, None, None]:
    """Yield the examples of a table in pieces, for tables larger than memory.

    A text table is read up to three times before the first piece, to settle its quotation marks;
    no more than a piece is held at any time. What was found about the columns is noted in the first
    piece.

    Args:
        path: a text table, JSON Lines or Parquet.
        columns: as for `read_examples`; layout `long` cannot be read in pieces.
        chunk: rows of a piece.
        wants: as for `read_examples`.

    Raises:
        DataError: as `read_examples`; if the path leads to something else.
        ConfigError: if the layout is `long`, or `chunk` is not positive.
    """
    settled, tables = open_pieces(Path(path), columns or ExampleColumns(), chunk, wants)
    for table in tables:
        yield examples_of_table(table, settled)


def open_pieces(
    path: Path, columns: ExampleColumns, chunk: int, wants: Wants
) -> tuple[ExampleColumns, Iterator[Table]]:
    """Return the columns of a table, settled, and its rows in pieces; see `iter_examples`.

    What was found about the columns is noted in the first piece.
    """
    if chunk < 1:
        raise ConfigError(f"chunk must be 1 or more, got {chunk}")
    kind = source_kind(path)
    if kind in ("folder", "npz", "signals"):
        raise DataError(f"{path} cannot be read in pieces; text tables, JSON Lines and Parquet can")
    if kind == "parquet":
        file, cells = _parquet_cells(path, columns, wants)
        settled, notes = _settle(cells, columns, wants)
        tables = _parquet_pieces(file, _wanted(settled), chunk)
    else:
        rows = open_rows(path, kind, columns, lambda: read_lines(path))
        settled, notes = _settle(first_cells(rows), columns, wants)
        if isinstance(rows, Delimited):
            notes = (*rows.notes, *notes)
        tables = _pieces(rows, _wanted(settled), chunk)
    if settled.layout == "long":
        raise ConfigError(
            f"{path} is in layout long, whose rows of a sequence may stand anywhere; it cannot be "
            f"read in pieces"
        )
    return settled, _noted(tables, notes)


def _noted(tables: Iterator[Table], notes: tuple[Message, ...]) -> Iterator[Table]:
    for table in tables:
        yield replace(table, notes=notes)
        notes = ()


def _of_path(path: Path, columns: ExampleColumns, wants: Wants, part: Part) -> Examples:
    kind = source_kind(path)
    if kind in ("folder", "npz", "signals"):
        refuse_columns(path, columns)
    if kind == "folder":
        return read_folder(path, part=part)
    if kind == "npz":
        return (
            read_keras_npz(path, part=part)
            if is_keras_npz(path)
            else read_arrays(path, wants=wants, part=part)
        )
    if part != "train":
        raise ConfigError(f"{path} has no parts; leave part out")
    if kind == "signals":
        return read_signals(path)
    if kind == "parquet":
        _, cells = _parquet_cells(path, columns, wants)
        settled, notes = _settle(cells, columns, wants)
        table = read_table(path, columns=_wanted(settled))
    else:
        kept = list(read_lines(path))
        rows = open_rows(path, kind, columns, lambda: iter(kept))
        settled, notes = _settle(first_cells(rows), columns, wants)
        if isinstance(rows, Delimited):
            notes = (*rows.notes, *notes)
        table = next(_pieces(rows, _wanted(settled), None))
    return examples_of_table(replace(table, notes=(*table.notes, *notes)), settled)


def _of_frame(frame: pd.DataFrame, columns: ExampleColumns, wants: Wants) -> Examples:
    table = _frame_table(frame, columns, wants)
    settled, notes = _settle(_frame_cells(table), columns, wants)
    return examples_of_table(replace(table, notes=(*table.notes, *notes)), settled)


def _settle(
    cells: Cells, columns: ExampleColumns, wants: Wants
) -> tuple[ExampleColumns, tuple[Message, ...]]:
    """Return the columns settled, with the features of layout `wide` in this table."""
    settled, notes = settle_columns(cells, columns, wants)
    if settled.layout == "wide":
        settled = replace(settled, features=tuple(wide_features(cells, settled)))
    return settled, notes


def _wanted(columns: ExampleColumns) -> list[str]:
    return [*columns.inputs, *columns.answers]


def _pieces(
    rows: Delimited | JsonLines, wanted: Sequence[str], chunk: int | None
) -> Iterator[Table]:
    """Yield the rows as tables of `chunk` rows; `None` for one of all."""
    path, places = rows.path, [rows.names.index(name) for name in wanted]
    remaining = iter(rows.rows())
    while piece := list(itertools.islice(remaining, chunk)):
        numbers = array("q", (number for number, _ in piece))  # outlives its piece
        columns: dict[str, list[Any]] = {
            name: [cells[place] for _, cells in piece]
            for name, place in zip(wanted, places, strict=True)
        }
        if isinstance(rows, JsonLines):
            _refuse_nested(columns, numbers, path)
        yield Table(
            names=rows.names,
            columns=columns,
            rows=len(piece),
            source=str(path),
            name=table_name(path),
            place=lambda row, numbers=numbers: f"line {numbers[row]} of {path}",  # type: ignore[misc]
        )


def _refuse_nested(columns: dict[str, list[Any]], numbers: Sequence[int], path: Path) -> None:
    for name, cells in columns.items():
        for number, cell in zip(numbers, cells, strict=True):
            if isinstance(cell, (list, dict)):
                raise DataError(
                    f"line {number} of {path} holds several values under {name!r}; a text or a "
                    f"number was expected"
                )


def _asked(columns: ExampleColumns, wants: Wants) -> Sequence[str]:
    return columns.inputs if wants == "nothing" else _wanted(columns)


def _frame_table(frame: pd.DataFrame, columns: ExampleColumns, wants: Wants) -> Table:
    table = read_table(frame, columns=None, header=columns.header)
    for name in _asked(columns, wants):
        check_column(name, table.names, table.source)
    return table


def _frame_cells(table: Table) -> Cells:
    names = tuple(table.columns)
    parts = [pd.Series(table.columns[name]).iloc[:SAMPLE].astype(object) for name in names]
    return Cells(table.source, names, list(zip(*parts, strict=True)))


def _parquet_cells(path: Path, columns: ExampleColumns, wants: Wants) -> tuple[ParquetFile, Cells]:
    """Return what a Parquet file says of itself, and the first rows of its plain columns."""
    file = open_parquet_columns(path, _asked(columns, wants), columns.header)
    names = tuple(
        name for name in file.names if file.names.count(name) == 1 and name not in file.nested
    )
    first = next(_parquet_pieces(file, names, SAMPLE), None)
    if first is None:
        raise DataError(f"{path} is damaged: it says that it has rows, and holds none")
    return file, replace(_frame_cells(first), source=str(path))


def _parquet_pieces(file: ParquetFile, wanted: Sequence[str], chunk: int) -> Iterator[Table]:
    begin = 0
    with reading_parquet(file.path) as parquet:
        for batch in parquet.ParquetFile(file.path).iter_batches(chunk, columns=list(wanted)):
            # What pandas wrote beside the columns says nothing about their cells.
            frame = batch.replace_schema_metadata().to_pandas(date_as_object=False)
            yield Table(
                names=file.names,
                columns={name: frame[name] for name in wanted},
                rows=len(frame),
                source=str(file.path),
                name=file.path.stem,
                place=lambda row, begin=begin: (  # type: ignore[misc]
                    f"row {begin + row} (counted from 0) of {file.path}"
                ),
            )
            begin += len(frame)
