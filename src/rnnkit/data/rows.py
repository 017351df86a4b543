"""The arrays that windows are cut from: a panel with its gaps filled and room after each series."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.calendar import calendar_features
from rnnkit.data.panel import MISSING, FloatArray, IntArray, Panel

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rows:
    """A panel as windows need it.

    Args:
        panel: with at least a horizon of rows after the known ones of each series.
        values: `(R, K)` the targets, missing ones carried forward from the row before, so that no
            row is filled by a later one.
        observed: `(R, K)` false where a target is missing or lies ahead.
        numbers: `(R, P)` the covariates of numbers, carried forward; NaN before the first value.
        calendar: `(R, F)` float32, features of the times.
    """

    panel: Panel
    values: FloatArray
    observed: BoolArray
    numbers: FloatArray
    calendar: NDArray[np.float32]

    def first_rows(self, origins: IntArray) -> IntArray:
        """Return `(M,)` the first row of the series of each origin `(M,)`."""
        return self.panel.starts[self.panel.series_of(origins)]


def prepare_rows(panel: Panel, horizon: int) -> Rows:
    """Return the rows of a panel, with room for a forecast after each series.

    Covariates of role `past` are carried forward over missing rows; those of role `future` too, so
    that a missing cell repeats the one before. Computed once a panel and horizon while the panel
    lives: a fit and its evaluation ask again and again.
    """
    kept: dict[int, Rows] = vars(panel).setdefault("_prepared", {})
    if horizon not in kept:
        kept[horizon] = fill_rows(panel, horizon)
    return kept[horizon]


def keep_prepared(panel: Panel, horizon: int, rows: Rows) -> None:
    """Let `prepare_rows` return `rows`, prepared elsewhere, for as long as the panel lives."""
    vars(panel).setdefault("_prepared", {})[horizon] = rows


def fill_rows(panel: Panel, horizon: int) -> Rows:
    """Return what `prepare_rows` does, computed anew and not kept."""
    panel = with_room(panel, horizon)
    observed = ~np.isnan(panel.values)
    if panel.clock is None or panel.times is None:
        calendar = np.empty((len(panel.values), 0), dtype=np.float32)
    else:
        times = panel.times
        if panel.clock.is_shifted:
            local = pd.DatetimeIndex(times, tz="UTC").tz_convert(panel.clock.zone)
            times = local.tz_localize(None).to_numpy()
        calendar, _ = calendar_features(times, panel.clock.step)
    return Rows(
        panel,
        carry_forward(panel.values, panel.starts),
        observed,
        carry_forward(panel.numbers, panel.starts),
        calendar,
    )


def carry_forward(values: FloatArray, starts: IntArray) -> FloatArray:
    """Return `values (R, C)` with each NaN replaced by the last number before it in its series.

    Example:
        >>> values = np.array([[1.0], [np.nan], [np.nan], [5.0]])
        >>> carry_forward(values, np.array([0, 2, 4]))[:, 0].tolist()
        [1.0, 1.0, nan, 5.0]
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    last = np.where(missing, 0, np.arange(len(values))[:, None])
    last[starts[:-1][starts[:-1] < len(values)]] = starts[:-1][starts[:-1] < len(values)][:, None]
    np.maximum.accumulate(last, axis=0, out=last)
    return np.take_along_axis(values, last, axis=0)


def with_room(panel: Panel, horizon: int) -> Panel:
    """Return the panel with at least `horizon` rows after the known ones of each series.

    Times go on at the step. Static covariates are repeated; what else is unknown is missing.
    """
    lengths = np.diff(panel.starts)
    wanted = np.maximum(lengths, panel.known + horizon)
    if (wanted == lengths).all():
        return panel
    starts = np.concatenate([[0], np.cumsum(wanted)]).astype(np.int64)
    # Each old row moves by as much as the series before it have grown.
    moved = np.arange(panel.starts[-1]) + np.repeat(starts[:-1] - panel.starts[:-1], lengths)
    R = int(starts[-1])
    values = np.full((R, len(panel.targets)), np.nan)
    numbers = np.full((R, panel.numbers.shape[1]), np.nan)
    codes = np.full((R, panel.codes.shape[1]), MISSING, dtype=np.int32)
    values[moved], numbers[moved], codes[moved] = panel.values, panel.numbers, panel.codes
    last = np.repeat(starts[:-1] + lengths - 1, wanted - lengths)
    new = np.setdiff1d(np.arange(R), moved, assume_unique=True)
    p = q = 0
    for covariate in panel.covariates:
        if covariate.labels is None:
            if covariate.role == "static":
                numbers[new, p] = numbers[last, p]
            p += 1
        else:
            if covariate.role == "static":
                codes[new, q] = codes[last, q]
            q += 1
    times = None
    if panel.times is not None and panel.clock is not None:
        times = np.empty(R, dtype="M8[ns]")
        times[moved] = panel.times
        for s in np.flatnonzero(wanted > lengths):
            end = int(starts[s] + lengths[s])
            more = int(wanted[s] - lengths[s])
            times[end : end + more] = panel.clock.step.advance(times[end - 1], more)
    return replace(panel, starts=starts, values=values, numbers=numbers, codes=codes, times=times)
