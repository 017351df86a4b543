"""Forecasting: one regular series, direct multi-step, beside its baselines."""

from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.forecaster import Forecaster

__all__ = ["ForecastConfig", "Forecaster"]
