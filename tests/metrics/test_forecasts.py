import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rnnkit import metrics
from rnnkit.errors import ConfigError, ShapeError

NAN = float("nan")
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
    with pytest.raises(ShapeError, match=r"scale must broadcast .* \(5, 2\), got shape \(5,\)"):
        metrics.mase(np.ones((5, 2)), np.ones((5, 2)), np.ones(5))
    with pytest.raises(ShapeError, match=r"scale must broadcast .* got shape \(3, 5, 2\)"):
        metrics.mase(np.ones((5, 2)), np.ones((5, 2)), np.ones((3, 5, 2)))
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


# By hand: the errors of what was observed are 2, 0, 1, and the scales 4, 1, 1.
OBSERVED = np.array([[[10.0], [NAN]], [[40.0], [-5.0]]])  # (2, 2, 1)
GUESSED = np.array([[[12.0], [NAN]], [[40.0], [-4.0]]])
SCALES = np.array([[[4.0]], [[1.0]]])  # one a series


def test_what_was_not_observed_is_left_out_of_every_score():
    assert metrics.score(OBSERVED, GUESSED, scale=SCALES) == pytest.approx(
        {
            "mae": 3 / 3,
            "rmse": math.sqrt(5 / 3),
            "mape": (20 + 0 + 20) / 3,
            "smape": 100 * (4 / 22 + 0 + 2 / 9) / 3,
            "mase": (2 / 4 + 0 + 1) / 3,
        }
    )
    # What was forecast there is of no account.
    guessed = np.nan_to_num(GUESSED, nan=1e9)
    assert metrics.score(OBSERVED, guessed, scale=SCALES) == metrics.score(
        OBSERVED, GUESSED, scale=SCALES
    )


def test_a_score_without_an_observed_value_is_undefined_and_warns_of_nothing():
    actual = np.full((2, 3), NAN)
    scores = metrics.score(actual, np.ones((2, 3)), scale=1.0)
    assert all(map(math.isnan, scores.values()))
    lower, upper = np.zeros((2, 3)), np.ones((2, 3))
    assert math.isnan(metrics.coverage(actual, lower, upper))
    assert math.isnan(metrics.interval_width(actual, lower, upper))
    assert math.isnan(metrics.interval_score(actual, lower, upper, level=80))


def test_a_forecast_that_is_nan_where_a_value_was_observed_makes_the_scores_undefined():
    forecast = np.where(FORECAST == 15, NAN, FORECAST)
    assert all(map(math.isnan, metrics.score(ACTUAL, forecast, scale=1.0).values()))
    assert math.isnan(metrics.coverage(ACTUAL, forecast, np.full((2, 2), 99.0)))
    assert math.isnan(metrics.coverage(ACTUAL, np.full((2, 2), -99.0), forecast))
    assert math.isnan(metrics.interval_width(ACTUAL, forecast, forecast))
    assert math.isnan(metrics.interval_score(ACTUAL, forecast, forecast, level=50))


@pytest.mark.parametrize("none", [0.0, NAN])
def test_entries_without_a_scale_are_left_out_of_mase(none):
    scale = np.array([none, 5.0])
    assert metrics.mase(ACTUAL, FORECAST, scale) == pytest.approx((5 + 1) / 2 / 5)
    assert metrics.mase(ACTUAL, FORECAST, scale[:, None]) == pytest.approx((0 + 1) / 2 / 5)
    assert math.isnan(metrics.mase(ACTUAL, FORECAST, [none, none]))
    # Where the only entry with a scale was not observed, none is left.
    assert math.isnan(metrics.mase([1.0, NAN], [2.0, 2.0], scale))


def test_mase_scale_takes_the_pairs_of_which_both_were_observed():
    y = np.array([1.0, 5.0, NAN, 9.0, 4.0, 7.0, NAN])
    assert metrics.mase_scale(y, 1) == pytest.approx((4 + 5 + 3) / 3)
    assert metrics.mase_scale(y, 2) == pytest.approx((4 + 2) / 2)
    assert metrics.mase_scale(y, 4) == pytest.approx((3 + 2) / 2)
    assert metrics.mase_scale(y, 5) == 6
    assert math.isnan(metrics.mase_scale([1.0, NAN, 3.0, NAN], 1))
    both = np.stack([y, np.full(7, NAN), np.arange(7.0) ** 2], axis=1)
    np.testing.assert_allclose(metrics.mase_scale(both, 4), [2.5, NAN, (16 + 24 + 32) / 3])
    assert metrics.mase_scale(both[:1], 3).shape == (3,)


def test_scores_without_missing_values_are_the_plain_means_to_the_last_bit():
    random = np.random.default_rng(0)
    for shape in ((7,), (333, 24, 1), (50, 13, 3)):
        a, f = random.normal(size=(2, *shape))
        q = random.random(shape[-1:]) + 0.5
        assert metrics.mae(a, f) == np.mean(np.abs(a - f))
        assert metrics.rmse(a, f) == np.sqrt(np.mean((a - f) ** 2))
        assert metrics.mape(a, f) == 100 * np.mean(np.abs(a - f) / np.abs(a))
        assert metrics.smape(a, f) == 100 * np.mean(2 * np.abs(a - f) / (np.abs(a) + np.abs(f)))
        assert metrics.mase(a, f, q) == np.mean(np.abs(a - f) / q)
    y = random.normal(size=(200, 3))
    np.testing.assert_array_equal(metrics.mase_scale(y, 7), np.mean(np.abs(y[7:] - y[:-7]), axis=0))


# Intervals about 10, 20, 40 and -5: one in the middle, one at an end, one 3 above, one 2 below.
LOWER = np.array([[8.0, 20.0], [43.0, -9.0]])
UPPER = np.array([[13.0, 24.0], [44.0, -7.0]])


def test_scores_of_intervals_equal_those_worked_by_hand():
    assert metrics.coverage(ACTUAL, LOWER, UPPER) == 2 / 4
    assert metrics.interval_width(ACTUAL, LOWER, UPPER) == (5 + 4 + 1 + 2) / 4
    # 2 / 0.2 times 3 and 2 are the fines at 80 %, 2 / 0.05 at 95 %.
    score = metrics.interval_score
    assert score(ACTUAL, LOWER, UPPER, level=80) == pytest.approx((12 + 10 * 5) / 4)
    assert score(ACTUAL, LOWER, UPPER, level=95) == pytest.approx((12 + 40 * 5) / 4)
    scale = np.array([[2.0], [5.0]])
    assert score(ACTUAL, LOWER, UPPER, level=80, scale=scale) == pytest.approx(
        (5 / 2 + 4 / 2 + (1 + 30) / 5 + (2 + 20) / 5) / 4
    )
    scale[1] = 0
    assert score(ACTUAL, LOWER, UPPER, level=80, scale=scale) == pytest.approx((5 + 4) / 2 / 2)
    actual = ACTUAL.copy()
    actual[1, 0] = NAN
    assert metrics.coverage(actual, LOWER, UPPER) == pytest.approx(2 / 3)
    assert metrics.interval_width(actual, LOWER, UPPER) == pytest.approx(11 / 3)
    assert score(actual, LOWER, UPPER, level=80) == pytest.approx((11 + 20) / 3)


def test_the_interval_score_is_smallest_at_the_quantiles():
    actual = np.random.default_rng(0).normal(size=20_000)

    def score(low, high):
        ends = np.full_like(actual, low), np.full_like(actual, high)
        return metrics.interval_score(actual, *ends, level=80)

    low, high = np.quantile(actual, [0.1, 0.9])
    best = score(low, high)
    for moved in ((low - 0.2, high), (low + 0.2, high), (low, high - 0.2), (low, high + 0.2)):
        assert score(*moved) > best + 1e-3


def test_endless_intervals_hold_everything():
    inf = np.full((2, 2), np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.coverage(ACTUAL, -inf, inf) == 1
        assert metrics.interval_width(ACTUAL, -inf, inf) == np.inf


@pytest.mark.parametrize("level", [0, 100, -5, NAN])
def test_a_level_that_is_no_percentage_is_refused(level):
    with pytest.raises(ConfigError, match="level must be above 0 and below 100 %, got"):
        metrics.interval_score(ACTUAL, LOWER, UPPER, level=level)


def test_ends_of_another_shape_are_refused_by_name():
    with pytest.raises(ShapeError, match=r"upper must have the shape of actual \(2, 2\), got"):
        metrics.coverage(ACTUAL, LOWER, UPPER[0])
    with pytest.raises(ShapeError, match=r"lower must have the shape of actual \(2, 2\), got"):
        metrics.interval_width(ACTUAL, LOWER[:1], UPPER)
