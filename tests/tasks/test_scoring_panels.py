import json

import numpy as np
import pytest

from rnnkit.messages import Message
from rnnkit.tasks.forecasting.scoring import Intervals, Yardsticks, evaluate
from rnnkit.tasks.forecasting.verdict import MODEL, WITHOUT

NAN = float("nan")

# Three series of one target, of unequal length, scale and number of origins; the first
# misses a value, the last did not vary before the test part.
NUMBERS = np.array([0, 0, 0, 1, 2, 2])
PANEL_ACTUAL = np.array(
    [[10.0, 12.0], [NAN, 14.0], [11.0, 13.0], [1000.0, 1200.0], [5.0, 6.0], [6.0, 7.0]]
)[..., None]
PANEL_NAIVE = np.array([[2.0], [100.0], [0.0]])
PANEL_SPREAD = np.array([[4.0], [0.0], [0.5]])


def panel(errors, *, naive=PANEL_NAIVE, intervals=None, last=None, **options):
    """Forecasts that are too high by one error a series."""
    forecasts = {
        {"model": MODEL, "without": WITHOUT}.get(name, name): np.where(
            np.isnan(PANEL_ACTUAL), -77.0, PANEL_ACTUAL
        )
        + np.array(by_series)[NUMBERS][:, None, None]
        for name, by_series in errors.items()
    }
    return evaluate(
        actual=PANEL_ACTUAL,
        origins=np.array([20, 21, 22, 9, 30, 31]),
        series=NUMBERS,
        last=np.zeros((6, 1)) if last is None else last,
        forecasts=forecasts,
        intervals=intervals,
        skipped={},
        notes={},
        targets=["sold"],
        yardsticks=Yardsticks(naive, PANEL_SPREAD),
        cell="lstm",
        **options,
    )


ERRORS = {
    "model": [1.0, 80.0, 3.0],
    "without": [2.0, 50.0, 3.0],
    "drift": [4.0, 30.0, 9.0],
    "naive": [6.0, 40.0, 1.0],
}


def test_a_panel_is_scored_over_what_was_observed_each_series_by_its_own_yardstick():
    evaluation = panel(ERRORS)
    scores = evaluation.scores[MODEL]
    # 5 values of the first series, 2 of the second, 4 of the third.
    assert scores["mae"] == pytest.approx((5 * 1 + 2 * 80 + 4 * 3) / 11)
    assert scores["rmse"] == pytest.approx(np.sqrt((5 * 1 + 2 * 6400 + 4 * 9) / 11))
    assert scores["mape"] == pytest.approx(
        100 * (sum(1 / a for a in (10, 12, 14, 11, 13)) + 80 / 1000 + 80 / 1200) / 11
        + 100 * sum(3 / a for a in (5, 6, 6, 7)) / 11
    )
    assert scores["mase"] == pytest.approx((5 * 0.5 + 2 * 0.8) / 7)
    assert scores["mae_standardised"] == pytest.approx((5 * 0.25 + 4 * 6) / 9)
    assert scores["mse_standardised"] == pytest.approx((5 * 0.25**2 + 4 * 36) / 9)
    assert "targets" not in scores
    assert evaluation.to_json()["series"] == 3


def test_several_series_are_ranked_by_mase_though_errors_of_large_ones_are_larger():
    evaluation = panel(ERRORS)
    assert evaluation.metric == "mase"
    # drift: (5 * 2 + 2 * 0.3) / 7; naive: (5 * 3 + 2 * 0.4) / 7
    assert evaluation.best_baseline == "drift"
    assert evaluation.scores["drift"]["mase"] == pytest.approx(10.6 / 7)
    assert min(("drift", "naive"), key=lambda n: evaluation.scores[n]["mape"]) == "naive"


def test_each_series_has_a_mase_and_the_verdict_counts_those_that_the_network_wins():
    evaluation = panel(ERRORS)
    assert set(evaluation.series_mase) == {MODEL, "drift"}
    model, best = evaluation.series_scores(MODEL), evaluation.series_scores("drift")
    assert list(model) == list(best) == [0, 1, 2]
    assert [model[0], model[1], best[0], best[1]] == pytest.approx([0.5, 0.8, 2.0, 0.3])
    assert np.isnan([model[2], best[2]]).all()
    assert str(evaluation.verdict) == (
        "The LSTM (MASE 0.5857) beats the best baseline, drift (1.514), by 61 %; without the"
        " network the same pipeline has 0.8571, so the network takes 32 % off its error."
        " The LSTM is better than drift in 1 of 2 series."
    )
    assert evaluation.series_scores("naive") == {}


def test_a_target_without_a_yardstick_is_left_out_of_the_mase_of_its_series():
    actual = np.array([[[10.0, 5.0]], [[20.0, 7.0]], [[30.0, NAN]]])  # (3, 1, 2)
    evaluation = evaluate(
        actual=actual,
        origins=np.array([5, 6, 7]),
        series=np.array([3, 3, 8]),
        last=np.zeros((3, 2)),
        forecasts={MODEL: actual + np.array([1, 2]), WITHOUT: actual + 3, "drift": actual + 4},
        intervals=None,
        skipped={},
        notes={},
        targets=["sold", "price"],
        yardsticks=Yardsticks(np.array([[0.0, 4.0]] * 8 + [[0.0, 0.0]]), np.ones((9, 2))),
        cell="gru",
    )
    # Series 3 has a yardstick of 4 for the price alone, series 8 none.
    assert evaluation.series_scores(MODEL) == pytest.approx({3: 0.5, 8: NAN}, nan_ok=True)
    assert evaluation.scores[MODEL]["mase"] == pytest.approx(0.5)
    assert evaluation.scores[MODEL]["targets"]["price"]["mase"] == pytest.approx(0.5)
    assert np.isnan(evaluation.scores[MODEL]["targets"]["sold"]["mase"])
    assert evaluation.scores[MODEL]["targets"]["sold"]["mae"] == 1
    assert str(evaluation.verdict).endswith("The GRU is better than drift in 1 of 1 series.")


def test_mae_ranks_a_panel_of_which_no_series_varied():
    evaluation = panel(ERRORS, naive=np.zeros((3, 1)))
    assert evaluation.metric == "mae"
    assert "MAE ranks the forecasts." in str(evaluation.verdict)
    assert " series" not in str(evaluation.verdict)
    assert evaluation.warning is None


def test_a_forecast_that_is_nan_where_the_outcome_is_known_is_not_passed_over():
    errors = {**ERRORS, "drift": [4.0, NAN, 9.0]}
    scores = panel(errors).scores["drift"]
    # The second series has no spread, so that its standardised error does not count.
    assert all(np.isnan(scores[name]) for name in ("mae", "rmse", "mape", "smape", "mase"))
    assert scores["mae_standardised"] == pytest.approx((5 * 1 + 4 * 18) / 9)
    errors = {**ERRORS, "drift": [NAN, 4.0, 9.0]}
    scores = panel(errors).scores["drift"]
    assert np.isnan(scores["mae_standardised"])
    assert np.isnan(scores["mse_standardised"])


def test_the_warning_of_a_panel_weighs_each_series_in_its_own_units():
    # The model follows the first series: 1 from the last value, 6 from the outcome. It foresees the
    # large second one: 100 from the last value, 10 from the outcome.
    follows = {**ERRORS, "model": [6.0, 10.0, 0.0]}
    last = np.array([[17.0], [20.0], [18.0], [1110.0], [5.5], [6.5]])
    alike = panel(follows, last=last, naive=np.ones((3, 1)))
    assert alike.warning is None
    own = panel(follows, last=last, naive=np.array([[1.0], [1000.0], [1.0]]))
    assert "The forecast of sold is little more" in str(own.warning)


def interval(actual, *halves):
    """Intervals of so much on either side of the outcome, and 10 above it where it is negative."""
    lower = np.stack([np.where(half < 0, actual - half + 9, actual - half) for half in halves])
    upper = np.stack([actual + np.abs(half) + 9 * (half < 0) for half in halves])
    return lower, upper


def test_intervals_of_the_model_are_scored():
    half = np.array([1.0, -1.0, 1.0, -1.0, 2.0, 2.0])[:, None, None]
    lower, upper = interval(np.where(np.isnan(PANEL_ACTUAL), 0.0, PANEL_ACTUAL), half, 3 + 0 * half)
    evaluation = panel(ERRORS, intervals=Intervals((80, 95), lower, upper))
    scores = evaluation.scores[MODEL]
    # Missed: one value of the second forecast, whose other is missing, and two of the fourth.
    assert scores["coverage"] == pytest.approx({"80": 8 / 11, "95": 1.0})
    widths = 4 * 2 + 0 + 2 * 0 + 4 * 4
    assert scores["width"] == pytest.approx({"80": widths / 11, "95": 6.0})
    # 10 outside of intervals without width, fined by 2 / 0.2; naive errors of 2 and 100.
    assert scores["msis"] == pytest.approx(
        {"80": (4 * 2 / 2 + 10 * 10 / 2 + 2 * 10 * 10 / 100) / 7, "95": (5 * 6 / 2 + 2 * 0.06) / 7}
    )
    assert "coverage" not in evaluation.scores["drift"]
    sentence = str(evaluation.remark)
    assert "(of 80 %: 73%, of 95 %: 100%), of too few forecasts to judge" in sentence
    assert evaluation.to_json()["intervals"] == sentence


def test_a_verdict_survives_json():
    evaluation = panel(ERRORS)
    again = Message.from_json(json.loads(json.dumps(evaluation.verdict.to_json())))
    assert str(again) == str(evaluation.verdict)


def test_many_series_are_scored_one_by_one_in_no_time():
    S = 20_000
    random = np.random.default_rng(0)
    actual = random.normal(size=(S, 4, 1))
    naive = np.linspace(1, 2, S)[:, None]
    evaluation = evaluate(
        actual=actual,
        origins=np.full(S, 9),
        series=np.arange(S),
        last=np.zeros((S, 1)),
        forecasts={MODEL: actual + 1, WITHOUT: actual + 2, "drift": actual + 3},
        intervals=None,
        skipped={},
        notes={},
        targets=["sold"],
        yardsticks=Yardsticks(naive, naive),
        cell="gru",
    )
    assert evaluation.series_scores(MODEL)[S - 1] == pytest.approx(0.5)
    assert str(evaluation.verdict).endswith(
        "The GRU is better than drift in 20,000 of 20,000 series."
    )
