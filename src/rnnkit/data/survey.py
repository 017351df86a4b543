"""What must be known of a whole Parquet file before its rows can be read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.calendar import Times
from rnnkit.data.cells import (
    Cells,
    Place,
    factorize_texts,
    holds_numbers,
    missing_cells,
    parse_labels,
    refuse_late_texts,
    refuse_missing,
    refuse_mostly_numbers,
)
from rnnkit.data.clocks import ClockTimes, read_clock
from rnnkit.data.columns import Columns, Role
from rnnkit.data.files import reading_parquet
from rnnkit.data.grid import step_of_words
from rnnkit.data.grouping import row_ranks
from rnnkit.data.panel import MISSING, Clock, Covariate, FloatArray, IntArray
from rnnkit.data.table import Table
from rnnkit.data.times import clock_times
from rnnkit.data.times_parts import times_of_parts
from rnnkit.errors import DataError

BATCH = 1 << 17  # rows of a file read at a time
_LABELS = 1000  # that a covariate may have
_FINE = 1 << 20  # steps in which rows without times are told apart by their age


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
    """

    series: SeriesNumbers
    counts: IntArray
    covariates: tuple[Covariate, ...]
    index: TimeIndex | None
    clock: ClockTimes | None
    is_local: bool


def take_survey(
    path: Path, columns: Columns, *, known: Sequence[Covariate] | None, clock: Clock | None
) -> Survey:
    """Return what a Parquet file holds; only the columns that tell it are read.

    Columns of numbers are told by their type. Texts are labels unless all of them are numbers in
    the older half of the rows.
    Times written as texts or in several columns are read from their distinct cells, so that one
    form holds for the whole file.

    Args:
        path: of a file that has the columns named.
        columns: what they are.
        known: the covariates to be met; `None` for any.
        clock: to be met; `None` for any.

    Raises:
        DataError: if a row names no series or holds no time; if a covariate is empty, holds numbers
            but for a few or later texts, or more than 1,000 labels.
    """
    types = _types(path)
    labels = {covariate.name: covariate.labels for covariate in known or ()}
    texts = [
        name
        for name in (*columns.covariates, *columns.future_covariates, *columns.statics)
        if known is None and types[name] == "other"
    ]
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
    if texts:
        labels |= _labels(path, columns, texts, series, counts, index)
    covariates = [Covariate(name, role, labels.get(name)) for name, role in _roles(columns).items()]
    return Survey(series, counts, tuple(covariates), index, found_clock, is_local)


def _labels(
    path: Path,
    columns: Columns,
    texts: Sequence[str],
    series: SeriesNumbers,
    counts: IntArray,
    index: TimeIndex | None,
) -> dict[str, tuple[str, ...] | None]:
    """Return the labels of each of these columns, `None` where it holds numbers.

    Rows are counted by their times, which many series share, or else by how far in their series
    they stand, to a millionth: so their older half is found without keeping each of them.
    """
    kinds = {name: _Kind(name) for name in texts}
    rows = _Tally(1)
    seen = np.zeros(len(counts), dtype=np.int64)
    names = [*texts, *columns.time]
    names += [] if columns.series_id is None else [columns.series_id]
    for _, table in read_batches(path, names):
        if columns.time:
            ages = table_times(table, columns, index).astype(np.int64)
        else:
            numbers = series.of(table)
            ranks = row_ranks(numbers) + seen[numbers]
            seen += np.bincount(numbers, minlength=len(seen))
            ranks = counts[numbers] - 1 - ranks if columns.order == "newest-first" else ranks
            ages = ranks * _FINE // counts[numbers]
        rows.add(ages, np.ones((table.rows, 1), dtype=np.int64))
        for name, kind in kinds.items():
            kind.add(table.columns[name], table.place, ages)
    before = np.cumsum(rows.counts[:, 0]) - rows.counts[:, 0]
    shares = before / rows.counts.sum() if columns.time else rows.keys / _FINE
    return {name: kind.labels(rows.keys, shares) for name, kind in kinds.items()}


def table_times(table: Table, columns: Columns, index: TimeIndex | None) -> Times:
    """Return the times of the rows of a batch, read as those of the whole file."""
    if index is not None:
        return index.of(table, columns.time)
    name = columns.time[0]
    return clock_times(table.columns[name], column=name, place=table.place)[0]


class _Tally:
    """Counts of rows by a whole number.

    Args:
        width: how many counts are kept of each.
    """

    def __init__(self, width: int) -> None:
        self.keys = np.empty(0, dtype=np.int64)
        self.counts = np.empty((0, width), dtype=np.int64)

    def add(self, keys: IntArray, counts: IntArray) -> None:
        """Add `counts (N, width)` of the rows with `keys (N,)`."""
        self.keys, place = np.unique(np.concatenate([self.keys, keys]), return_inverse=True)
        added = np.concatenate([self.counts, counts])
        self.counts = np.zeros((len(self.keys), added.shape[1]), dtype=np.int64)
        np.add.at(self.counts, place, added)


class _Kind:
    """Whether a column holds numbers or labels, as its cells tell one batch after another."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[str, str] = {}  # of the first rows of labels, one more than may be
        self._tally = _Tally(2)  # numbers and others by age
        self._other: tuple[str, str] | None = None  # the row of the first of these, and the cell

    def add(self, cells: Cells, place: Place, ages: IntArray) -> None:
        """Count the cells of a batch."""
        codes, texts = factorize_texts(cells, column=self._name)
        for number, text in enumerate(texts):
            if text not in self._places and len(self._places) <= _LABELS:
                self._places[text] = place(int((codes == number).argmax()))
        numbers = _are_numbers(texts)
        present = np.flatnonzero(codes != MISSING)
        is_number = numbers[codes[present]]
        self._tally.add(ages[present], np.stack([is_number, ~is_number], axis=1).astype(np.int64))
        if self._other is None and not numbers.all():
            row = int(present[is_number.argmin()])
            self._other = place(row), texts[int(codes[row])]

    def labels(self, ages: IntArray, shares: FloatArray) -> tuple[str, ...] | None:
        """Return the labels, or `None` for a column of numbers.

        Args:
            ages: of all rows, each once.
            shares: of rows that are older than those of each age.

        Raises:
            DataError: as `take_survey`.
        """
        if not self._places:
            raise DataError(f"column {self._name!r} is empty; leave it out of the covariates")
        if self._other is None:
            return None
        counts = self._tally.counts
        share = shares[np.searchsorted(ages, self._tally.keys)]
        older = share < 0.5
        if not older.any():  # the older half of what is there
            older = share <= np.repeat(share, counts.sum(axis=1))[(int(counts.sum()) - 1) // 2]
        numbers, others = counts[older].sum(axis=0).tolist()
        if not others:
            refuse_late_texts(self._name, int(counts[:, 1].sum()), self._other)
        refuse_mostly_numbers(self._name, numbers, others, self._other)
        texts = list(self._places)
        places = list(self._places.values())
        return parse_labels(texts, column=self._name, place=places.__getitem__)[1]


def _are_numbers(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Return `(N,)` bool, true for texts that can be read as numbers."""
    if holds_numbers(texts[:1], column="", place=str):
        try:
            np.array(texts, dtype=np.float64)
        except ValueError:
            pass  # Some are none; which, is found below.
        else:
            return np.ones(len(texts), dtype=bool)
    return np.array([holds_numbers([text], column="", place=str) for text in texts], dtype=bool)


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


def _roles(columns: Columns) -> dict[str, Role]:
    return {
        **dict.fromkeys(columns.covariates, "past"),
        **dict.fromkeys(columns.future_covariates, "future"),
        **dict.fromkeys(columns.statics, "static"),
    }


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
