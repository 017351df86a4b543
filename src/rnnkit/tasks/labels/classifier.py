"""Sequences to classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from rnnkit.data.examples.columns import Wants
from rnnkit.tasks.labels.config import ClassifyConfig
from rnnkit.tasks.labels.planning import Source
from rnnkit.tasks.labels.tables import TableEstimator, is_table


class SequenceClassifier(ClassifierMixin, TableEstimator):  # type: ignore[misc]
    """Classifies texts or sequences of numbers with a recurrent network.

    Args:
        **options: those of `ClassifyConfig`.

    Raises:
        ConfigError: if an option is unknown or wrong.

    Example:
        >>> texts = ["good film", "bad film", "good cast", "bad plot"] * 5
        >>> model = SequenceClassifier(epochs=30, ensemble=1, dropout=0.0, validation_size=0)
        >>> model.fit(texts, ["pos", "neg"] * 10).predict(["so good"]).tolist()
        ['pos']
    """

    task: ClassVar[str] = "classify"
    options_type: ClassVar[type[ClassifyConfig]] = ClassifyConfig
    wants: ClassVar[Wants] = "class"
    classes_: NDArray[Any]

    def fit(self, X: Source, y: Any = None, **options: Any) -> SequenceClassifier:
        """Fit to sequences and their classes; see `LabelEstimator.fit`."""
        if is_table(X, y):
            X, y = self._given(X, y, fitting=True, multi_output=True)
            check_classification_targets(y)
            y = column_or_1d(y, warn=True)
        super().fit(X, y, **options)
        if y is not None:  # predictions are of the type of the labels given
            kinds = {"i": "int", "u": "int", "f": "float", "b": "bool"}
            kind: Any = kinds.get(np.asarray(y).dtype.kind, "str")
            fitted = self.fitted
            self._fitted = replace(fitted, meaning=replace(fitted.meaning, kind=kind))
        self._restored()
        return self

    def predict(self, X: Source) -> NDArray[Any]:
        """Return the most probable class of each sequence, `(S,)`.

        Raises:
            DataError: if the sequences cannot be read or are of another kind.
            NotFittedError: before `fit`.
        """
        best = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[best]
        return found

    def predict_proba(self, X: Source) -> NDArray[np.float64]:
        """Return the probability of each class, `(S, K)`, in the order of `classes_`.

        Raises:
            DataError: if the sequences cannot be read or are of another kind.
            NotFittedError: before `fit`.
        """
        return self._predicted(X)

    def predict_frame(self, X: Source) -> pd.DataFrame:
        """Return a row for each sequence: its class, and the probability of every class."""
        probabilities = self.predict_proba(X)
        frame: pd.DataFrame = pd.DataFrame(
            {"class": [self.fitted.meaning.classes[k] for k in probabilities.argmax(axis=1)]}
        )
        for k, label in enumerate(self.fitted.meaning.classes):
            frame[f"p({label})"] = probabilities[:, k]
        return frame

    def _restored(self) -> None:
        self.classes_ = self.fitted.meaning.labels()
