"""Constants, straight lines, units and many series: what must not matter to a linear path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnkit.data.scaling import Levels
from rnnkit.data.split import Split

from ..data.panels import HOUR, make_panel, seeded
from .paths import H, autoregression, build, chosen_transform, fit


@pytest.mark.parametrize("value", [0.0, 0.1, -7.7, 1e9 + 0.1, 1e-20])
@pytest.mark.parametrize("step", [None, HOUR])
def test_a_constant_series_gets_nothing_added(value: float, step: Any) -> None:
    panel = make_panel([np.full(120, value)], step=step)
    split = Split(100, 120, ((80, 100),), reach=13, horizon=H)
    inputs = build(panel, **chosen_transform(panel))
    paths = fit(inputs, split)
    origins = np.array([50, 120])
    outputs = paths.final.outputs(inputs, origins, inputs.z_past(origins))
    np.testing.assert_allclose(outputs, 0, atol=1e-6 * max(1.0, abs(value)))
    assert np.isfinite(paths.errors).all()
    assert (paths.errors <= 1e-12 * max(1.0, value**2)).all()


@pytest.mark.parametrize("rows", [133, 150, 176])
@pytest.mark.parametrize(("slope", "base"), [(1.0, 0.0), (0.1, 1e9), (1e12, 0.0), (-1 / 3, 3.3)])
def test_a_straight_line_goes_on(slope: float, base: float, rows: int) -> None:
    # Every change over a lag is the same: rounding alone tells the inputs from the constant.
    line = base + slope * np.arange(rows + H)
    panel = make_panel([line[:rows]])
    split = Split(rows, rows, ((rows - 30, rows),), reach=13, horizon=H)
    inputs = build(panel, **chosen_transform(panel))
    paths = fit(inputs, split)
    at = np.array([rows])
    z = inputs.z_past(at)
    outputs = paths.final.outputs(inputs, at, z)
    forecast = inputs.transform.invert(z, outputs, inputs.levels_at(at))
    np.testing.assert_allclose(forecast[0, :, 0], line[rows:], atol=1e-3 * abs(slope))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("period", [2, 6, 11])
def test_what_repeats_itself_is_forecast_perfectly(period: int, seed: int) -> None:
    values = np.resize(seeded(seed).integers(0, 9, size=period) + 0.5 * np.arange(period), 203)
    panel = make_panel([values[:200]])
    split = Split(200, 200, ((150, 200),), reach=13, horizon=H)
    inputs = build(panel)
    paths = fit(inputs, split)
    assert (paths.errors >= 0).all()
    assert (paths.errors < 1e-6 * paths.without).all()
    assert "lags" in str(paths.final.why)
    at = np.array([200])
    z = inputs.z_past(at)
    outputs = paths.final.outputs(inputs, at, z)
    forecast = inputs.transform.invert(z, outputs, inputs.levels_at(at))
    np.testing.assert_allclose(forecast[0, :, 0], values[200:], atol=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_no_series_is_too_odd(seed: int) -> None:
    random = seeded(seed)
    rows = int(random.integers(70, 160))
    t = np.arange(rows)
    end = int(0.8 * rows)
    odd = {
        "counts": random.integers(0, 2, size=rows),
        "rare": (random.random(rows) < 0.04) * 100 * random.random(rows),
        "grows": np.exp(t / 5),
        "moves late": np.where(t < end, 5.0, random.normal(size=rows)),
        "moves early": np.where(t > end // 2, 5.0, random.normal(size=rows)),
        "spike": np.where(t == rows // 3, 1e6, 1.0),
        "one": t == 2,
    }
    for name, values in odd.items():
        panel = make_panel([values], step=HOUR if seed % 2 else None)
        inputs = build(panel, **chosen_transform(panel))
        split = Split(rows, rows, ((end, rows),), reach=13, horizon=H)
        paths = fit(inputs, split, season=6 if seed % 3 else 1)
        origins = np.append(split.all_origins(panel), rows)
        outputs = paths.final.outputs(inputs, origins, inputs.z_past(origins))
        assert np.isfinite(outputs).all(), name
        assert (paths.errors >= 0).all(), name


def test_one_constant_column_leaves_the_other_as_it_is() -> None:
    walk = autoregression(150, {1: 0.6, 4: 0.3})
    split = Split(150, 150, ((110, 150),), reach=13, horizon=H)
    alone = make_panel([walk])
    both = make_panel([np.stack([np.full(150, 4.25), walk], axis=1)])
    one, two = (fit(build(p, **chosen_transform(p)), split) for p in (alone, both))
    np.testing.assert_allclose(two.final.weights[0], 0, atol=1e-9)
    np.testing.assert_allclose(two.final.weights[1], one.final.weights[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(two.errors, [0, one.errors[0]], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("unit", [1e-20, 1e-9, 1e12])
@pytest.mark.parametrize("single", [True, False])
def test_the_unit_changes_nothing(unit: float, single: bool) -> None:
    walks = [10 + autoregression(150, {1: 0.6, 4: 0.3}, seed) for seed in range(2 - single)]
    split = Split(150, 150, ((110, 150),), reach=13, horizon=H)
    origins = np.array([60, 90, 150])
    forecasts, errors = [], []
    for factor in (1.0, unit):
        panel = make_panel([factor * walk for walk in walks])
        inputs = build(panel, **chosen_transform(panel))
        paths = fit(inputs, split)
        z = inputs.z_past(origins)
        outputs = paths.final.outputs(inputs, origins, z)
        levels = inputs.levels_at(origins)
        forecasts.append(inputs.transform.invert(z, outputs, levels) / factor)
        errors.append(paths.errors / paths.without)
    np.testing.assert_allclose(forecasts[1], forecasts[0], rtol=1e-6)
    np.testing.assert_allclose(errors[1], errors[0], rtol=1e-6)


def test_series_in_units_of_their_own_are_forecast_alike() -> None:
    walks = [10 + autoregression(n, {1: 0.6, 4: 0.3}, n) for n in (150, 90, 120)]
    split = Split(150, 150, ((110, 150),), reach=13, horizon=H)
    forecasts = []
    for units in ((1.0, 1.0, 1.0), (1e-6, 37.0, 1e9)):
        panel = make_panel(
            [unit * walk for unit, walk in zip(units, walks, strict=True)], ticks=[0, 60, 20]
        )
        inputs = build(panel, **chosen_transform(panel))
        paths = fit(inputs, split)
        origins = inputs.rows.panel.ends - 1
        z = inputs.z_past(origins)
        outputs = paths.final.outputs(inputs, origins, z)
        values = inputs.transform.invert(z, outputs, inputs.levels_at(origins))
        forecasts.append(values[..., 0] / np.array(units)[:, None])
    np.testing.assert_allclose(forecasts[1], forecasts[0], rtol=1e-9)


def test_a_series_too_short_for_the_lags_is_left_out_and_still_forecast() -> None:
    walk, short = autoregression(150, {1: 0.6, 4: 0.3}), np.arange(8.0)
    split = Split(150, 150, ((110, 150),), reach=4, horizon=H)
    both = build(make_panel([walk, short], ticks=[0, 100]))
    levels = Levels(*(a[:1] for a in (both.levels.loc, both.levels.scale, both.levels.floor)))
    alone = build(make_panel([walk]), levels=levels)
    paths, expected = fit(both, split), fit(alone, split)
    # The center is that of all windows: what it does is taken up by the constant.
    origins = np.array([60, 150])
    np.testing.assert_allclose(
        paths.final.outputs(both, origins, both.z_past(origins)),
        expected.final.outputs(alone, origins, alone.z_past(origins)),
        rtol=1e-2,
        atol=1e-2,
    )
    lone = np.array([150 + H + 8])
    assert np.isfinite(paths.final.outputs(both, lone, both.z_past(lone))).all()
