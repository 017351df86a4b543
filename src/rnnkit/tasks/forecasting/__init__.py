"""Forecasting: one or many series, beside their baselines."""

from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.forecaster import Forecaster, load
from rnnkit.tasks.forecasting.run import run_forecast

__all__ = ["ForecastConfig", "Forecaster", "load", "run_forecast"]
