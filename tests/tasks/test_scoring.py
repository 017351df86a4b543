import json

import numpy as np
import pytest

from rnnkit.tasks.forecasting.scoring import (
    MODEL,
    WITHOUT,
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


def scored(values, forecasts, *, skipped=None, cell="gru"):
    K = values.shape[1]
    return evaluate(
        values=values,
        origins=ORIGINS,
        forecasts=forecasts,
        skipped=skipped or {},
        targets=[f"t{k}" for k in range(K)],
        yardsticks=Yardsticks.of(values[:40], values[:KNOWN], SEASON),
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


def test_yardsticks_come_from_the_rows_before_the_test_part():
    values = series()
    yardsticks = Yardsticks.of(values[:40], values[:KNOWN], SEASON)
    values[KNOWN:] = 1e9
    later = Yardsticks.of(values[:40], values[:KNOWN], SEASON)
    np.testing.assert_array_equal(yardsticks.naive, later.naive)
    np.testing.assert_array_equal(yardsticks.spread, later.spread)
    assert yardsticks.naive.shape == yardsticks.spread.shape == (2,)


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
    assert "(MASE " in evaluation.verdict


def test_one_target_is_ranked_in_its_own_units():
    values = series(1)
    evaluation = scored(values, forecasts_of(values, model=2, without=3, drift=7, naive=5))
    assert (ranking_metric(1), ranking_metric(2)) == ("rmse", "mase")
    assert evaluation.metric == "rmse"
    assert evaluation.best_baseline == "naive"
    assert evaluation.verdict == verdict(evaluation.scores, "rmse", "gru")


@pytest.mark.parametrize("constant", [3.0, 0.1])  # np.std gives 0 for one, 1e-17 for the other
def test_a_target_that_never_varied_is_no_yardstick(constant):
    values = series(2)
    values[:, 1] = constant
    evaluation = scored(values, forecasts_of(values, model=1, without=2, drift=9, naive=4))
    assert evaluation.best_baseline == "naive"
    assert "beats" in evaluation.verdict
    alone = forecasts_of(values, model=1, without=2, drift=9, naive=4)
    alone = scored(values[:, :1], {name: f[..., :1] for name, f in alone.items()})
    for metric in ("mase", "mse_standardised", "mae_standardised"):
        assert evaluation.scores[MODEL][metric] == pytest.approx(alone.scores[MODEL][metric])


def test_where_nothing_ever_varied_nothing_is_claimed():
    values = np.full((ROWS, 2), 3.0)
    evaluation = scored(values, forecasts_of(values, model=0, without=0, drift=0))
    assert np.isnan(evaluation.scores[MODEL]["mase"])
    assert "beats" not in evaluation.verdict


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
    assert "the best baseline, naive (20), by 98 %" in verdict(scores, "rmse", "gru")


def say(model, other, without, cell="gru", metric="rmse"):
    scores = {
        MODEL: {metric: model},
        WITHOUT: {metric: without},
        "drift": {metric: other},
        "worse": {metric: other + 1},
    }
    sentence = verdict(scores, metric, cell)
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
    assert "adds nothing" not in sentence


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
    evaluation = scored(values, forecasts, skipped={"ETS": "too long"})
    entry = json.loads(json.dumps(evaluation.to_json()))
    assert entry["model"] == evaluation.scores[MODEL]
    assert entry["without_network"] == evaluation.scores[WITHOUT]
    assert entry["baselines"] == {n: evaluation.scores[n] for n in ("drift", "naive")}
    assert entry["skipped"] == {"ETS": "too long"}
    assert entry["origins"] == len(ORIGINS)


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
        warning = shift_warning(actual, forecast, last, ["sold"])
        assert warning.startswith("The forecast of sold is little more than the last known value")
        assert warning.endswith(".")
        assert "\n" not in warning


def test_a_forecast_that_foresees_is_not_warned_of():
    actual, last = walk_and_last()
    noise = np.random.default_rng(2).normal(size=actual.shape)
    assert shift_warning(actual, actual, last, ["sold"]) == ""
    assert shift_warning(actual, actual + 0.3 * noise, last, ["sold"]) == ""
    assert shift_warning(actual, (actual + last) / 2, last, ["sold"]) == ""
    assert shift_warning(actual, np.full_like(actual, 100.0), last, ["sold"]) == ""


def test_a_series_that_stands_still_is_not_warned_of():
    actual = np.full((5, H, 1), 7.0)
    assert shift_warning(actual, actual, actual, ["sold"]) == ""


@pytest.mark.parametrize("follower", [0, 1])
def test_only_the_targets_that_follow_are_named_whatever_their_units(follower):
    actual, last = walk_and_last()
    forecast = [actual, actual]
    forecast[follower] = last
    scale = np.array([1.0, 1e6])
    actual, last = (np.concatenate([a, a], axis=-1) * scale for a in (actual, last))
    forecast = np.concatenate(forecast, axis=-1) * scale
    warning = shift_warning(actual, forecast, last, ["small", "large"])
    assert f"The forecast of {['small', 'large'][follower]} is" in warning
    both = shift_warning(actual, last, last, ["small", "large"])
    assert "The forecast of small, large is" in both


def test_an_evaluation_warns_of_the_network_alone():
    values = series(1)
    last = np.repeat(values[ORIGINS - 1][:, None], H, axis=1)
    actual = actual_of(values)
    follows = scored(values, {MODEL: last, WITHOUT: actual, "drift": actual + 1})
    assert "t0" in follows.warning
    foresees = scored(values, {MODEL: actual, WITHOUT: last, "last value": last})
    assert foresees.warning == ""
