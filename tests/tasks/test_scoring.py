import json

import numpy as np
import pytest

from rnnkit.messages import Message
from rnnkit.metrics import mase_scale
from rnnkit.tasks.forecasting import scoring
from rnnkit.tasks.forecasting.scoring import (
    MODEL,
    WITHOUT,
    Intervals,
    Yardsticks,
    best_baseline,
    evaluate,
    network_name,
    ranking_metric,
    shift_warning,
    verdict,
)

NAN, INF = float("nan"), float("inf")
ROWS, KNOWN, H, SEASON = 60, 48, 3, 4
ORIGINS = np.arange(KNOWN, ROWS - H + 1)


def series(columns=2):
    """Positive columns; each is a hundred times as large as the one before it."""
    random = np.random.default_rng(0)
    t = np.arange(ROWS)[:, None]
    wave = 8 * np.sin(np.pi * t / 2 + np.arange(columns))
    return (50 + wave + random.normal(size=(ROWS, columns))) * 100.0 ** np.arange(columns)


def actual_of(values):
    return np.stack([values[o : o + H] for o in ORIGINS])


def yardsticks_of(*known):
    """Of several series; the first 40 rows of each are the training part."""
    return Yardsticks.of(
        np.stack([mase_scale(part, SEASON) for part in known]),
        np.stack([np.nanstd(part[:40], axis=0) for part in known]),
        np.stack([np.nanmax(np.abs(part), axis=0) for part in known]),
    )


def scored(values, forecasts, *, skipped=None, notes=None, cell="gru", intervals=None):
    K = values.shape[1]
    return evaluate(
        actual=actual_of(values),
        origins=ORIGINS,
        series=np.zeros(len(ORIGINS), dtype=np.int64),
        last=values[ORIGINS - 1],
        forecasts=forecasts,
        intervals=intervals,
        skipped=skipped or {},
        notes=notes or {},
        targets=[f"t{k}" for k in range(K)],
        yardsticks=yardsticks_of(values[:KNOWN]),
        cell=cell,
    )


def forecasts_of(values, **errors):
    """Forecasts that are wrong by so many per cent, up and down by turns."""
    actual = actual_of(values)
    turns = np.where(np.arange(actual.size).reshape(actual.shape) % 2, 1, -1)
    names = {"model": MODEL, "without": WITHOUT}
    return {names.get(n, n): actual * (1 + turns * e / 100) for n, e in errors.items()}


def by_hand(actual, forecast, naive, spread):
    """All scores in loops; `naive` and `spread` hold one number a target."""
    errors, percent, symmetric, scaled, standard = [], [], [], [], []
    for m, h, k in np.ndindex(actual.shape):
        a, f = actual[m, h, k], forecast[m, h, k]
        errors.append(abs(a - f))
        percent.append(100 * abs(a - f) / abs(a))
        symmetric.append(200 * abs(a - f) / (abs(a) + abs(f)))
        scaled.append(abs(a - f) / naive[k])
        standard.append((a - f) / spread[k])
    return {
        "mae": np.mean(errors),
        "rmse": np.sqrt(np.mean(np.square(errors))),
        "mape": np.mean(percent),
        "smape": np.mean(symmetric),
        "mase": np.mean(scaled),
        "mse_standardised": np.mean(np.square(standard)),
        "mae_standardised": np.mean(np.abs(standard)),
    }


@pytest.mark.parametrize("columns", [1, 2])
def test_all_forecasts_are_scored_alike_and_as_by_hand(columns):
    values = series(columns)
    forecasts = forecasts_of(values, model=2, without=3, drift=7)
    naive = [
        np.mean([abs(values[t, k] - values[t - SEASON, k]) for t in range(SEASON, KNOWN)])
        for k in range(columns)
    ]
    spread = [np.std(values[:40, k]) for k in range(columns)]
    scores = scored(values, forecasts).scores
    assert scores.keys() == forecasts.keys()
    for name, forecast in forecasts.items():
        found = dict(scores[name])
        targets = found.pop("targets", None)
        assert found == pytest.approx(by_hand(actual_of(values), forecast, naive, spread))
        if columns == 1:
            assert targets is None
            continue
        assert list(targets) == ["t0", "t1"]
        for k, one in enumerate(targets.values()):
            alone = by_hand(
                actual_of(values)[..., [k]], forecast[..., [k]], naive[k : k + 1], [1.0]
            )
            assert one == pytest.approx({metric: alone[metric] for metric in one})
            assert set(one) == {"mae", "rmse", "mape", "smape", "mase"}


def test_what_happened_is_taken_from_the_rows_of_the_origins():
    values = series()
    evaluation = scored(values, forecasts_of(values, model=0, without=1, drift=2))
    np.testing.assert_array_equal(evaluation.actual, actual_of(values))
    np.testing.assert_array_equal(evaluation.origins, ORIGINS)
    assert evaluation.scores[MODEL]["rmse"] == 0


def test_yardsticks_that_are_but_rounding_or_unknown_are_none():
    yardsticks = Yardsticks.of(
        np.array([[1e-5, 2.0], [NAN, 1e-13]]),
        np.array([[3.0, 1e-6], [4.0, NAN]]),
        np.array([[1e6, 1e7], [1.0, 1.0]]),
    )
    np.testing.assert_array_equal(yardsticks.naive, [[1e-5, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(yardsticks.spread, [[3.0, 0.0], [4.0, 0.0]])


def test_targets_of_different_units_count_alike_in_the_ranking():
    values = series(2)
    good, bad = actual_of(values) * 1.001, actual_of(values) * 1.1
    mixed = {
        # Wrong on the small target, right on the large one, and the other way round.
        "large one right": np.stack([bad[..., 0], good[..., 1]], axis=-1),
        "small one right": np.stack([good[..., 0], bad[..., 1] * 0.99], axis=-1),
    }
    forecasts = {MODEL: good, WITHOUT: bad, **mixed}
    evaluation = scored(values, forecasts)
    assert evaluation.metric == "mase"
    assert evaluation.best_baseline == "small one right"
    scores = evaluation.scores
    assert scores["small one right"]["rmse"] > scores["large one right"]["rmse"]
    assert "(MASE " in str(evaluation.verdict)


def test_one_target_is_ranked_in_its_own_units():
    values = series(1)
    evaluation = scored(values, forecasts_of(values, model=2, without=3, drift=7, naive=5))
    counts = ((1, 1), (2, 1), (1, 2))  # targets, series
    assert [ranking_metric(evaluation.scores, *c) for c in counts] == ["rmse", "mase", "mase"]
    assert evaluation.metric == "rmse"
    assert evaluation.best_baseline == "naive"
    assert evaluation.verdict == verdict(evaluation.scores, "rmse", "gru")


@pytest.mark.parametrize("constant", [3.0, 0.1])  # np.std gives 0 for one, 1e-17 for the other
def test_a_target_that_never_varied_is_no_yardstick(constant):
    values = series(2)
    values[:, 1] = constant
    evaluation = scored(values, forecasts_of(values, model=1, without=2, drift=9, naive=4))
    assert evaluation.best_baseline == "naive"
    assert "beats" in str(evaluation.verdict)
    alone = forecasts_of(values, model=1, without=2, drift=9, naive=4)
    alone = scored(values[:, :1], {name: f[..., :1] for name, f in alone.items()})
    for metric in ("mase", "mse_standardised", "mae_standardised"):
        assert evaluation.scores[MODEL][metric] == pytest.approx(alone.scores[MODEL][metric])


def test_where_nothing_ever_varied_nothing_is_claimed():
    values = np.full((ROWS, 2), 3.0)
    evaluation = scored(values, forecasts_of(values, model=0, without=0, drift=0))
    assert np.isnan(evaluation.scores[MODEL]["mase"])
    assert np.isnan(evaluation.scores[MODEL]["mse_standardised"])
    assert "beats" not in str(evaluation.verdict)


def test_mae_ranks_where_mase_is_undefined_and_the_verdict_says_so():
    values = np.full((ROWS, 2), 3.0)
    values[KNOWN:] += np.arange(ROWS - KNOWN)[:, None]
    forecasts = forecasts_of(values, model=2, without=3, worse=7, naive=5)
    evaluation = scored(values, forecasts)
    assert evaluation.metric == "mae"
    assert evaluation.best_baseline == "naive"
    sentence = str(evaluation.verdict)
    assert sentence.startswith("The GRU (MAE ")
    assert sentence.endswith(
        " error. MASE is undefined, since nothing varied before the test part: MAE ranks the"
        " forecasts."
    )


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


def test_metrics_json_holds_model_baselines_and_what_was_skipped():
    values = series(2)
    forecasts = forecasts_of(values, model=2, without=3, drift=7, naive=5)
    evaluation = scored(
        values,
        forecasts,
        skipped={"ETS": Message("too {how}", {"how": "long"})} | {"AutoARIMA": Message("late")},
        notes={"drift": (Message("a {b}", {"b": 1}), Message("c"))},
    )
    entry = json.loads(json.dumps(evaluation.to_json()))
    assert entry["model"] == evaluation.scores[MODEL]
    assert entry["without_network"] == evaluation.scores[WITHOUT]
    assert entry["baselines"] == {n: evaluation.scores[n] for n in ("drift", "naive")}
    assert entry["skipped"] == {"ETS": "too long", "AutoARIMA": "late"}
    assert entry["notes"] == {"drift": ["a 1", "c"]}
    assert entry["origins"] == len(ORIGINS)
    assert entry["series"] == 1
    assert entry["intervals"] == ""


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


def test_an_evaluation_warns_of_the_network_alone():
    values = series(1)
    last = np.repeat(values[ORIGINS - 1][:, None], H, axis=1)
    actual = actual_of(values)
    follows = scored(values, {MODEL: last, WITHOUT: actual, "drift": actual + 1})
    assert "t0" in str(follows.warning)
    foresees = scored(values, {MODEL: actual, WITHOUT: last, "last value": last})
    assert foresees.warning is None


def test_a_warning_looks_at_the_rows_alone_whose_outcome_is_known():
    actual, last = walk_and_last()
    forecast = last.copy()
    hidden = actual.copy()
    hidden[::2] = NAN
    forecast[::2] += 1e6  # far from the last value where no one knows the outcome
    assert shift_warning(hidden, forecast, last, ["sold"]) is not None
    assert shift_warning(np.full_like(actual, NAN), last, last, ["sold"]) is None


# A panel: three series of one target, of unequal length, scale and number of origins; the first
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


def test_one_series_of_a_panel_with_a_number_of_its_own_is_ranked_by_rmse():
    values = series(1)
    evaluation = evaluate(
        actual=actual_of(values),
        origins=ORIGINS,
        series=np.full(len(ORIGINS), 2),
        last=values[ORIGINS - 1],
        forecasts=forecasts_of(values, model=2, without=3, drift=7),
        intervals=None,
        skipped={},
        notes={},
        targets=["t0"],
        yardsticks=yardsticks_of(values[:KNOWN] * 9, values[:KNOWN] * 5, values[:KNOWN]),
        cell="gru",
    )
    alone = scored(values, forecasts_of(values, model=2, without=3, drift=7))
    assert evaluation.metric == "rmse"
    assert evaluation.series_mase == {}
    assert evaluation.scores == alone.scores
    assert str(evaluation.verdict) == str(alone.verdict)


def test_forecasts_of_one_series_can_be_measured_by_yardsticks_of_their_own():
    values = series(1)
    forecasts = forecasts_of(values, model=2, without=3, drift=7)
    later = np.arange(len(ORIGINS)) >= 4
    evaluation = evaluate(
        actual=actual_of(values),
        origins=ORIGINS,
        series=np.zeros(len(ORIGINS), dtype=np.int64),
        last=values[ORIGINS - 1],
        forecasts=forecasts,
        intervals=None,
        skipped={},
        notes={},
        targets=["t0"],
        yardsticks=Yardsticks(np.array([[2.0], [8.0]]), np.array([[1.0], [4.0]])),
        cell="gru",
        measured=later.astype(np.int64),
    )
    error = np.abs(actual_of(values) - forecasts[MODEL])[..., 0]
    scale = np.where(later, 8.0, 2.0)[:, None]
    assert evaluation.metric == "rmse"
    assert evaluation.scores[MODEL]["mase"] == pytest.approx(np.mean(error / scale))
    assert evaluation.scores[MODEL]["mae_standardised"] == pytest.approx(
        np.mean(error / np.where(later, 4.0, 1.0)[:, None])
    )


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


def test_intervals_of_the_model_are_scored(monkeypatch):
    monkeypatch.setattr(scoring, "JUDGED", 1)
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
    assert "(of 80 %: 73%, of 95 %: 100%): off by more than 5 points" in sentence
    assert evaluation.to_json()["intervals"] == sentence


def test_intervals_that_hold_what_they_should_are_said_to_without_a_complaint(monkeypatch):
    monkeypatch.setattr(scoring, "JUDGED", 1)
    values = series(1)
    actual = actual_of(values)
    inside = (np.arange(actual.size) % 10 < 8).reshape(actual.shape)  # of 30
    lower = np.where(inside, actual - 1, actual + 1)[None]
    intervals = Intervals((80,), lower, lower + 2)
    evaluation = scored(
        values, forecasts_of(values, model=2, without=3, drift=7), intervals=intervals
    )
    assert evaluation.scores[MODEL]["coverage"] == {"80": 0.8}
    assert str(evaluation.remark) == (
        "Share of the outcomes that lay in the interval (of 80 %: 80%)."
    )


def test_the_share_of_few_outcomes_is_not_judged():
    values = series(1)
    lower = actual_of(values)[None] + 1  # none inside
    intervals = Intervals((80,), lower, lower + 2)
    evaluation = scored(
        values, forecasts_of(values, model=2, without=3, drift=7), intervals=intervals
    )
    assert str(evaluation.remark) == (
        "Share of the outcomes that lay in the interval (of 80 %: 0%), of too few forecasts to"
        " judge by."
    )


def test_intervals_without_an_outcome_are_not_spoken_of():
    values = series(1)
    forecasts = forecasts_of(values, model=2, without=3, drift=7)
    lower = actual_of(values)[None] - 1
    values[KNOWN:] = NAN
    evaluation = scored(values, forecasts, intervals=Intervals((80,), lower, lower + 2))
    assert evaluation.remark is None
    assert np.isnan(evaluation.scores[MODEL]["coverage"]["80"])
    assert "beats" not in str(evaluation.verdict)


def test_scores_of_one_complete_target_are_the_plain_means_to_the_last_bit():
    values = series(1)
    forecasts = forecasts_of(values, model=2, without=3, drift=7)
    actual, forecast = actual_of(values), forecasts[MODEL]
    naive = np.mean(np.abs(values[SEASON:KNOWN] - values[: KNOWN - SEASON]), axis=0)
    spread = values[:40].std(axis=0)
    size = np.abs(actual) + np.abs(forecast)
    assert scored(values, forecasts).scores[MODEL] == {
        "mae": np.mean(np.abs(actual - forecast)),
        "rmse": np.sqrt(np.mean((actual - forecast) ** 2)),
        "mape": 100 * np.mean(np.abs(actual - forecast) / np.abs(actual)),
        "smape": 100 * np.mean(2 * np.abs(actual - forecast) / size),
        "mase": np.mean(np.abs(actual - forecast) / naive),
        "mse_standardised": np.mean(((actual - forecast) / spread) ** 2),
        "mae_standardised": np.mean(np.abs((actual - forecast) / spread)),
    }


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
