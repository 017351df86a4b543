"""The rows of a table as series, each of them oldest row first and no time twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Times
from rnnkit.data.cells import Cells, Place
from rnnkit.data.columns import Order
from rnnkit.data.kinds import holds_numbers
from rnnkit.data.numerals import parse_numbers
from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.data.times import show_time
from rnnkit.errors import DataError
from rnnkit.messages import Message, Value

# Rows that are in order only with day and month exchanged, from which it is told that they are.
_EXCHANGED = 12
# Of the rows that are nearer to one neighbour, the share that must agree on which, and by how many
# standard deviations of a fair coin.
_CLEAR_SHARE = 0.6
_CLEAR_SCORE = 3.0


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one or many series with their cells parsed.

    Args:
        series: `(N,)` the number of each row's series; ascending once the rows are in order.
        origin: `(N,)` the row of the table that it came from; -1 for a row that was put in.
        values: `(N, K)` float64, the targets, NaN where missing.
        numbers: `(N, P)` float64, the covariates of numbers, NaN where missing.
        codes: `(N, Q)` int32, the covariates of labels, `MISSING` where missing.
        times: `(N,)` datetime64[ns]; `None` for rows without times.
    """

    series: IntArray
    origin: IntArray
    values: FloatArray
    numbers: FloatArray
    codes: NDArray[np.int32]
    times: Times | None

    def take(self, rows: IntArray | NDArray[np.bool_]) -> Rows:
        """Return these rows, in this order."""
        return Rows(
            series=self.series[rows],
            origin=self.origin[rows],
            values=self.values[rows],
            numbers=self.numbers[rows],
            codes=self.codes[rows],
            times=None if self.times is None else self.times[rows],
        )

    @property
    def starts(self) -> IntArray:
        """`(S + 1,)` the first row of each series, and `N`, of rows in order."""
        changes = np.flatnonzero(np.diff(self.series)) + 1
        return np.concatenate([[0], changes, [len(self.series)]]).astype(np.int64)


def sorted_by_time(
    rows: Rows, order: Order | None, place: Place
) -> tuple[Rows, tuple[Message, ...]]:
    """Return rows with times, series after series, oldest first; rows of equal time as they stood.

    Args:
        rows: in the order of the table.
        order: in which the rows of each series must stand; `None` for any.
        place: names the row at a position, for messages.

    Raises:
        DataError: if rows are not in the order given, naming one; if they would be in order with
            day and month exchanged wherever both can be either.
    """
    assert rows.times is not None
    grouped = np.argsort(rows.series, kind="stable")
    distances = np.diff(rows.times[grouped]).astype(np.int64)
    distances[np.diff(rows.series[grouped]) != 0] = 0
    backward, forward = distances < 0, distances > 0
    wrong = {"oldest-first": backward, "newest-first": forward, None: backward[:0]}[order]
    if wrong.any():
        position = int(wrong.argmax()) + 1
        row, above = int(grouped[position]), int(grouped[position - 1])
        raise DataError(
            f"order is {order}, but {place(row)} is at {show_time(rows.times[row])} and "
            f"{place(above)} above it at {show_time(rows.times[above])}; leave order out to have "
            f"the rows sorted"
        )
    if not backward.any():
        return rows.take(grouped), ()
    if forward.any():
        _refuse_exchanged(rows, grouped, place)
    values = {"count": int(backward.sum()), "rows": len(grouped)}
    if forward.any():
        note = Message(
            "The rows were sorted by time; earlier than the row above them: {count:,} of {rows:,}.",
            values,
        )
    else:
        note = Message("The rows are newest first and were turned round.")
    return rows.take(np.lexsort((rows.times, rows.series))), (note,)


def _refuse_exchanged(rows: Rows, grouped: IntArray, place: Place) -> None:
    """Refuse rows out of order that are in order if day and month are exchanged where they can be.

    A spreadsheet that reads 5/3 as the fifth of March, and cannot read 15/3 so, writes such a file:
    over a year the wrong dates are a permutation of the right ones, and no gap shows it.
    """
    assert rows.times is not None
    times = rows.times[grouped]
    months = times.astype("M8[M]")
    days = (times.astype("M8[D]") - months.astype("M8[D]")).astype(np.int64) + 1
    years = months.astype("M8[Y]")
    month = (months - years.astype("M8[M]")).astype(np.int64) + 1
    other = np.flatnonzero((days <= 12) & (days != month))
    exchanged = times.copy()
    turned = years[other].astype("M8[M]") + (days[other] - 1)
    of_day = times[other] - times[other].astype("M8[D]")
    exchanged[other] = turned.astype("M8[D]") + (month[other] - 1) + of_day
    steps = np.diff(exchanged).astype(np.int64)[np.diff(rows.series[grouped]) == 0]
    # Few rows may be in order by chance.
    if len(other) < _EXCHANGED or not ((steps > 0).all() or (steps < 0).all()):
        return
    raise DataError(
        f"the rows are out of order, but would be in order with day and month exchanged in "
        f"{len(other)} of {len(times)} rows, such as {place(int(grouped[other[0]]))}, read as "
        f"{show_time(times[other[0]])}; write all dates as year-month-day"
    )


def in_order(
    rows: Rows, order: Order | None, evidence: Message | None
) -> tuple[Rows, tuple[Message, ...]]:
    """Return rows without times, series after series, oldest first.

    Args:
        rows: in the order of the table.
        order: the order of the rows of each series; `None` for oldest first, by default.
        evidence: why `order` is taken, where it was found; `None` where it was given.
    """
    grouped = np.argsort(rows.series, kind="stable")
    if order == "newest-first":
        grouped = np.argsort(rows.series[::-1], kind="stable")
        grouped = len(grouped) - 1 - grouped
    if order is not None:
        return rows.take(grouped), () if evidence is None else (evidence,)
    return rows.take(grouped), (Message("The rows tell no times: they are taken oldest first."),)


def row_moments(series: IntArray, times: Times | None, order: Order | None) -> IntArray:
    """Return `(N,)` int64 by which rows are older than others.

    Args:
        series: `(N,)` the number of each row's series.
        times: `(N,)` of the rows; `None` for rows without times.
        order: of rows without times; `None` for oldest first.

    Returns:
        The times; without them, each series from -1, its newest row, downwards: their last rows are
        taken as of the same time.

    Example:
        >>> row_moments(np.array([0, 0, 1, 0, 1]), None, "newest-first").tolist()
        [-1, -2, -1, -3, -2]
    """
    if times is not None:
        return np.asarray(times.astype(np.int64))
    ranks = row_ranks(series)
    return -1 - ranks if order == "newest-first" else ranks - np.bincount(series)[series]


def row_ranks(series: IntArray) -> IntArray:
    """Return `(N,)` how many rows of its series stand above each row.

    Example:
        >>> row_ranks(np.array([0, 0, 1, 0, 1])).tolist()
        [0, 1, 0, 2, 1]
    """
    grouped = np.argsort(series, kind="stable")
    counts = np.bincount(series)
    ranks = np.empty(len(series), dtype=np.int64)
    ranks[grouped] = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return ranks


def find_order(
    cells: Mapping[str, Cells], series: IntArray, place: Place
) -> tuple[Order, Message] | None:
    """Return the order of rows that prices tell, and the evidence, or `None`.

    The price at which trading opens lies near that of the close before. Where there is a column of
    opens and one of closes, and clearly more rows open nearer to the close of the row below than to
    that of the row above, the rows are newest first; the other way round, they are oldest first.

    Args:
        cells: all columns of the table.
        series: `(N,)` the number of each row's series.
        place: names the row at a position, for messages.

    Raises:
        DataError: if one of them holds numbers but for a few cells.
    """
    found = _column(cells, "open"), _column(cells, "close")
    if found[0] is None or found[1] is None:
        return None
    named = (found[0], found[1])
    if not all(holds_numbers(cells[name], column=name, place=place) for name in named):
        return None
    opens, closes = (
        parse_numbers(cells[name], column=name, place=place, missing=True) for name in named
    )
    grouped = np.argsort(series, kind="stable")
    opens, closes, series = opens[grouped], closes[grouped], series[grouped]
    inner = series[2:] == series[:-2]
    below = np.abs(opens[1:-1] - closes[2:])[inner]
    above = np.abs(opens[1:-1] - closes[:-2])[inner]
    nearer_below, nearer_above = int((below < above).sum()), int((above < below).sum())
    rows = nearer_below + nearer_above
    most = max(nearer_below, nearer_above)
    if not rows or most < _CLEAR_SHARE * rows or 2 * most - rows < _CLEAR_SCORE * rows**0.5:
        return None
    values: dict[str, Value] = {"count": most, "rows": rows, "open": named[0], "close": named[1]}
    if nearer_below > nearer_above:
        return "newest-first", Message(
            "The rows tell no times: they are taken newest first, since in {count:,} of {rows:,} "
            "rows {open} is nearer to {close} of the row below than of the row above.",
            values,
        )
    return "oldest-first", Message(
        "The rows tell no times: they are taken oldest first, since in {count:,} of {rows:,} rows "
        "{open} is nearer to {close} of the row above than of the row below.",
        values,
    )


def without_doubles(rows: Rows) -> tuple[Rows, IntArray, tuple[Message, ...]]:
    """Return rows of which no two stand at one time and are equal in every cell.

    Args:
        rows: sorted by series and time.

    Returns:
        The rows, the first of equal ones kept; the positions in them of rows that stand at the time
        of the row before them, but differ from it; what was done.
    """
    assert rows.times is not None
    same_time = (np.diff(rows.series) == 0) & (np.diff(rows.times) == np.timedelta64(0))
    after = np.flatnonzero(same_time) + 1
    if not len(after):
        return rows, after, ()
    first, second = rows.take(after - 1), rows.take(after)
    equal = (
        _equal(first.values, second.values)
        & _equal(first.numbers, second.numbers)
        & (first.codes == second.codes).all(axis=1)
    )
    keep = np.ones(len(rows.series), dtype=bool)
    keep[after[equal]] = False
    differing = np.zeros(len(rows.series), dtype=bool)
    differing[after] = True
    notes = [
        Message(
            "Left out, since they repeat a row of the same time in every column that is read: "
            "{count:,} of {rows:,} rows.",
            {"count": int(equal.sum()), "rows": len(keep)},
        )
    ]
    return rows.take(keep), np.flatnonzero(differing[keep]), tuple(notes if equal.any() else ())


def _column(names: Mapping[str, Cells], word: str) -> str | None:
    """Return the column called `word`, or the only one with this word in its name."""
    found = [name for name in names if word in re.findall(r"[^\W\d_]+", name.casefold())]
    exact = [name for name in found if name.strip().casefold() == word]
    best = exact or found
    return best[0] if len(best) == 1 else None


def _equal(first: FloatArray, second: FloatArray) -> NDArray[np.bool_]:
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return np.asarray(same.all(axis=1))
