"""rnnkit trains, compares and ships recurrent neural networks.

Public names are loaded on first use, so that `import rnnkit` and `rnnkit --help` stay light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rnnkit import layers, metrics, ops
    from rnnkit.errors import RnnkitError
    from rnnkit.ops import explain
    from rnnkit.sequence import SequenceBatch
    from rnnkit.tasks import (
        Forecaster,
        LanguageModel,
        SequenceClassifier,
        SequenceRegressor,
        SequenceTagger,
        load,
    )

_HOMES = {
    "Forecaster": "rnnkit.tasks",
    "LanguageModel": "rnnkit.tasks",
    "RnnkitError": "rnnkit.errors",
    "SequenceBatch": "rnnkit.sequence",
    "SequenceClassifier": "rnnkit.tasks",
    "SequenceRegressor": "rnnkit.tasks",
    "SequenceTagger": "rnnkit.tasks",
    "explain": "rnnkit.ops",
    "load": "rnnkit.tasks",
}
_MODULES = ("layers", "metrics", "ops")

__all__ = [
    "Forecaster",
    "LanguageModel",
    "RnnkitError",
    "SequenceBatch",
    "SequenceClassifier",
    "SequenceRegressor",
    "SequenceTagger",
    "explain",
    "layers",
    "load",
    "metrics",
    "ops",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"rnnkit.{name}")
    else:
        raise AttributeError(f"module 'rnnkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
