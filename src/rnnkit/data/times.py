"""A column of times, in whatever form tables hold them, as datetime64[ns].

Texts are read by stated patterns only, one for the whole column, so that nothing is guessed. Times
with a UTC offset keep the time on their clock, and the offset is told beside them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.cells import Cells, Place, missing_cells, refuse_missing, show_cell
from rnnkit.data.grid import has_few_gaps, has_no_gaps
from rnnkit.errors import DataError

IntArray = NDArray[np.int64]

# The years that datetime64[ns] holds in full.
_YEARS = range(1678, 2262)
_EXPECTED = "dates or times such as 1949-01, 1949Q1 or 2020-01-31 15:00"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}"
_ISO = re.compile(
    rf"[0-9]{{4}}(-[0-9]{{1,2}}(-[0-9]{{1,2}}([T ]{_CLOCK}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?)?)?)?"
    r"|[0-9]{8}"
)
_QUARTER = re.compile(r"[0-9]{4}[- ]?[Qq][1-4]")
_OFFSET = re.compile(r"(?P<clock>.*:[0-9.]+) ?(?P<offset>Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)")
# The pattern of a date, and the ways in which it may be read.
_DATES = (
    (r"[0-9]{4}/[0-9]{1,2}", ("%Y/%m",)),
    (r"[0-9]{1,2}/[0-9]{4}", ("%m/%Y",)),
    (r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", ("%Y/%m/%d",)),
    (r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}", ("%Y.%m.%d",)),
    (r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}", ("%m-%d-%Y", "%d-%m-%Y")),
    (r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}", ("%m.%d.%Y", "%d.%m.%Y")),
    (r"[A-Za-z]{3} [0-9]{4}", ("%b %Y",)),
    (r"[A-Za-z]{3}-[0-9]{4}", ("%b-%Y",)),
    (r"[0-9]{1,2} [A-Za-z]{3} [0-9]{4}", ("%d %b %Y",)),
    (r"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}", ("%d-%b-%Y",)),
)
_CLOCKS = (
    ("", ""),
    (rf" {_CLOCK}", " %H:%M"),
    (rf" {_CLOCK}:[0-9]{{2}}", " %H:%M:%S"),
    (rf" {_CLOCK} [AaPp][Mm]", " %I:%M %p"),
    (rf" {_CLOCK}:[0-9]{{2}} [AaPp][Mm]", " %I:%M:%S %p"),
)


def parse_times(
    cells: Cells, *, column: str, place: Place, step: Step | None = None
) -> tuple[Times, str]:
    """Return a column of times as datetime64[ns], and its one UTC offset.

    Args:
        cells: as for `clock_times`.
        column: its name, for messages.
        place: names the row at a position, for messages.
        step: the step that the times should follow; `None` for any.

    Returns:
        `(N,)` times on the clock of the offset, and the offset: `""` for none, or as `"+09:00"`.

    Raises:
        DataError: as `clock_times`; if the offset changes, naming the row.

    Example:
        >>> times, offset = parse_times(["1949Q1", "1949Q2"], column="t", place=str)
        >>> times.astype("M8[D]").tolist(), offset
        ([datetime.date(1949, 1, 1), datetime.date(1949, 4, 1)], '')
    """
    times, offsets = clock_times(cells, column=column, place=place, step=step)
    if offsets is None:
        return times, ""
    for row in np.flatnonzero(offsets != offsets[0])[:1]:
        raise DataError(
            f"the UTC offset of column {column!r} changes from {show_offset(offsets[0])} to "
            f"{show_offset(offsets[row])} on {place(int(row))}; convert all times to UTC, or write "
            f"them without an offset"
        )
    return times, show_offset(offsets[0])


def clock_times(
    cells: Cells,
    *,
    column: str,
    place: Place,
    step: Step | None = None,
    series: IntArray | None = None,
) -> tuple[Times, IntArray | None]:
    """Return a column of times as datetime64[ns] on their own clocks, and their UTC offsets.

    Dates of two small numbers, such as 3/4/2020, are read month first and day first. Taken is the
    reading that is possible; or that alone gives regular times; or that alone gives times with few
    gaps; or in which alone the rows of each series are in order. Else they are refused.

    Args:
        cells: `(N,)` texts, or a pandas column of texts, dates, times, periods or whole years.
        column: its name, for messages.
        place: names the row at a position, for messages.
        step: the step that the times should follow; `None` for any.
        series: `(N,)` the number of each row's series; `None` for one series.

    Returns:
        `(N,)` times, and `(N,)` offsets from UTC in nanoseconds, or `None` where the cells tell
        none.

    Raises:
        DataError: naming the row that holds no time, or one in another form.

    Example:
        >>> times, offsets = clock_times(["2020-01-01 09:00+09:00"], column="t", place=str)
        >>> times.astype("M8[h]").tolist(), offsets.tolist() == [9 * 3600 * 10**9]
        ([datetime.datetime(2020, 1, 1, 9, 0)], True)
    """
    if not isinstance(cells, pd.Series):
        return _read_texts(cells, column, place, step, series)
    refuse_missing(cells.isna().to_numpy(dtype=bool), column, place)
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        utc = cells.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        clock = cells.dt.tz_localize(None).to_numpy()
        offsets = (clock - utc).astype("m8[ns]").astype(np.int64)
        return _TimeColumn(column, place).nanoseconds(clock), offsets
    if pd.api.types.is_datetime64_dtype(cells.dtype):
        return _TimeColumn(column, place).nanoseconds(cells.to_numpy()), None
    objects = cells.astype(object).tolist()
    if isinstance(objects[0], (str, int, float, np.integer, np.floating)):
        texts = _TimeColumn(column, place).texts(objects)
        return _read_texts(texts, column, place, step, series)
    return _TimeColumn(column, place).from_objects(objects)


def show_offset(offset: int) -> str:
    """Return a UTC offset in nanoseconds as text.

    Example:
        >>> show_offset(-12_600 * 10**9)
        '-03:30'
    """
    seconds = int(offset) // 10**9
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{rest:02d}" if rest else text


def show_time(time: np.datetime64) -> str:
    """Return a time as text, without a clock at midnight.

    Example:
        >>> show_time(np.datetime64("2020-01-31T00:00"))
        '2020-01-31'
    """
    return str(pd.Timestamp(time)).removesuffix(" 00:00:00")


def _read_texts(
    cells: Sequence[str], column: str, place: Place, step: Step | None, series: IntArray | None
) -> tuple[Times, IntArray | None]:
    """Return times from texts, each distinct text read once: a table of series repeats them."""
    codes, distinct = pd.factorize(np.array(cells, dtype=object))
    refuse_missing(missing_cells(distinct.tolist())[codes], column, place)
    first = np.empty(len(distinct), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    reader = _TimeColumn(column, lambda number: place(int(first[number])))
    readings, offsets = reader.from_texts([text.strip() for text in distinct])
    if series is None:
        series = np.zeros(len(codes), dtype=np.int64)
    chosen = _choose([reading[codes] for reading in readings], series, step)
    if chosen is None:
        raise DataError(
            f"the dates in column {column!r}, such as {distinct[0]!r} on {place(0)}, can be "
            f"read month first and day first; write them as 2020-01-31"
        )
    return chosen, None if offsets is None else offsets[codes]


class _TimeColumn:
    """Reads one time column; knows its name and rows for the messages."""

    def __init__(self, column: str, place: Place) -> None:
        self.column = column
        self.place = place

    def from_texts(self, cells: list[str]) -> tuple[list[Times], IntArray | None]:
        """Return all possible readings of stripped texts, and the offsets."""
        cells, offsets = self._cut_offsets(cells)
        if _QUARTER.fullmatch(cells[0]):
            self._require(_QUARTER, cells)
            months = [f"{cell[:4]}-{3 * int(cell[-1]) - 2:02d}" for cell in cells]
            return self._readings(months, ["ISO8601"]), offsets
        pattern, forms = self._pattern(cells[0])
        self._require(pattern, cells)
        return self._readings(cells, forms), offsets

    def texts(self, cells: list[Any]) -> list[str]:
        """Return cells of texts or of numbers, which must all be of the kind of the first."""
        if isinstance(cells[0], str):
            self._require_kind(cells, str)
            return cells
        self._require_kind(cells, int, float, np.integer, np.floating)
        return [str(int(cell)) if float(cell).is_integer() else str(cell) for cell in cells]

    def from_objects(self, cells: list[Any]) -> tuple[Times, IntArray | None]:
        """Return the times of Python objects, which must all be of the kind of the first."""
        if isinstance(cells[0], pd.Period):
            self._require_kind(cells, pd.Period)
            for row, cell in enumerate(cells):
                self._require_year(cell.year, row, cell)
            starts = [cell.start_time.to_datetime64() for cell in cells]
            return self.nanoseconds(np.array(starts)), None
        self._require_kind(cells, datetime.date)
        clock: list[np.datetime64] = []
        offsets: list[datetime.timedelta | None] = []
        for row, cell in enumerate(cells):
            self._require_year(cell.year, row, cell)
            offset = cell.utcoffset() if isinstance(cell, datetime.datetime) else None
            if row and (offset is None) != (offsets[0] is None):
                self._refuse(row, cell, "; all rows need a UTC offset, or none")
            clock.append(pd.Timestamp(cell).tz_localize(None).as_unit("ns").to_datetime64())
            offsets.append(offset)
        if offsets[0] is None:
            return np.array(clock), None
        return np.array(clock), np.array(offsets, dtype="m8[ns]").astype(np.int64)

    def nanoseconds(self, values: Times) -> Times:
        """Return datetime64 of any unit as datetime64[ns], NaT included."""
        years = values.astype("M8[Y]").astype(np.int64) + 1970
        outside = ~np.isnat(values) & ((years < _YEARS.start) | (years >= _YEARS.stop))
        for row in np.flatnonzero(outside)[:1]:
            self._require_year(int(years[row]), int(row), show_time(values[row]))
        return values.astype("M8[ns]")

    def _require_year(self, year: int, row: int, cell: object) -> None:
        if year not in _YEARS:
            self._refuse(row, cell)

    def _require_kind(self, cells: list[Any], *kinds: type) -> None:
        for row, cell in enumerate(cells):
            if not isinstance(cell, kinds) or isinstance(cell, bool):
                self._refuse(row, cell)

    def _pattern(self, first: str) -> tuple[re.Pattern[str], list[str]]:
        """Return the pattern of the first cell, and the strptime forms that may read it."""
        if _ISO.fullmatch(first):
            return _ISO, ["ISO8601"]
        for date, forms in _DATES:
            for clock, suffix in _CLOCKS:
                pattern = re.compile(date + clock)
                if pattern.fullmatch(first):
                    return pattern, [form + suffix for form in forms]
        self._refuse(0, first)

    def _require(self, pattern: re.Pattern[str], cells: Sequence[str]) -> None:
        for row, cell in enumerate(cells):
            if not pattern.fullmatch(cell):
                self._refuse(row, cell)

    def _cut_offsets(self, cells: list[str]) -> tuple[list[str], IntArray | None]:
        """Return the cells without their UTC offset, and the offsets, if the first one has it."""
        if not _OFFSET.fullmatch(cells[0]):
            return cells, None
        clocks, offsets = [], []
        for row, cell in enumerate(cells):
            match = _OFFSET.fullmatch(cell)
            if match is None:
                self._refuse(row, cell)
            digits = match["offset"].replace(":", "").replace("UTC", "Z").replace("Z", "+00")
            minutes = 60 * int(digits[1:3]) + int(digits[3:] or 0)
            clocks.append(match["clock"])
            offsets.append((-minutes if digits[0] == "-" else minutes) * 60 * 10**9)
        return clocks, np.array(offsets, dtype=np.int64)

    def _readings(self, cells: Sequence[str], forms: Sequence[str]) -> list[Times]:
        """Return the cells read by each of the forms that fit them all."""
        readings = [
            self.nanoseconds(pd.to_datetime(list(cells), format=form, errors="coerce").to_numpy())
            for form in forms
        ]
        no_dates = [np.flatnonzero(np.isnat(reading)) for reading in readings]
        possible = [
            reading for reading, rows in zip(readings, no_dates, strict=True) if not len(rows)
        ]
        if not possible:
            row = int(min(no_dates, key=len)[0])
            both = "; the rows agree neither on month first nor on day first"
            self._refuse(row, cells[row], both if len(forms) > 1 else "")
        return possible

    def _refuse(self, row: int, cell: object, why: str = "") -> NoReturn:
        raise DataError(
            f"column {self.column!r} must hold {_EXPECTED}, all in one form and in the years "
            f"{_YEARS.start} to {_YEARS.stop - 1}, but {self.place(row)} holds "
            f"{show_cell(cell)}{why}"
        )


def _choose(readings: list[Times], series: IntArray, step: Step | None) -> Times | None:
    """Return the reading that alone fits, or None.

    Args:
        readings: `(N,)` each, at least one.
        series: `(N,)` the number of each row's series.
        step: the step that the times should follow; `None` for any.
    """
    if len(readings) == 1 or (readings[0] == readings[1]).all():
        return readings[0]

    order = np.argsort(series, kind="stable")
    within = np.diff(series[order]) == 0

    def in_order(times: Times) -> bool:
        distances = np.diff(times[order])[within].astype(np.int64)
        return bool((distances >= 0).all() or (distances <= 0).all())

    for fits in (has_no_gaps, has_few_gaps, None):
        fitting = [t for t in readings if fits is None or fits(np.unique(t), step)]
        if len(fitting) > 1:
            fitting = [times for times in fitting if in_order(times)]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None
