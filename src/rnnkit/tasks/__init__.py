"""Tasks: what a person wants done with sequences, whole."""

from rnnkit.tasks.forecasting import ForecastConfig, Forecaster, load, run_forecast

__all__ = ["ForecastConfig", "Forecaster", "load", "run_forecast"]
