"""The linear models of a series, the best of them, and the tests of what it leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnkit.diagnosis.assumptions import Assumption, judge_level, judge_residuals
from rnnkit.diagnosis.contract import FloatArray
from rnnkit.diagnosis.decomposition import Decomposition
from rnnkit.diagnosis.linear_models import LinearModel, choose, fit_ar, fit_arima
from rnnkit.diagnosis.sample import Sample
from rnnkit.diagnosis.spread import SpreadTest
from rnnkit.diagnosis.stationarity import Stationarity, judge_stationarity

FEWEST_ROWS = 20
_ROUNDING = 1e-8  # of the series' spread: errors below it are rounding


@dataclass(frozen=True, eq=False)
class Errors:
    """The one-step errors of the best linear model, as the pictures show them.

    Args:
        first: row of the series that the arrays begin at.
        values: `(n,)` float64, in the data's units, or of their logarithm.
        fitted: `(n,)` float64, the model's one-step forecasts, in the data's units.
        lagged: `(n,)` float64, after the differences, the value `delay` rows before each error;
            NaN where there is none.
        delay: rows; where linearity fails, those of the threshold.
        threshold: on `lagged`; `None` where linearity holds.
    """

    first: int
    values: FloatArray
    fitted: FloatArray
    lagged: FloatArray
    delay: int
    threshold: float | None


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Linear models of the rows tested, and what the best of them leaves.

    Args:
        stationarity: ADF and KPSS of the series and of its differences.
        models: an AR and an ARMA of the series; with a season or differences, an ARIMA with them;
            an AR of the differences. Each once.
        best: the one whose errors are tested, by AICc; where differences are needed, one with them.
        exact: whether its errors are but rounding, and were not tested.
        errors: its errors.
        assumptions: one a test, in the order of judgement.
        gain: the share of the variance of its errors that a threshold explains; `None` where
            linearity was not tested.
    """

    stationarity: Stationarity
    models: tuple[LinearModel, ...]
    best: LinearModel
    exact: bool
    errors: Errors
    assumptions: tuple[Assumption, ...]
    gain: float | None

    def to_json(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {
            "stationarity": self.stationarity.to_json(),
            "models": [model.to_json() for model in self.models],
            "best": self.best.orders.name,
            "exact": self.exact,
            "assumptions": [assumption.to_json() for assumption in self.assumptions],
            "gain": self.gain,
        }


def fit_linear(sample: Sample, parts: Decomposition, spread: SpreadTest | None) -> LinearFit:
    """Fit linear models to the rows examined and test what the best leaves.

    Args:
        sample: the series, 20 rows examined or more, not constant.
        parts: its decomposition, which says whether to take the logarithm, and the season.
        spread: why the logarithm is taken, if it is.

    Raises:
        MissingExtraError: if statsmodels is not installed.
    """
    u = np.log(sample.examined) if parts.log else sample.examined
    loc, scale = float(u.mean()), float(u.std())
    z = (u - loc) / scale
    season = 1 if parts.season_strength is None else parts.season
    stationarity = judge_stationarity(z, season=season, strong_season=parts.strong_season)
    d, D = stationarity.d, stationarity.D
    plain = [fit_ar(z), fit_arima(z)]
    if d or D:
        candidates = [fit_arima(z, d=d, D=D, season=season), fit_ar(z, d=d, D=D, season=season)]
    else:
        candidates = _once([*plain, *([fit_arima(z, season=season)] if season > 1 else [])])
    best = choose(candidates)
    exact = best.sigma(len(best.residuals)) <= _ROUNDING
    assumptions: list[Assumption] = []
    delay, threshold, gain = 1, None, None
    if not exact:
        tested, split = judge_residuals(best, z)
        assumptions += tested
        if split is not None:
            gain = split.gain
            if tested[0].holds is False:
                delay, threshold = split.delay, split.threshold
    if spread is not None:
        assumptions.insert(1, judge_level(spread))
    if parts.log:
        loc += math.log(sample.unit)
    else:
        loc, scale = loc * sample.unit, scale * sample.unit
    models = _once([best, *plain, *candidates])
    models = [model.in_units(loc, scale) for model in models]
    best = models[0]
    models.sort(key=lambda model: (model.orders.lost, model.orders.season))
    if threshold is not None:
        threshold = scale * threshold + (0.0 if best.orders.lost else loc)
    return LinearFit(
        stationarity,
        tuple(models),
        best,
        exact,
        _errors(best, sample, loc + scale * z, parts.log, delay, threshold),
        tuple(assumptions),
        gain,
    )


def _errors(
    model: LinearModel,
    sample: Sample,
    values: FloatArray,
    log: bool,
    delay: int,
    threshold: float | None,
) -> Errors:
    n = len(model.residuals)
    fitted = values[-n:] - model.residuals
    return Errors(
        first=sample.stop - n,
        values=model.residuals,
        fitted=np.exp(fitted) if log else fitted,
        lagged=np.concatenate([np.full(delay, np.nan), model.w[:-delay]])[-n:],
        delay=delay,
        threshold=threshold,
    )


def _once(models: Sequence[LinearModel]) -> list[LinearModel]:
    """Return the models without those of the same orders as one before them."""
    first: dict[str, LinearModel] = {}
    for model in models:
        first.setdefault(model.orders.name, model)
    return list(first.values())
