"""AutoARIMA and ETS: one model a column, fitted once on the training part.

At a later origin the fitted parameters are applied to the longer history; nothing is fitted again.
Both are refused where they would take longer than about ten seconds a fit or a forecast on one core
of 2023; the bounds below were measured with statsforecast 2.1.1 and statsmodels 0.15.

ETS comes from statsmodels although statsforecast has one: on the monthly airline passengers (132
rows) the latter's optimiser stops at a mean squared error of 225 for ETS(M,A,M) and hence chooses
ETS(M,N,M), no better than the seasonal naive forecast.

Sources: R. J. Hyndman and Y. Khandakar, "Automatic time series forecasting: the forecast package
for R", Journal of Statistical Software 27(3), 2008 (both); R. J. Hyndman, A. B. Koehler, J. K. Ord
and R. D. Snyder, "Forecasting with Exponential Smoothing", Springer 2008 (the ETS family).
"""

from __future__ import annotations

import importlib
import itertools
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rnnkit.baselines.contract import (
    FloatArray,
    IntArray,
    SkipBaseline,
    check_fit,
    check_origins,
)

_FEWEST_ROWS = 10


class _Fitted(ABC):
    """What AutoARIMA and ETS share: columns one by one, and the bounds on time.

    Work is columns × rows × season. Where the season is too long for the training part or for the
    bound, the model goes without it and says so in its name.
    """

    _base_name: ClassVar[str]
    _package: ClassVar[str]
    _longest_season: ClassVar[int]
    _most_work: ClassVar[int]  # columns × rows × season at fit
    _most_forecasts: ClassVar[int]  # origins × columns

    def __init__(self) -> None:
        self.name = self._base_name

    def fit(self, train: FloatArray, *, season: int, horizon: int) -> None:
        """Choose and fit a model for each column; see `Baseline.fit`."""
        check_fit(train, season, horizon)
        rows, columns = train.shape
        if rows < _FEWEST_ROWS:
            raise SkipBaseline(
                f"needs at least {_FEWEST_ROWS} rows before the test part, got {rows}"
            )
        seasonal = (
            season <= self._longest_season
            and 2 * season <= rows
            and columns * rows * season <= self._most_work
        )
        self._season = season if seasonal else 1
        self.name = self._base_name if self._season == season else f"{self._base_name}, no season"
        work = columns * rows * self._season
        if work > self._most_work:
            raise SkipBaseline(
                f"would take too long to fit: {columns} columns × {rows} rows are more than "
                f"{self._most_work}"
            )
        self._train_shape, self._horizon = train.shape, horizon
        library = _load(self._package)
        # On matrices this small the optimiser's BLAS threads wait for each other: 6 times slower.
        with threadpool_limits(1, user_api="blas"):
            try:
                self._models = [
                    self._fit_column(library, column, self._season)
                    for column in np.ascontiguousarray(train.T)
                ]
            except (ValueError, ArithmeticError) as error:
                raise SkipBaseline(f"{self._package.split('.')[0]} failed: {error}") from error

    def forecast(self, values: FloatArray, origins: IntArray) -> FloatArray:
        """Apply the fitted models up to each origin; see `Baseline.forecast`."""
        check_origins(values, origins, self._train_shape)
        columns = values.shape[1]
        if len(origins) * columns > self._most_forecasts:
            raise SkipBaseline(
                f"would take too long: {len(origins)} forecasts × {columns} columns are more than "
                f"{self._most_forecasts}"
            )
        result = np.empty((len(origins), self._horizon, columns))
        for k, model in enumerate(self._models):
            column = np.ascontiguousarray(values[: int(origins.max()), k])
            result[:, :, k] = self._forecast_column(model, column, origins)
        return result

    @abstractmethod
    def _fit_column(self, library: ModuleType, y: FloatArray, season: int) -> Any:
        """Return the library's own fitted model of `y (N,)`."""

    @abstractmethod
    def _forecast_column(self, model: Any, y: FloatArray, origins: IntArray) -> FloatArray:
        """Return `(M, H)`; `y` ends at the last origin."""


class AutoARIMA(_Fitted):
    """Seasonal ARIMA on the raw values, orders chosen by AICc (statsforecast).

    Example:
        >>> AutoARIMA().name
        'AutoARIMA'
    """

    _base_name = "AutoARIMA"
    _package = "statsforecast.models"
    # Seconds measured: 10.5 for 800 rows of season 12, 3.6 for 400 of 24, but 250 for 400 of 52.
    _longest_season = 24
    _most_work = 10_000
    _most_forecasts = 2_500  # about 4 ms each

    def _fit_column(self, library: ModuleType, y: FloatArray, season: int) -> Any:
        model = library.AutoARIMA(season_length=season)
        with _quiet():
            return model.fit(y)

    def _forecast_column(self, model: Any, y: FloatArray, origins: IntArray) -> FloatArray:
        with _quiet():
            return np.stack([model.forward(y[:o], self._horizon)["mean"] for o in origins])


class ETS(_Fitted):
    """Exponential smoothing, the form chosen by AICc among error, trend and season (statsmodels).

    The forms are those of R's `ets`: error, season and their product additive or multiplicative
    (multiplicative where all values are positive), trend none, additive or damped; additive error
    with multiplicative season is left out as unstable.

    Example:
        >>> ETS().name
        'ETS'
    """

    _base_name = "ETS"
    _package = "statsmodels.tsa.exponential_smoothing.ets"
    # Seconds measured: 1.9 for 2000 rows of season 12, 2.3 for 1000 of 24, 4.4 for 500 of 52.
    _longest_season = 60
    _most_work = 50_000
    _most_forecasts = 10_000  # about 0.5 ms each

    def _fit_column(self, library: ModuleType, y: FloatArray, season: int) -> Any:
        best, best_aicc = None, math.inf
        for form in _ets_forms(positive=bool(np.all(y > 0)), season=season):
            with _quiet():
                fitted = library.ETSModel(y, **form).fit(disp=False)
                aicc = fitted.aicc if fitted.df_resid > 1 else math.inf
            if aicc < best_aicc:
                best, best_aicc = (form, fitted.params), aicc
        if best is None:
            raise SkipBaseline("no form of exponential smoothing could be fitted")
        return best

    def _forecast_column(self, model: Any, y: FloatArray, origins: IntArray) -> FloatArray:
        form, params = model
        library = _load(self._package)
        with _quiet():
            smoothed = library.ETSModel(y, **form).smooth(params)
            # States run forward only, so a dynamic prediction from `o` has seen y[:o] and no more.
            return np.stack(
                [smoothed.predict(start=o, end=o + self._horizon - 1, dynamic=0) for o in origins]
            )


def _ets_forms(*, positive: bool, season: int) -> list[dict[str, Any]]:
    errors = ("add", "mul") if positive else ("add",)
    trends = ((None, False), ("add", False), ("add", True))
    seasons = (None, "add", "mul") if positive else (None, "add")
    return [
        {
            "error": error,
            "trend": trend,
            "damped_trend": damped,
            "seasonal": seasonal,
            "seasonal_periods": season if seasonal else None,
        }
        for error, (trend, damped), seasonal in itertools.product(
            errors, trends, seasons if season > 1 else (None,)
        )
        if not (error == "add" and seasonal == "mul")
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what candidates on the way to the best model do: divide by 0, fail to converge."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def _load(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SkipBaseline('needs pip install "rnnkit[forecast]"') from error
