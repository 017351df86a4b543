import json

import numpy as np
import pytest

from rnnkit.messages import Message
from rnnkit.metrics import mase_scale
from rnnkit.tasks.forecasting.scoring import Intervals, Yardsticks, evaluate
from rnnkit.tasks.forecasting.verdict import MODEL, WITHOUT, ranking_metric, verdict

NAN = float("nan")
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


def test_an_evaluation_warns_of_the_network_alone():
    values = series(1)
    last = np.repeat(values[ORIGINS - 1][:, None], H, axis=1)
    actual = actual_of(values)
    follows = scored(values, {MODEL: last, WITHOUT: actual, "drift": actual + 1})
    assert "t0" in str(follows.warning)
    foresees = scored(values, {MODEL: actual, WITHOUT: last, "last value": last})
    assert foresees.warning is None


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


@pytest.mark.parametrize(
    ("count", "end"),
    [(57, ", of too few forecasts to judge by."), (58, ": off by more than 5 points, so do not")],
)
def test_the_share_of_outcomes_held_is_judged_from_20_forecasts_that_do_not_overlap(count, end):
    actual = np.arange(3.0 * count).reshape(count, H, 1)
    lower = actual[None] + 1  # none inside
    evaluation = evaluate(
        actual=actual,
        origins=np.arange(count),
        series=np.zeros(count, dtype=np.int64),
        last=actual[:, 0],
        forecasts={MODEL: actual, WITHOUT: actual, "drift": actual},
        intervals=Intervals((80,), lower, lower + 2),
        skipped={},
        notes={},
        targets=["sold"],
        yardsticks=Yardsticks(np.ones((1, 1)), np.ones((1, 1))),
        cell="gru",
    )
    assert str(evaluation.remark).startswith(
        f"Share of the outcomes that lay in the interval (of 80 %: 0%){end}"
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
