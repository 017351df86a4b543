"""Baselines: what a network has to beat, with the same interface and the same scoring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.baselines.contract import Baseline, FloatArray, IntArray, SkipBaseline
from rnnkit.baselines.series import Drift, LastValue, SeasonalGrowth, SeasonalNaive
from rnnkit.baselines.statistical import ETS, AutoARIMA

__all__ = [
    "ETS",
    "AutoARIMA",
    "Baseline",
    "Drift",
    "LastValue",
    "SeasonalGrowth",
    "SeasonalNaive",
    "SkipBaseline",
    "forecast_all",
    "series_baselines",
]


def series_baselines() -> list[Baseline]:
    """Return one of each baseline of a series, not yet fitted, in the order of the tables.

    Example:
        >>> [baseline.name for baseline in series_baselines()][:2]
        ['last value', 'seasonal naive']
    """
    return [LastValue(), SeasonalNaive(), SeasonalGrowth(), Drift(), AutoARIMA(), ETS()]


def forecast_all(
    baselines: Sequence[Baseline],
    train: FloatArray,
    values: FloatArray,
    origins: IntArray,
    *,
    season: int,
    horizon: int,
) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Fit every baseline and forecast from every origin; a baseline that cannot is named.

    Args:
        baselines: from `series_baselines`.
        train: `(N, K)` float64: the training part (what lies before the first origin at most).
        values: `(N', K)` float64: the whole series, from the same row 0.
        origins: `(M,)` int64, each in `N..N'`.
        season: rows in a season; 1 when the series has none or it is unknown.
        horizon: rows to forecast at each origin, 1 or more.

    Returns:
        The forecasts `(M, horizon, K)` by name, and the reasons by name of those skipped.

    Raises:
        ShapeError: if shapes, origins, season or horizon do not fit one another.

    Example:
        >>> import numpy as np
        >>> y = np.array([[1.0], [2.0], [3.0]])
        >>> forecasts, skipped = forecast_all(
        ...     [LastValue(), SeasonalNaive()], y[:2], y, np.array([2, 3]), season=1, horizon=1
        ... )
        >>> forecasts["last value"].ravel().tolist(), skipped
        ([2.0, 3.0], {'seasonal naive': 'needs a season longer than one row'})
    """
    forecasts: dict[str, FloatArray] = {}
    skipped: dict[str, str] = {}
    for baseline in baselines:
        try:
            baseline.fit(train, season=season, horizon=horizon)
            forecast = baseline.forecast(values, origins)
        except SkipBaseline as skip:
            skipped[baseline.name] = skip.reason
            continue
        if np.isfinite(forecast).all():
            forecasts[baseline.name] = forecast
        else:
            skipped[baseline.name] = "its forecast is not finite"
    return forecasts, skipped
