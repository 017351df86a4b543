"""The forecaster: fit, predict, evaluate, plot, save."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, overload

import pandas as pd

from rnnkit.data.assemble import season_of
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Panel
from rnnkit.tasks.estimator import Estimator
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.evaluation import (
    Fitted,
    evaluate_fit,
    forecast_frame,
    metrics_json,
)
from rnnkit.tasks.forecasting.fitting import fit_pipeline
from rnnkit.tasks.forecasting.history import to_score, with_history
from rnnkit.tasks.forecasting.intervals import later_errors
from rnnkit.tasks.forecasting.planning import plan_fit
from rnnkit.tasks.forecasting.reading import Source, as_columns, as_panel, read_to_fit
from rnnkit.tasks.forecasting.scoring import Evaluation
from rnnkit.tasks.scores import ScoreCard
from rnnkit.training import Progress, RunWriter
from rnnkit.training.run_folder import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rnnkit.report.language import Language


class Forecaster(Estimator[ForecastConfig, Fitted]):
    """Forecasts columns of one or many series with a recurrent network.

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

    task: ClassVar[str] = "forecast"
    options_type: ClassVar[type[ForecastConfig]] = ForecastConfig
    _written: ForecastConfig | None = None  # the options, with the sizes that the data decided

    def fit(
        self,
        data: Source,
        *,
        test: Source | None = None,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
        **columns: Any,
    ) -> Forecaster:
        """Fit to series at a regular step, and score on their test part.

        Args:
            data: a text table or Parquet file, a frame, or a `Panel` read before.
            test: later rows of the same series to score on, in place of the last of `data`.
            checkpoints: folder for the state of the training, to resume it from; `None` keeps none.
            resume: go on from `checkpoints`.
            progress: shows the epochs; `None` shows nothing.
            **columns: what the columns are: those of `rnnkit.data.columns.Columns`, one name or a
                list of names each. `target` stands for `targets`, `covariate` for `covariates` and
                so on. With a `Panel` none are given.

        Returns:
            The forecaster itself.

        Raises:
            DataError: if the data cannot be read, are not regular or have too few rows.
            ConfigError: if an option or a column is wrong.
            TrainingError: if a training diverges.
        """
        given = as_columns(columns)
        panel, given, config = read_to_fit(data, test, given, self.config)
        return self.fit_panel(
            panel, given, config, checkpoints=checkpoints, resume=resume, progress=progress
        )

    def fit_panel(
        self,
        panel: Panel,
        given: Columns,
        config: ForecastConfig,
        *,
        checkpoints: Path | None = None,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Forecaster:
        """Fit to a panel that was read with the columns `given`; see `fit`."""
        start = clock.perf_counter()
        fit = fit_pipeline(
            plan_fit(panel, config, season_of(given, panel)),
            config,
            checkpoints=checkpoints,
            resume=resume,
            progress=progress,
        )
        evaluation = None
        if fit.sizes.test_size:
            evaluation = evaluate_fit(
                fit,
                panel,
                panel,
                first=fit.split.known,
                end=fit.split.rows,
                cell=config.cell,
                stride=config.stride,
            )
        calibration = fit.calibration
        if calibration is not None:
            inputs = fit.pipeline.inputs(panel)
            calibration = later_errors(calibration, fit.pipeline, inputs, first=fit.split.known)
        seconds = round(clock.perf_counter() - start, 3)
        self._fitted = Fitted(panel, given, fit, evaluation, calibration, seconds)
        self._written = config
        return self

    @overload
    def predict(self, data: Source | None = None) -> pd.DataFrame: ...
    @overload
    def predict(self, data: list[Any]) -> list[pd.DataFrame]: ...
    def predict(self, data: Source | list[Any] | None = None) -> pd.DataFrame | list[pd.DataFrame]:
        """Forecast the `horizon` rows after the last known one of each series.

        Args:
            data: rows after which to forecast. Those known from `fit` come before them where they
                continue those (and give way where both have a row); another history of a single
                series stands alone and must hold a whole context. Rows without times follow the
                known ones, unless they begin with the same ten rows. `None` forecasts what follows
                the data of `fit`. A list of such gives a list.

        Returns:
            A frame with the columns `time` (datetime64, or the number of the row where there are no
            times), `target`, `value`, the ends of the intervals, and first, of many series, the
            column that names them.

        Raises:
            DataError: if the rows cannot be read, or neither continue the known ones nor suffice,
                or future covariates are missing.
            NotFittedError: before `fit`.
        """
        if isinstance(data, list):
            return [self.predict(source) for source in data]
        fitted = self.fitted
        panel = fitted.panel
        if data is not None:
            reach = fitted.fit.pipeline.reach
            panel = with_history(fitted.panel, self._read(data), reach=reach)
        return forecast_frame(fitted, panel)

    def evaluate(self, data: Source | None = None) -> dict[str, Any]:
        """Score the forecasts of rows that fitting has not seen, beside the baselines.

        Args:
            data: rows to score on, of which those after the validation part count. The known rows
                before them are joined to rows that continue them, as they must where they begin too
                late for a whole context; other series of the same kind stand alone. Rows without
                times follow the known ones. `None` gives the scores on the test part.

        Returns:
            The entries `task`, `test`, `verdict`, `warning`, … of `metrics.json`.

        Raises:
            DataError: if there are no such rows.
            NotFittedError: before `fit`.
        """
        return self.metrics_json(self.scored(data))

    def metrics_json(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Return the content of `metrics.json` for an evaluation."""
        return metrics_json(self.fitted, evaluation)

    def score_card(self, evaluation: Evaluation) -> ScoreCard:
        """Return what an evaluation shows."""
        from rnnkit.tasks.forecasting.card import forecast_card

        return forecast_card(self.config, self.fitted.panel, evaluation)

    def predictions_csv(self, data: Source | None = None) -> str:
        """Return what `predict` forecasts as CSV with a header."""
        from rnnkit.tasks.forecasting.artifact import forecast_csv

        return forecast_csv(self.predict(data))

    def plot(self, language: Language = "en") -> Figure:
        """Return the picture of the history, the test part's forecasts and the forecast beyond."""
        from rnnkit.tasks.forecasting.pictures import forecast_figure

        return forecast_figure(self.fitted, self.config, language)

    def summary(self, language: Language = "en") -> str:
        """Return in a few lines what was fitted, on what, and how good it is."""
        from rnnkit.tasks.forecasting.pictures import summary

        return summary(self.fitted, self.config, language)

    def write_run(self, writer: RunWriter, *, command: str = "", language: Language = "en") -> None:
        """Write everything a forecast leaves behind; see `Estimator`."""
        from rnnkit.tasks.forecasting.run import write_run

        config = self.config if self._written is None else self._written
        write_run(writer, self.fitted, config, command=command, language=language)

    @classmethod
    def from_run(cls, run: Run, device: str) -> Forecaster:
        """Return the forecaster that `write_run` wrote; see `Estimator`."""
        from rnnkit.tasks.forecasting.artifact import read_forecast

        config, fitted = read_forecast(run, device)
        forecaster = cls(**config.to_json())
        forecaster._fitted = fitted
        return forecaster

    def scored(self, data: Source | None = None) -> Evaluation | None:
        """Return what `evaluate` scores, with the forecasts themselves."""
        fitted = self.fitted
        if data is None:
            return fitted.test
        panel, first = to_score(
            fitted.panel,
            self._read(data),
            seen=fitted.fit.split.known,
            reach=fitted.fit.pipeline.reach,
        )
        return evaluate_fit(
            fitted.fit,
            fitted.panel,
            panel,
            first=first,
            end=panel.last_tick,
            cell=self.config.cell,
            stride=self.config.stride,
        )

    def _read(self, data: Source) -> Panel:
        fitted = self.fitted
        return as_panel(data, fitted.columns, like=fitted.panel)
