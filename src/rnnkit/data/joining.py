"""Rows that arrived since, behind those that are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Times
from rnnkit.data.edges import cut_starts, ranges
from rnnkit.data.gaps import carry_statics, fill_times
from rnnkit.data.grid import steps_between
from rnnkit.data.panel import MISSING, IntArray, Panel
from rnnkit.data.times import show_time
from rnnkit.errors import DataError
from rnnkit.messages import Message, Value

Array = TypeVar("Array", NDArray[np.float64], NDArray[np.int32])


@dataclass(frozen=True, eq=False)
class _Match:
    """Where the rows of both panels stand in the series of the joined one.

    Positions count rows from the first known row of a series, or from the first new one of a series
    that is not known.

    Args:
        ids: `J` names of the joined series: the known ones, then those that are new.
        known: `(J,)` rows of the known series, future ones included; 0 for a new series.
        past: `(J,)` those of them that are no future rows.
        new: `(J,)` rows of the new series; 0 for a series without new rows.
        source: `(J,)` the number of the series in the new panel; -1 for one without new rows.
        offset: `(J,)` position of the first new row.
    """

    ids: tuple[str, ...]
    known: IntArray
    past: IntArray
    new: IntArray
    source: IntArray
    offset: IntArray

    @property
    def begins(self) -> IntArray:
        """`(J,)` position of the first row."""
        return np.minimum(self.offset, 0)

    @property
    def lengths(self) -> IntArray:
        """`(J,)` rows of the joined series."""
        return np.asarray(np.maximum(self.known, self.offset + self.new) - self.begins)


def join_panels(known: Panel, new: Panel) -> Panel:
    """Return the known rows and those of `new` as one panel, series by their names.

    With times, new rows follow the known ones of their series or overlap them. A gap between them
    is filled with rows without a value if it is shorter than the known rows of the series. Where
    both have a row, the cells of the new one stand, unless they are missing. Without times, the
    new rows of a series follow its last known row. Series that are not known are added, without the
    rows before each target has a value.

    Ticks of known series stay. New series get theirs from their times, or without times are aligned
    at the last known row of all. The notes are those of `new` and of joining.

    Args:
        known: read before.
        new: read with `like=known`.

    Raises:
        DataError: if targets, covariates, step or clock differ; if one panel is a single series and
            the other is not; if the new rows of a series stand at other times than the step leads
            to, end before the known ones begin, or leave too long a gap; if the rows that a single
            series has in both panels are mostly different, so that it is another series.

    Example:
        >>> import pandas as pd
        >>> from rnnkit.data.assemble import read_panel
        >>> from rnnkit.data.columns import Columns
        >>> known = read_panel(pd.DataFrame({"Sold": [7, 8, 6]}), Columns(order="oldest-first"))
        >>> new = read_panel(
        ...     pd.DataFrame({"Sold": [9]}), Columns(order="oldest-first"), like=known
        ... )
        >>> join_panels(known, new).values[:, 0].tolist()
        [7.0, 8.0, 6.0, 9.0]
    """
    check_alike(known, new)
    match = _match(known, new)
    _check_reach(known, new, match)
    starts = np.concatenate([[0], np.cumsum(match.lengths)]).astype(np.int64)
    zero = starts[:-1] - match.begins
    old = ranges(zero, match.known)
    has_new = match.new > 0
    arrived = ranges((zero + match.offset)[has_new], match.new[has_new])
    picked = ranges(new.starts[match.source[has_new]], match.new[has_new])
    place = _Places(old, arrived, picked, int(starts[-1]))
    new_known = np.where(has_new, new.known[match.source], 0)
    last = np.maximum(match.past, np.where(new_known > 0, match.offset + new_known, 0))
    joined = replace(
        known,
        ids=match.ids,
        starts=starts,
        known=last - match.begins,
        values=place.merged(known.values, new.values, np.nan),
        numbers=place.merged(known.numbers, new.numbers, np.nan),
        codes=place.merged(known.codes, new.codes, MISSING),
        times=_joined_times(known, new, place),
        notes=(),
    )
    joined = replace(joined, ticks=_ticks(known, joined, match))
    notes = (*new.notes, *_notes(known, new, joined, match, place))
    return cut_starts(replace(carry_statics(joined), notes=notes))


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the rows of both panels stand in the joined one.

    Args:
        old: the rows that the known ones take.
        arrived: the rows that new ones take.
        picked: those new ones.
        size: rows of the joined panel.
    """

    old: IntArray
    arrived: IntArray
    picked: IntArray
    size: int

    def merged(self, known: Array, new: Array, empty: float) -> Array:
        """Return `(size, ...)` the known cells, and the new ones where they are not missing."""
        table = np.full((self.size, known.shape[1]), empty, dtype=known.dtype)
        table[self.old] = known
        cells = new[self.picked]
        is_missing = np.isnan(cells) if np.isnan(empty) else cells == empty
        table[self.arrived] = np.where(is_missing, table[self.arrived], cells)
        return table

    @property
    def empty(self) -> IntArray:
        """The rows that neither panel has."""
        is_empty = np.ones(self.size, dtype=bool)
        is_empty[self.old] = is_empty[self.arrived] = False
        return np.flatnonzero(is_empty)


def check_alike(known: Panel, new: Panel) -> None:
    """Raise DataError unless both panels have the same targets, covariates, step and clock."""
    if known.is_single != new.is_single:
        one = "one series without a name"
        many = "series with names"
        raise DataError(
            f"{known.name} holds {one if known.is_single else many}, but {new.name} holds "
            f"{one if new.is_single else many}; read both with the same columns"
        )
    clocks = [
        panel.clock and (panel.clock.step, panel.clock.offset, panel.clock.zone)
        for panel in (known, new)
    ]
    for what, same in (
        ("targets", known.targets == new.targets),
        ("covariates", known.covariates == new.covariates),
        ("step and clock", clocks[0] == clocks[1]),
    ):
        if not same:
            raise DataError(
                f"the {what} of {new.name} are not those of {known.name}; read the new rows like "
                f"the known ones"
            )


def _match(known: Panel, new: Panel) -> _Match:
    number = {name: position for position, name in enumerate(new.ids)}
    old = set(known.ids)
    added = [name for name in new.ids if name not in old]
    ids = (*known.ids, *added)
    source = np.array([number.get(name, -1) for name in ids], dtype=np.int64)
    lengths = np.where(source >= 0, np.diff(new.starts)[source], 0)
    no_rows = np.zeros(len(added), dtype=np.int64)
    past = np.concatenate([known.known, no_rows])
    offset = past.copy()
    both = np.flatnonzero(source[: len(known.ids)] >= 0)
    if known.times is not None and new.times is not None and known.clock is not None:
        before = known.times[known.starts[both]]
        after = new.times[new.starts[source[both]]]
        offset[both], exact = steps_between(known.clock.step, before, after)
        wrong = np.flatnonzero(~exact)
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{new.name}{_of(ids[both[row]])} begins at {show_time(after[row])}, to which no "
                f"number of steps ({known.step_name}) leads from the known rows, such as "
                f"{show_time(before[row])}; the times of both must be on one grid"
            )
    return _Match(
        ids=ids,
        known=np.concatenate([np.diff(known.starts), no_rows]),
        past=past,
        new=lengths,
        source=source,
        offset=offset,
    )


def _check_reach(known: Panel, new: Panel, match: _Match) -> None:
    """Refuse new rows of a known series that lie before it, or too far after it."""
    continued = (match.new > 0) & (match.known > 0)
    before = np.flatnonzero(continued & (match.offset + match.new <= 0))
    far = np.flatnonzero(continued & (match.offset - match.past >= match.past))
    if known.times is None or new.times is None:
        return
    for s in before[:1].tolist():
        first = known.times[known.starts[s]]
        raise DataError(
            f"{new.name}{_of(match.ids[s])} ends before the known rows begin, at "
            f"{show_time(first)}; give the rows that follow them"
        )
    for s in far[:1].tolist():
        last = known.times[known.ends[s] - 1]
        first = new.times[new.starts[match.source[s]]]
        raise DataError(
            f"{new.name}{_of(match.ids[s])} begins at {show_time(first)}, "
            f"{int(match.offset[s] - match.past[s])} steps ({known.step_name}) after the last of "
            f"the {int(match.past[s])} known rows at {show_time(last)}; give the rows between"
        )


def _joined_times(known: Panel, new: Panel, place: _Places) -> Times | None:
    if known.times is None or new.times is None or known.clock is None:
        return None
    times = np.full(place.size, np.datetime64("NaT", "ns"))
    times[place.old] = known.times
    times[place.arrived] = new.times[place.picked]
    # Each series begins with a row of one of the panels.
    present = np.flatnonzero(~np.isnat(times))
    return fill_times(times[present], present, place.size, known.clock.step)


def _ticks(known: Panel, joined: Panel, match: _Match) -> IntArray:
    """Return `(J,)` the ticks of the first rows."""
    count = len(known.ids)
    ticks = np.empty(len(match.ids), dtype=np.int64)
    ticks[:count] = known.ticks + match.begins[:count]
    if known.times is not None and joined.times is not None and known.clock is not None:
        begins = known.times[known.starts[:-1]]
        # The earliest time of the smallest tick: the one from which ticks are counted.
        origin = np.lexsort((begins, known.ticks))[0]
        first = joined.times[joined.starts[count:-1]]
        since = np.broadcast_to(begins[origin], first.shape)
        steps, _ = steps_between(known.clock.step, since, first)
        ticks[count:] = known.ticks[origin] + steps
    else:
        last = int((ticks[:count] + joined.known[:count]).max())
        ticks[count:] = last - joined.known[count:]
    return ticks


def _notes(known: Panel, new: Panel, joined: Panel, match: _Match, place: _Places) -> list[Message]:
    """Return what joining found; refuse a single series that is another one."""
    notes = []
    row_of = np.full(place.size, -1, dtype=np.int64)
    row_of[place.old] = np.arange(len(place.old))
    shared = row_of[place.arrived] >= 0
    before = known.values[row_of[place.arrived[shared]]]
    after = new.values[place.picked[shared]]
    told = ~(np.isnan(before) | np.isnan(after))
    differs = (told & (before != after)).any(axis=1)
    told_rows, revised = int(told.any(axis=1).sum()), int(differs.sum())
    if known.is_single and 2 * revised > told_rows:
        raise DataError(
            f"{new.name} differs from the known rows in {revised} of the {told_rows} rows that "
            f"both have; it seems to be another series"
        )
    if revised:
        template = (
            "Known rows that came again with other values: {count:,} of {rows:,}; the new values "
            "are taken."
        )
        notes.append(Message(template, {"rows": told_rows, "count": revised}))
    empty = place.empty
    if len(empty) and joined.times is not None:
        values: dict[str, Value] = {
            "count": len(empty),
            "time": show_time(joined.times[empty[0]]),
        }
        template = (
            "Times missing between the known rows and the new ones: {count:,}, the first {time}; "
            "rows without a value stand in for them."
        )
        notes.append(Message(template, values))
    added = len(match.ids) - len(known.ids)
    if added:
        template = "Series that were not known: {count:,} of {series:,}, such as {id}."
        values = {"count": added, "series": len(match.ids), "id": match.ids[-1]}
        notes.append(Message(template, values))
    without = int((match.new == 0).sum())
    if without:
        template = "Series without new rows: {count:,} of {series:,}, such as {id}."
        example = match.ids[int((match.new == 0).argmax())]
        values = {"count": without, "series": len(match.ids), "id": example}
        notes.append(Message(template, values))
    return notes


def _of(name: str) -> str:
    return f", series {name!r}," if name else ""
