import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rnnkit import metrics
from rnnkit.errors import ShapeError

ACTUAL = np.array([[10.0, 20.0], [40.0, -5.0]])
FORECAST = np.array([[12.0, 15.0], [40.0, -4.0]])
# By hand: the errors are 2, 5, 0, 1.


def test_each_score_equals_the_one_worked_by_hand():
    assert metrics.mae(ACTUAL, FORECAST) == pytest.approx(8 / 4)
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(math.sqrt(30 / 4))
    assert metrics.mape(ACTUAL, FORECAST) == pytest.approx((20 + 25 + 0 + 20) / 4)
    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx(
        100 * (4 / 22 + 10 / 35 + 0 + 2 / 9) / 4
    )
    assert metrics.mase(ACTUAL, FORECAST, 4.0) == pytest.approx(0.5)


def test_score_holds_the_five_names_of_metrics_json_and_their_values():
    scores = metrics.score(ACTUAL, FORECAST, scale=4.0)
    assert list(scores) == ["mae", "rmse", "mape", "smape", "mase"]
    assert all(type(value) is float for value in scores.values())
    assert scores["rmse"] == metrics.rmse(ACTUAL, FORECAST)
    assert scores["mase"] == metrics.mase(ACTUAL, FORECAST, 4.0)


def test_percentages_are_not_symmetric_in_the_same_way():
    assert metrics.mape([100.0], [150.0]) != metrics.mape([150.0], [100.0])
    assert metrics.smape([100.0], [150.0]) == metrics.smape([150.0], [100.0])


def test_mape_is_undefined_where_an_actual_value_is_zero():
    assert math.isnan(metrics.mape([0.0, 1.0], [1.0, 1.0]))


def test_smape_counts_zero_over_zero_as_exact_and_stays_below_200():
    assert metrics.smape([0.0, 0.0], [0.0, 0.0]) == 0
    assert metrics.smape([0.0, 5.0], [3.0, -5.0]) == 200


def test_mase_scale_is_the_seasonal_naive_error_of_the_training_part():
    y = np.array([1.0, 5.0, 2.0, 9.0, 4.0])
    assert metrics.mase_scale(y, 1) == pytest.approx((4 + 3 + 7 + 5) / 4)
    assert metrics.mase_scale(y, 2) == pytest.approx((1 + 4 + 2) / 3)
    assert metrics.mase_scale(y, 4) == pytest.approx(3)


def test_mase_scale_takes_season_one_when_the_training_part_is_shorter_than_a_season():
    y = np.array([1.0, 5.0, 2.0])
    assert metrics.mase_scale(y, 3) == metrics.mase_scale(y, 1)


def test_mase_scale_gives_one_number_a_column_and_mase_divides_each_column_by_its_own():
    y = np.array([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]])
    scale = metrics.mase_scale(y, 1)
    assert scale.tolist() == [1.0, 10.0]
    actual, forecast = np.zeros((3, 4, 2)), np.ones((3, 4, 2))
    assert metrics.mase(actual, forecast, scale) == pytest.approx((1 + 0.1) / 2)


def test_mase_is_undefined_on_a_constant_or_too_short_training_part():
    assert math.isnan(metrics.mase([1.0], [2.0], metrics.mase_scale([3.0, 3.0, 3.0], 1)))
    assert math.isnan(metrics.mase([1.0], [2.0], metrics.mase_scale([3.0], 1)))


@pytest.mark.parametrize("score", [metrics.mae, metrics.rmse, metrics.mape, metrics.smape])
def test_shapes_that_would_broadcast_are_refused(score):
    with pytest.raises(ShapeError, match=r"shape of actual \(3, 1\), got \(3,\)"):
        score(np.ones((3, 1)), np.ones(3))
    with pytest.raises(ShapeError, match="at least one value"):
        score(np.ones((0, 2)), np.ones((0, 2)))


def test_wrong_scale_or_training_part_is_refused():
    with pytest.raises(ShapeError, match="scale must be"):
        metrics.mase(np.ones((5, 2)), np.ones((5, 2)), np.ones(5))
    with pytest.raises(ShapeError, match="scale must be"):
        metrics.mase(np.ones((5, 2)), np.ones((5, 2)), np.ones((5, 2)))
    with pytest.raises(ShapeError, match="train must be"):
        metrics.mase_scale(np.ones((2, 2, 2)), 1)
    with pytest.raises(ShapeError, match="season must be 1 or more rows, got 0"):
        metrics.mase_scale(np.ones(4), 0)


@given(
    arrays(np.float64, (3, 2), elements=st.floats(0.1, 1e6)),
    arrays(np.float64, (3, 2), elements=st.floats(0.1, 1e6)),
)
def test_an_exact_forecast_scores_zero_and_mae_never_exceeds_rmse(actual, forecast):
    assert set(metrics.score(actual, actual, scale=1.0).values()) == {0.0}
    scores = metrics.score(actual, forecast, scale=1.0)
    assert scores["mae"] <= scores["rmse"] * (1 + 1e-12)
    assert 0 <= scores["smape"] <= 200
