"""Series on the grid of a step: which step they follow, and where on its grid each row stands.

The rows of all series stand in flat arrays, one series after another, as in a `Panel`: series `s`
has the rows `starts[s]` to `starts[s + 1]`, oldest first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.errors import ConfigError, DataError, closest

IntArray = NDArray[np.int64]

_DAY = 86_400 * 10**9
_AGE = 290 * 365  # days; int64 holds 292 years of nanoseconds
_SPANS = {
    "nanosecond": 1,
    "microsecond": 10**3,
    "millisecond": 10**6,
    "second": 10**9,
    "minute": 60 * 10**9,
    "hour": 3600 * 10**9,
    "day": _DAY,
    "week": 7 * _DAY,
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WORDS = re.compile(r"(?:(?P<count>[0-9]+) *)?(?P<unit>[a-z]+(?: [a-z]+)?)")


def step_of_words(words: str) -> Step:
    """Return the step that words name; a step of months has day 1 until `on_their_day`.

    Raises:
        ConfigError: if they name none.

    Example:
        >>> step_of_words("15 minutes").name, step_of_words("Business day").name
        ('15 minutes', 'business day')
        >>> step_of_words("2 quarters")
        Step(kind='month', count=6, day=1)
    """
    match = _WORDS.fullmatch(words.strip().casefold())
    count = int(match["count"] or 1) if match else 0
    unit = match["unit"] if match else words
    for name in (unit, unit.removesuffix("s")):
        if count and name in _SPANS:
            return Step("nanosecond", count * _SPANS[name])
        if count and name in _MONTHS:
            return Step("month", count * _MONTHS[name], day=1)
        if count and name == "business day":
            return Step("business day", count)
    hint = closest(unit, [*_SPANS, *_MONTHS, "business day"])
    raise ConfigError(
        f"step must be words such as hour, 15 minutes, business day or month, got {words!r}{hint}"
    )


def common_step(times: Times, starts: IntArray) -> Step:
    """Return the step that most rows of the series follow.

    The candidates are the most frequent distance between two rows of a series as a fixed span, a
    business day, and the most frequent distance in months; the one that most rows follow is taken.
    Where several fit alike, months come before a fixed span, and a fixed span before business days.

    Args:
        times: `(R,)` datetime64[ns], strictly ascending within each series.
        starts: `(S + 1,)` the first row of each series, and `R`.

    Raises:
        DataError: if no series has two rows, or two rows of one are more than 290 years apart.

    Example:
        >>> times = np.array(["2020-01-31", "2020-02-29", "2020-05-31"], "M8[ns]")
        >>> common_step(times, np.array([0, 3]))
        Step(kind='month', count=1, day=31)
    """
    within = _within(len(times), starts)
    if not within.any():
        raise DataError("at least two rows of a series are needed to see a step")
    _refuse_ages(times[:-1][within], times[1:][within])
    candidates: list[Step] = []
    months = _most_frequent(_distances(times.astype("M8[M]"))[within])
    if months >= 1:
        candidates += _month_steps(months, times)
    span = _most_frequent(_distances(times)[within])
    candidates.append(Step("nanosecond", span))
    if span == _DAY:
        candidates.append(Step("business day", 1))
    return _followed_most(candidates, times, starts)


def older_times(times: Times, starts: IntArray, newest: np.datetime64) -> tuple[Times, IntArray]:
    """Return the times up to the `newest`, and the starts of series, by which a step is told.

    All of them where no series has three times up to it: too few to see a step by.

    Args:
        times: `(R,)` datetime64[ns], strictly ascending within each series.
        starts: `(S + 1,)` as for `common_step`.
        newest: of the times that tell.
    """
    older = times <= newest
    counts = np.add.reduceat(older, starts[:-1])
    if counts.max() < 3:
        return times, starts
    kept = np.concatenate([[0], np.cumsum(counts[counts > 0])]).astype(np.int64)
    return times[older], kept


def on_their_day(step: Step, times: Times, starts: IntArray) -> Step:
    """Return a step of months with the day of the month that most rows follow; others as they are.

    Args:
        step: as `step_of_words` gives it.
        times: `(R,)` datetime64[ns], strictly ascending within each series.
        starts: `(S + 1,)` as for `common_step`.
    """
    if step.kind != "month":
        return step
    return _followed_most(_month_steps(step.count, times), times, starts)


def steps_between(step: Step, before: Times, after: Times) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return how many whole steps lead from `before` to `after`, and where they lead there exactly.

    Args:
        step: of any kind.
        before: `(N,)` datetime64[ns].
        after: `(N,)` datetime64[ns].

    Returns:
        `(N,)` int64, rounded down; `(N,)` bool, true where both times lie on one grid of the step.

    Raises:
        DataError: if fixed spans are counted over more than 290 years, which int64 does not hold.

    Example:
        >>> before = np.array(["2020-01-31", "2020-01-31"], "M8[ns]")
        >>> after = np.array(["2020-04-30", "2020-04-29"], "M8[ns]")
        >>> counts, exact = steps_between(Step("month", 1, day=31), before, after)
        >>> counts.tolist(), exact.tolist()
        ([3, 3], [True, False])
    """
    if step.kind == "nanosecond":
        _refuse_ages(before, after)
        spans = (after - before).astype(np.int64)
        return spans // step.count, spans % step.count == 0
    first, last = before.astype("M8[D]"), after.astype("M8[D]")
    exact = (before - first) == (after - last)  # the same time of the day
    if step.kind == "business day":
        units = np.asarray(np.busday_count(first, last), dtype=np.int64)
        exact &= np.is_busday(first) & np.is_busday(last)
    else:
        units = (after.astype("M8[M]") - before.astype("M8[M]")).astype(np.int64)
        exact &= _on_day(step, first) & _on_day(step, last)
    return units // step.count, exact & (units % step.count == 0)


def telling_rows(moments: IntArray, share: float) -> NDArray[np.bool_]:
    """Return the rows that tell what columns hold: `(N,)` bool, a share of them, the oldest.

    Args:
        moments: `(N,)` of the rows.
        share: of the rows, above 0 and up to 1. Those of one moment tell it all or not at all.

    Example:
        >>> telling_rows(np.array([3, 1, 1, 2]), share=0.5).tolist()
        [False, True, True, False]
    """
    return np.asarray(np.searchsorted(np.sort(moments), moments) < share * len(moments))


def told_ticks(earliest: int, newest: int, step: Step) -> int:
    """Return the steps from one time to another, both counted.

    Args:
        earliest: of the rows, as `grouping.row_moments` gives it.
        newest: of those counted.
        step: of the rows.

    Example:
        >>> told_ticks(0, 3 * 86_400 * 10**9, Step("nanosecond", 86_400 * 10**9))
        4
    """
    ends = np.array([[earliest], [newest]]).astype("M8[ns]")
    return int(steps_between(step, *ends)[0][0]) + 1


def ticks_told(ids: Sequence[str], ticks: IntArray, told: Mapping[str, int]) -> int:
    """Return the ticks up to the newest row that told what columns hold, counted with it.

    Args:
        ids: `S` names of series.
        ticks: `(S,)` the first tick of each.
        told: how many rows of a series told it, its oldest.

    Example:
        >>> ticks_told(("a", "b"), np.array([0, 7]), {"a": 9, "b": 0})
        9
    """
    rows = np.array([told[name] for name in ids], dtype=np.int64)
    return int((ticks + rows)[rows > 0].max(initial=0))


def steps_of_rows(step: Step, times: Times, starts: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the steps from each row's predecessor in its series to it, as `steps_between`.

    The first row of a series stands 0 steps after itself; that is exact unless it stands on a day
    that the step never meets, such as a Sunday in business days.

    Args:
        step: of any kind.
        times: `(R,)` datetime64[ns].
        starts: `(S + 1,)` as for `common_step`.

    Returns:
        `(R,)` int64 and `(R,)` bool.
    """
    before = np.concatenate([times[:1], times[:-1]])
    before[starts[:-1]] = times[starts[:-1]]
    return steps_between(step, before, times)


def has_few_gaps(times: Times, step: Step | None) -> bool:
    """Tell whether one series is on the grid of a step, with no more rows missing than there are.

    Args:
        times: `(N,)` datetime64[ns], strictly ascending.
        step: of which the day of the month does not matter; `None` to infer it, for which three
            rows are needed.
    """
    counts = _counts_of_one(times, step)
    return counts is not None and int((counts[1:] - 1).sum()) <= len(times)


def has_no_gaps(times: Times, step: Step | None) -> bool:
    """Tell whether one series stands on the grid of a step without a gap; as `has_few_gaps`."""
    counts = _counts_of_one(times, step)
    return counts is not None and bool((counts[1:] == 1).all())


def _counts_of_one(times: Times, step: Step | None) -> IntArray | None:
    """Return the steps between the rows of one series, or None where some are not on the grid."""
    starts = np.array([0, len(times)], dtype=np.int64)
    if step is None:
        if len(times) < 3:
            return None
        step = common_step(times, starts)
    step = on_their_day(step, times, starts)
    counts, exact = steps_of_rows(step, times, starts)
    return counts if exact.all() else None


def _within(rows: int, starts: IntArray) -> NDArray[np.bool_]:
    """Return `(rows - 1,)` bool: whether a row and the one after it are of one series."""
    within = np.ones(max(rows - 1, 0), dtype=bool)
    within[starts[1:-1] - 1] = False
    return within


def _refuse_ages(before: Times, after: Times) -> None:
    days = (after.astype("M8[D]") - before.astype("M8[D]")).astype(np.int64)
    far = np.flatnonzero(np.abs(days) > _AGE)
    if len(far):
        years = before[far[0]].astype("M8[Y]"), after[far[0]].astype("M8[Y]")
        raise DataError(
            f"the times of the years {years[0]} and {years[1]} are too far apart to count the "
            f"steps between them; leave out the rows of one of them"
        )


def _distances(times: Times) -> IntArray:
    return np.diff(times).astype(np.int64)


def _month_steps(count: int, times: Times) -> list[Step]:
    days = (times.astype("M8[D]") - times.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1
    # Ends first: where all rows stand on the last day, the next one does too.
    candidates = (31, _most_frequent(days), int(days.max()))
    return [Step("month", count, day=day) for day in dict.fromkeys(candidates)]


def _followed_most(candidates: list[Step], times: Times, starts: IntArray) -> Step:
    def breaks(step: Step) -> int:
        counts, exact = steps_of_rows(step, times, starts)
        follows = exact & (counts == 1)
        follows[starts[:-1]] = exact[starts[:-1]]
        return int((~follows).sum())

    return min(candidates, key=breaks)


def _on_day(step: Step, dates: Times) -> NDArray[np.bool_]:
    months = dates.astype("M8[M]")
    days = (dates - months.astype("M8[D]")).astype(np.int64) + 1
    length = ((months + 1).astype("M8[D]") - months.astype("M8[D]")).astype(np.int64)
    return np.asarray(days == np.minimum(step.day or 31, length))


def _most_frequent(numbers: IntArray) -> int:
    values, counts = np.unique(numbers, return_counts=True)
    return int(values[np.argmax(counts)])
