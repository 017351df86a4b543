"""Tasks: what a person wants done with sequences, whole.

The names are loaded on first use, so that a wrong option is answered before torch is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnkit.tasks.estimator import NotFittedError, load
    from rnnkit.tasks.forecasting.config import ForecastConfig
    from rnnkit.tasks.forecasting.forecaster import Forecaster
    from rnnkit.tasks.forecasting.run import run_forecast
    from rnnkit.tasks.labels.classifier import SequenceClassifier
    from rnnkit.tasks.labels.regressor import SequenceRegressor
    from rnnkit.tasks.labels.run import run_labels
    from rnnkit.tasks.language.language_model import LanguageModel
    from rnnkit.tasks.language.run import run_language_model
    from rnnkit.tasks.tagging.run import run_tagger
    from rnnkit.tasks.tagging.tagger import SequenceTagger

_HOMES = {
    "ForecastConfig": "rnnkit.tasks.forecasting.config",
    "Forecaster": "rnnkit.tasks.forecasting.forecaster",
    "LanguageModel": "rnnkit.tasks.language.language_model",
    "NotFittedError": "rnnkit.tasks.estimator",
    "SequenceClassifier": "rnnkit.tasks.labels.classifier",
    "SequenceRegressor": "rnnkit.tasks.labels.regressor",
    "SequenceTagger": "rnnkit.tasks.tagging.tagger",
    "load": "rnnkit.tasks.estimator",
    "run_forecast": "rnnkit.tasks.forecasting.run",
    "run_labels": "rnnkit.tasks.labels.run",
    "run_language_model": "rnnkit.tasks.language.run",
    "run_tagger": "rnnkit.tasks.tagging.run",
}

__all__ = [
    "ForecastConfig",
    "Forecaster",
    "LanguageModel",
    "NotFittedError",
    "SequenceClassifier",
    "SequenceRegressor",
    "SequenceTagger",
    "load",
    "run_forecast",
    "run_labels",
    "run_language_model",
    "run_tagger",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnnkit.tasks' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
