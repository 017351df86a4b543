"""Tasks: what a person wants done with sequences, whole."""

from rnnkit.tasks.forecasting import ForecastConfig, Forecaster
from rnnkit.tasks.forecasting.artifact import load
from rnnkit.tasks.forecasting.run import run_forecast

__all__ = ["ForecastConfig", "Forecaster", "load", "run_forecast"]
