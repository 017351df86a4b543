"""The step between the rows of a regular series, and what the calendar says about each time.

A step is one of three kinds: a fixed span ("15 minutes", "week"), a number of business days
(Monday to Friday, holidays are not known), or a number of months on one day of the month. The last
day of the month is day 31: a month without that day takes its last day instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import ArtifactError, DataError

Times = NDArray[np.datetime64]
Kind = Literal["nanosecond", "business day", "month"]

_MINUTE = 60 * 10**9
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
_SPANS = {
    "week": _WEEK,
    "day": _DAY,
    "hour": _HOUR,
    "minute": _MINUTE,
    "second": 10**9,
    "millisecond": 10**6,
    "microsecond": 10**3,
    "nanosecond": 1,
}


@dataclass(frozen=True)
class Step:
    """The regular distance between two rows of a series.

    Args:
        kind: what is counted: `"nanosecond"` (any fixed span), `"business day"` or `"month"`.
        count: how many of them, at least 1.
        day: for months, the day of the month, 1..31; a shorter month takes its last day, so that
            31 means month ends. `None` for the other kinds.

    Raises:
        ValueError: if the kind is unknown, the count is below 1, or the day does not suit the kind.

    Example:
        >>> Step("month", 1, day=31).advance(np.datetime64("2023-12-31"), 2).astype("M8[D]")
        array(['2024-01-31', '2024-02-29'], dtype='datetime64[D]')
        >>> Step("nanosecond", 15 * 60 * 10**9).name
        '15 minutes'
    """

    kind: Kind
    count: int
    day: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {get_args(Kind)}, got {self.kind!r}")
        if not _is_integer(self.count) or self.count < 1:
            raise ValueError(f"count must be an integer of at least 1, got {self.count!r}")
        if self.kind != "month":
            if self.day is not None:
                raise ValueError(f"day belongs to steps of months, got {self.day!r}")
        elif self.day is None or not _is_integer(self.day) or not 1 <= self.day <= 31:
            raise ValueError(f"day must be an integer in 1..31, got {self.day!r}")

    @property
    def name(self) -> str:
        """The step in words: `"month"`, `"quarter"`, `"15 minutes"`, `"business day"`."""
        if self.kind == "business day":
            return _plural(self.count, "business day")
        if self.kind == "month":
            if self.count == 3:
                return "quarter"
            years, months = divmod(self.count, 12)
            return _plural(self.count, "month") if months else _plural(years, "year")
        unit = next(unit for unit, span in _SPANS.items() if self.count % span == 0)
        return _plural(self.count // _SPANS[unit], unit)

    @property
    def season(self) -> int:
        """The rows of one natural cycle, or 1 where there is none.

        A year for steps of months and weeks, a week for days, a day for steps from one minute on.
        A step that does not divide its cycle has none.
        """
        if self.kind == "business day":
            cycle = 5
        elif self.kind == "month":
            cycle = 12
        elif self.count % _WEEK == 0:
            cycle = 52 * _WEEK
        elif self.count >= _DAY:
            cycle = _WEEK
        elif self.count >= _MINUTE:
            cycle = _DAY
        else:
            return 1
        return cycle // self.count if cycle % self.count == 0 else 1

    def advance(self, time: np.datetime64, n: int) -> Times:
        """Return the `n` times that follow `time`, `(n,)` datetime64[ns].

        Raises:
            DataError: if they lead beyond the year 2261, the last in which all times fit.

        Example:
            >>> Step("business day", 1).advance(np.datetime64("2024-01-05"), 2).astype("M8[D]")
            array(['2024-01-08', '2024-01-09'], dtype='datetime64[D]')
        """
        start = np.asarray(time, dtype="M8[ns]")
        following = self._shift(start, np.arange(1, n + 1))
        if (following <= start).any():
            raise DataError(
                f"{n} steps after {np.datetime_as_string(start, unit='s')} lead beyond the year "
                f"2261, where times end; ask for fewer"
            )
        return following

    def breaks(self, times: Times) -> tuple[NDArray[np.int64], Times]:
        """Return the rows that do not stand one step after the row before them.

        The first row has none before it; it breaks the step if it stands on a day that the step
        never meets, such as a Sunday in business days.

        Args:
            times: `(N,)` datetime64.

        Returns:
            `(M,)` positions in ascending order and the `(M,)` times expected there; both empty
            where the series is regular.

        Example:
            >>> times = np.array(["2020-01-01", "2020-02-01", "2020-04-01"], dtype="M8[ns]")
            >>> rows, expected = Step("month", 1, day=1).breaks(times)
            >>> rows.tolist(), expected.astype("M8[D]").tolist()
            ([2], [datetime.date(2020, 3, 1)])
        """
        times = np.asarray(times, dtype="M8[ns]")
        expected = np.empty_like(times)
        expected[:1] = self._shift(times[:1], np.zeros(1, dtype=np.int64))
        expected[1:] = self._shift(times[:-1], np.ones(1, dtype=np.int64))
        rows = np.flatnonzero(expected != times)
        return rows, expected[rows]

    def _shift(self, times: Times, steps: NDArray[np.int64]) -> Times:
        """Move `times` by `steps`, broadcast; 0 steps move onto a day that the step meets."""
        if self.kind == "nanosecond":
            return np.asarray(times + (self.count * steps).astype("m8[ns]"))
        dates = times.astype("M8[D]")
        if self.kind == "business day":
            # A weekend day counts as the Friday before it.
            moved = np.busday_offset(dates, self.count * steps, roll="backward")
        else:
            assert self.day is not None
            months = times.astype("M8[M]") + self.count * steps
            length = (months + 1).astype("M8[D]") - months.astype("M8[D]")
            moved = months.astype("M8[D]") + np.minimum(self.day, length.astype(int)) - 1
        return np.asarray(moved.astype("M8[ns]") + (times - dates))

    def to_json(self) -> dict[str, str | int]:
        """Return the step as a JSON object, as `from_json` reads it.

        Example:
            >>> Step("month", 3, day=1).to_json()
            {'kind': 'month', 'count': 3, 'day': 1}
        """
        plain: dict[str, str | int] = {"kind": self.kind, "count": self.count}
        return plain if self.day is None else {**plain, "day": self.day}

    @classmethod
    def from_json(cls, plain: object) -> Step:
        """Return the step that `to_json` wrote.

        Raises:
            ArtifactError: if `plain` is not such an object, to the last key.

        Example:
            >>> Step.from_json({"kind": "business day", "count": 1}).name
            'business day'
        """
        try:
            if not isinstance(plain, Mapping):
                raise ValueError("it is no JSON object")
            step = cls(**plain)
        except (TypeError, ValueError) as error:
            raise ArtifactError(
                f"a step must look like {{'kind': 'month', 'count': 1, 'day': 1}}, "
                f"got {plain!r}: {error}"
            ) from error
        return step


def calendar_features(times: Times, step: Step) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return what the calendar says about each time, as sines and cosines in -1..1.

    Only cycles longer than the step are told: the month of the year for months; the day of the year
    for weeks and days; the day of the week for days; the time of the day as well for steps below a
    day. Steps of a year or more, and below a second, have none. The features depend on the times
    alone, so those of the future are known in advance.

    Args:
        times: `(N,)` datetime64.
        step: the distance between the rows.

    Returns:
        `(N, F)` float32 and the `F` names, such as `"month_of_year_sin"`; `F` may be 0.

    Example:
        >>> times = np.array(["2020-01-01", "2020-04-01"], dtype="M8[ns]")
        >>> features, names = calendar_features(times, Step("month", 3, day=1))
        >>> names, features.round(3).tolist()
        (('month_of_year_sin', 'month_of_year_cos'), [[0.0, 1.0], [1.0, 0.0]])
    """
    times = np.asarray(times, dtype="M8[ns]")
    dates = times.astype("M8[D]")
    years = times.astype("M8[Y]")
    phases: dict[str, NDArray[np.float64]] = {}
    if step.kind == "month":
        if step.count < 12:
            months = times.astype("M8[M]") - years.astype("M8[M]")
            phases["month_of_year"] = months.astype(np.float64) / 12
    elif step.kind == "business day" or step.count >= 10**9:
        span = step.count * (_DAY if step.kind == "business day" else 1)
        if span < _DAY:
            phases["time_of_day"] = (times - dates).astype(np.float64) / _DAY
        if span < _WEEK:
            # 1 January 1970 was a Thursday; Monday is day 0.
            phases["day_of_week"] = (dates.astype(np.int64) + 3) % 7 / 7
        if span < 52 * _WEEK:
            first, following = years.astype("M8[D]"), (years + 1).astype("M8[D]")
            passed = (dates - first).astype(np.float64)
            phases["day_of_year"] = passed / (following - first).astype(np.float64)
    columns, names = [], []
    for name, phase in phases.items():
        columns += [np.sin(2 * np.pi * phase), np.cos(2 * np.pi * phase)]
        names += [f"{name}_sin", f"{name}_cos"]
    if not columns:
        return np.empty((len(times), 0), dtype=np.float32), ()
    return np.stack(columns, axis=1).astype(np.float32), tuple(names)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plural(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count} {unit}s"
