"""Prediction intervals from errors on rows that training has not seen (conformal prediction).

The errors are those of the fitted networks on their validation rows and, as time goes on, of the
forecasts whose outcome has become known since: at each origin the most recent ones count. They are
taken where the pipeline computes, after the log and with each series brought to one size, so that
an interval is as wide as its series asks for.

With `e_(1) <= ... <= e_(n)` the errors `actual - forecast` at one step of the horizon, the interval
of level `1 - a` is `[f + e_(lo), f + e_(hi)]`, `lo = floor((n+1) a/2)`, `hi = ceil((n+1)(1-a/2))`
(Vovk et al., "Algorithmic Learning in a Random World", 2005; Romano et al., "Conformalized Quantile
Regression", 2019, for networks that learn quantiles: `f` is then the learned end itself).

Where fewer than 200 errors are known at a step, those of all steps are taken together, each divided
by the root mean square of its step: a hundred rows know the shape of the errors no better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.data.panel import FloatArray, IntArray, Panel
from rnnkit.data.split import Split
from rnnkit.data.windows import Inputs
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.pipeline import Pipeline
from rnnkit.tasks.forecasting.scoring import Intervals

MOST = 2000  # errors that count at an origin, the most recent
FEW = 200  # below, the errors of all steps are taken together


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors of forecasts on rows that training has not seen, all known before any later origin.

    Args:
        errors: `(Q, C, H, K)` actual minus forecast, of each quantile; NaN without an actual. In
            the order in which they became known.
        levels: percent of the intervals.
    """

    errors: FloatArray
    levels: tuple[int, ...]


def calibrate(
    fitted: Sequence[Pipeline], panel: Panel, split: Split, config: ForecastConfig
) -> Calibration | None:
    """Return the errors of each network's pipeline on its own validation rows.

    `None` where there are too few for any interval.
    """
    errors, known = [], []
    for member, pipeline in enumerate(fitted):
        inputs = pipeline.inputs(panel)
        at = _most(inputs, split.validation_origins(inputs.rows.panel, member), len(fitted))
        at = at[_inside(inputs, at, pipeline.horizon, split.blocks[member % len(split.blocks)][1])]
        errors.append(_errors(pipeline, inputs, at, pipeline.forecast(inputs, at)))
        known.append(_ticks(inputs, at) + pipeline.horizon)
    order = np.argsort(np.concatenate(known), kind="stable")
    joined = np.concatenate(errors, axis=1)[:, order]
    return Calibration(joined, config.levels) if len(order) > 1 else None


def interval_ends(
    calibration: Calibration,
    pipeline: Pipeline,
    inputs: Inputs,
    origins: IntArray,
    forecast: FloatArray,
) -> Intervals:
    """Return the intervals of `forecast (Q, M, H, K)` at `origins (M,)`.

    At each origin the errors of the calibration and of those of the forecasts whose outcome lies
    before it are known.
    """
    H = pipeline.horizon
    ticks = _ticks(inputs, origins)
    errors = np.concatenate(
        [calibration.errors, _errors(pipeline, inputs, origins, forecast)], axis=1
    )
    before = np.full(calibration.errors.shape[1], np.iinfo(np.int64).min)
    known = np.concatenate([before, ticks + H])
    order = np.argsort(known, kind="stable")
    errors, known = errors[:, order], known[order]
    levels = inputs.levels_at(origins)
    z = np.stack([pipeline.transform.forward(values, levels) for values in forecast])
    lower = np.empty((len(calibration.levels), *forecast.shape[1:]))
    upper = np.empty_like(lower)
    # Errors arrive one by one; the ends are drawn anew once a horizon.
    groups = (ticks - ticks.min()) // H if len(ticks) else ticks
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        ready = int(np.searchsorted(known, ticks[members].min(), side="right"))
        recent = errors[:, max(0, ready - MOST) : ready]
        for number, level in enumerate(calibration.levels):
            low, high = _ends(recent, level, pipeline.quantiles)
            at = _quantile_numbers(level, pipeline.quantiles)
            lower[number][members] = z[at[0]][members] + low
            upper[number][members] = z[at[1]][members] + high
    back = [
        np.stack([pipeline.transform.backward(ends, levels) for ends in side])
        for side in (lower, upper)
    ]
    return Intervals(calibration.levels, back[0], back[1])


def later_errors(
    calibration: Calibration, pipeline: Pipeline, inputs: Inputs, *, first: int
) -> Calibration:
    """Return the calibration with the errors of later forecasts whose outcome is known.

    Args:
        calibration: from fitting.
        pipeline: the fitted one.
        inputs: of all rows known by now.
        first: the tick where the rows begin that fitting has not seen.
    """
    panel = inputs.rows.panel
    split = Split(first, panel.last_tick, ((first, first),), 0, pipeline.horizon)
    at = _most(inputs, split.test_origins(panel), 1)
    if not len(at):
        return calibration
    at = at[np.argsort(_ticks(inputs, at), kind="stable")]
    errors = _errors(pipeline, inputs, at, pipeline.forecast(inputs, at))
    joined = np.concatenate([calibration.errors, errors], axis=1)[:, -MOST:]
    return Calibration(joined, calibration.levels)


def _errors(
    pipeline: Pipeline, inputs: Inputs, origins: IntArray, forecast: FloatArray
) -> FloatArray:
    """Return `(Q, M, H, K)`: actual minus forecast where the pipeline computes."""
    rows = origins[:, None] + np.arange(pipeline.horizon)
    levels = inputs.levels_at(origins)
    actual = pipeline.transform.forward(inputs.rows.values[rows], levels)
    actual = np.where(inputs.rows.observed[rows], actual, np.nan)
    return np.stack([actual - pipeline.transform.forward(f, levels) for f in forecast])


def _ends(
    errors: FloatArray, level: int, quantiles: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Return what an interval adds at its lower and upper end, `(H, K)` each."""
    tail = (100 - level) / 200
    low, high = _quantile_numbers(level, quantiles)
    return _order_statistic(errors[low], tail), -_order_statistic(-errors[high], tail)


def _order_statistic(errors: FloatArray, tail: float) -> FloatArray:
    """Return the `floor((n+1) tail)`-th smallest of `errors (C, H, K)`, the smallest at least."""
    C, H, K = errors.shape
    if C < FEW:
        size = np.sqrt(np.nanmean(errors**2, axis=0))  # (H, K)
        size = np.where(size > 0, size, 1.0)
        pooled = (errors / size).reshape(C * H, 1, K)
        return np.asarray(_smallest(pooled, tail)[0] * size)
    return _smallest(errors, tail)


def _smallest(errors: FloatArray, tail: float) -> FloatArray:
    ordered = np.sort(errors, axis=0)  # NaN last
    n = (~np.isnan(errors)).sum(axis=0)
    rank = np.maximum(np.floor((n + 1) * tail).astype(int), 1) - 1
    return np.asarray(np.take_along_axis(ordered, rank[None], axis=0)[0])


def _quantile_numbers(level: int, quantiles: Sequence[float]) -> tuple[int, int]:
    """Return which outputs are the ends of an interval: the point forecast if there is but one."""
    if len(quantiles) == 1:
        return 0, 0
    tail = (100 - level) / 200
    return int(np.argmin(np.abs(np.array(quantiles) - tail))), int(
        np.argmin(np.abs(np.array(quantiles) - (1 - tail)))
    )


def _most(inputs: Inputs, origins: IntArray, share: int) -> IntArray:
    """Return the latest origins, as many as can count, shared among `share` networks."""
    ticks = _ticks(inputs, origins)
    return np.sort(origins[np.argsort(ticks, kind="stable")[-max(1, MOST // share) :]])


def _inside(
    inputs: Inputs, origins: IntArray, horizon: int, end: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which forecasts of a whole horizon lie before tick `end` and have known rows."""
    ticks = _ticks(inputs, origins)
    panel = inputs.rows.panel
    series = panel.series_of(origins)
    return np.asarray((ticks + horizon <= end) & (origins + horizon <= panel.ends[series]))


def _ticks(inputs: Inputs, rows: IntArray) -> IntArray:
    panel = inputs.rows.panel
    series = panel.series_of(rows)
    return np.asarray(panel.ticks[series] + rows - panel.starts[series])
