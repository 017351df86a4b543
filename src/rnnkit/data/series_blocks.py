"""Series of a file larger than memory, a block of them at a time, by the rules of `read_panel`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.cells import Place
from rnnkit.data.clocks import read_clock
from rnnkit.data.columns import Columns
from rnnkit.data.edges import cut_ends, cut_starts
from rnnkit.data.gaps import carry_statics, fill_times, spread, with_missing_times
from rnnkit.data.grid import (
    common_step,
    older_times,
    on_their_day,
    step_of_words,
    steps_between,
    steps_of_rows,
    telling_rows,
    ticks_told,
    told_ticks,
)
from rnnkit.data.grouped import Grouped
from rnnkit.data.grouping import Rows, in_order, sorted_by_time, without_doubles
from rnnkit.data.panel import MISSING, Clock, IntArray, Panel
from rnnkit.data.roles import check_statics, label_notes
from rnnkit.data.rows import with_room
from rnnkit.data.survey import Survey, row_place
from rnnkit.data.times import show_time
from rnnkit.errors import DataError
from rnnkit.messages import Message, Value

BLOCK = 1 << 18  # rows of whole series that are worked on at a time
_SHOWN = 10
_DAY = 86_400 * 10**9  # nanoseconds


class SeriesBlocks:
    """Blocks of series as panels; keeps what the whole panel needs of them.

    Args:
        path: of the file.
        columns: with targets and order.
        survey: of the file.
        grouped: its rows by series.
        like: a panel read before; `None` for none.
        telling: the share of rows, the oldest, that tell the step.

    Raises:
        DataError: if no series is long enough to see the step of its times.
    """

    def __init__(
        self,
        path: Path,
        columns: Columns,
        survey: Survey,
        grouped: Grouped,
        like: Panel | None,
        telling: float,
    ) -> None:
        self._columns = columns
        self._covariates = survey.covariates
        self._grouped = grouped
        self._counts = survey.counts
        self._like = like
        self._name = path.stem
        self._ids = survey.series.ids
        self._place = row_place(path, 0)
        self._is_local = survey.is_local
        self._begins_at = np.zeros(len(self._ids), dtype="M8[ns]")  # before rows are left out
        self._clock: Clock | None = None
        self.newest_of_step: int | None = None
        if survey.clock is not None:
            step = like.clock.step if like is not None and like.clock is not None else None
            step = self._find_step(survey.counts, str(path), telling) if step is None else step
            self._clock = Clock(step, columns.time, survey.clock.offset, survey.clock.zone)
        self._kept_series: list[int] = []
        self._lengths: list[IntArray] = []
        self._known: list[IntArray] = []
        self._begins: list[IntArray] = []
        self._found = _Found()
        self._time_notes = () if survey.clock is None else survey.clock.notes

    def read(self, first: int, last: int, room: int) -> Panel | None:
        """Return the series `first` to `last` as `read_panel` does, or `None` if none is kept.

        Args:
            first: number of the first series.
            last: number of the series after the last one.
            room: rows wanted after the known ones of each series.
        """
        rows = self._grouped.rows(first, last)
        if rows.times is None or self._clock is None:
            rows, _ = in_order(rows, self._columns.order, None)
        else:
            rows = self._on_the_grid(rows, self._clock)
            assert rows.times is not None
            self._begins_at[first:last] = rows.times[rows.starts[:-1]]
        check_statics(rows, self._covariates, self._ids, self._place)
        kept = self._kept(rows)
        if len(kept) < last - first:
            self._found.emptied += last - first - len(kept)
            self._found.an_empty = self._ids[int(np.setdiff1d(np.arange(first, last), kept)[0])]
        if not len(kept):
            return None
        rows = rows.take(np.isin(rows.series, kept))
        lengths = np.diff(rows.starts)
        panel = Panel(
            name=self._name,
            ids=tuple(self._ids[s] for s in kept),
            id_name=self._columns.series_id or "",
            starts=rows.starts,
            known=lengths,
            ticks=np.zeros_like(lengths),
            targets=self._columns.targets,
            values=rows.values,
            covariates=self._covariates,
            numbers=rows.numbers,
            codes=rows.codes,
            times=rows.times,
            clock=self._clock,
        )
        panel = cut_ends(carry_statics(panel), may_be_future=self._like is not None)
        self._found.ahead += int((np.diff(panel.starts) - panel.known).sum())
        self._found.after += int(lengths.sum()) - len(panel.values)
        if self._like is None:
            before = len(panel.values)
            panel = cut_starts(panel)
            self._found.before += before - len(panel.values)
        self._kept_series += kept.tolist()
        self._known.append(panel.known)
        self._begins.append(panel.ticks)  # the rows left out, since they began at 0
        panel = with_room(panel, room)
        self._lengths.append(np.diff(panel.starts))
        return panel

    def check(self) -> None:
        """Refuse a file of which no series was kept."""
        if not self._kept_series:
            targets = ", ".join(self._columns.targets)
            raise DataError(f"no series of {self._name} has a value of each target: {targets}")

    def panel(self, maps: dict[str, NDArray[Any]]) -> Panel:
        """Return the panel of all series that were read, of which `maps` are the arrays."""
        known, begins = np.concatenate(self._known), np.concatenate(self._begins)
        lengths = np.concatenate(self._lengths)
        if self._clock is None:
            ticks = known.max() - known
        else:
            at = self._begins_at[self._kept_series]
            since = np.broadcast_to(self._begins_at.min(), at.shape)
            ticks = begins + steps_between(self._clock.step, since, at)[0]
        return Panel(
            name=self._name,
            ids=tuple(self._ids[s] for s in self._kept_series),
            id_name=self._columns.series_id or "",
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            known=known,
            ticks=ticks,
            targets=self._columns.targets,
            values=maps["values"],
            covariates=self._covariates,
            numbers=maps["numbers"],
            codes=maps["codes"],
            times=maps.get("times"),
            clock=self._clock,
            notes=(
                *label_notes(self._covariates if self._like is None else ()),
                *self._time_notes,
                *self._found.notes(self._grouped.size, len(self._ids), self._grouped.missing),
            ),
        )

    def told_ticks(self, newest: int) -> int:
        """Return the ticks from the first row of the file to a moment, or a few more.

        Args:
            newest: the moment, as `row_moments` gives it, on the clock that the file shows.
        """
        if self._clock is None:
            rows = np.maximum(self._counts + newest + 1, 0)[self._kept_series]
            known = np.concatenate(self._known)
            ids = [self._ids[s] for s in self._kept_series]
            told = dict(zip(ids, rows.tolist(), strict=True))
            return ticks_told(ids, known.max() - known, told)
        earliest = int(self._begins_at.min().astype(np.int64))
        # The clock of a zone may be up to a day behind the one that the panel is on.
        return told_ticks(earliest, newest + self._is_local * _DAY, self._clock.step)

    def _find_step(self, counts: IntArray, source: str, telling: float) -> Step:
        """Return the step given, or that of the longest series, as many as make a block.

        The oldest rows of these tell it; `newest_of_step` is the moment of the newest of them.
        """
        chosen: list[Times] = []
        for s in np.argsort(-counts, kind="stable").tolist():
            if chosen and sum(map(len, chosen)) + counts[s] > BLOCK:
                break
            chosen.append(np.unique(self._grouped.times(s)))
        starts = np.concatenate([[0], np.cumsum([len(times) for times in chosen])])
        starts, times = starts.astype(np.int64), np.concatenate(chosen)
        newest = times[telling_rows(times.astype(np.int64), telling)].max()
        self.newest_of_step = int(newest.astype(np.int64))
        older, begins = older_times(times, starts, newest)
        if self._columns.step is not None:
            return on_their_day(step_of_words(self._columns.step), older, begins)
        longest = int(np.diff(starts).max())
        if longest < 3:
            raise DataError(
                f"{source} has {longest} rows{'' if len(self._ids) == 1 else ' in a series'}, but "
                f"at least 3 are needed to see the step of its times; give more rows, or the step"
            )
        return common_step(older, begins)

    def _on_the_grid(self, rows: Rows, clock: Clock) -> Rows:
        """Return rows with times in order, on one clock, at every step, and no time twice."""
        if self._is_local:
            name = clock.names[0]
            cells = {name: pd.Series(rows.times)}
            one = replace(self._columns, time=(name,))
            place = self._origin_place(rows)
            read = read_clock(cells, one, place=place, series=rows.series, like=clock)
            rows = replace(rows, times=read.times)
        given = len(rows.series)
        rows, sorting = sorted_by_time(rows, self._columns.order, self._origin_place(rows))
        for note in sorting:
            count = note.values.get("count", 0)
            self._found.sorted += count if isinstance(count, int) else 0
            self._found.turned = True
        rows, differing, _ = without_doubles(rows)
        assert rows.times is not None
        if len(differing):
            row = int(differing[0])
            pair = sorted(int(origin) for origin in rows.origin[row - 1 : row + 1])
            name = self._ids[int(rows.series[row])]
            raise DataError(
                f"{self._place(pair[0])} and {self._place(pair[1])} are both at "
                f"{show_time(rows.times[row])}{f' in series {name!r}' if name else ''} but differ; "
                f"each time may stand only once in a series: correct or remove one of the rows"
            )
        self._found.repeated += given - len(rows.series)
        counts, exact = steps_of_rows(clock.step, rows.times, rows.starts)
        if not exact.all():
            return with_missing_times(rows, clock.step, self._ids, self._place)[0]  # refuses a row
        counts[rows.starts[:-1]] = 1
        missing = int((counts - 1).sum())
        self._found.missing += missing
        if self._found.missing > self._grouped.size:
            row = int((counts > 1).argmax())
            raise DataError(
                f"more rows are missing than the {self._grouped.size} given, such as before "
                f"{self._place(int(rows.origin[row]))} at {show_time(rows.times[row])}: bring the "
                f"rows to a regular step, or leave the time out and give the order of the rows to "
                f"count them instead"
            )
        if not missing:
            return rows
        if not self._found.first_missing:
            before = int((counts > 1).argmax()) - 1
            self._found.first_missing = show_time(clock.step.advance(rows.times[before], 1)[0])
        position = np.cumsum(counts) - 1
        filled = spread(rows, position, len(counts) + missing)
        return replace(
            filled, times=fill_times(rows.times, position, len(counts) + missing, clock.step)
        )

    def _origin_place(self, rows: Rows) -> Place:
        return lambda row: self._place(int(rows.origin[row]))

    def _kept(self, rows: Rows) -> IntArray:
        """Return the numbers of the series that have something to be kept."""
        begins = rows.starts[:-1]
        has = np.logical_or.reduceat(~np.isnan(rows.values), begins, axis=0)
        keep = has.all(axis=1)
        if self._like is not None:
            keep = has.any(axis=1)
            columns = iter(rows.numbers.T), iter(rows.codes.T)
            for covariate in self._covariates:
                cells = next(columns[covariate.labels is not None])
                if covariate.role == "future":
                    told = ~np.isnan(cells) if covariate.labels is None else cells != MISSING
                    keep |= np.logical_or.reduceat(told, begins)
        return np.asarray(rows.series[begins][keep])


@dataclass
class _Found:
    """Counts of rows, for the notes of the panel."""

    sorted: int = 0
    turned: bool = False
    repeated: int = 0
    missing: int = 0
    first_missing: str = ""
    ahead: int = 0
    after: int = 0
    before: int = 0
    emptied: int = 0
    an_empty: str = ""

    def notes(self, size: int, series: int, missing: Mapping[str, int]) -> list[Message]:
        """Return what is said of a file of `size` rows, in the words of `read_panel`."""
        rows = size - self.repeated + self.missing
        notes: list[Message] = []

        def say(count: int, template: str, **values: Value) -> None:
            if count:
                notes.append(Message(template, {"count": count, **values}))

        def where(count: int) -> Message:
            return Message("{count:,} of {rows:,} rows", {"count": count, "rows": rows})

        cells = tuple(
            Message("{count:,} of {rows:,} in {column}", {"count": n, "rows": size, "column": name})
            for name, n in missing.items()
            if n
        )
        more = max(len(cells) - _SHOWN, 0)
        template = "Cells without a value: {columns}."
        if more:
            template = "Cells without a value: {columns}, and some in {more:,} more columns."
        say(len(cells), template, columns=cells[:_SHOWN], more=more)
        template = (
            "The rows were sorted by time; earlier than the row above them: {count:,} of {rows:,}."
        )
        say(self.sorted, template, rows=size)
        say(self.turned and not self.sorted, "The rows are newest first and were turned round.")
        template = (
            "Left out, since they repeat a row of the same time in every column that is read: "
            "{count:,} of {rows:,} rows."
        )
        say(self.repeated, template, rows=size)
        template = (
            "Missing times: {count:,} of {rows:,}, the first {time}; rows without a value stand in "
            "for them."
        )
        say(self.missing, template, rows=rows, time=self.first_missing)
        template = (
            "Rows after the last value of a target, of which only what is known in advance is "
            "read: {where}."
        )
        say(self.ahead, template, where=where(self.ahead))
        template = "Left out at the end, after the last value of a target: {where}."
        say(self.after, template, where=where(self.after))
        template = "Left out at the start, before each target has a value: {where}."
        say(self.before, template, where=where(self.before))
        template = (
            "Series left out, since a target has no value in them: {count:,} of {series:,}, such as"
            " {id}."
        )
        say(self.emptied, template, series=series, id=self.an_empty)
        return notes


def block_ranges(lengths: IntArray) -> Iterator[tuple[int, int]]:
    """Yield ranges of series of at most `BLOCK` rows together, or of a single longer series."""
    first = rows = 0
    for s, length in enumerate(lengths.tolist()):
        if s > first and rows + length > BLOCK:
            yield first, s
            first, rows = s, 0
        rows += length
    yield first, len(lengths)
