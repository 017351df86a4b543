"""Classifier and regressor under scikit-learn's own checks of estimators."""

from __future__ import annotations

import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnkit.tasks import SequenceClassifier, SequenceRegressor


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Few epochs at a high rate: some fifty checks, each with a fit or more.
@parametrize_with_checks(
    [
        SequenceClassifier(epochs=20, ensemble=1, learning_rate=0.01, hidden_size=16, dropout=0.0),
        SequenceRegressor(epochs=40, ensemble=1, learning_rate=0.02, hidden_size=24, dropout=0.0),
    ]
)
def test_scikit_learn_has_nothing_to_object_to(estimator, check, recwarn):
    check(estimator)
