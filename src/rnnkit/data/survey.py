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
    refuse_missing,
    show_cell,
)
from rnnkit.data.clocks import ClockTimes, read_clock
from rnnkit.data.columns import Columns, Role
from rnnkit.data.files import reading_parquet
from rnnkit.data.grid import step_of_words
from rnnkit.data.panel import Clock, Covariate, IntArray
from rnnkit.data.table import Table
from rnnkit.data.times import clock_times
from rnnkit.data.times_parts import times_of_parts
from rnnkit.errors import DataError

BATCH = 1 << 17  # rows of a file read at a time
_LABELS = 1000  # that a covariate may have
_MOSTLY = 0.9  # above this share of numbers, other cells are mistakes rather than labels


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

    Columns of numbers are told by their type. Texts are labels unless all of them are numbers.
    Times written as texts or in several columns are read from their distinct cells, so that one
    form holds for the whole file.

    Args:
        path: of a file that has the columns named.
        columns: what they are.
        known: the covariates to be met; `None` for any.
        clock: to be met; `None` for any.

    Raises:
        DataError: if a row names no series or holds no time; if a covariate is empty, holds numbers
            but for a few texts, or more than 1,000 labels.
    """
    types = _types(path)
    labels = {covariate.name: covariate.labels for covariate in known or ()}
    kinds = {
        name: _Kind(name, types[name] == "truth")
        for name in (*columns.covariates, *columns.future_covariates, *columns.statics)
        if known is None and types[name] != "number"
    }
    distinct = columns.time if any(types[name] != "time" for name in columns.time) else ()
    distinct = columns.time if len(columns.time) > 1 else distinct
    series = SeriesNumbers(columns.series_id)
    counts = np.zeros(0, dtype=np.int64)
    cells = pd.DataFrame(columns=list(distinct))
    names = [*kinds, *distinct, *([columns.series_id] if columns.series_id is not None else [])]
    # A column is read even where none is needed, for the number of rows.
    for first, table in read_batches(path, names or columns.named[:1]):
        found = np.bincount(series.of(table), minlength=len(series.ids))
        found[: len(counts)] += counts
        counts = found
        for name, kind in kinds.items():
            kind.add(table.columns[name], table.place)
        if distinct:
            cells = _with_new(cells, first, table)
    labels |= {name: kind.labels() for name, kind in kinds.items()}
    return Survey(
        series,
        counts,
        tuple(Covariate(name, role, labels.get(name)) for name, role in _roles(columns).items()),
        *_clock(cells, columns, clock, path),
    )


class _Kind:
    """Whether a column holds numbers or labels, as its cells tell one batch after another."""

    def __init__(self, name: str, is_truth: bool) -> None:
        self._name = name
        self._is_truth = is_truth
        self._places: dict[str, str] = {}  # of the first rows of labels, one more than may be
        self._numbers = 0
        self._others = 0
        self._other: tuple[str, str] | None = None  # the first cell that is no number
        self._has_missing = False

    def add(self, cells: Cells, place: Place) -> None:
        """Count the cells of a batch."""
        codes, texts = factorize_texts(cells, column=self._name)
        counts = np.bincount(codes + 1, minlength=len(texts) + 1)
        self._has_missing |= bool(counts[0])
        for number, text in enumerate(texts):
            if text not in self._places and len(self._places) <= _LABELS:
                self._places[text] = place(int((codes == number).argmax()))
        numbers = _are_numbers(texts)
        self._numbers += int(counts[1:][numbers].sum())
        self._others += int(counts[1:][~numbers].sum())
        if self._other is None and not numbers.all():
            row = int((codes == numbers.argmin()).argmax())
            self._other = texts[int(numbers.argmin())], place(row)

    def labels(self) -> tuple[str, ...] | None:
        """Return the labels, or `None` for a column of numbers.

        Raises:
            DataError: as `take_survey`.
        """
        if not self._places:
            raise DataError(f"column {self._name!r} is empty; leave it out of the covariates")
        if self._is_truth and not self._has_missing:
            return None  # counted as 0 and 1
        if self._other is None:
            return None
        if not self._is_truth and self._numbers > _MOSTLY * (self._numbers + self._others):
            text, place = self._other
            raise DataError(
                f"column {self._name!r} holds numbers in {self._numbers} rows, but {place} holds "
                f"{show_cell(text)}; correct or empty this cell ({self._others} in all are no "
                f"numbers)"
            )
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
