"""The scores of predicted numbers, beside those worked by hand and scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn.metrics import r2_score

from rnnkit import metrics
from rnnkit.errors import ShapeError

NAN = math.nan


def test_r2_is_what_is_left_of_the_squares_about_the_mean():
    # About the mean 4: 9 + 1 + 16 = 26. Left: 1 + 0 + 4 = 5.
    assert metrics.r2([1.0, 3.0, 8.0], [2.0, 3.0, 6.0]) == pytest.approx(1 - 5 / 26)
    assert metrics.r2([1.0, 3.0, 8.0], [4.0, 4.0, 4.0]) == 0


def test_several_targets_count_alike_whatever_their_units():
    generator = np.random.default_rng(1)
    actual = generator.normal(size=(31, 3)) * [1, 100, 1e-3]
    predicted = actual + generator.normal(size=(31, 3)) * [0.5, 10, 1e-3]
    assert metrics.r2(actual, predicted) == pytest.approx(r2_score(actual, predicted), abs=1e-12)


def test_what_was_not_observed_and_what_does_not_vary_are_left_out():
    actual = np.array([[1.0, 5.0, NAN], [3.0, 5.0, NAN], [NAN, 5.0, NAN]])
    predicted = np.array([[1.5, 1.0, 1.0], [3.0, 2.0, 1.0], [9.0, 3.0, 1.0]])
    assert metrics.r2(actual, predicted) == pytest.approx(1 - 0.25 / 2)
    assert math.isnan(metrics.r2([5.0, 5.0], [4.0, 5.0]))
    assert math.isnan(metrics.r2([NAN], [4.0]))
    assert math.isnan(metrics.r2([1.0, 2.0], [NAN, 2.0]))


def test_number_scores_holds_the_names_of_metrics_json():
    scores = metrics.number_scores([1.0, 3.0, 8.0], [2.0, 3.0, 6.0])
    assert list(scores) == ["rmse", "mae", "r2"]
    assert scores["rmse"] == pytest.approx(math.sqrt(5 / 3))
    assert scores["mae"] == pytest.approx(1)
    assert scores["r2"] == pytest.approx(1 - 5 / 26)
    assert all(type(value) is float for value in scores.values())


@pytest.mark.parametrize(
    ("actual", "predicted"), [([], []), ([1.0], [1.0, 2.0]), (np.ones((2, 2, 2)),) * 2, (1.0, 1.0)]
)
def test_what_cannot_be_scored_is_refused(actual, predicted):
    with pytest.raises(ShapeError, match=r"\(S,\) or \(S, K\)"):
        metrics.r2(actual, predicted)
