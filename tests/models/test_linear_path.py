from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.data.split import Split
from rnnkit.data.windows import Inputs
from rnnkit.models import linear_path
from rnnkit.models.linear_path import (
    BEST,
    PENALTIES,
    FittedPaths,
    LinearPath,
    _Sums,
    fit_linear_path,
    lag_choices,
)

from ..data.panels import NAN, make_panel, seeded
from ..data.slow import SlowWindow
from .paths import H, autoregression, build, fit, parts, rich_panel


def explicit(
    inputs: Inputs, origins: IntArray, k: int, lags: int, center: float, scale: float
) -> tuple[FloatArray, FloatArray]:
    """The design matrix and the targets of the windows that count, a number after another."""
    inputs_, targets = [], []
    numbers = [e for e in inputs.features.encodings if e.labels is None]
    for origin in origins.tolist():
        slow = SlowWindow.of(inputs, origin)
        if slow.at < lags or not all(slow.observed(slow.at + h, k) for h in range(H)):
            continue
        last = slow.z(slow.at - 1, k)
        inputs_.append(
            [
                1.0,
                (last - center) / scale,
                *((slow.z(slow.at - lag, k) - last) / scale for lag in range(lags, 1, -1)),
                *inputs.rows.calendar[origin - 1].tolist(),
                *(slow.number(e, slow.at - 1) for e in numbers),
                *(
                    slow.number(e, slow.at + h)
                    for h in range(H)
                    for e in numbers
                    if e.role == "future"
                ),
            ]
        )
        targets.append([slow.target(h, k) for h in range(H)])
    return np.array(inputs_), np.array(targets)


def least_squares(x: FloatArray, y: FloatArray, penalty: float) -> FloatArray:
    """Ridge regression as plain least squares with a row for each weight but the constant's."""
    spread = ((x - x.mean(axis=0)) ** 2).sum(axis=0)[1:]
    size = np.sqrt(penalty * spread.mean()) * np.eye(x.shape[1])[1:]
    rows = np.concatenate([x, size])
    wanted = np.concatenate([y, np.zeros((len(size), y.shape[1]))])
    return np.asarray(np.linalg.lstsq(rows, wanted, rcond=None)[0])


@pytest.fixture(scope="module")
def rich() -> Inputs:
    return build(rich_panel())


SPLIT = Split(110, 130, ((13, 60), (60, 110)), reach=13, horizon=H)
CENTER, SCALE = np.array([0.3, -2.0]), np.array([1.5, 4.0])


def test_sums_are_those_of_the_design_written_out(
    rich: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_path, "_CHUNK", 7)
    origins = SPLIT.all_origins(rich.rows.panel)
    origins = origins[origins - rich.rows.first_rows(origins) >= 6]
    sums = _Sums.of(rich, origins, 6, CENTER, SCALE)
    for k in range(2):
        x, y = explicit(rich, origins, k, 6, CENTER[k], SCALE[k])
        assert sums.count[k] == len(x) < len(origins)
        np.testing.assert_allclose(sums.xx[k], x.T @ x, atol=1e-4)
        np.testing.assert_allclose(sums.xy[k], x.T @ y, atol=1e-4)
        assert sums.squares[k] == pytest.approx((y**2).sum())


@pytest.mark.parametrize("penalty", [PENALTIES[0], 0.1, PENALTIES[-1]])
@pytest.mark.parametrize("use", [slice(None), slice(0, 2), slice(0, 20, 3)])
def test_weights_and_errors_are_those_of_plain_least_squares(
    rich: Inputs, penalty: float, use: slice
) -> None:
    ((train, held),) = parts(rich, SPLIT, 1)
    train, held = (o[o - rich.rows.first_rows(o) >= 6] for o in (train, held))
    sums, of_held = (_Sums.of(rich, o, 6, CENTER, SCALE) for o in (train, held))
    for k in range(2):
        x, y = explicit(rich, train, k, 6, CENTER[k], SCALE[k])
        columns = np.arange(x.shape[1])[use]
        weights = sums.solve(k, columns, penalty)
        expected = least_squares(x[:, columns], y, penalty)
        np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-5)
        x, y = explicit(rich, held, k, 6, CENTER[k], SCALE[k])
        squares = float(((y - x[:, columns] @ weights) ** 2).sum())
        assert of_held.error(k, columns, weights) == pytest.approx(squares, rel=1e-5)


def slow_choice(inputs: Inputs, folds: Sequence[tuple[IntArray, IntArray]], close: float) -> Any:
    """Return the weights of each fold, and the errors, by trying everything on the design."""
    lags = 12
    last = np.concatenate([inputs.z_past(o[None])[:, -1] for o in folds[0][0]])
    center, scale = last.mean(axis=0), last.std(axis=0)
    data = {
        (f, part, k): explicit(inputs, fold[part], k, lags, center[k], scale[k])
        for (f, fold), part, k in itertools.product(enumerate(folds), range(2), range(2))
    }
    F = data[0, 0, 0][0].shape[1]
    extras = {"": 0, "calendar": 6, "covariates": 6 + 2 + H}
    tried = []
    for few, level, extra in itertools.product((6, 12), (False, True), extras):
        lagged = [2 + lags - lag for lag in range(few, 1, -1)]
        use = [0, *[1] * level, *lagged, *range(1 + lags, 1 + lags + extras[extra])]
        total, found = 0.0, []
        for k in range(2):
            errors, weights = [], []
            for penalty in PENALTIES:
                one, error = np.zeros((len(folds), F, H)), 0.0
                for f in range(len(folds)):
                    x, y = data[f, 0, k]
                    one[f, use] = least_squares(x[:, use], y, penalty)
                    x, y = data[f, 1, k]
                    error += float(((y - x @ one[f]) ** 2).sum())
                errors.append(error)
                weights.append(one)
            without = sum(float((data[f, 1, k][1] ** 2).sum()) for f in range(len(folds)))
            total += min(errors) / without
            found.append(weights[int(np.argmin(errors))])
        tried.append((total, (few, level, extra), np.stack(found, axis=1)))
    tried.sort(key=lambda one: one[0])
    best = [one for one in tried[:BEST] if one[0] <= close * tried[0][0]]
    weights = np.mean([one for _, _, one in best], axis=0)  # (folds, K, F, H)
    left = [
        [
            float(((data[f, 1, k][1] - data[f, 1, k][0] @ weights[f, k]) ** 2).sum())
            for f in range(len(folds))
        ]
        for k in range(2)
    ]
    counts = [sum(data[f, 1, k][1].size for f in range(len(folds))) for k in range(2)]
    return weights, np.sum(left, axis=1) / counts, [choice for _, choice, _ in best]


@pytest.mark.parametrize("folds", [1, 2])
@pytest.mark.parametrize(("close", "few", "many"), [(1.0, 1, 1), (1.08, 2, 3), (9.0, 4, 4)])
def test_the_choices_that_validate_best_are_averaged(
    rich: Inputs, folds: int, close: float, few: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_path, "CLOSE", close)
    given = parts(rich, SPLIT, folds)
    everything = SPLIT.all_origins(rich.rows.panel)
    paths = fit_linear_path(rich, given, everything, season=1)
    weights, errors, choices = slow_choice(rich, given, close)
    assert paths is not None
    assert few <= len(choices) <= many
    assert len(paths.train) == folds
    for path, expected in zip(paths.train, weights, strict=True):
        np.testing.assert_allclose(path.weights, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(paths.errors, errors, rtol=1e-4)
    assert (paths.errors < paths.without).all()
    words = [
        f"{lags} lags{' + level' * level}{' + calendar' * bool(extra)}"
        f"{' + covariates' * (extra == 'covariates')}"
        for lags, level, extra in choices
    ]
    assert str(paths.final.why) == f"mean of {', '.join(words)}"
    assert "covariates" in words[0]  # the price matters


def test_rows_after_the_known_ones_change_no_weight() -> None:
    panel = rich_panel()
    before = fit(build(panel), SPLIT)
    series = panel.series_of(np.arange(len(panel.values)))
    ticks = np.arange(len(panel.values)) - panel.starts[series] + panel.ticks[series]
    values, numbers = panel.values.copy(), panel.numbers.copy()
    tested = ticks >= SPLIT.known
    values[tested] = 1e6 * seeded().normal(size=values[tested].shape)
    numbers[tested] = 1e6
    encodings = build(panel).features.encodings
    after = fit(build(replace(panel, values=values, numbers=numbers), encodings=encodings), SPLIT)
    np.testing.assert_array_equal(after.final.weights, before.final.weights)
    np.testing.assert_array_equal(after.errors, before.errors)
    for ours, theirs in zip(after.train, before.train, strict=True):
        np.testing.assert_array_equal(ours.weights, theirs.weights)


def test_the_path_for_training_has_seen_no_validation_target() -> None:
    # One block at the end: its rows are in no window to learn from.
    split = Split(110, 110, ((80, 110),), reach=13, horizon=H)
    panel = make_panel([autoregression(110, {1: 0.6, 4: 0.3})])
    before = fit(build(panel), split)
    values = panel.values.copy()
    values[80:] *= -1  # the same choices validate equally well: all is linear in these rows
    inputs = build(replace(panel, values=values))
    origins = split.all_origins(panel)
    train, held = (
        [_Sums.of(i, o, 6, CENTER[:1], SCALE[:1]) for i in (build(panel), inputs)]
        for o in (split.train_origins(panel, 0), split.validation_origins(panel, 0))
    )
    np.testing.assert_array_equal(train[0].xx, train[1].xx)
    np.testing.assert_array_equal(train[0].xy, train[1].xy)
    assert not np.allclose(held[0].xy, held[1].xy)
    assert not np.allclose(fit(inputs, split).final.weights, before.final.weights)
    assert len(origins)


def test_the_final_path_has_seen_all_known_windows(rich: Inputs) -> None:
    folds = parts(rich, SPLIT, 1)
    everything = SPLIT.all_origins(rich.rows.panel)
    paths = fit_linear_path(rich, folds, everything, season=1)
    again = fit_linear_path(rich, folds, folds[0][0], season=1)
    assert paths is not None
    assert again is not None
    np.testing.assert_array_equal(again.train[0].weights, paths.train[0].weights)
    np.testing.assert_array_equal(again.final.weights, again.train[0].weights)
    assert not np.allclose(paths.final.weights, paths.train[0].weights, rtol=1e-3)


def test_the_weights_of_an_autoregression_with_a_season_are_found() -> None:
    # (1 - 0.5 L) (1 - 0.6 L^6) z = noise
    true = {1: 0.5, 6: 0.6, 7: -0.3}
    panel = make_panel([autoregression(6000, true)])
    split = Split(6000, 6000, ((4500, 6000),), reach=97, horizon=H)
    inputs = build(panel, 97)
    paths = fit(inputs, split, season=6)
    assert paths.final.lags == 96
    expected = np.array([true.get(lag, 0.0) for lag in range(1, 97)])
    np.testing.assert_allclose(implied(paths.final, 0, inputs), expected, atol=0.06)
    # A second step ahead: the same polynomial, applied twice.
    ahead = np.zeros(97)
    for lag, weight in true.items():
        ahead[lag - 1] += true[1] * weight
        if lag > 1:
            ahead[lag - 2] += weight
    np.testing.assert_allclose(implied(paths.final, 1, inputs), ahead[:96], atol=0.06)
    # Of the variance of one step the noise is left, which is 1.
    origins = split.all_origins(panel)
    outputs = paths.final.outputs(inputs, origins, inputs.z_past(origins))
    left = in_units(inputs, inputs.targets(origins)[0] - outputs)
    assert left[:, 0].var() == pytest.approx(1.0, abs=0.05)


def in_units(inputs: Inputs, outputs: FloatArray) -> FloatArray:
    """What the first target's outputs are in the units of a single series."""
    return np.asarray(
        outputs[..., 0] * inputs.transform.columns[0].scale * inputs.levels.scale[0, 0]
    )


def implied(path: LinearPath, step: int, inputs: Inputs) -> FloatArray:
    """The weight of each row before the origin, of the first target; the nearest row first."""
    past = np.zeros((path.lags + 1, path.lags, 1))
    past[np.arange(path.lags), -1 - np.arange(path.lags)] = 1.0
    origins = np.full(path.lags + 1, 500)
    outputs = path.outputs(inputs, origins, past)
    unit = inputs.transform.columns[0].scale
    return np.asarray((outputs[:-1] - outputs[-1])[:, step, 0] * unit)


def test_outputs_are_those_of_the_design_written_out(rich: Inputs) -> None:
    path = fit(rich, SPLIT).final
    panel = rich.rows.panel
    origins = np.array([13, 47, 90, *(panel.starts[2] + [13, 36, 80])])
    outputs = path.outputs(rich, origins, rich.z_past(origins))
    assert outputs.shape == (6, H, 2)
    for k in range(2):
        x, _ = explicit(rich, origins, k, 12, path.center[k], path.scale[k])
        assert len(x) == 6
        np.testing.assert_allclose(outputs[..., k], x @ path.weights[k], atol=1e-5)


def test_outputs_read_nothing_from_the_origin_on_but_what_is_known_beforehand() -> None:
    panel = rich_panel()
    inputs = build(panel)
    path = fit(inputs, SPLIT).final
    # The first row after the data of a series too short for any lags; one in between.
    for origin in (int(panel.ends[1]), 60):
        at = np.array([origin])
        before = path.outputs(inputs, at, inputs.z_past(at))
        values, numbers = panel.values.copy(), panel.numbers.copy()
        values[origin:], numbers[origin:, 0] = 1e6, 1e6
        numbers[origin + H :, 1] = 1e6
        others = panel.series_of(np.arange(len(values))) != panel.series_of(at)
        values[others], numbers[others] = -1e6, -1e6
        changed = replace(panel, values=values, numbers=numbers)
        after = build(changed, encodings=inputs.features.encodings)
        np.testing.assert_array_equal(path.outputs(after, at, after.z_past(at)), before)
        numbers[origin + 1, 1] += 5
        changed = replace(panel, values=values, numbers=numbers)
        after = build(changed, encodings=inputs.features.encodings)
        assert not np.allclose(path.outputs(after, at, after.z_past(at)), before)


def test_a_past_that_is_given_counts_and_no_other(rich: Inputs) -> None:
    path = fit(rich, SPLIT).final
    origins = np.array([40, 60])
    z = rich.z_past(origins)
    before = path.outputs(rich, origins, z)
    longer = np.concatenate([np.full((2, 5, 2), 1e9), z], axis=1)
    np.testing.assert_allclose(path.outputs(rich, origins, longer), before, rtol=1e-12)
    z[0, -1, 1] += 1
    after = path.outputs(rich, origins, z)
    changed = ~np.isclose(after, before).all(axis=1)
    assert changed.tolist() == [[False, True], [False, False]]


def test_where_windows_are_many_they_are_taken_at_even_distances(
    rich: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    origins = np.arange(20, 107)
    every_third = _Sums.of(rich, origins[::3], 6, CENTER, SCALE)
    monkeypatch.setattr(linear_path, "MOST_WINDOWS", 30)
    sums = _Sums.of(rich, origins, 6, CENTER, SCALE)
    np.testing.assert_array_equal(sums.xx, every_third.xx)
    assert sums.count.max() <= 30


def test_without_rows_for_any_lags_there_is_no_path() -> None:
    def paths(rows: int, reach: int = 13, season: int = 1) -> FittedPaths | None:
        panel = make_panel([autoregression(rows, {1: 0.5})])
        split = Split(rows, rows, ((rows - 10, rows),), reach=6, horizon=H)
        inputs, folds = build(panel, reach), parts(build(panel), split, 1)
        return fit_linear_path(inputs, folds, split.all_origins(panel), season=season)

    assert paths(100) is not None
    assert paths(100, season=24) is None  # of the season's 24 rows the past holds but 13
    assert paths(100, reach=6) is None
    assert paths(20) is None


@pytest.mark.parametrize(("windows", "lags"), [(12, 6), (23, 6), (24, 12)])
def test_there_are_two_windows_to_learn_from_for_every_lag(windows: int, lags: int) -> None:
    rows = windows + 25
    panel = make_panel([autoregression(rows, {1: 0.5})])
    split = Split(rows, rows, ((rows - 10, rows),), reach=13, horizon=H)
    assert len(split.train_origins(panel, 0)) == windows
    assert fit(build(panel), split).final.lags == lags


def test_where_no_target_is_whole_there_is_no_path() -> None:
    values = autoregression(120, {1: 0.5})
    values[::2] = NAN  # no three rows in a row
    values[0] = values[-1] = 1.0
    panel = make_panel([values])
    split = Split(120, 120, ((90, 120),), reach=13, horizon=H)
    folds = parts(build(panel), split, 1)
    assert len(folds[0][0])
    assert fit_linear_path(build(panel), folds, split.all_origins(panel), season=1) is None


@pytest.mark.parametrize(
    ("season", "choices"),
    [
        (1, [6, 12, 24, 48, 96, 192]),
        (2, [2, 4, 8, 16, 32, 64, 128]),
        (7, [7, 14, 28, 56, 112]),
        (48, [48, 96, 192]),
        (52, [26, 52, 104]),
        (168, [42, 84, 168]),
        (365, [45, 90, 180, 360]),
        (1440, [45, 90, 180, 360, 720, 1440]),
    ],
)
def test_lags_are_seasons_and_their_doublings(season: int, choices: list[int]) -> None:
    assert lag_choices(season) == choices


def test_only_what_is_used_has_weights(rich: Inputs) -> None:
    path = fit(rich, SPLIT).final
    second = path.only([False, True])
    assert not second.weights[0].any()
    np.testing.assert_array_equal(second.weights[1], path.weights[1])
    assert path.weights[0].any()
    assert second.reach == path.reach == 12


def test_json_brings_back_the_same_path(rich: Inputs) -> None:
    path = fit(rich, SPLIT).final
    again = LinearPath.from_json(json.loads(json.dumps(path.to_json())), path.weights)
    assert (again.lags, again.why) == (path.lags, path.why)
    origins = np.array([40, 60])
    z = rich.z_past(origins)
    np.testing.assert_array_equal(again.outputs(rich, origins, z), path.outputs(rich, origins, z))
