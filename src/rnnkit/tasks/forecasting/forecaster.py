"""The forecaster: fit, predict, evaluate, plot, save."""

from __future__ import annotations

import hashlib
import inspect
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from rnnkit.baselines import SkipBaseline, forecast_all, series_baselines
from rnnkit.baselines.ridge import RidgeAutoregression
from rnnkit.data.readers import Series, read_series
from rnnkit.data.scaling import FloatArray, IntArray
from rnnkit.data.times import show_time
from rnnkit.errors import ConfigError, DataError, RnnkitError
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.history import continue_series
from rnnkit.tasks.forecasting.pipeline import Fit, Pipeline, fit_pipeline, plan_fit
from rnnkit.tasks.forecasting.scoring import MODEL, WITHOUT, Evaluation, Yardsticks, evaluate
from rnnkit.training import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Source = str | Path | pd.DataFrame | Series


class NotFittedError(RnnkitError, ValueError, AttributeError):
    """A forecaster is asked for something before `fit`."""


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


class Forecaster:
    """Forecasts one or more columns of a regular series with a recurrent network.

    The last rows are kept for a test, those before them for early stopping, all in the order of
    time; log, differencing and scaling are chosen on the training part alone; baselines are scored
    on the same rows.

    Args:
        **options: those of `ForecastConfig`; `horizon` is required.

    Raises:
        ConfigError: if an option is unknown or wrong.

    Example:
        >>> import numpy as np, pandas as pd
        >>> months = pd.period_range("2000-01", periods=96, freq="M").astype(str)
        >>> season = np.sin(np.arange(96) * 2 * np.pi / 12)
        >>> frame = pd.DataFrame({"Month": months, "Sold": 50 + 10 * season + np.arange(96) / 4})
        >>> model = Forecaster(horizon=3, epochs=2, ensemble=1, hidden_size=4)
        >>> model.fit(frame, time="Month", target="Sold").predict()["target"].tolist()
        ['Sold', 'Sold', 'Sold']
    """

    def __init__(self, **options: Any) -> None:
        self.config = ForecastConfig.from_options(options)
        self._fitted: Fitted | None = None

    def fit(
        self,
        data: Source,
        *,
        time: str | None = None,
        target: str | Sequence[str] | None = None,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Forecaster:
        """Fit to a regular series, oldest row first, and score on its test part.

        Args:
            data: a CSV or Parquet file, a frame, or a `Series` read before.
            time: the time column; not needed with a `Series`.
            target: the column or columns to forecast; not needed with a `Series`.
            checkpoints: folder for the state of the training, to resume it from; `None` keeps none.
            resume: go on from `checkpoints`.
            progress: shows the epochs; `None` shows nothing.

        Returns:
            The forecaster itself.

        Raises:
            DataError: if the data cannot be read, are not regular or have too few rows.
            TrainingError: if a training diverges.
        """
        start = clock.perf_counter()
        series = as_series(data, time, target)
        fit = fit_pipeline(
            plan_fit(series, self.config),
            self.config,
            checkpoints=checkpoints,
            resume=resume,
            progress=progress,
        )
        test = None
        if fit.sizes.test_size:
            test = _evaluate(fit, series, series, fit.split.known, self.config.cell)
        self._fitted = Fitted(series, fit, test, clock.perf_counter() - start)
        return self

    @overload
    def predict(self, data: Source | None = None) -> pd.DataFrame: ...
    @overload
    def predict(self, data: list[Any]) -> list[pd.DataFrame]: ...
    def predict(self, data: Source | list[Any] | None = None) -> pd.DataFrame | list[pd.DataFrame]:
        """Forecast the `horizon` rows after the last known one.

        Args:
            data: a history that holds a whole context, or fewer rows that have arrived since and
                continue those known from `fit` (and replace them where both have a row). `None`
                forecasts what follows the data of `fit`. A list of such gives a list.

        Returns:
            A frame with the columns `time` (datetime64), `target`, `value`.

        Raises:
            DataError: if the rows cannot be read, or neither continue the known ones nor suffice.
            NotFittedError: before `fit`.
        """
        if isinstance(data, list):
            return [self.predict(source) for source in data]
        fitted = self._require()
        series = fitted.series
        if data is not None:
            series = self._read(data)
            if len(series.times) < fitted.fit.pipeline.reach:
                series = continue_series(fitted.series, series)
        return forecast_frame(fitted.fit.pipeline, series)

    def evaluate(self, data: Source | None = None) -> dict[str, Any]:
        """Score the forecasts of rows that fitting has not seen, beside the baselines.

        Args:
            data: rows to score on, of which those after the validation part count. Where they
                begin too late for a whole context they must continue the known rows.
                `None` gives the scores on the test part.

        Returns:
            The entries `task`, `test`, `verdict`, `warning`, … of `metrics.json`.

        Raises:
            DataError: if there are no such rows.
            NotFittedError: before `fit`.
        """
        return self.metrics(self.scored(data))

    def plot(self) -> Figure:
        """Return the picture of the history, the test part's forecasts and the forecast beyond."""
        from rnnkit.tasks.forecasting.pictures import forecast_figure

        return forecast_figure(self._require(), self.config)

    def summary(self) -> str:
        """Return in a few lines what was fitted, on what, and how good it is."""
        from rnnkit.tasks.forecasting.pictures import summary

        return summary(self._require(), self.config)

    def save(self, path: str | Path) -> None:
        """Write the run folder; an older run of that name is replaced.

        Raises:
            ConfigError: if something else than a run is there.
        """
        from rnnkit.tasks.forecasting.artifact import write_run
        from rnnkit.training.run_folder import RunWriter

        self._require()
        with RunWriter(Path(path), settings={}) as writer:
            write_run(writer, self, command="")
            writer.finish()

    @property
    def fitted(self) -> Fitted:
        """What `fit` found.

        Raises:
            NotFittedError: before `fit`.
        """
        return self._require()

    def restore(self, fitted: Fitted) -> None:
        """Take over what an earlier `fit` found, as loading a run does."""
        self._fitted = fitted

    def metrics(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Return the content of `metrics.json` for an evaluation."""
        fitted = self._require()
        return {
            "task": "forecast",
            "test": None if evaluation is None else evaluation.to_json(),
            "verdict": "" if evaluation is None else evaluation.verdict,
            "warning": "" if evaluation is None else evaluation.warning,
            "parameters": fitted.fit.pipeline.parameters,
            "seconds": round(fitted.seconds, 3),
        }

    def scored(self, data: Source | None = None) -> Evaluation | None:
        """Return what `evaluate` scores, with the forecasts themselves."""
        fitted = self._require()
        if data is None:
            return fitted.test
        horizon, reach = self.config.horizon, fitted.fit.pipeline.reach
        seen = fitted.series.times[fitted.fit.split.known - 1]
        series = self._read(data)
        first = int(np.searchsorted(series.times, seen, side="right"))
        if first < reach:
            series = continue_series(fitted.series, series)
            first = int(np.searchsorted(series.times, seen, side="right"))
        if len(series.times) - first < horizon:
            raise DataError(
                f"{series.name} has {len(series.times) - first} rows after {show_time(seen)}, the"
                f" last that fitting used, and a forecast is scored on {horizon}: give later rows"
            )
        return _evaluate(fitted.fit, fitted.series, series, first, self.config.cell)

    def _read(self, data: Source) -> Series:
        known = self._require().series
        series = (
            data
            if isinstance(data, Series)
            else read_series(data, time=known.time_name, targets=known.targets, step=known.step)
        )
        for what, ours, theirs in (
            ("targets", known.targets, series.targets),
            ("step", known.step.name, series.step.name),
            ("UTC offset", known.offset, series.offset),
        ):
            if ours != theirs:
                raise DataError(
                    f"{series.name} has the {what} {theirs!r}, but the forecaster was fitted with"
                    f" {ours!r}: give data of the same form"
                )
        return series

    def _require(self) -> Fitted:
        if self._fitted is None:
            raise NotFittedError("this forecaster is not fitted yet: call fit first")
        return self._fitted


Forecaster.__init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)]
    + [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(ForecastConfig, eval_str=True).parameters.values()
    ]
)


def as_series(data: Source, time: str | None, target: str | Sequence[str] | None) -> Series:
    """Return `data` read as one regular series.

    Raises:
        ConfigError: if the columns are not named.
        DataError: if the data cannot be read.
    """
    if isinstance(data, Series):
        if time is not None or target is not None:
            raise ConfigError("a Series knows its columns: leave time and target out")
        return data
    if time is None or target is None:
        raise ConfigError("name the columns: time='Month', target='Passengers', for example")
    targets = [target] if isinstance(target, str) else list(target)
    return read_series(data, time=time, targets=targets)


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


def fingerprint(series: Series) -> str:
    """Return the SHA-256 of a series' times and values, to tell whether data have changed."""
    digest = hashlib.sha256(series.times.astype("M8[ns]").tobytes())
    digest.update(np.ascontiguousarray(series.values).tobytes())
    return digest.hexdigest()


def _evaluate(fit: Fit, training: Series, series: Series, first: int, cell: str) -> Evaluation:
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
        yardsticks=Yardsticks.of(training.values[: fit.split.known], known, season),
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
