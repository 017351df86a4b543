import numpy as np
import pytest

from rnnkit.tasks.forecasting.verdict import (
    MODEL,
    WITHOUT,
    apart,
    best_baseline,
    coverage_remark,
    network_name,
    shift_warning,
    verdict,
)

NAN, INF = float("nan"), float("inf")
H = 3


def test_a_baseline_without_a_score_is_never_the_best():
    scores = {
        MODEL: {"rmse": 0.4},
        WITHOUT: {"rmse": 0.1},
        "nan": {"rmse": NAN},
        "inf": {"rmse": INF},
        "drift": {"rmse": 30.0},
        "also nan": {"rmse": NAN},
        "naive": {"rmse": 20.0},
    }
    assert best_baseline(scores, "rmse") == "naive"
    assert "the best baseline, naive (20), by 98 %" in str(verdict(scores, "rmse", "gru"))


def say(model, other, without, cell="gru", metric="rmse"):
    scores = {
        MODEL: {metric: model},
        WITHOUT: {metric: without},
        "drift": {metric: other},
        "worse": {metric: other + 1},
    }
    sentence = str(verdict(scores, metric, cell))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence
    return sentence


TIE = "is no better than the best baseline, drift (10), which is cheaper: use that;"
LOST = "does not beat the best baseline, drift (10), which is cheaper: use that;"


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (5.0, "beats the best baseline, drift (10), by 50 %;"),
        (9.0, "beats the best baseline, drift (10), by 10 %;"),
        (9.87, "beats the best baseline, drift (10), by 1 %;"),
        (9.92, TIE),
        (10.0, TIE),
        (10.08, TIE),
        (10.13, LOST),
        (1234.567, LOST),
    ],
)
def test_the_verdict_says_plainly_whether_the_network_wins(model, head):
    assert say(model, 10.0, 10.0).startswith(f"The GRU (RMSE {model:.4g}) {head} ")


@pytest.mark.parametrize(
    ("without", "tail"),
    [
        (12.0, "12, so the network takes 25 % off its error."),
        (9.13, "9.13, so the network takes 1 % off its error."),
        (9.05, "9.05, so the network adds nothing to it."),
        (9.0, "9, so the network adds nothing to it."),
        (8.95, "8.95, so the network adds nothing to it."),
        (8.87, "8.87, so the network adds 1 % to its error."),
        (6.0, "6, so the network adds 50 % to its error."),
    ],
)
def test_the_verdict_says_what_the_network_adds(without, tail):
    assert say(9.0, 10.0, without).endswith(f"; without the network the same pipeline has {tail}")


@pytest.mark.parametrize(("cell", "name"), [("rnn", "SimpleRNN"), ("lstm", "LSTM"), ("gru", "GRU")])
def test_the_verdict_names_network_and_metric(cell, name):
    assert network_name(cell) == name
    assert say(9.0, 10.0, 12.0, cell, "mase").startswith(f"The {name} (MASE 9) beats")


def test_a_network_that_spoils_a_perfect_pipeline_is_not_said_to_add_nothing():
    sentence = say(5.0, 10.0, 0.0)
    assert "beats" in sentence
    assert sentence.endswith(
        "; without the network the same pipeline has 0, so all of the error is the network's."
    )
    assert say(0.0, 10.0, 0.0).endswith("has 0, so the network adds nothing to it.")


@pytest.mark.parametrize("without", [0.0, 3.0])
def test_a_perfect_baseline_is_never_beaten(without):
    sentence = say(5.0, 0.0, without)
    assert "beats" not in sentence
    assert "drift" in sentence
    assert "beats" not in say(0.0, 0.0, without)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_score_that_is_no_number_wins_nothing(bad):
    for sentence in (say(bad, 10.0, bad), say(bad, 10.0, 5.0), say(bad, bad, bad)):
        assert "beats" not in sentence
        assert "nan %" not in sentence
        assert "inf %" not in sentence


def walk_and_last():
    random = np.random.default_rng(1)
    walk = 100 + np.cumsum(random.normal(size=(300, 1)), axis=0)
    origins = np.arange(200, 297)
    actual = np.stack([walk[o : o + H] for o in origins])
    last = np.repeat(walk[origins - 1][:, None], H, axis=1)
    return actual, last


def test_a_forecast_that_only_follows_is_called_that():
    actual, last = walk_and_last()
    wobble = 0.1 * np.random.default_rng(2).normal(size=actual.shape)
    for forecast in (last, last + wobble):
        warning = str(shift_warning(actual, forecast, last, ["sold"]))
        assert warning.startswith("The forecast of sold is little more than the last known value")
        assert warning.endswith(".")
        assert "\n" not in warning


def test_a_forecast_that_foresees_is_not_warned_of():
    actual, last = walk_and_last()
    noise = np.random.default_rng(2).normal(size=actual.shape)
    assert shift_warning(actual, actual, last, ["sold"]) is None
    assert shift_warning(actual, actual + 0.3 * noise, last, ["sold"]) is None
    assert shift_warning(actual, (actual + last) / 2, last, ["sold"]) is None
    assert shift_warning(actual, np.full_like(actual, 100.0), last, ["sold"]) is None


def test_a_series_that_stands_still_is_not_warned_of():
    actual = np.full((5, H, 1), 7.0)
    assert shift_warning(actual, actual, actual, ["sold"]) is None


@pytest.mark.parametrize("follower", [0, 1])
def test_only_the_targets_that_follow_are_named_whatever_their_units(follower):
    actual, last = walk_and_last()
    forecast = [actual, actual]
    forecast[follower] = last
    scale = np.array([1.0, 1e6])
    actual, last = (np.concatenate([a, a], axis=-1) * scale for a in (actual, last))
    forecast = np.concatenate(forecast, axis=-1) * scale
    warning = str(shift_warning(actual, forecast, last, ["small", "large"]))
    assert f"The forecast of {['small', 'large'][follower]} is" in warning
    both = str(shift_warning(actual, last, last, ["small", "large"]))
    assert "The forecast of small, large is" in both


def test_a_warning_looks_at_the_rows_alone_whose_outcome_is_known():
    actual, last = walk_and_last()
    forecast = last.copy()
    hidden = actual.copy()
    hidden[::2] = NAN
    forecast[::2] += 1e6  # far from the last value where no one knows the outcome
    assert shift_warning(hidden, forecast, last, ["sold"]) is not None
    assert shift_warning(np.full_like(actual, NAN), last, last, ["sold"]) is None


HELD = "Share of the outcomes that lay in the interval"
OFF = ": off by more than 5 points, so do not trust the width."


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ({"80": 0.8, "95": 0.91}, "(of 80 %: 80%, of 95 %: 91%)."),
        ({"80": 0.752, "95": 0.99}, "(of 80 %: 75%, of 95 %: 99%)."),
        ({"80": 0.748, "95": 0.95}, f"(of 80 %: 75%, of 95 %: 95%){OFF}"),
        ({"80": 0.84, "95": 0.89}, f"(of 80 %: 84%, of 95 %: 89%){OFF}"),
        ({"80": 0.852}, f"(of 80 %: 85%){OFF}"),
    ],
)
def test_the_remark_on_intervals_says_which_share_they_held_and_whether_it_is_off(shares, text):
    assert str(coverage_remark(shares, 20)) == f"{HELD} {text}"


def test_the_share_of_few_outcomes_is_not_judged():
    sentence = str(coverage_remark({"80": 0.0}, 19))
    assert sentence == f"{HELD} (of 80 %: 0%), of too few forecasts to judge by."


def test_a_share_of_no_outcomes_is_not_spoken_of():
    assert coverage_remark({"80": 0.8, "95": NAN}, 20) is None


def test_forecasts_that_overlap_are_counted_once():
    actual = np.zeros((7, 4, 1))
    series = np.array([0, 0, 0, 0, 1, 1, 1])
    # Of four rows each: those of the first series begin in the second and third four.
    origins = np.array([4, 5, 7, 8, 4, 12, 13])
    assert apart(series, origins, actual) == 2 + 2
    assert apart(np.zeros(7, dtype=np.int64), origins, actual) == 3
    assert apart(np.arange(7), origins, actual) == 7
