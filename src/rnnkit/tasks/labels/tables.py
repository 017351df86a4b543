"""Scikit-learn's conventions for tables: an array (S, T), each row a sequence of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from rnnkit.data.examples.contract import Examples
from rnnkit.tasks.labels.base import LabelEstimator


class TableEstimator(LabelEstimator, BaseEstimator):  # type: ignore[misc]
    """A classifier or regressor that takes what scikit-learn's estimators take, and refuses it so.

    Options are checked by `fit`. A missing number may be NaN.
    """

    def __init__(self, **options: Any) -> None:
        self._set(options)

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags

    def _given(self, X: Any, y: Any = None, *, fitting: bool = False, **options: Any) -> Any:
        """Return X and y, or X alone, checked as scikit-learn does where X is a table."""
        is_frame = isinstance(X, pd.DataFrame) and not fitting and hasattr(self, "n_features_in_")
        if not is_table(X, y) and not is_frame:
            return (X, y) if fitting else X
        options |= {"ensure_all_finite": "allow-nan", "reset": fitting}
        if fitting:
            return validate_data(self, X, y, ensure_min_samples=2, **options)
        return validate_data(self, X, **options)


def is_table(X: Any, y: Any = None) -> bool:
    """Return whether X is for scikit-learn's rules: an array or the like, of numbers.

    Lists are of sequences, a frame without y is read by the names of its columns.
    """
    if isinstance(X, (str, Path, Examples, list, tuple, pd.Series)):
        return False
    if isinstance(X, pd.DataFrame):
        return y is not None
    if isinstance(X, np.ndarray):
        return X.ndim < 3 and X.dtype.kind not in "UT" and not (X.ndim == 1 and X.dtype == object)
    if hasattr(X, "toarray"):  # sparse
        return True
    return hasattr(X, "__array__") and getattr(X, "ndim", 2) < 3
