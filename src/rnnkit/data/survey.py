"""What must be known of a whole Parquet file before its rows can be read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnkit.data.calendar import Times
from rnnkit.data.cells import (
    Cells,
    Place,
    factorize_texts,
    missing_cells,
    refuse_missing,
)
from rnnkit.data.clocks import ClockTimes, read_clock
from rnnkit.data.columns import Columns
from rnnkit.data.files import reading_parquet
from rnnkit.data.grid import step_of_words
from rnnkit.data.grouping import row_ranks
from rnnkit.data.panel import Clock, Covariate, IntArray
from rnnkit.data.table import Table
from rnnkit.data.tallies import Kind, Tally
from rnnkit.data.times import clock_times
from rnnkit.data.times_parts import times_of_parts

BATCH = 1 << 17  # rows of a file read at a time


def read_batches(path: Path, names: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Yield the rows of a Parquet file in parts, each with the number of its first row.

    Args:
        path: of the file.
        names: of the columns to read.

    Raises:
        DataError: if the file is damaged.
    """
    with reading_parquet(path) as parquet:
        file = parquet.ParquetFile(path)
        first = 0
        for batch in file.iter_batches(batch_size=BATCH, columns=list(names)):
            frame = batch.to_pandas(ignore_metadata=True)
            columns = {name: _plain(frame[name]) for name in names}
            place = row_place(path, first)
            yield first, Table(tuple(names), columns, len(frame), str(path), path.stem, place)
            first += len(frame)


class SeriesNumbers:
    """The series of a file, numbered in the order of their first rows.

    Args:
        column: that names them; `None` for one series without a name.
    """

    def __init__(self, column: str | None) -> None:
        self._column = column
        self._numbers: dict[str, int] = {} if column is not None else {"": 0}

    @property
    def ids(self) -> tuple[str, ...]:
        """The names, by their numbers."""
        return tuple(self._numbers)

    def of(self, table: Table) -> IntArray:
        """Return `(N,)` the number of each row's series.

        Raises:
            DataError: naming a row that names none.
        """
        if self._column is None:
            return np.zeros(table.rows, dtype=np.int64)
        codes, texts = factorize_texts(table.columns[self._column], column=self._column)
        refuse_missing(codes < 0, self._column, table.place)
        numbers = [self._numbers.setdefault(text, len(self._numbers)) for text in texts]
        return np.array(numbers, dtype=np.int64)[codes]


@dataclass(frozen=True, eq=False)
class TimeIndex:
    """The times of a column that does not hold plain times, each distinct cell read once.

    Args:
        cells: the distinct cells.
        times: of each of them.
    """

    cells: pd.Index[Any]
    times: Times

    def of(self, table: Table, names: Sequence[str]) -> Times:
        """Return `(N,)` the times of the rows of a table."""
        return np.asarray(self.times[self.cells.get_indexer(_keys(table.columns, names))])


@dataclass(frozen=True, eq=False)
class Survey:
    """What a file holds.

    Args:
        series: its series.
        counts: `(S,)` their rows.
        covariates: their kinds and labels.
        index: of the times, unless they are plain.
        clock: of the times, but for the step: offset, zone and notes; `None` without times.
        is_local: whether the times are those of the clock of a zone, still to be converted.
        newest: moment of the newest row that told whether texts are numbers, as `row_moments` gives
            it; `None` where there are no texts.
    """

    series: SeriesNumbers
    counts: IntArray
    covariates: tuple[Covariate, ...]
    index: TimeIndex | None
    clock: ClockTimes | None
    is_local: bool
    newest: int | None


def take_survey(
    path: Path,
    columns: Columns,
    *,
    known: Sequence[Covariate] | None,
    clock: Clock | None,
    telling: float,
) -> Survey:
    """Return what a Parquet file holds; only the columns that tell it are read.

    Columns of numbers are told by their type. Texts are labels unless all those of the oldest rows
    are numbers.
    Times written as texts or in several columns are read from their distinct cells, so that one
    form holds for the whole file.

    Args:
        path: of a file that has the columns named.
        columns: what they are.
        known: the covariates to be met; `None` for any.
        clock: to be met; `None` for any.
        telling: the share of rows that tell what texts hold, as for `telling_rows`.

    Raises:
        DataError: if a row names no series or holds no time; if a covariate is empty, holds numbers
            but for a few or later texts, or more than 1,000 labels.
    """
    types = _types(path)
    labels = {covariate.name: covariate.labels for covariate in known or ()}
    texts = [name for name in columns.covariate_roles if known is None and types[name] == "other"]
    distinct = columns.time if any(types[name] != "time" for name in columns.time) else ()
    distinct = columns.time if len(columns.time) > 1 else distinct
    series = SeriesNumbers(columns.series_id)
    counts = np.zeros(0, dtype=np.int64)
    cells = pd.DataFrame(columns=list(distinct))
    names = [*distinct, *([columns.series_id] if columns.series_id is not None else [])]
    # A column is read even where none is needed, for the number of rows.
    for first, table in read_batches(path, names or columns.named[:1]):
        found = np.bincount(series.of(table), minlength=len(series.ids))
        found[: len(counts)] += counts
        counts = found
        if distinct:
            cells = _with_new(cells, first, table)
    index, found_clock, is_local = _clock(cells, columns, clock, path)
    newest = None
    if texts:
        found_labels, newest = _labels(path, columns, texts, series, counts, index, telling)
        labels |= found_labels
    covariates = [
        Covariate(name, role, labels.get(name)) for name, role in columns.covariate_roles.items()
    ]
    return Survey(series, counts, tuple(covariates), index, found_clock, is_local, newest)


def _labels(
    path: Path,
    columns: Columns,
    texts: Sequence[str],
    series: SeriesNumbers,
    counts: IntArray,
    index: TimeIndex | None,
    telling: float,
) -> tuple[dict[str, tuple[str, ...] | None], int]:
    """Return the labels of each of these columns, `None` where it holds numbers; and a moment.

    Rows are counted by their moments, which many series share: so the oldest are found without
    keeping each of them. The moment is that of the newest row that told what texts hold.
    """
    kinds = {name: Kind(name) for name in texts}
    rows = Tally(1)
    seen = np.zeros(len(counts), dtype=np.int64)
    names = [*texts, *columns.time]
    names += [] if columns.series_id is None else [columns.series_id]
    for _, table in read_batches(path, names):
        numbers = series.of(table)
        moments = batch_moments(table, columns, numbers, counts, seen, index)
        seen += np.bincount(numbers, minlength=len(seen))
        rows.add(moments, np.ones((table.rows, 1), dtype=np.int64))
        for name, kind in kinds.items():
            kind.add(table.columns[name], table.place, moments)
    before = np.cumsum(rows.counts[:, 0]) - rows.counts[:, 0]
    newest = int(rows.keys[before < telling * rows.counts.sum()].max())
    return {name: kind.labels(newest) for name, kind in kinds.items()}, newest


def batch_moments(
    table: Table,
    columns: Columns,
    numbers: IntArray,
    counts: IntArray,
    seen: IntArray,
    index: TimeIndex | None,
) -> IntArray:
    """Return the moments `(N,)` of the rows of a batch, as `row_moments` gives those of all rows.

    Args:
        table: the batch.
        columns: what its columns are.
        numbers: `(N,)` the number of each row's series.
        counts: `(S,)` rows of each series in the whole file.
        seen: `(S,)` those in the batches before.
        index: of the times.
    """
    if columns.time:
        return np.asarray(table_times(table, columns, index).astype(np.int64))
    ranks = row_ranks(numbers) + seen[numbers]
    return -1 - ranks if columns.order == "newest-first" else ranks - counts[numbers]


def table_times(table: Table, columns: Columns, index: TimeIndex | None) -> Times:
    """Return the times of the rows of a batch, read as those of the whole file."""
    if index is not None:
        return index.of(table, columns.time)
    name = columns.time[0]
    return clock_times(table.columns[name], column=name, place=table.place)[0]


def _with_new(cells: pd.DataFrame, first: int, table: Table) -> pd.DataFrame:
    """Return the distinct cells of times with those of another batch, by their rows."""
    for name in cells.columns:
        refuse_missing(missing_cells(table.columns[name]), name, table.place)
    more = pd.DataFrame({name: list(table.columns[name]) for name in cells.columns}, dtype=object)
    more.index += first
    distinct: pd.DataFrame = pd.concat([cells, more.drop_duplicates()]).drop_duplicates()
    return distinct


def _clock(
    cells: pd.DataFrame, columns: Columns, like: Clock | None, path: Path
) -> tuple[TimeIndex | None, ClockTimes | None, bool]:
    """Return the index of times, the clock they are on, and whether its zone is to be applied."""
    if not columns.time:
        return None, None, False
    plain = ClockTimes(np.empty(0, dtype="M8[ns]"), "", columns.time_zone or "", ())
    if cells.empty:
        if like is not None and not like.zone:
            _, head = next(read_batches(path, columns.time))
            zeros = np.zeros(head.rows, dtype=np.int64)
            read = read_clock(head.columns, columns, place=head.place, series=zeros, like=like)
            return None, replace(plain, offset=read.offset), False
        return None, plain, bool(columns.time_zone)
    parts = {str(name): cells[name].reset_index(drop=True) for name in cells.columns}
    rows = cells.index.to_numpy()
    zeros = np.zeros(len(rows), dtype=np.int64)
    place = row_place(path, rows)
    step = None if like is None else like.step
    if step is None and columns.step is not None:
        step = step_of_words(columns.step)
    index = _keys(parts, columns.time)
    if columns.time_zone is not None:
        if len(columns.time) > 1:
            times, note = times_of_parts(parts, place=place, step=step, series=zeros)
            return TimeIndex(index, times), replace(plain, notes=(note,)), True
        name = columns.time[0]
        times, offsets = clock_times(parts[name], column=name, place=place, step=step, series=zeros)
        if offsets is None:
            return TimeIndex(index, times), plain, True
    read = read_clock(parts, columns, place=place, series=zeros, like=like)
    return TimeIndex(index, read.times), read, False


def _keys(columns: Mapping[str, Cells], names: Sequence[str]) -> pd.Index[Any]:
    cells = [list(columns[name]) for name in names]
    parts: list[pd.Index[Any]] = [pd.Index(part, dtype=object) for part in cells]
    return parts[0] if len(parts) == 1 else pd.MultiIndex.from_arrays(parts)


def _types(path: Path) -> dict[str, str]:
    """Return what the columns of a Parquet file hold: number, truth, time, or other."""
    with reading_parquet(path) as parquet:
        import pyarrow.types as kind

        found = {}
        for column in parquet.read_schema(path):
            is_number = (
                kind.is_integer(column.type)
                or kind.is_floating(column.type)
                or kind.is_decimal(column.type)
            )
            is_time = kind.is_timestamp(column.type) and column.type.tz is None
            truth = "truth" if kind.is_boolean(column.type) else "other"
            found[str(column.name)] = "number" if is_number else "time" if is_time else truth
        return found


def row_place(path: Path, first: int | IntArray) -> Place:
    """Return the words for rows after the `first`, or for those numbers of rows."""

    def place(row: int) -> str:
        number = first + row if isinstance(first, int) else int(first[row])
        return f"row {number} (counted from 0) of {path}"

    return place


def _plain(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return categories, which differ from batch to batch, as what they stand for."""
    return cells.astype(object) if isinstance(cells.dtype, pd.CategoricalDtype) else cells
