"""Sequences to numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from rnnkit.data.examples.columns import Wants
from rnnkit.tasks.labels.config import RegressConfig
from rnnkit.tasks.labels.planning import Source
from rnnkit.tasks.labels.tables import TableEstimator


class SequenceRegressor(RegressorMixin, TableEstimator):  # type: ignore[misc]
    """Predicts numbers from sequences of numbers or from texts with a recurrent network.

    Args:
        **options: those of `RegressConfig`.

    Raises:
        ConfigError: if an option is unknown or wrong.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(0, 1, 40)[:, None] + np.zeros((40, 3))
        >>> model = SequenceRegressor(epochs=2, ensemble=1).fit(X, X.sum(axis=1))
        >>> model.predict(X[:2]).shape
        (2,)
    """

    task: ClassVar[str] = "regress"
    options_type: ClassVar[type[RegressConfig]] = RegressConfig
    wants: ClassVar[Wants] = "numbers"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Source, y: Any = None, **options: Any) -> SequenceRegressor:
        """Fit to sequences and their numbers; see `LabelEstimator.fit`."""
        X, y = self._given(X, y, fitting=True, multi_output=True, y_numeric=True)
        super().fit(X, y, **options)
        return self

    def predict(self, X: Source) -> NDArray[np.float64]:
        """Return the number of each sequence, `(S,)`, or `(S, K)` where there are several.

        Raises:
            DataError: if the sequences cannot be read or are of another kind.
            NotFittedError: before `fit`.
        """
        found = self._predicted(X)
        return found[:, 0] if found.shape[1] == 1 else found

    def predict_frame(self, X: Source) -> pd.DataFrame:
        """Return a row for each sequence: its numbers, by their names."""
        frame: pd.DataFrame = pd.DataFrame(
            self._predicted(X), columns=list(self.fitted.meaning.targets)
        )
        return frame
