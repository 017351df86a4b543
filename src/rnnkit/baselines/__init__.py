"""Baselines: what a network has to beat, with the same interface and the same scoring."""

from __future__ import annotations

from collections.abc import Callable

from rnnkit.baselines.contract import Baseline, SkipBaseline, Track
from rnnkit.baselines.series import Drift, LastValue, SeasonalGrowth, SeasonalNaive
from rnnkit.baselines.statistical import ETS, AutoARIMA
from rnnkit.baselines.tracks import forecast_tracks

__all__ = [
    "ETS",
    "AutoARIMA",
    "Baseline",
    "Drift",
    "LastValue",
    "SeasonalGrowth",
    "SeasonalNaive",
    "SkipBaseline",
    "Track",
    "forecast_tracks",
    "series_baselines",
]


def series_baselines() -> list[Callable[[], Baseline]]:
    """Return what makes each baseline of a series, in the order of the tables.

    Example:
        >>> [make().name for make in series_baselines()][:2]
        ['last value', 'seasonal naive']
    """
    return [LastValue, SeasonalNaive, SeasonalGrowth, Drift, AutoARIMA, ETS]
