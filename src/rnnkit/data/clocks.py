"""The time columns of a table on one clock, whatever summer time does to it.

Steps of a day and more are counted on the calendar of the place, so their times stay local. Shorter
ones are counted by a clock that never jumps: UTC, or the UTC offset of the oldest row.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.cells import Cells, Place
from rnnkit.data.columns import Columns
from rnnkit.data.grid import step_of_words, telling_rows
from rnnkit.data.panel import Clock
from rnnkit.data.times import clock_times, show_offset, show_time
from rnnkit.data.times_parts import times_of_parts
from rnnkit.errors import ConfigError, DataError, closest
from rnnkit.messages import Message

IntArray = NDArray[np.int64]

_DAY = 86_400 * 10**9
# Longer than any clock is put back, shorter than the time between two such nights.
_ONE_NIGHT = np.timedelta64(12, "h")


@dataclass(frozen=True, eq=False)
class ClockTimes:
    """The times of the rows of a table, on one clock.

    Args:
        times: `(N,)` datetime64[ns].
        offset: as for `Clock`.
        zone: as for `Clock`.
        notes: what was found and done about it.
    """

    times: Times
    offset: str
    zone: str
    notes: tuple[Message, ...]


def read_clock(
    cells: Mapping[str, Cells],
    columns: Columns,
    *,
    place: Place,
    series: IntArray,
    like: Clock | None = None,
    telling: float = 1.0,
) -> ClockTimes:
    """Return the times of a table on one clock.

    Times with one UTC offset stay on its clock. Where the offset changes, times of steps below a
    day are converted to that of the oldest row, which no later row can change; times of longer
    steps stay as they are written. With a time zone, the
    times are read on its clock and converted to UTC, unless the step is a day or more. An hour that
    the clock repeats is told apart by the order of the rows; one that stands only once is taken as
    summer time.

    Args:
        cells: the time columns.
        columns: what the columns are; `time` names at least one.
        place: names the row at a position, for messages.
        series: `(N,)` the number of each row's series.
        like: the clock that the times must be on; `None` for any.
        telling: the share of rows, the oldest, that tell whether a step is a day or more.

    Raises:
        DataError: as `clock_times` and `times_of_parts`; if the zone skips a time, naming its row;
            if rows out of order leave open which of two repeated hours is meant; if the times tell
            no UTC offset and those of `like` do, or the other way round.
        ConfigError: if there is no such time zone, or it is not that of `like`.
    """
    if like is not None and like.zone != (columns.time_zone or ""):
        raise ConfigError(
            f"time_zone must be {like.zone or 'left out'}, as it was for the known rows, got "
            f"{columns.time_zone!r}"
        )
    step = like.step if like is not None else None
    if step is None and columns.step is not None:
        step = step_of_words(columns.step)
    notes: list[Message] = []
    name = columns.time[0]
    if len(columns.time) > 1:
        chosen = {column: cells[column] for column in columns.time}
        times, note = times_of_parts(chosen, place=place, step=step, series=series)
        offsets = None
        notes.append(note)
    else:
        times, offsets = clock_times(
            cells[name], column=name, place=place, step=step, series=series
        )
    plain = offsets is None and columns.time_zone is None
    if plain and (like is None or not like.offset):
        return ClockTimes(times, "", "", tuple(notes))
    local = _are_days(times, series, step, telling)
    if columns.time_zone is not None:
        zone = _zone(columns.time_zone)
        if not local and offsets is None:
            times, repeated = _localised(times, zone, series, place)
            if repeated:
                notes.append(
                    Message(
                        "Times that the clock of {zone} shows twice as summer time ends, told "
                        "apart by their order: {count:,}.",
                        {"zone": zone.key, "count": repeated},
                    )
                )
        elif not local and offsets is not None:
            times = times - offsets.astype("m8[ns]")
        return ClockTimes(times, "", zone.key, tuple(notes))
    times, offset, changes = _on_one_offset(times, offsets, local, like, name)
    return ClockTimes(times, offset, "", (*notes, *changes))


def _on_one_offset(
    times: Times, offsets: IntArray | None, local: bool, like: Clock | None, column: str
) -> tuple[Times, str, tuple[Message, ...]]:
    """Return times of no zone on the clock of one UTC offset, the offset, and notes.

    Either the times have offsets, or those of `like` have one.
    """
    if like is not None and local:
        return times, like.offset, ()
    if offsets is None or (like is not None and not like.offset):
        raise DataError(
            f"column {column!r} tells {'no' if offsets is None else 'a'} UTC offset, unlike "
            f"the times of the known rows; write all times alike"
        )
    if like is not None:
        # Both are clocks without summer time: the difference between them is the same everywhere.
        moved = times - offsets.astype("m8[ns]")
        return moved + pd.Timedelta(_parse_offset(like.offset)).to_timedelta64(), like.offset, ()
    instants = times - offsets.astype("m8[ns]")
    oldest = offsets[instants.argmin()]
    values = {"column": column, "first": show_offset(oldest)}
    changed = np.flatnonzero(offsets != oldest)
    if not len(changed):
        return times, values["first"], ()
    values["other"] = show_offset(offsets[changed[0]])
    if local:
        template = (
            "The UTC offset in {column} changes, such as from {first} to {other}: the days are "
            "those of the clock as written."
        )
        return times, "", (Message(template, values),)
    template = (
        "The UTC offset in {column} changes, such as from {first} to {other}: all times are on the "
        "clock of {first}, that of the oldest row."
    )
    return instants + oldest.astype("m8[ns]"), values["first"], (Message(template, values),)


def _parse_offset(offset: str) -> int:
    """Return the nanoseconds of an offset that `show_offset` wrote."""
    hours, minutes, *rest = (int(part) for part in offset[1:].split(":"))
    seconds = 3600 * hours + 60 * minutes + sum(rest)
    return (-seconds if offset[0] == "-" else seconds) * 10**9


def _are_days(times: Times, series: IntArray, step: Step | None, telling: float) -> bool:
    """Tell whether most of the older rows of a series are a day or more apart."""
    if step is not None:
        return step.kind != "nanosecond" or step.count >= _DAY
    older = telling_rows(times.astype(np.int64), telling)
    times, series = times[older], series[older]
    order = np.lexsort((times, series))
    gaps = np.diff(times[order]).astype(np.int64)[np.diff(series[order]) == 0]
    found, counts = np.unique(gaps[gaps > 0], return_counts=True)
    if not len(found):
        return bool((times == times.astype("M8[D]")).all())
    return bool(found[counts.argmax()] >= _DAY)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = closest(name, zoneinfo.available_timezones())
    raise ConfigError(f"time_zone must be a zone such as Europe/Berlin, got {name!r}{hint}")


def _localised(
    times: Times, zone: zoneinfo.ZoneInfo, series: IntArray, place: Place
) -> tuple[Times, int]:
    """Return times on a zone's clock in UTC, and how many of them the clock shows twice."""
    index = pd.DatetimeIndex(times)

    def read(summer: bool) -> Times:
        flags = np.full(len(times), summer)
        aware = index.tz_localize(zone, ambiguous=flags, nonexistent="NaT")
        return np.asarray(aware.tz_convert("UTC").tz_localize(None).to_numpy(), dtype="M8[ns]")

    early, late = read(True), read(False)
    skipped = np.flatnonzero(np.isnat(early))
    if len(skipped):
        row = int(skipped[0])
        raise DataError(
            f"{place(row)} is at {show_time(times[row])}, which the clock of {zone.key} skips as "
            f"summer time begins (rows at such times: {len(skipped)}); correct them, or leave "
            f"time_zone out"
        )
    twofold = early != late
    if not twofold.any():
        return early, 0
    second = _second_passes(times, series, twofold, zone.key, place)
    return np.where(second, late, early), int(twofold.sum())


def _second_passes(
    times: Times, series: IntArray, twofold: NDArray[np.bool_], zone: str, place: Place
) -> NDArray[np.bool_]:
    """Return `(N,)` bool, true for the rows after the clock was put back."""
    order = np.argsort(series, kind="stable")
    once = order[~twofold[order]]
    distances = np.diff(times[once]).astype(np.int64)[np.diff(series[once]) == 0]
    rows = order[twofold[order]]
    second = np.zeros(len(times), dtype=bool)
    if not (distances >= 0).all():
        if not (distances <= 0).all():
            _refuse_unordered(times, series, rows, zone, place)
            return second
        rows = rows[::-1]  # newest first
    same_series = np.diff(series[rows]) == 0
    spans = np.diff(times[rows])
    # A fold: the rows of one series in one night.
    new_fold = np.concatenate([[True], ~same_series | (np.abs(spans) > _ONE_NIGHT)])
    back = np.concatenate([[False], spans <= np.timedelta64(0)]) & ~new_fold
    passed = np.cumsum(back)
    first_of_fold = np.maximum.accumulate(np.where(new_fold, np.arange(len(rows)), 0))
    second[rows] = passed > passed[first_of_fold]
    return second


def _refuse_unordered(
    times: Times, series: IntArray, rows: IntArray, zone: str, place: Place
) -> None:
    """Refuse twofold times that stand twice in a series of which the rows are not in order."""
    order = rows[np.lexsort((times[rows], series[rows]))]
    doubled = (np.diff(series[order]) == 0) & (np.diff(times[order]) == np.timedelta64(0))
    if doubled.any():
        position = int(doubled.argmax())
        first, other = sorted(int(row) for row in order[position : position + 2])
        raise DataError(
            f"{place(first)} and {place(other)} are both at {show_time(times[first])}, which the "
            f"clock of {zone} shows twice, and rows out of order do not tell which came first; "
            f"sort the rows, or write the times with their UTC offset"
        )
