"""A panel: one or many series with the same columns at the same regular step.

The rows of all series stand in flat arrays, one series after another, so that a window is a list of
row numbers whatever the series, and so that the arrays may be maps of files.

A *tick* counts steps on an axis that all series share: rows of equal tick happen at the same time.
Series without times are aligned at their last known row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, Times
from rnnkit.data.columns import Role
from rnnkit.errors import DataError, closest
from rnnkit.messages import Message

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MISSING = -1  # the code of a category that is missing


@dataclass(frozen=True)
class Covariate:
    """A column beside the targets.

    Args:
        name: of the column.
        role: `past`, known up to an origin; `future`, beyond it; `static`, one value a series.
        labels: the texts that codes stand for, sorted; `None` for a column of numbers.
    """

    name: str
    role: Role
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Clock:
    """How the times of a panel are to be read.

    Args:
        step: the distance between rows.
        names: of the time columns.
        offset: UTC offset of the clock that the times were read from, as `"+09:00"`; `""` for none.
        zone: the time zone whose clock the user reads; `""` for none. With a zone the times of
            steps below a day are in UTC; dates stay those of the zone.
    """

    step: Step
    names: tuple[str, ...]
    offset: str = ""
    zone: str = ""

    @property
    def is_shifted(self) -> bool:
        """Whether the times are in UTC and the user reads the clock of the zone."""
        below_a_day = self.step.kind == "nanosecond" and self.step.count < 86_400 * 10**9
        return bool(self.zone) and below_a_day


@dataclass(frozen=True, eq=False)
class Panel:
    """One or many series of `K` targets, `R` rows in all, oldest row of each series first.

    Args:
        name: what the data are called: the file's name without folder and suffixes.
        ids: `S` names of the series; `("",)` where there is one without a name.
        id_name: of the column that named them; `""` for none.
        starts: `(S + 1,)` the first row of each series, and `R`.
        known: `(S,)` rows of each series that are past: up to the last one with a target. What
            follows are rows of which the future covariates alone are known.
        ticks: `(S,)` tick of each series' first row.
        targets: the `K` names.
        values: `(R, K)` float64, NaN where missing.
        covariates: columns beside the targets.
        numbers: `(R, P)` float64, the covariates of numbers in their order, NaN where missing.
        codes: `(R, Q)` int32, those with labels in their order, `MISSING` where missing.
        times: `(R,)` datetime64[ns]; `None` for series without times.
        clock: `None` for series without times.
        notes: what reading found and did about it.
        told: ticks, from the first on, in whose rows the cells told what the columns hold, at most;
            0 where they were not asked. A forecast from an earlier origin knows of later rows.
    """

    name: str
    ids: tuple[str, ...]
    id_name: str
    starts: IntArray
    known: IntArray
    ticks: IntArray
    targets: tuple[str, ...]
    values: FloatArray
    covariates: tuple[Covariate, ...]
    numbers: FloatArray
    codes: NDArray[np.int32]
    times: Times | None
    clock: Clock | None
    notes: tuple[Message, ...] = ()
    told: int = 0

    @property
    def is_single(self) -> bool:
        """Whether this is one series that no column names."""
        return self.ids == ("",)

    @property
    def ends(self) -> IntArray:
        """`(S,)` the row after the last known one of each series."""
        return self.starts[:-1] + self.known

    @property
    def last_tick(self) -> int:
        """The tick after the last known row of any series."""
        return int((self.ticks + self.known).max())

    @property
    def step_name(self) -> str:
        """The step in words: `"hour"`, or `"row"` for series without times."""
        return "row" if self.clock is None else self.clock.step.name

    def of_role(self, *roles: Role) -> tuple[Covariate, ...]:
        """Return the covariates of these roles."""
        return tuple(covariate for covariate in self.covariates if covariate.role in roles)

    def series_of(self, rows: IntArray) -> IntArray:
        """Return `(M,)` the number of the series of each of `rows (M,)`."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def rows(self, series: int) -> slice:
        """Return the rows of a series, future ones included."""
        return slice(int(self.starts[series]), int(self.starts[series + 1]))

    def known_rows(self, series: int) -> slice:
        """Return the known rows of a series."""
        start = int(self.starts[series])
        return slice(start, start + int(self.known[series]))

    def take(self, series: Sequence[int]) -> Panel:
        """Return the panel of these series alone, in this order."""
        return _assemble(self, [(s, self.rows(s), int(self.known[s])) for s in series])

    def before(self, tick: int) -> Panel:
        """Return the panel as it was known at `tick`: no target or past covariate of later rows.

        Future covariates stay. Series that had not begun are left out.

        Raises:
            DataError: if none had begun.
        """
        parts = []
        for s in range(len(self.ids)):
            known = min(int(self.known[s]), tick - int(self.ticks[s]))
            if known > 0:
                rows = self.rows(s)
                stop = rows.stop if self.of_role("future") else rows.start + known
                parts.append((s, slice(rows.start, stop), known))
        if not parts:
            raise DataError(f"{self.name} has no row before tick {tick}")
        return _assemble(self, parts)

    def ending(self, known: IntArray) -> Panel:
        """Return the panel of the first `known (S,)` rows of each series, at least 1 each."""
        parts = []
        for s, count in enumerate(known.tolist()):
            rows = self.rows(s)
            stop = rows.stop if self.of_role("future") else rows.start + count
            parts.append((s, slice(rows.start, stop), count))
        return _assemble(self, parts)

    def tail(self, rows: int) -> Panel:
        """Return the panel without all but the last `rows` known rows of each series."""
        parts, dropped = [], []
        for s in range(len(self.ids)):
            known = min(int(self.known[s]), rows)
            dropped.append(int(self.known[s]) - known)
            span = self.rows(s)
            parts.append((s, slice(span.start + dropped[-1], span.stop), known))
        tail = _assemble(self, parts)
        return replace(tail, ticks=tail.ticks + np.array(dropped))

    def find(self, name: str) -> int:
        """Return the number of the series called `name`.

        Raises:
            DataError: if there is none.
        """
        try:
            return self.ids.index(name)
        except ValueError:
            raise DataError(
                f"{self.name} has no series {name!r}{closest(name, self.ids)}"
            ) from None


def _assemble(panel: Panel, parts: Sequence[tuple[int, slice, int]]) -> Panel:
    """Return a panel of parts `(series, rows, known)`; what is not known is blanked."""
    rows = [np.arange(part.start, part.stop) for _, part, _ in parts]
    index = np.concatenate(rows)
    series = [s for s, _, _ in parts]
    lengths = np.array([len(part) for part in rows], dtype=np.int64)
    known = np.array([count for _, _, count in parts], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    beyond = np.arange(len(index)) >= np.repeat(starts[:-1] + known, lengths)
    values, numbers, codes = panel.values[index], panel.numbers[index], panel.codes[index]
    values[beyond] = np.nan
    p = q = 0
    for covariate in panel.covariates:
        if covariate.labels is None:
            if covariate.role == "past":
                numbers[beyond, p] = np.nan
            p += 1
        else:
            if covariate.role == "past":
                codes[beyond, q] = MISSING
            q += 1
    return replace(
        panel,
        ids=tuple(panel.ids[s] for s in series),
        starts=starts,
        known=known,
        ticks=panel.ticks[series],
        values=values,
        numbers=numbers,
        codes=codes,
        times=None if panel.times is None else panel.times[index],
    )
