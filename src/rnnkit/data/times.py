"""A column of times, in whatever form tables hold them, as datetime64[ns] at a regular step.

Texts are read by stated patterns only, one for the whole column, so that nothing is guessed. Times
with a UTC offset keep the time on their clock, and the offset is told beside them; a column in
which the offset changes is refused.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from rnnkit.data.calendar import Step, Times, infer_step
from rnnkit.data.cells import MISSING_TEXTS, Cells, Place, refuse_missing, show_cell
from rnnkit.errors import DataError

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
    """Return a column of times as datetime64[ns], and its UTC offset.

    Dates of two small numbers, such as 3/4/2020, are read month first and day first; the reading
    that is possible is taken, or the only one that gives a regular series, or neither.

    Args:
        cells: `(N,)` texts, or a pandas column of texts, dates, times, periods or whole years.
        column: its name, for messages.
        place: names the row at a position, for messages.
        step: the step that the times should follow; `None` for any.

    Returns:
        `(N,)` times on the clock of the offset, and the offset: `""` for none, or as `"+09:00"`.

    Raises:
        DataError: naming the row that holds no time, or one in another form.

    Example:
        >>> times, offset = parse_times(["1949Q1", "1949Q2"], column="t", place=str)
        >>> times.astype("M8[D]").tolist(), offset
        ([datetime.date(1949, 1, 1), datetime.date(1949, 4, 1)], '')
    """
    reader = _TimeColumn(column, place)
    if not isinstance(cells, pd.Series):
        return reader.from_texts(cells, step)
    refuse_missing(cells.isna().to_numpy(dtype=bool), column, place)
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return reader.from_zone(cells)
    if pd.api.types.is_datetime64_dtype(cells.dtype):
        return reader.nanoseconds(cells.to_numpy()), ""
    return reader.from_objects(cells.astype(object).tolist(), step)


def regular_step(times: Times, *, source: str, place: Place, step: Step | None = None) -> Step:
    """Return the step at which `times` follow each other without exception.

    Args:
        times: `(N,)` datetime64[ns].
        source: the name of the table, for messages.
        place: names the row at a position, for messages.
        step: the step that they must follow; `None` for any, for which three rows are needed.

    Raises:
        DataError: naming the first row that repeats a time, stands out of order or off the step.
    """
    if step is None and len(times) < 3:
        raise DataError(
            f"{source} has {len(times)} rows, but at least 3 are needed to see the step of its "
            f"times"
        )
    backward = np.flatnonzero(times[1:] <= times[:-1])
    if len(backward):
        row = int(backward[0]) + 1
        earlier = np.flatnonzero(times[:row] == times[row])
        if len(earlier):
            raise DataError(
                f"{place(row)} repeats the time {show_time(times[row])} of "
                f"{place(int(earlier[0]))}; each time may stand only once"
            )
        if len(backward) == len(times) - 1:
            raise DataError(f"the rows of {source} are newest first; sort them oldest first")
        raise DataError(
            f"{place(row)} is at {show_time(times[row])}, earlier than {show_time(times[row - 1])} "
            f"on the row above it; sort the rows oldest first"
        )
    step = infer_step(times) if step is None else step
    rows, expected = step.breaks(times)
    if len(rows):
        row = int(rows[0])
        after = f", {_one(step.name)} after the row above it" if row else ""
        raise DataError(
            f"{place(row)} is at {show_time(times[row])} where {show_time(expected[0])} was "
            f"expected{after}; {len(rows)} of {len(times)} rows break the step, which must be "
            f"regular: add the missing rows, or resample"
        )
    return step


def show_time(time: np.datetime64) -> str:
    """Return a time as text, without a clock at midnight.

    Example:
        >>> show_time(np.datetime64("2020-01-31T00:00"))
        '2020-01-31'
    """
    return str(pd.Timestamp(time)).removesuffix(" 00:00:00")


class _TimeColumn:
    """Reads one time column; knows its name and rows for the messages."""

    def __init__(self, column: str, place: Place) -> None:
        self.column = column
        self.place = place

    def from_texts(self, cells: Sequence[str], step: Step | None) -> tuple[Times, str]:
        cells = [cell.strip() for cell in cells]
        missing = [cell.casefold() in MISSING_TEXTS for cell in cells]
        refuse_missing(np.array(missing, dtype=bool), self.column, self.place)
        cells, offset = self._cut_offsets(cells)
        if _QUARTER.fullmatch(cells[0]):
            self._require(_QUARTER, cells)
            months = [f"{cell[:4]}-{3 * int(cell[-1]) - 2:02d}" for cell in cells]
            return self._choose(months, ["ISO8601"], step), offset
        pattern, forms = self._pattern(cells[0])
        self._require(pattern, cells)
        return self._choose(cells, forms, step), offset

    def from_zone(self, cells: pd.Series[Any]) -> tuple[Times, str]:
        clock = cells.dt.tz_localize(None).to_numpy()
        gaps = clock - cells.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        changes = np.flatnonzero(gaps != gaps[0])
        shown = [_show_offset(pd.Timedelta(gaps[row])) for row in (0, *changes[:1])]
        if len(shown) > 1:
            self._refuse_offsets(int(changes[0]), *shown)
        return self.nanoseconds(clock), shown[0]

    def from_objects(self, cells: list[Any], step: Step | None) -> tuple[Times, str]:
        """Return the times of Python objects, which must all be of the kind of the first."""
        first = cells[0]
        if isinstance(first, str):
            self._require_kind(cells, str)
            return self.from_texts(cells, step)
        if isinstance(first, pd.Period):
            self._require_kind(cells, pd.Period)
            for row, cell in enumerate(cells):
                self._require_year(cell.year, row, cell)
            return self.nanoseconds(
                np.array([cell.start_time.to_datetime64() for cell in cells])
            ), ""
        if isinstance(first, datetime.date):
            self._require_kind(cells, datetime.date)
            offsets = [
                _show_offset(cell.utcoffset()) if isinstance(cell, datetime.datetime) else ""
                for cell in cells
            ]
            clock = []
            for row, cell in enumerate(cells):
                self._require_year(cell.year, row, cell)
                clock.append(pd.Timestamp(cell).tz_localize(None).as_unit("ns").to_datetime64())
            return np.array(clock), self._one_offset(offsets)
        self._require_kind(cells, int, float, np.integer, np.floating)
        texts = [str(int(cell)) if float(cell).is_integer() else str(cell) for cell in cells]
        return self.from_texts(texts, step)

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

    def _cut_offsets(self, cells: list[str]) -> tuple[list[str], str]:
        """Return the cells without their UTC offset, and the offset, if the first one has it."""
        if not _OFFSET.fullmatch(cells[0]):
            return cells, ""
        clocks, offsets = [], []
        for row, cell in enumerate(cells):
            match = _OFFSET.fullmatch(cell)
            if match is None:
                self._refuse(row, cell)
            digits = match["offset"].replace(":", "")
            clocks.append(match["clock"])
            offsets.append(
                "+00:00" if digits in ("Z", "UTC") else f"{digits[:3]}:{digits[3:] or '00'}"
            )
        return clocks, self._one_offset(offsets)

    def _one_offset(self, offsets: Sequence[str]) -> str:
        for row, offset in enumerate(offsets):
            if offset != offsets[0]:
                self._refuse_offsets(row, offsets[0], offset)
        return offsets[0]

    def _choose(self, cells: Sequence[str], forms: Sequence[str], step: Step | None) -> Times:
        """Return the cells read by the one form that fits them."""
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
        if len(possible) == 1 or (possible[0] == possible[1]).all():
            return possible[0]
        # Where neither reading is regular, the ascending one is refused later, its row named.
        for fits in (_is_regular, _is_ascending):
            fitting = [reading for reading in possible if fits(reading, step)]
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                break
        raise DataError(
            f"the dates in column {self.column!r}, such as {cells[0]!r} on {self.place(0)}, can be "
            f"read month first and day first; write them as 2020-01-31"
        )

    def _refuse(self, row: int, cell: object, why: str = "") -> NoReturn:
        raise DataError(
            f"column {self.column!r} must hold {_EXPECTED}, all in one form and in the years "
            f"{_YEARS.start} to {_YEARS.stop - 1}, but {self.place(row)} holds "
            f"{show_cell(cell)}{why}"
        )

    def _refuse_offsets(self, row: int, before: str, after: str) -> NoReturn:
        raise DataError(
            f"the UTC offset of column {self.column!r} changes from {before or 'none'} to "
            f"{after or 'none'} on {self.place(row)}; convert all times to UTC, or write them "
            f"without an offset"
        )


def _is_regular(times: Times, step: Step | None) -> bool:
    if not _is_ascending(times, step) or (step is None and len(times) < 3):
        return False
    return not len((step or infer_step(times)).breaks(times)[0])


def _is_ascending(times: Times, step: Step | None) -> bool:
    return bool((times[1:] > times[:-1]).all())


def _show_offset(offset: datetime.timedelta | None) -> str:
    if offset is None:
        return ""
    seconds = int(offset.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{rest:02d}" if rest else text


def _one(step_name: str) -> str:
    return step_name if step_name[0].isdigit() else f"one {step_name}"
