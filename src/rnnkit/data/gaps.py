"""Rows put in where times of a regular series are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.cells import Place
from rnnkit.data.grid import steps_of_rows
from rnnkit.data.grouping import Rows
from rnnkit.data.panel import MISSING, IntArray, Panel
from rnnkit.data.times import show_time
from rnnkit.errors import DataError
from rnnkit.messages import Message, Value

# Below this share, missing business days are what holidays leave.
_HOLIDAYS = 0.1


def with_missing_times(
    rows: Rows, step: Step, ids: Sequence[str], place: Place
) -> tuple[Rows, tuple[Message, ...]]:
    """Return rows that follow the step: missing times put in, as rows without a value.

    Each series must stand on the grid of the step from its own first row; two series may stand on
    different ones, such as weeks on Mondays and on Wednesdays.

    Args:
        rows: with times, series after series, strictly ascending.
        step: the step.
        ids: the names of the series, by their numbers.
        place: names the row at a position of the table, for messages.

    Raises:
        DataError: naming the first row off the grid; if more rows would be put in than there are,
            naming the first that has a gap before it.
    """
    assert rows.times is not None
    starts = rows.starts
    counts, exact = steps_of_rows(step, rows.times, starts)
    inner = np.ones(len(counts), dtype=bool)
    inner[starts[:-1]] = False
    missing = np.where(inner, counts - 1, 0)
    total = int(missing.sum())
    off = np.flatnonzero(~exact)
    if len(off):
        _refuse(rows, int(off[0]), step, place, f"{len(off)} of {len(counts)} rows break the step")
    if total > len(counts):
        first = int((missing > 0).argmax())
        _refuse(rows, first, step, place, f"{total} rows are missing where {len(counts)} are given")
    if not total:
        return rows, ()
    position = np.arange(len(counts)) + np.cumsum(missing)
    filled = spread(rows, position, len(counts) + total)
    times = fill_times(rows.times, position, len(counts) + total, step)
    return replace(filled, times=times), (_note(filled.origin, filled.series, times, step, ids),)


def spread(rows: Rows, position: IntArray, size: int) -> Rows:
    """Return `size` rows with those given at `position`; the others hold no values, nor times.

    A row put in belongs to the series of the row before it.
    """
    source = np.full(size, -1, dtype=np.int64)
    source[position] = np.arange(len(position))
    empty = source < 0
    copied = rows.take(np.maximum.accumulate(source))
    copied.values[empty] = np.nan
    copied.numbers[empty] = np.nan
    copied.codes[empty] = MISSING
    copied.origin[empty] = -1
    return copied


def fill_times(times: Times, position: IntArray, size: int, step: Step) -> Times:
    """Return `(size,)` times: those given at `position`, and between them the steps from each."""
    filled = np.empty(size, dtype="M8[ns]")
    filled[position] = times
    following = np.diff(position, append=size)
    for row in np.flatnonzero(following > 1).tolist():
        first, count = int(position[row]) + 1, int(following[row]) - 1
        filled[first : first + count] = step.advance(times[row], count)
    return filled


def carry_statics(panel: Panel) -> Panel:
    """Return the panel with static covariates that are missing as on the row before in the series.

    Where a series begins without one it stays missing.
    """
    numbers, codes = panel.numbers.copy(), panel.codes.copy()
    columns = iter(numbers.T), iter(codes.T)
    for covariate in panel.covariates:
        is_number = covariate.labels is None
        cells = next(columns[0]) if is_number else next(columns[1])
        if covariate.role == "static":
            present = ~np.isnan(cells) if is_number else cells != MISSING
            cells[:] = cells[_last_present(np.asarray(present), panel.starts)]
    return replace(panel, numbers=numbers, codes=codes)


def _last_present(present: NDArray[np.bool_], starts: IntArray) -> IntArray:
    """Return `(R,)` the last present row of its series up to each row; itself where none is."""
    rows = np.arange(len(present))
    last = np.maximum.accumulate(np.where(present, rows, -1))
    return np.where(last >= np.repeat(starts[:-1], np.diff(starts)), last, rows)


def _note(
    origin: IntArray, series: IntArray, times: Times, step: Step, ids: Sequence[str]
) -> Message:
    empty = origin < 0
    count, first = int(empty.sum()), int(empty.argmax())
    some = len(np.unique(series[empty]))
    values: dict[str, Value] = {
        "count": count,
        "rows": len(empty),
        "time": show_time(times[first]),
        "some": some,
        "series": len(ids),
        "id": ids[series[first]],
    }
    if len(ids) > 1:
        template = (
            "Missing times: {count:,} of {rows:,}, in {some:,} of {series:,} series, the first "
            "{time} in {id}; rows without a value stand in for them."
        )
    elif step.kind == "business day" and count < _HOLIDAYS * len(empty):
        template = (
            "Missing business days, as on holidays: {count:,} of {rows:,}, the first {time}; rows "
            "without a value stand in for them."
        )
    else:
        template = (
            "Missing times: {count:,} of {rows:,}, the first {time}; rows without a value stand in "
            "for them."
        )
    return Message(template, values)


def _refuse(rows: Rows, row: int, step: Step, place: Place, count: str) -> NoReturn:
    assert rows.times is not None
    if row in rows.starts:
        _, expected = step.breaks(rows.times[row : row + 1])
        after = ""
    else:
        expected = step.advance(rows.times[row - 1], 1)
        name = step.name if step.name[0].isdigit() else f"one {step.name}"
        after = f", {name} after the row before it"
    raise DataError(
        f"{place(int(rows.origin[row]))} is at {show_time(rows.times[row])} where "
        f"{show_time(expected[0])} was expected{after} ({count}): bring the rows to a regular step,"
        f" or leave the time out and give the order of the rows to count them instead"
    )
