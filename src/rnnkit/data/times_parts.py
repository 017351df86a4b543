"""Times that stand in several columns: year, month, day, hour and so on, or a date and a clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.cells import (
    Cells,
    Place,
    factorize_texts,
    missing_cells,
    refuse_missing,
    show_cell,
)
from rnnkit.data.kinds import holds_numbers
from rnnkit.data.numerals import parse_numbers
from rnnkit.data.times import clock_times
from rnnkit.errors import DataError
from rnnkit.messages import Message

IntArray = NDArray[np.int64]

_NAMES = {
    "year": ("year", "yr", "yyyy", "년", "년도", "연도"),
    "month": ("month", "mon", "mnth", "월"),
    "day": ("day", "dd", "일"),
    "hour": ("hour", "hr", "시"),
    "minute": ("minute", "min", "분"),
    "second": ("second", "sec", "초"),
    "date": ("date", "날짜", "일자"),
    "time": ("time", "시간", "시각"),
}
_DATE_PARTS = ("year", "month", "day")
_CLOCK_PARTS = ("hour", "minute", "second")
# Hour 24 is the midnight that ends the day, in tables whose hours are counted 1..24.
_RANGES = {
    "year": (1678, 2261),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 59),
}
_DAY = 86_400
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})"
    r"(?:[:.](?P<second>[0-9]{2})(?:\.(?P<rest>[0-9]{1,9}))?)?(?: ?(?P<half>[AP])M)?",
    re.IGNORECASE,
)


def times_of_parts(
    columns: Mapping[str, Cells],
    *,
    place: Place,
    step: Step | None = None,
    series: IntArray | None = None,
) -> tuple[Times, Message]:
    """Return the times that the cells of several columns make together.

    The columns are the year, month, day, hour, minute and second, from the year on as far as they
    go; or a date, as `clock_times` reads it, and the time of the day, as a text such as 15:00 or as
    hour, minute and second. They are known by their names, in any order and in English or Korean;
    where a name is none of these, all are taken in the order given. Hour 24 is midnight at the end
    of the day.

    Args:
        columns: two or more columns of `N` cells each, by their names.
        place: names the row at a position, for messages.
        step: as for `clock_times`.
        series: as for `clock_times`.

    Returns:
        `(N,)` datetime64[ns], and which column was taken as what.

    Raises:
        DataError: naming the row whose part is missing, no whole number or out of range; if the
            columns make no time together.

    Example:
        >>> columns = {"day": ["31", "1"], "month": ["1", "2"], "year": ["2020", "2020"]}
        >>> times, note = times_of_parts(columns, place=str)
        >>> times.astype("M8[D]").tolist()
        [datetime.date(2020, 1, 31), datetime.date(2020, 2, 1)]
        >>> str(note)
        'The time is put together from year, month, day.'
    """
    parts = _parts(columns, place)
    reader = _Parts({part: (name, columns[name]) for part, name in parts.items()}, place)
    days = reader.dates(step, series) if "date" in parts else reader.days()
    clock = reader.clock() if "time" in parts else reader.hours()
    times = np.asarray(days.astype("M8[ns]") + clock, dtype="M8[ns]")
    taken = [
        Message("{column}", {"column": name})
        if name.strip().casefold() == part
        else Message("{column} as the {part}", {"column": name, "part": Message(part)})
        for part, name in parts.items()
    ]
    return times, Message("The time is put together from {columns}.", {"columns": tuple(taken)})


def _parts(columns: Mapping[str, Cells], place: Place) -> dict[str, str]:
    """Return the columns by the part that each is, larger parts first."""
    known = {word: part for part, words in _NAMES.items() for word in words}
    named = [known.get(name.strip().casefold()) for name in columns]
    if "day" in named and "month" not in named:  # a column called day that holds whole dates
        named = ["date" if part == "day" else part for part in named]
    if None in named or len(set(named)) < len(named):
        first, cells = next(iter(columns.items()))
        is_year = holds_numbers(cells, column=first, place=place) and bool(
            (parse_numbers(cells, column=first, place=place) < 10_000).all()
        )
        order = (*_DATE_PARTS, *_CLOCK_PARTS) if is_year else ("date", "time")
        named = list(order[: len(columns)]) if len(columns) <= len(order) else []
    found = dict(zip(named, columns, strict=False))
    days = tuple(part for part in ("date", *_DATE_PARTS) if part in found)
    clock = tuple(part for part in ("time", *_CLOCK_PARTS) if part in found)
    whole_days = days in (("date",), _DATE_PARTS)
    whole_months = bool(days) and days == _DATE_PARTS[: len(days)] and not clock
    from_hours = clock in (("time",), _CLOCK_PARTS[: len(clock)])
    if not (whole_days or whole_months) or not from_hours:
        raise DataError(
            f"the time columns {', '.join(map(repr, columns))} make no time together: name year, "
            f"month, day, hour, minute and second in this order as far as there are columns, or "
            f"the date and the time of the day"
        )
    return {str(part): found[part] for part in (*days, *clock)}


class _Parts:
    """Reads the columns of a time; knows their names and rows for the messages."""

    def __init__(self, columns: Mapping[str, tuple[str, Cells]], place: Place) -> None:
        self.columns = columns
        self.place = place

    def numbers(self, part: str) -> IntArray:
        """Return `(N,)` whole numbers in the range of a part."""
        name, cells = self.columns[part]
        values = parse_numbers(cells, column=name, place=self.place)
        low, high = _RANGES[part]
        wrong = np.flatnonzero((values % 1 != 0) | (values < low) | (values > high))
        if len(wrong):
            self._refuse(part, int(wrong[0]), f"whole numbers from {low} to {high}")
        return values.astype(np.int64)

    def days(self) -> Times:
        """Return the days of year, month and day; the first where a part is left out."""
        times = (self.numbers("year") - 1970).astype("M8[Y]").astype("M8[M]")
        if "month" in self.columns:
            times = times + (self.numbers("month") - 1)
        days = times.astype("M8[D]")
        if "day" in self.columns:
            days = days + (self.numbers("day") - 1)
            beyond = np.flatnonzero(days.astype("M8[M]") != times)
            if len(beyond):
                self._refuse("day", int(beyond[0]), f"days of the month {times[beyond[0]]}")
        return np.asarray(days.astype("M8[s]"))

    def dates(self, step: Step | None, series: IntArray | None) -> Times:
        """Return the days of a column of dates."""
        name, cells = self.columns["date"]
        times, _ = clock_times(cells, column=name, place=self.place, step=step, series=series)
        days = np.asarray(times.astype("M8[D]").astype("M8[s]"))
        clock = np.flatnonzero(days != times)
        if len(clock):
            self._refuse("date", int(clock[0]), "dates without a time of the day")
        return days

    def clock(self) -> NDArray[np.timedelta64]:
        """Return the time of the day from texts such as 15:00, or from hours."""
        name, cells = self.columns["time"]
        refuse_missing(missing_cells(cells), name, self.place)
        if holds_numbers(cells, column=name, place=self.place):
            self.columns = {**self.columns, "hour": (name, cells)}
            return self.hours()
        codes, texts = factorize_texts(cells, column=name)
        clock = np.array([_nanoseconds(text) for text in texts], dtype=np.int64)[codes]
        wrong = np.flatnonzero(clock < 0)
        if len(wrong):
            self._refuse("time", int(wrong[0]), "times of the day such as 15:00 or 3:00 PM")
        return np.asarray(clock.astype("m8[ns]"))

    def hours(self) -> NDArray[np.timedelta64]:
        """Return the time of the day from hour, minute and second; midnight without an hour."""
        seconds = np.zeros(1, dtype=np.int64)
        for part, unit in zip(_CLOCK_PARTS, (3600, 60, 1), strict=True):
            if part in self.columns:
                seconds = seconds + unit * self.numbers(part)
                late = np.flatnonzero(seconds > _DAY)
                if len(late):
                    self._refuse(part, int(late[0]), "0 where the hour is 24")
        return np.asarray(seconds.astype("m8[s]"))

    def _refuse(self, part: str, row: int, expected: str) -> NoReturn:
        name, cells = self.columns[part]
        cell = cells.iloc[row] if hasattr(cells, "iloc") else cells[row]
        raise DataError(
            f"column {name!r}, the {part}, must hold {expected}, but {self.place(row)} holds "
            f"{show_cell(cell)}"
        )


def _nanoseconds(text: str) -> int:
    """Return the nanoseconds from midnight to a time of the day, or -1 where it is none."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return -1
    hour, minute, second = (int(match[part] or 0) for part in _CLOCK_PARTS)
    if match["half"]:
        if not 1 <= hour <= 12:
            return -1
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    clock = (3600 * hour + 60 * minute + second) * 10**9 + int((match["rest"] or "").ljust(9, "0"))
    return clock if minute < 60 and second < 60 and clock <= _DAY * 10**9 else -1
