"""A fitted forecast, and how it does on rows that fitting has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnkit.baselines import SkipBaseline, forecast_all, series_baselines
from rnnkit.baselines.ridge import RidgeAutoregression
from rnnkit.data.readers import Series
from rnnkit.data.scaling import FloatArray, IntArray
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting.pipeline import Fit, Pipeline
from rnnkit.tasks.forecasting.scoring import MODEL, WITHOUT, Evaluation, Yardsticks, evaluate


@dataclass(frozen=True)
class Fitted:
    """What a forecaster knows after `fit`.

    Args:
        series: all rows of the data, the test part included.
        fit: the pipeline, its sizes, split and histories.
        test: scores on the test part; `None` without one.
        seconds: that fitting and scoring took.
    """

    series: Series
    fit: Fit
    test: Evaluation | None
    seconds: float


def forecast_frame(pipeline: Pipeline, series: Series) -> pd.DataFrame:
    """Return the forecast of the rows after `series` as a frame of time, target and value.

    Raises:
        DataError: if `series` is too short for any forecast.
    """
    rows, K = series.values.shape
    if rows < pipeline.shortest:
        raise DataError(
            f"{series.name} has {rows} rows, and a forecast needs at least {pipeline.shortest}:"
            " give more rows before it"
        )
    forecast = pipeline.forecast(series.times, series.values, np.array([rows]))[0]  # (H, K)
    frame: pd.DataFrame = pd.DataFrame(
        {
            "time": np.repeat(series.step.advance(series.times[-1], pipeline.horizon), K),
            "target": np.tile(np.array(series.targets, dtype=object), pipeline.horizon),
            "value": forecast.ravel(),
        }
    )
    return frame


def metrics_json(fitted: Fitted, evaluation: Evaluation | None) -> dict[str, Any]:
    """Return the content of `metrics.json` for an evaluation."""
    return {
        "task": "forecast",
        "test": None if evaluation is None else evaluation.to_json(),
        "verdict": "" if evaluation is None else evaluation.verdict,
        "warning": "" if evaluation is None else evaluation.warning,
        "parameters": fitted.fit.pipeline.parameters,
        "seconds": round(fitted.seconds, 3),
    }


def evaluate_fit(fit: Fit, training: Series, series: Series, first: int, cell: str) -> Evaluation:
    """Score all forecasts whose rows lie in `[first, N)` of `series`."""
    pipeline, season = fit.pipeline, fit.sizes.season
    origins = np.arange(first, len(series.times) - pipeline.horizon + 1)
    known = series.values[:first]
    forecasts, skipped = forecast_all(
        series_baselines(),
        known,
        series.values,
        origins,
        season=season,
        horizon=pipeline.horizon,
    )
    try:
        forecasts[RidgeAutoregression.name] = _ridge(fit, training, series, origins)
    except SkipBaseline as skip:
        skipped[RidgeAutoregression.name] = skip.reason
    forecasts[MODEL] = pipeline.forecast(series.times, series.values, origins)
    forecasts[WITHOUT] = pipeline.without_network(series.values, origins)
    return evaluate(
        values=series.values,
        origins=origins,
        forecasts=forecasts,
        skipped=skipped,
        targets=series.targets,
        yardsticks=Yardsticks.of(training.values[: fit.split.trained], known, season),
        cell=cell,
    )


def _ridge(fit: Fit, training: Series, series: Series, origins: IntArray) -> FloatArray:
    """Fit the ridge on the parts and inputs that the networks had, and forecast from `origins`."""
    pipeline, split = fit.pipeline, fit.split
    known = training.values[: split.known]
    z = pipeline.transform.forward(known, training.targets)
    origins_known = split.all_origins()
    x = pipeline.windows(training.times[: split.known], z, origins_known).inputs()
    folds = [
        (split.train_origins(block) - split.first, split.validation_origins(block) - split.first)
        for block in range(len(split.blocks))
    ]
    ridge = RidgeAutoregression().fit(x, pipeline.transform.targets(z, origins_known), folds)
    z = pipeline.transform.forward(series.values, series.targets)
    outputs = ridge.predict(pipeline.windows(series.times, z, origins).inputs())
    return pipeline.transform.invert(z, origins, outputs)
