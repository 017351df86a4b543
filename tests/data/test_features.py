from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rnnkit.data.choosing import Past, fit_centers, fit_levels, fit_transform
from rnnkit.data.covariates import Encoding
from rnnkit.data.differencing import DIFFERENCING, Differencing
from rnnkit.data.features import Channel, Features, find_cycle, fit_features
from rnnkit.data.panel import FloatArray
from rnnkit.data.scaling import Levels, SeriesTransform

from .panels import make_inputs, make_panel, make_transform, seeded

T = 6


def series(rows: int = 80, seed: int = 0) -> FloatArray:
    return 10 + np.cumsum(seeded(seed).normal(size=(rows, 2)), axis=0)


def pasts_of(*values: ArrayLike) -> list[Past]:
    arrays = [np.asarray(part, dtype=float) for part in values]
    return [Past.of(part.reshape(len(part), -1)) for part in arrays]


def fitted(
    pasts: Sequence[Past],
    kind: Differencing | None,
    *,
    season: int = 4,
    context: int = T,
    linear: Sequence[bool] = (),
) -> tuple[Features, SeriesTransform, Levels]:
    transform = fit_transform(pasts, season=season, horizon=2, log=False, differencing=kind)
    levels, _ = fit_levels(transform, pasts, single=len(pasts) == 1, typical=None)
    transform = fit_centers(transform, pasts, levels)
    features = fit_features(pasts, transform, levels, context=context, linear=linear)
    return features, transform, levels


def features_of(values: ArrayLike, kind: Differencing | None, **options: int) -> Features:
    return fitted(pasts_of(values), kind, **options)[0]  # type: ignore[arg-type]


def kinds_of(features: Features) -> list[str]:
    return [channel.kind for channel in features.channels]


def step_up(height: float) -> FloatArray:
    """Rows of +-1 whose second half is higher."""
    return np.asarray(np.resize([1.0, -1.0], 200) + np.repeat([0.0, height], 100))


@pytest.mark.parametrize(
    ("kind", "height", "kinds"),
    [
        # Halves 0.3 apart lie within 0.3 of their deviation of 1.01; halves 0.31 apart do not.
        ("none", 0.30, ["level"]),
        ("none", 0.31, ["level"]),  # there is nothing else to see
        ("difference", 0.30, ["level", "relative"]),
        ("difference", 0.31, ["relative"]),
        ("difference", -0.31, ["relative"]),
        ("seasonal", 0.30, ["level", "relative", "seasonal"]),
        ("seasonal", 0.31, ["relative", "seasonal"]),
        ("seasonal+difference", 0.30, ["level", "relative", "seasonal"]),
        ("seasonal+difference", 0.31, ["relative", "seasonal"]),
    ],
)
def test_a_level_is_an_input_only_where_it_stays_put(
    kind: Differencing, height: float, kinds: list[str]
) -> None:
    features = features_of(step_up(height), kind)
    assert kinds_of(features) == kinds
    period = 4 if kind.startswith("seasonal") else 1
    assert {c.period for c in features.channels if c.kind != "level"} <= {period}
    assert features.calendar


def test_of_many_series_it_is_the_mean_that_moves() -> None:
    # By 0, 0 and 0.9 standard deviations, or by 0, 0 and 0.6: 0.3 in the mean is the border.
    def height(moved: float) -> float:
        return float(2 * moved / np.sqrt(4 - moved**2))

    steady = step_up(0.0)
    for moved, kinds in ((0.95, ["relative"]), (0.85, ["level", "relative"])):
        pasts = pasts_of(steady, steady, step_up(height(moved)))
        assert kinds_of(fitted(pasts, "difference")[0]) == kinds
    # A series that does not vary, or of one row, has no say.
    pasts = pasts_of(np.full(50, 3.0), [7.0], step_up(height(0.25)))
    assert kinds_of(fitted(pasts, "difference")[0]) == ["level", "relative"]
    pasts = pasts_of(np.full(50, 3.0), [7.0], step_up(height(0.35)))
    assert kinds_of(fitted(pasts, "difference")[0]) == ["relative"]


@pytest.mark.parametrize(
    ("kind", "single", "channels"),
    [
        ("none", True, [("relative", 1)]),
        ("difference", True, [("relative", 1)]),
        ("seasonal", True, [("relative", 1)]),
        ("none", False, [("relative", 1)]),
        ("difference", False, [("relative", 1)]),
        ("seasonal", False, [("relative", 4), ("seasonal", 4)]),
    ],
)
def test_above_a_linear_path_there_is_no_level_and_no_calendar(
    kind: Differencing, single: bool, channels: list[tuple[str, int]]
) -> None:
    pasts = pasts_of(*(step_up(0.0) for _ in range(2 - single)))
    features, _, _ = fitted(pasts, kind, linear=[True])
    assert [(c.kind, c.period) for c in features.channels] == channels
    assert not features.calendar
    without, _, _ = fitted(pasts, kind, linear=[False])
    assert without == fitted(pasts, kind)[0]


def test_the_calendar_stays_where_one_column_has_no_linear_path() -> None:
    pasts = pasts_of(np.stack([step_up(0.0), step_up(0.1)], axis=1))
    assert fitted(pasts, "difference", linear=[True, False])[0].calendar
    channels = fitted(pasts, "difference", linear=[True, False])[0].channels
    assert [(c.column, c.kind) for c in channels] == [
        (0, "relative"),
        (1, "level"),
        (1, "relative"),
    ]
    assert not fitted(pasts, "difference", linear=[True, True])[0].calendar


def test_where_values_are_missing_is_an_input_of_its_own_column() -> None:
    values = np.stack([step_up(0.0), step_up(0.1)], axis=1)
    observed = np.ones(values.shape, dtype=bool)
    observed[7, 1] = False
    pasts = [Past.of(values), Past(values, observed)]
    channels = fitted(pasts, "none")[0].channels
    assert [(c.column, c.kind) for c in channels] == [(0, "level"), (1, "level"), (1, "observed")]
    assert (channels[2].center, channels[2].scale) == (0.0, 1.0)


def test_center_and_scale_of_levels_and_seasonal_changes() -> None:
    # Series in sizes of their own, the last of which has no row a season before.
    random = seeded()
    values = [3 + 2 * random.normal(size=500), 900 + 50 * random.normal(size=300)]
    values.append(np.array([500.0, 600.0, 600.0, 500.0]))
    features, _, levels = fitted(pasts_of(*values), "seasonal")
    level, relative, seasonal = features.channels
    zs = [(part - levels.loc[s, 0]) / levels.scale[s, 0] for s, part in enumerate(values)]
    pooled = np.concatenate(zs)
    change = [z[t] - z[t - 4] for z in zs for t in range(4, len(z))]
    assert (level.center, level.scale) == pytest.approx((np.mean(pooled), np.std(pooled)))
    assert (seasonal.center, seasonal.scale) == pytest.approx((np.mean(change), np.std(change)))
    squares = [
        (z[o - back] - np.mean(z[o - 4 : o])) ** 2
        for z in zs
        for o in range(T, len(z) + 1)
        for back in range(1, T + 1)
    ]
    assert relative.center == 0
    assert relative.scale == pytest.approx(np.sqrt(np.mean(squares)))


def test_series_too_short_for_any_context_still_have_a_scale() -> None:
    features, _, _ = fitted(pasts_of([1.0, 4.0, 7.0, 20.0]), "difference", season=1, context=9)
    relative = features.channels[-1]
    z = np.array([1.0, 4.0, 7.0, 20.0])
    assert relative.kind == "relative"
    assert relative.scale == pytest.approx(np.sqrt(np.mean((z - 20.0) ** 2)))


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e9])
@pytest.mark.parametrize("kind", DIFFERENCING)
@pytest.mark.parametrize("whole_numbers", [False, True])
def test_what_the_network_reads_is_of_unit_size(
    kind: Differencing, unit: float, whole_numbers: bool
) -> None:
    walk = series(400)[:, 0]
    walk = unit * (np.round(3 * walk) if whole_numbers else walk)
    features, transform, levels = fitted(pasts_of(walk), kind)
    inputs = make_inputs(
        make_panel([walk]),
        channels=features.channels,
        transform=transform,
        context=T,
        levels=levels,
    )
    sizes = inputs.contexts(np.arange(10, 401)).std(axis=(0, 1))
    assert len(sizes) == len(features.channels)
    assert ((sizes > 0.2) & (sizes < 5)).all(), sizes


@pytest.mark.parametrize("value", [0.0, 0.1, -7.7, 1e9 + 0.1])
@pytest.mark.parametrize("kind", [None, *DIFFERENCING])
def test_rounding_noise_of_a_constant_column_is_not_scaled_up(
    value: float, kind: Differencing | None
) -> None:
    features, transform, levels = fitted(pasts_of(np.full(100, value)), kind)
    assert [channel.scale for channel in features.channels] == [1.0] * len(features.channels)
    inputs = make_inputs(
        make_panel([np.full(100, value)]),
        channels=features.channels,
        transform=transform,
        context=T,
        levels=levels,
    )
    read = inputs.contexts(np.arange(10, 101))
    np.testing.assert_allclose(read, 0, atol=1e-9 * max(1, value))


def test_each_column_has_its_own_channels() -> None:
    steady, moved = seeded().normal(size=200), np.cumsum(seeded(1).normal(0.5, 1, size=200))
    features = features_of(np.stack([moved, steady], axis=1), None, season=1, context=3)
    assert [(c.column, c.kind) for c in features.channels] == [(0, "relative"), (1, "level")]
    assert features.context == 3


def test_nothing_but_the_pasts_given_decides() -> None:
    for kind, other in itertools.product(DIFFERENCING, (np.nan, 1e9)):
        values = series()
        before = values.copy()
        first = features_of(values[:50], kind)
        np.testing.assert_array_equal(values, before)
        values[50:] = other
        assert features_of(values[:50], kind) == first


def two_seasons(rows: int, week: float, seed: int = 0) -> FloatArray:
    """A day of 4 rows, and a week of 7 days whose days differ."""
    t = np.arange(rows)
    size = seeded(99).normal(size=7)[t // 4 % 7]
    return np.sin(np.pi * t / 2) * (3 + week * size) + seeded(seed).normal(size=rows)


def test_a_cycle_of_several_seasons_is_found_and_read() -> None:
    assert find_cycle([two_seasons(400, 2.0)], 4) == 28
    assert find_cycle([two_seasons(400, 0.0)], 4) == 0
    channels = features_of(two_seasons(400, 2.0), "seasonal").channels
    z = two_seasons(400, 2.0)
    change = z[28:] - z[:-28]
    last = channels[-1]
    assert [(c.kind, c.period) for c in channels[-2:]] == [("seasonal", 4), ("seasonal", 28)]
    assert (last.center, last.scale) == pytest.approx((change.mean(), change.std()))


def test_a_cycle_needs_four_of_it_and_counts_in_the_mean_of_the_series() -> None:
    assert find_cycle([two_seasons(4 * 28, 4.0)], 4) == 28
    assert find_cycle([two_seasons(4 * 28 - 1, 4.0)], 4) != 28
    assert find_cycle([two_seasons(400, 2.0), two_seasons(60, 0.0)], 4) == 28
    noise = [two_seasons(400, 0.0, seed) for seed in range(1, 9)]
    assert find_cycle([two_seasons(400, 2.0), *noise], 4) == 0


@pytest.mark.parametrize(("rows", "season"), [(100, 4), (144, 12), (200, 4)])
def test_short_noise_has_hardly_ever_a_cycle(rows: int, season: int) -> None:
    wave = np.sin(2 * np.pi * np.arange(rows) / season)
    found = [find_cycle([wave + seeded(seed).normal(size=rows)], season) for seed in range(200)]
    assert np.mean(np.array(found) > 0) < 0.05


@pytest.mark.parametrize("value", [0.0, 3.3])
def test_no_cycle_of_what_does_not_change(value: float) -> None:
    assert find_cycle([np.full(400, value)], 4) == 0
    assert find_cycle([np.full(3, value)], 4) == 0


@pytest.mark.parametrize(
    ("kind", "period", "lag"), [("seasonal", 4, 4), ("relative", 4, 0), ("level", 1, 0)]
)
def test_reach_and_shortest(kind: str, period: int, lag: int) -> None:
    channel = Channel(0, kind, period, 0.0, 1.0)  # type: ignore[arg-type]
    features = Features((channel, Channel(0, "level", 1, 0.0, 1.0)), T)
    assert channel.reach == features.lag == lag
    assert (features.reach, features.shortest) == (T + lag, 1 + lag)


def test_channel_values_are_those_of_a_loop() -> None:
    channels = (
        Channel(1, "relative", 3, 0.5, 2.0),
        Channel(0, "seasonal", 5, -1.0, 4.0),
        Channel(0, "observed", 1, 0.0, 1.0),
        Channel(1, "level", 1, 3.0, 0.5),
    )
    P = 13
    past = seeded().normal(size=(7, P, 2))
    observed = (seeded(1).random(past.shape) < 0.5).astype(float)
    values = Features(channels, T).channel_values(past, observed)
    assert values.shape == (7, T, 4)
    for m, step in itertools.product(range(7), range(T)):
        t = P - T + step
        expected = [
            (past[m, t, 1] - past[m, -3:, 1].mean() - 0.5) / 2,
            (past[m, t, 0] - past[m, t - 5, 0] + 1) / 4,
            observed[m, t, 0],
            (past[m, t, 1] - 3) / 0.5,
        ]
        np.testing.assert_allclose(values[m, step], expected, rtol=1e-12)


def test_json_brings_back_the_same_features() -> None:
    encodings = (Encoding("rain", "past", 1 / 3, 0.7), Encoding("town", "static", labels=("Ulm",)))
    for kind, calendar in itertools.product(DIFFERENCING, (False, True)):
        channels = features_of(series() / 3, kind).channels
        features = Features(channels, T, encodings, calendar)
        assert Features.from_json(json.loads(json.dumps(features.to_json()))) == features


def test_the_encodings_go_along() -> None:
    pasts = pasts_of(step_up(0.0))
    transform = make_transform("none", horizon=2)
    levels, _ = fit_levels(transform, pasts, single=True, typical=None)
    encodings = (Encoding("rain", "past"),)
    features = fit_features(pasts, transform, levels, context=T, encodings=encodings)
    assert features.encodings == encodings
