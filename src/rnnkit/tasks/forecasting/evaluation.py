"""A fitted forecast, and how it does on rows that fitting has not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.baselines import Track, forecast_tracks, series_baselines
from rnnkit.data.columns import Columns
from rnnkit.data.panel import MISSING, FloatArray, IntArray, Panel
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.metrics import mase_scale
from rnnkit.tasks.forecasting.fitting import Fit
from rnnkit.tasks.forecasting.history import continues
from rnnkit.tasks.forecasting.intervals import Calibration, interval_ends, later_errors
from rnnkit.tasks.forecasting.scoring import Evaluation, Intervals, Yardsticks, evaluate
from rnnkit.tasks.forecasting.verdict import WITHOUT
from rnnkit.tasks.scores import MODEL


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a forecaster knows after `fit`.

    Args:
        panel: all rows of the data, the test part included.
        columns: how they were read.
        fit: the pipeline, its sizes, split and histories.
        test: scores on the test part; `None` without one.
        calibration: that of the fit, with the errors on the rows since; `None` for no intervals.
        seconds: that fitting and scoring took.
    """

    panel: Panel
    columns: Columns
    fit: Fit
    test: Evaluation | None
    calibration: Calibration | None
    seconds: float


@dataclass(frozen=True, eq=False)
class Ahead:
    """What is forecast of the rows after each series.

    Args:
        times: `(S, H)` as the user's clock shows them; numbers of rows, counted from 1, where there
            are no times.
        value: `(S, H, K)` point forecasts.
        intervals: with `M = S`; `None` for none.
    """

    times: NDArray[Any]
    value: FloatArray
    intervals: Intervals | None


RIDGE = "ridge"
BUDGET = 10.0  # seconds that one baseline may take over all series


def forecast_ahead(fitted: Fitted, panel: Panel) -> Ahead:
    """Return the forecast of the rows after each series of `panel`.

    Of a single series that goes on from the fit, the forecasts whose outcome has become known since
    count for the intervals. Of many none do: what is forecast of a series must not depend on which
    others are given beside it.

    Raises:
        DataError: if a series is too short, or its future covariates are not given.
    """
    pipeline, calibration = fitted.fit.pipeline, fitted.calibration
    if panel.is_single and panel.known[0] < pipeline.shortest:
        raise DataError(
            f"{panel.name} has {panel.known[0]} rows, and a forecast needs at least"
            f" {pipeline.shortest}: give more rows before it"
        )
    lacking = missing_future(panel, pipeline.horizon)
    if lacking is not None:
        raise DataError(str(lacking))
    inputs = pipeline.inputs(panel)
    origins = inputs.rows.panel.ends
    later = fitted.panel.last_tick
    if calibration is not None and panel.is_single and continues(fitted.panel, panel):
        calibration = later_errors(calibration, pipeline, inputs, first=later)
    forecast = pipeline.forecast(inputs, origins)
    intervals = None
    if calibration is not None:
        intervals = interval_ends(calibration, pipeline, inputs, origins, forecast)
    rows = origins[:, None] + np.arange(pipeline.horizon)
    if inputs.rows.panel.times is None:
        times: NDArray[Any] = panel.known[:, None] + 1 + np.arange(pipeline.horizon)
    else:
        times = local_times(inputs.rows.panel, rows.ravel()).reshape(rows.shape)
    return Ahead(times, pipeline.point(forecast), intervals)


def forecast_frame(fitted: Fitted, panel: Panel) -> pd.DataFrame:
    """Return what `forecast_ahead` gives as a frame.

    Columns: the series' name where it has one, `time`, `target`, `value`, and the ends of each
    interval, such as `lower_80` and `upper_80`.
    """
    ahead = forecast_ahead(fitted, panel)
    S, H, K = ahead.value.shape
    columns: dict[str, Any] = {}
    if not panel.is_single:
        columns[panel.id_name or "series"] = np.repeat(np.array(panel.ids, dtype=object), H * K)
    columns |= {
        "time": np.repeat(ahead.times.ravel(), K),
        "target": np.tile(np.array(panel.targets, dtype=object), S * H),
        "value": ahead.value.ravel(),
    }
    if ahead.intervals is not None:
        for number, level in enumerate(ahead.intervals.levels):
            columns[f"lower_{level}"] = ahead.intervals.lower[number].ravel()
            columns[f"upper_{level}"] = ahead.intervals.upper[number].ravel()
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def local_times(panel: Panel, rows: IntArray) -> NDArray[Any]:
    """Return the times of `rows` as the user's clock shows them."""
    assert panel.times is not None
    assert panel.clock is not None
    times = panel.times[rows]
    if not panel.clock.is_shifted:
        return times
    local = pd.DatetimeIndex(times, tz="UTC").tz_convert(panel.clock.zone)
    return np.asarray(local.tz_localize(None).to_numpy())


def missing_future(panel: Panel, horizon: int) -> Message | None:
    """Return which future covariate is not given for the rows after the data, if one is not."""
    p = q = 0
    for covariate in panel.covariates:
        labels = covariate.labels is not None
        for s in range(len(panel.ids)) if covariate.role == "future" else ():
            end = int(panel.starts[s] + panel.known[s])
            stop = int(panel.starts[s + 1])
            given = (
                panel.codes[end:stop, q] != MISSING
                if labels
                else ~np.isnan(panel.numbers[end:stop, p])
            )
            count = int(given[:horizon].sum())
            if count < horizon:
                return Message(
                    "the future covariate {name!r} is given for {count} of the {horizon} rows"
                    " after the data: add those rows, with the target left empty",
                    {"name": covariate.name, "count": count, "horizon": horizon},
                )
        p, q = p + (not labels), q + labels
    return None


def evaluate_fit(
    fit: Fit,
    training: Panel,
    panel: Panel,
    *,
    first: int,
    end: int,
    cell: str,
    stride: int = 1,
) -> Evaluation:
    """Score the forecasts whose rows lie in the ticks `[first, end)` of `panel`.

    Args:
        fit: of the rows of `training` before the test part.
        training: the panel that was fitted.
        panel: what is forecast.
        first: the first tick that may be forecast; all before are known to the baselines.
        end: the tick after the last.
        cell: of the networks.
        stride: scores every so many-th origin of each series.

    Raises:
        DataError: if there is no row to score.
    """
    pipeline, season, H = fit.pipeline, fit.sizes.season, fit.pipeline.horizon
    inputs = pipeline.inputs(panel, before=first)
    rows = inputs.rows
    whole = replace(fit.split, known=first, rows=end, horizon=H)
    origins = whole.test_origins(rows.panel, stride)
    if not len(origins):
        raise DataError(f"{panel.name} has no {H} rows to score a forecast on: give later rows")
    series = rows.panel.series_of(origins)
    tracks = []
    for s in np.unique(series):
        known = rows.panel.known_rows(int(s))
        tracks.append(
            Track(
                rows.values[known],
                min(first - int(panel.ticks[s]), int(panel.known[s])),
                origins[series == s] - known.start,
            )
        )
    forecasts, skipped, notes = forecast_tracks(
        series_baselines(), tracks, season=season, horizon=H, seconds=BUDGET
    )
    if fit.ridge is not None:
        alone = replace(pipeline, networks=(), linear=fit.ridge)
        forecasts[RIDGE] = alone.point(alone.forecast(alone.inputs(panel, before=first), origins))
    else:
        skipped[RIDGE] = Message("the training part is too short for any lags")
    forecast = pipeline.forecast(inputs, origins)
    forecasts[MODEL] = pipeline.point(forecast)
    intervals = None
    if fit.calibration is not None:
        intervals = interval_ends(fit.calibration, pipeline, inputs, origins, forecast)
    bare = replace(pipeline, networks=())
    forecasts[WITHOUT] = bare.point(bare.forecast(inputs, origins))
    actual = rows.panel.values[origins[:, None] + np.arange(H)]
    return evaluate(
        actual=actual,
        origins=origins - rows.panel.starts[series],
        series=series,
        last=rows.values[origins - 1],
        forecasts=forecasts,
        intervals=intervals,
        skipped=skipped,
        notes=notes,
        targets=panel.targets,
        yardsticks=yardsticks(fit, training, panel, first),
        cell=cell,
    )


def yardsticks(fit: Fit, training: Panel, panel: Panel, first: int) -> Yardsticks:
    """Return what errors are measured against: from the rows before tick `first` alone.

    The spread is that of the training part; a series that was not fitted has its own.
    """
    fitted = {name: s for s, name in enumerate(training.ids)}
    naive, spread, largest = [], [], []
    for s, name in enumerate(panel.ids):
        known = panel.values[panel.known_rows(s)][: max(0, first - int(panel.ticks[s]))]
        learned = known
        if name in fitted:
            t = fitted[name]
            rows = max(0, fit.split.trained - int(training.ticks[t]))
            learned = training.values[training.known_rows(t)][:rows]
        naive.append(mase_scale(known, fit.sizes.season))
        spread.append(_deviation(learned))
        largest.append(np.abs(known).max(axis=0, initial=0.0, where=~np.isnan(known)))
    return Yardsticks.of(np.array(naive), np.array(spread), np.array(largest))


def _deviation(values: FloatArray) -> FloatArray:
    """Return the standard deviation of each column of `values (N, K)`, NaN without any value."""
    seen = ~np.isnan(values)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, values, 0.0).sum(axis=0) / count
    squares = np.where(seen, (values - mean) ** 2, 0.0).sum(axis=0) / count
    return np.asarray(np.where(seen.any(axis=0), np.sqrt(squares), np.nan))


def metrics_json(fitted: Fitted, evaluation: Evaluation | None) -> dict[str, Any]:
    """Return the content of `metrics.json` for an evaluation."""
    return {
        "task": "forecast",
        "test": None if evaluation is None else evaluation.to_json(),
        "verdict": "" if evaluation is None else str(evaluation.verdict),
        "warning": ""
        if evaluation is None or evaluation.warning is None
        else str(evaluation.warning),
        "parameters": fitted.fit.pipeline.parameters,
        "seconds": round(fitted.seconds, 3),
    }
