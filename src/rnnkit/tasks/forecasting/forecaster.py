"""The forecaster: fit, predict, evaluate, plot, save."""

from __future__ import annotations

import hashlib
import inspect
import time as clock
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from rnnkit.data.readers import Series, read_series
from rnnkit.data.times import show_time
from rnnkit.errors import ConfigError, DataError, RnnkitError
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.evaluation import Fitted, evaluate_fit, forecast_frame, metrics_json
from rnnkit.tasks.forecasting.history import continue_series, continues
from rnnkit.tasks.forecasting.pipeline import fit_pipeline, plan_fit
from rnnkit.tasks.forecasting.scoring import Evaluation
from rnnkit.training import Progress, RunWriter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Source = str | Path | pd.DataFrame | Series


class NotFittedError(RnnkitError, ValueError, AttributeError):
    """A forecaster is asked for something before `fit`."""


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
            test = evaluate_fit(fit, series, series, fit.split.known, self.config.cell)
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
            series, reach = self._read(data), fitted.fit.pipeline.reach
            if len(series.times) < reach:
                series = continue_series(fitted.series, series, needed=reach)
        return forecast_frame(fitted.fit.pipeline, series)

    def evaluate(self, data: Source | None = None) -> dict[str, Any]:
        """Score the forecasts of rows that fitting has not seen, beside the baselines.

        Args:
            data: rows to score on, of which those after the validation part count. The known rows
                before them are joined to rows that continue them, as they must where they begin too
                late for a whole context; another series of the same kind stands alone.
                `None` gives the scores on the test part.

        Returns:
            The entries `task`, `test`, `verdict`, `warning`, … of `metrics.json`.

        Raises:
            DataError: if there are no such rows.
            NotFittedError: before `fit`.
        """
        return metrics_json(self._require(), self.scored(data))

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

        fitted = self._require()
        with RunWriter(Path(path), settings={}) as writer:
            write_run(writer, fitted, self.config, command="")
            writer.finish()

    @property
    def fitted(self) -> Fitted:
        """What `fit` found.

        Raises:
            NotFittedError: before `fit`.
        """
        return self._require()

    def scored(self, data: Source | None = None) -> Evaluation | None:
        """Return what `evaluate` scores, with the forecasts themselves."""
        fitted = self._require()
        if data is None:
            return fitted.test
        horizon, reach = self.config.horizon, fitted.fit.pipeline.reach
        seen = fitted.series.times[fitted.fit.split.known - 1]
        series = self._read(data)
        first = int(np.searchsorted(series.times, seen, side="right"))
        # With the rows known from fitting, so that the baselines learn from as many as the network.
        if first < reach or continues(fitted.series, series):
            series = continue_series(fitted.series, series, needed=reach)
            first = int(np.searchsorted(series.times, seen, side="right"))
        if len(series.times) - first < horizon:
            raise DataError(
                f"{series.name} has {len(series.times) - first} rows after {show_time(seen)}, the"
                f" last that fitting used, and a forecast is scored on {horizon}: give later rows"
            )
        return evaluate_fit(fitted.fit, fitted.series, series, first, self.config.cell)

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


def fingerprint(series: Series) -> str:
    """Return the SHA-256 of a series' times and values, to tell whether data have changed."""
    digest = hashlib.sha256(series.times.astype("M8[ns]").tobytes())
    digest.update(np.ascontiguousarray(series.values).tobytes())
    return digest.hexdigest()


def load(path: str | Path, *, device: str = "cpu") -> Forecaster:
    """Return the forecaster in the run folder `path`.

    Nothing in the folder is executed: it holds numbers and texts.

    Args:
        path: the run folder.
        device: where to forecast, whatever the run was trained on.

    Raises:
        ConfigError: if the machine has no such device.
        ArtifactError: if there is no finished run, or it was changed or damaged.
    """
    from rnnkit.tasks.forecasting.artifact import read_forecast

    config, fitted = read_forecast(Path(path), device)
    forecaster = Forecaster(**config.to_json())
    forecaster._fitted = fitted
    return forecaster
