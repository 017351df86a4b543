"""Scores on NumPy arrays: of forecasts and their intervals, of labels, of numbers.

Every function takes what happened first. They are NumPy alone, so that a score never waits for
scikit-learn or torch to load.
"""

from rnnkit.metrics.forecasts import (
    coverage,
    interval_score,
    interval_width,
    mae,
    mape,
    mase,
    mase_scale,
    rmse,
    score,
    smape,
)
from rnnkit.metrics.labels import (
    accuracy,
    confusion,
    difference_in_accuracy,
    label_scores,
    log_loss,
    macro_f1,
    roc_auc,
)
from rnnkit.metrics.numbers import number_scores, r2

__all__ = [
    "accuracy",
    "confusion",
    "coverage",
    "difference_in_accuracy",
    "interval_score",
    "interval_width",
    "label_scores",
    "log_loss",
    "macro_f1",
    "mae",
    "mape",
    "mase",
    "mase_scale",
    "number_scores",
    "r2",
    "rmse",
    "roc_auc",
    "score",
    "smape",
]
