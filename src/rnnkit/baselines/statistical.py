"""AutoARIMA and ETS: one model a column, fitted once on the training part.

At a later origin the fitted parameters are applied to the longer history; nothing is fitted again.
Both are refused where they would take too long for all series together. The seconds below were
measured on one core of 2023 with statsforecast 2.1.1 and statsmodels 0.15.

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rnnkit.baselines.contract import (
    FloatArray,
    IntArray,
    SkipBaseline,
    Track,
    check_fit,
    check_origins,
    too_few_rows,
    too_long,
)
from rnnkit.messages import Message

_FEWEST_ROWS = 10


class _Fitted(ABC):
    """What AutoARIMA and ETS share: columns one by one, and an estimate of the time.

    Where the season would take too long, no series is fitted with it, and the name says so; where
    it is too long for some series alone, those are fitted without it.
    """

    _base_name: ClassVar[str]
    _package: ClassVar[str]

    def __init__(self) -> None:
        self.name = self._base_name
        self._seasonal = True

    def plan(self, tracks: Sequence[Track], *, season: int, seconds: float) -> tuple[Message, ...]:
        """Choose whether the season can be afforded; see `Baseline.plan`."""
        _load(self._package)
        fits = [track for track in tracks if track.known >= _FEWEST_ROWS]
        if not fits:
            raise SkipBaseline(too_few_rows(_FEWEST_ROWS, max(track.known for track in tracks)))
        short = sum(track.known < 2 * season for track in fits) if season > 1 else 0
        self._seasonal = short < len(fits) and self._seconds(fits, season) <= seconds
        if not self._seasonal:
            estimate = self._seconds(fits, 1)
            if estimate > seconds:
                raise SkipBaseline(too_long(estimate, seconds))
            self.name = f"{self._base_name}, no season"
            return ()
        if not short:
            return ()
        template = "no season for {count:,} of {all:,} series, shorter than two of {season:,} rows"
        return (Message(template, {"count": short, "all": len(tracks), "season": season}),)

    def fit(self, train: FloatArray, *, season: int, horizon: int) -> None:
        """Choose and fit a model for each column; see `Baseline.fit`."""
        check_fit(train, season, horizon)
        rows = len(train)
        if rows < _FEWEST_ROWS:
            raise SkipBaseline(too_few_rows(_FEWEST_ROWS, rows))
        self._season = season if self._seasonal and 2 * season <= rows else 1
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
                raise SkipBaseline(
                    Message(
                        "{library} failed: {error}",
                        {"library": self._package.split(".")[0], "error": str(error)},
                    )
                ) from error

    def forecast(self, values: FloatArray, origins: IntArray) -> FloatArray:
        """Apply the fitted models up to each origin; see `Baseline.forecast`."""
        check_origins(values, origins, self._train_shape)
        result = np.empty((len(origins), self._horizon, values.shape[1]))
        for k, model in enumerate(self._models):
            column = np.ascontiguousarray(values[: int(origins.max()), k])
            try:
                result[:, :, k] = self._forecast_column(model, column, origins)
            except (ValueError, ArithmeticError) as error:
                # A multiplicative form, for one, has no state for a later value of 0.
                package = self._package.split(".")[0]
                why = {"package": package, "error": str(error)}
                raise SkipBaseline(
                    Message("{package} could not go on with the later rows: {error}", why)
                ) from error
        return result

    def _seconds(self, tracks: Sequence[Track], season: int) -> float:
        """Return how long the fits and forecasts of all tracks will take, on one core of 2023."""
        total = 0.0
        for track in tracks:
            used = season if 2 * season <= track.known else 1
            fit = self._fit_seconds(track.known, used)
            forecasts = len(track.origins) * self._forecast_seconds(len(track.values), used)
            total += track.values.shape[1] * (fit + forecasts)
        return total

    @abstractmethod
    def _fit_seconds(self, rows: int, season: int) -> float:
        """Return how long choosing and fitting a model of one column takes, in the mean."""

    @abstractmethod
    def _forecast_seconds(self, rows: int, season: int) -> float:
        """Return how long a forecast of one column from one origin takes, in the mean."""

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

    def _fit_seconds(self, rows: int, season: int) -> float:
        # Measured in the mean over real series, rows across and seasons down:
        #         30     100    300    800   2000
        #   1   0.11    0.13   0.20   0.35   0.50
        #   7   0.23    0.67   1.6    2.9
        #  12   0.10    1.1    2.4    4.2
        #  24           0.76  11.7   16
        # and 250 once for 400 rows of season 52; a long series takes several times as long: 48 for
        # 3,650 rows of season 7, more than 440 for 11,000 of 24.
        work = math.pow(rows, 0.65) * (1 + math.pow(season, 1.6))
        return 0.1 + 0.0018 * work * max(1.0, season / 24) ** 2 * max(1.0, rows / 2000) ** 2

    def _forecast_seconds(self, rows: int, season: int) -> float:
        return 3e-4 + 1.4e-7 * rows * season

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

    def _fit_seconds(self, rows: int, season: int) -> float:
        # Measured in the mean over real series, rows across and seasons down:
        #         30     100    300    800   2000
        #   1   0.02    0.02   0.03   0.03   0.04
        #   7   0.23    0.25   0.38   0.52   0.72
        #  12   0.57    0.55   0.78   1.4    1.6
        #  24            1.2   1.8    2.5    3.1
        #  52                  3.6    6.5    8.4
        return 0.03 + (season - 1) * (0.03 + 0.0027 * math.sqrt(rows))

    def _forecast_seconds(self, rows: int, season: int) -> float:
        return 3e-4 + 2e-4 * min(season, 24) + 6e-8 * rows * season

    def _fit_column(self, library: ModuleType, y: FloatArray, season: int) -> Any:
        best, best_aicc = None, math.inf
        for form in _ets_forms(positive=bool(np.all(y > 0)), season=season):
            with _quiet():
                fitted = library.ETSModel(y, **form).fit(disp=False)
                aicc = fitted.aicc if fitted.df_resid > 1 else math.inf
            if aicc < best_aicc:
                best, best_aicc = (form, fitted.params), aicc
        if best is None:
            raise SkipBaseline(Message("no form of exponential smoothing could be fitted"))
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
        raise SkipBaseline(Message('needs pip install "rnnkit[forecast]"')) from error
