import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data import choosing
from rnnkit.data.choosing import Past, fit_centers, fit_levels
from rnnkit.data.differencing import DIFFERENCING
from rnnkit.data.scaling import ColumnTransform, Levels, SeriesTransform
from rnnkit.errors import ConfigError

SEASON = 4
ROWS = np.arange(60)
HORIZONS = (1, 3, 4, 7, 8, 9)  # shorter than a season of 4, equal, longer, a multiple or not
REACH = {"none": 0, "difference": 1, "seasonal": SEASON, "seasonal+difference": SEASON + 1}


def seeded(seed=0):
    return np.random.default_rng(seed)


def positive(columns=2, rows=60, seed=0):
    """Positive series with a trend, a season of 4 and noise, of unequal size."""
    t = np.arange(rows)[:, None]
    noise = seeded(seed).normal(size=(rows, columns))
    wave = 8 * np.sin(np.pi * t / 2 + np.arange(columns))
    return (60 + 0.5 * t + wave + noise) * 10.0 ** np.arange(columns)


class OneSeries:
    """A transform applied to one series: rows and origins in place of pasts."""

    def __init__(self, transform, levels):
        self.transform, self.levels = transform, levels
        self.columns, self.reach = transform.columns, transform.reach

    def levels_of(self, count):
        return self.levels.of(np.zeros(count, dtype=int))

    def past(self, z, origins):
        rows = origins[:, None] + np.arange(-max(self.reach, 1), 0)
        return z[np.maximum(rows, 0)]

    def forward(self, values):
        return self.transform.forward(values[None], self.levels_of(1))[0]

    def anchor(self, z, origins):
        return self.transform.anchor(self.past(z, origins))

    def targets(self, z, origins):
        future = z[origins[:, None] + np.arange(self.transform.horizon)]
        return self.transform.targets(self.past(z, origins), future)

    def invert(self, z, origins, outputs):
        levels = self.levels_of(len(origins))
        return self.transform.invert(self.past(z, origins), outputs, levels)


def fit_transform(values, **options):
    pasts = [Past.of(values)]
    transform = choosing.fit_transform(pasts, **options)
    levels, _ = fit_levels(transform, pasts, single=True, typical=None)
    return OneSeries(fit_centers(transform, pasts, levels), levels)


def chosen(values, season=SEASON, horizon=3, **options):
    (column,) = fit_transform(
        np.asarray(values, dtype=float)[:, None], season=season, horizon=horizon, **options
    ).columns
    return column


def combined(values, kinds, logs, horizon):
    """A transform whose columns differ in log and differencing."""
    columns = [
        fit_transform(
            values[:, [k]], season=SEASON, horizon=horizon, log=log, differencing=kind
        ).columns[0]
        for k, (kind, log) in enumerate(zip(kinds, logs, strict=True))
    ]
    K = len(columns)
    levels = Levels(np.zeros((1, K)), np.ones((1, K)), np.full((1, K), 1e-3))
    return OneSeries(SeriesTransform(tuple(columns)), levels)


def slow_anchor(z, origin, step, kind, season):
    """The docstring's table, for one value."""
    last_season = z[origin - season + step % season]
    if kind == "none":
        return 0.0
    if kind == "difference":
        return z[origin - 1]
    if kind == "seasonal":
        return last_season
    growth = z[origin - 1] - z[origin - 1 - season]
    return last_season + (step // season + 1) * growth


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", DIFFERENCING)
def test_invert_undoes_targets(kind, log, horizon):
    values = positive()
    transform = fit_transform(values, season=SEASON, horizon=horizon, log=log, differencing=kind)
    z = transform.forward(values)
    origins = np.arange(transform.reach, 60 - horizon + 1)
    targets = transform.targets(z, origins)
    assert targets.shape == (len(origins), horizon, 2)
    back = transform.invert(z, origins, targets)
    np.testing.assert_allclose(back, values[origins[:, None] + np.arange(horizon)], rtol=1e-12)


@pytest.mark.parametrize("horizon", [3, 9])
def test_columns_of_unlike_transforms_do_not_mix(horizon):
    values = positive(columns=4)
    kinds, logs = DIFFERENCING, (True, False, True, False)
    transform = combined(values, kinds, logs, horizon)
    origins = np.array([7, 20, 59 - horizon])
    z = transform.forward(values)
    targets = transform.targets(z, origins)
    outputs = seeded().normal(size=targets.shape)
    forecast = transform.invert(z, origins, outputs)
    assert transform.reach == SEASON + 1
    for k, (kind, log) in enumerate(zip(kinds, logs, strict=True)):
        alone = fit_transform(
            values[:, [k]], season=SEASON, horizon=horizon, log=log, differencing=kind
        )
        z_alone = alone.forward(values[:, [k]])
        np.testing.assert_array_equal(z[:, [k]], z_alone)
        np.testing.assert_array_equal(targets[..., [k]], alone.targets(z_alone, origins))
        np.testing.assert_array_equal(
            forecast[..., [k]], alone.invert(z_alone, origins, outputs[..., [k]])
        )
    back = transform.invert(z, origins, targets)
    np.testing.assert_allclose(back, values[origins[:, None] + np.arange(horizon)], rtol=1e-12)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("kind", DIFFERENCING)
def test_anchors_are_those_of_the_table(kind, horizon):
    z = positive()
    transform = fit_transform(z, season=SEASON, horizon=horizon, log=False, differencing=kind)
    origins = np.array([REACH[kind] or 1, 11, 60])  # 60: the first row after the data
    anchor = transform.anchor(z, origins)
    for m, origin in enumerate(origins):
        for step in range(horizon):
            for k in range(2):
                expected = slow_anchor(z[:, k], origin, step, kind, SEASON)
                assert anchor[m, step, k] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("kind", DIFFERENCING)
def test_reach_is_how_far_back_an_anchor_looks(kind):
    z = positive(columns=1)
    transform = fit_transform(z, season=SEASON, horizon=9, log=False, differencing=kind)
    assert transform.reach == transform.columns[0].reach == REACH[kind]
    origin = np.array([30])
    before = transform.anchor(z, origin)
    outside = np.full_like(z, np.nan)
    outside[30 - REACH[kind] : 30] = z[30 - REACH[kind] : 30]
    np.testing.assert_array_equal(transform.anchor(outside, origin), before)
    if kind != "none":
        inside = z.copy()
        inside[30 - REACH[kind]] += 5
        assert not np.array_equal(transform.anchor(inside, origin), before)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", DIFFERENCING)
def test_a_forecast_uses_no_row_from_its_origin_on(kind, log):
    values = positive()
    transform = fit_transform(values[:40], season=SEASON, horizon=9, log=log, differencing=kind)
    origins = np.array([40, 44, 50])
    outputs = seeded().normal(size=(3, 9, 2))
    z = transform.forward(values)
    before = transform.invert(z, origins, outputs)
    for m, origin in enumerate(origins):
        future = values.copy()
        future[origin:] = 1e6 * seeded(1).uniform(1, 2, size=future[origin:].shape)
        after = transform.invert(transform.forward(future), origins, outputs)
        np.testing.assert_array_equal(after[m], before[m])


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("kind", DIFFERENCING)
def test_center_and_scale_are_mean_and_deviation_of_what_the_anchor_leaves(kind, horizon):
    values = positive(columns=1)[:, 0]
    column = chosen(values, horizon=horizon, log=True, differencing=kind)
    z = np.log(values)
    variances = []
    for step in range(horizon):
        left = []
        for row in range(60):
            origin = row - step
            # How far back each anchor of this step looks, which may exist before a whole window.
            needs = {
                "none": 0,
                "difference": row - step - 1,
                "seasonal": row - (step // SEASON + 1) * SEASON,
                "seasonal+difference": origin - SEASON - 1,
            }[kind]
            if needs >= 0:
                left.append(z[row] - slow_anchor(z, origin, step, kind, SEASON))
        assert column.center[step] == pytest.approx(np.mean(left), abs=1e-12)
        variances.append(np.var(left))
    assert column.center.shape == (horizon,)
    assert column.scale == pytest.approx(np.sqrt(np.mean(variances)))


@pytest.mark.parametrize("seed", range(5))
def test_a_random_walk_is_differenced(seed):
    walk = np.cumsum(seeded(seed).normal(size=300))
    assert chosen(walk, season=12, horizon=6).differencing == "difference"


@pytest.mark.parametrize("seed", range(5))
def test_white_noise_is_left_alone(seed):
    column = chosen(seeded(seed).normal(size=300), season=12, horizon=6)
    assert column.differencing == "none"
    assert column.scale == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("seed", range(5))
def test_a_season_with_a_trend_is_differenced_by_season(seed):
    t = np.arange(240)
    values = t / 10 + 10 * np.sin(2 * np.pi * t / 12) + seeded(seed).normal(size=240)
    column = chosen(values, season=12, horizon=6)
    assert column.differencing == "seasonal"
    assert not column.log
    # Without a season to know of, last season's value is no choice.
    assert not chosen(values, season=1, horizon=6).differencing.startswith("seasonal")


@pytest.mark.parametrize("seed", range(5))
def test_a_season_on_a_random_walk_starts_from_last_season_and_the_change_since(seed):
    t = np.arange(600)
    walk = np.cumsum(seeded(seed).normal(size=600))
    column = chosen(walk + 50 * np.sin(2 * np.pi * t / 50), season=50, horizon=2)
    assert column.differencing == "seasonal+difference"


@pytest.mark.parametrize(("ratio", "winner"), [(1.0, "none"), (0.99, "none"), (0.97, "seasonal")])
def test_a_more_complicated_anchor_must_win_by_two_per_cent(ratio, winner):
    noise, wave = seeded().normal(size=400), np.sin(np.pi * np.arange(400) / 2 + 0.3)
    # A season of the very size at which "seasonal" has that share of the error of "none".
    error = np.std(noise[SEASON:] - noise[:-SEASON]) / ratio
    covariance = np.mean(noise * wave) - noise.mean() * wave.mean()
    size = np.roots([wave.var(), 2 * covariance, noise.var() - error**2]).max()
    assert chosen(noise + size * wave, horizon=1).differencing == winner


@pytest.mark.parametrize("seed", range(5))
def test_the_log_is_taken_where_the_season_grows_with_the_level(seed):
    t = np.arange(150)
    wave = 0.2 * np.sin(2 * np.pi * t / 12) + 0.03 * seeded(seed).normal(size=150)
    grows = 100 * np.exp(t / 70 + wave)
    column = chosen(grows, season=12, horizon=12)
    assert column.log
    # Whole years, the newest included: rows 6.. of 150.
    years = [grows[start : start + 12] for start in range(6, 150, 12)]
    spread = np.array([np.std(year, ddof=1) for year in years])
    relative = spread / [np.mean(year) for year in years]
    raw, logged = (f"{np.std(s) / np.mean(s):.0%}" for s in (spread, relative))
    assert str(column.why[0]) == (
        f"log taken: the spread of blocks of 12 rows varies by {raw}, relative to their mean by"
        f" {logged}"
    )
    # The same season that does not grow with the level.
    assert not chosen(100 + t + 100 * wave, season=12, horizon=12).log


@pytest.mark.parametrize("seed", range(5))
def test_the_log_is_not_taken_where_it_changes_little(seed):
    assert not chosen(100 + seeded(seed).normal(size=150), season=12).log


@pytest.mark.parametrize(
    ("rows", "season", "length"),
    [(48, 12, 12), (47, 12, None), (60, 1, 4), (200, 1, 10), (15, 1, None)],
)
def test_spreads_are_compared_between_four_blocks_or_more(rows, season, length):
    why = str(chosen(100 + seeded().normal(size=rows), season=season).why[0])
    # Four whole seasons; without a season a twentieth of the rows, but four at least.
    assert (f"blocks of {length} rows" in why) if length else ("too few blocks" in why)


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_no_log_of_values_that_are_not_positive(lowest):
    t = np.arange(144)
    values = 100 * np.exp(t / 70 + 0.2 * np.sin(2 * np.pi * t / 12))
    assert chosen(values, season=12).log
    values[70] = lowest
    column = chosen(values, season=12)
    assert not column.log
    assert str(column.why[0]) == "log not taken: some training values are not positive"
    with pytest.raises(ConfigError, match=rf"down to {lowest:g}.*positive values"):
        chosen(values, season=12, log=True)


def test_the_reason_names_the_measured_choice():
    column = chosen(positive(columns=1)[:, 0])
    first, second = map(str, column.why)
    assert first.startswith(f"log {'taken' if column.log else 'not taken'}: ")
    assert second.startswith(f"{column.differencing}: smallest error of the anchor alone")
    assert all(f"{kind} " in second for kind in DIFFERENCING)
    asked = chosen(positive(columns=1)[:, 0], log=True, differencing="difference")
    assert tuple(map(str, asked.why)) == ("log taken: asked for", "difference: asked for")


@pytest.mark.parametrize("log", [None, False, True])
@pytest.mark.parametrize("differencing", [None, *DIFFERENCING])
def test_what_is_asked_for_is_done(log, differencing):
    column = chosen(positive(columns=1)[:, 0], log=log, differencing=differencing)
    assert log is None or column.log is log
    assert differencing is None or column.differencing == differencing


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"differencing": "seasonal", "season": 1}, "season of at least 2 rows, got 1"),
        ({"differencing": "seasonal+difference", "season": 1}, "season of at least 2 rows, got 1"),
        ({"differencing": "twice"}, "'twice'"),
    ],
)
def test_an_impossible_differencing_is_refused(options, says):
    with pytest.raises(ConfigError, match=says):
        chosen(positive(columns=1)[:, 0], **options)


@pytest.mark.parametrize("value", [0.0, 0.1, 3.0, -7.7, 1e9 + 0.1])
def test_a_constant_series_has_scale_one_and_is_forecast_as_itself(value):
    values = np.full((100, 1), value)
    transform = fit_transform(values, season=12, horizon=3)
    (column,) = transform.columns
    assert column.differencing == "none"
    assert column.scale == 1.0
    assert not column.log
    # There are blocks enough; what is missing is a spread to compare.
    assert "too few" not in str(column.why[0])
    forecast = transform.invert(values, np.array([100]), np.zeros((1, 3, 1)))
    np.testing.assert_allclose(forecast, value, rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-20, 1e-9, 1e9])
def test_the_unit_of_the_data_changes_nothing(unit):
    values = positive(columns=1)
    plain, scaled = (fit_transform(v, season=SEASON, horizon=3) for v in (values, unit * values))
    (a,), (b,) = plain.columns, scaled.columns
    assert (a.log, a.differencing) == (b.log, b.differencing)
    origins = np.arange(10, 57)
    np.testing.assert_allclose(
        scaled.targets(scaled.forward(unit * values), origins),
        plain.targets(plain.forward(values), origins),
        rtol=1e-6,
        atol=1e-9,
    )


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    season=st.sampled_from([1, 2, 4, 12]),
    horizon=st.integers(1, 6),
)
def test_any_short_series_gets_a_finite_transform(values, season, horizon):
    rows = np.array(values, dtype=float)[:, None]
    if len(rows) < horizon:
        with pytest.raises(ConfigError, match=f"needs {horizon} rows"):
            fit_transform(rows, season=season, horizon=horizon)
        return
    (column,) = fit_transform(rows, season=season, horizon=horizon).columns
    assert np.isfinite(column.center).all()
    assert np.isfinite(column.scale)
    assert column.scale > 0
    assert column.differencing in DIFFERENCING
    # Eight windows are the least from which an anchor is chosen.
    assert column.differencing == "none" or len(rows) - column.reach - horizon + 1 >= 8


def test_an_anchor_needs_eight_windows_to_be_chosen():
    ramp = np.arange(20.0)
    assert chosen(ramp[:10], season=1, horizon=3).differencing == "none"
    assert chosen(ramp[:11], season=1, horizon=3).differencing == "difference"


@pytest.mark.parametrize("differencing", ["difference", "seasonal", "seasonal+difference"])
def test_differencing_asked_for_of_too_few_rows_is_refused(differencing):
    needed = REACH[differencing] + 2
    chosen(np.arange(needed), horizon=2, differencing=differencing)
    with pytest.raises(ConfigError, match=f"{needed} rows .* got {needed - 1}"):
        chosen(np.arange(needed - 1), horizon=2, differencing=differencing)


def test_each_column_is_chosen_on_its_own():
    walk = np.cumsum(seeded().normal(size=300))
    noise = seeded(1).normal(size=300)
    t = np.arange(300)
    grows = np.exp(t / 70 + 0.2 * np.sin(np.pi * t / 2))
    together = fit_transform(np.stack([walk, noise, grows], axis=1), season=SEASON, horizon=3)
    for values, column in zip((walk, noise, grows), together.columns, strict=True):
        assert column.to_json() == chosen(values).to_json()
    assert [c.differencing for c in together.columns] == ["difference", "none", "seasonal"]
    assert [c.log for c in together.columns] == [False, False, True]


def test_nothing_but_the_values_given_decides():
    values = positive()
    before = values.copy()
    first = fit_transform(values[:40], season=SEASON, horizon=3)
    np.testing.assert_array_equal(values, before)
    values[40:] = np.nan
    second = fit_transform(values[:40], season=SEASON, horizon=3)
    assert [c.to_json() for c in first.columns] == [c.to_json() for c in second.columns]


def test_json_brings_back_the_same_bits():
    for kind in DIFFERENCING:
        column = chosen(positive(columns=1)[:, 0] / 3, log=True, differencing=kind)
        back = ColumnTransform.from_json(json.loads(json.dumps(column.to_json())))
        assert back.center.dtype == np.float64
        np.testing.assert_array_equal(back.center, column.center)
        assert (back.log, back.differencing, back.season) == (True, kind, SEASON)
        assert (back.scale, back.why) == (column.scale, column.why)


def test_forward_logs_only_the_columns_that_are_logged_and_leaves_the_data():
    values = positive(columns=2)
    transform = combined(values, ("none", "none"), (True, False), horizon=2)
    before = values.copy()
    z = transform.forward(values)
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(z, np.stack([np.log(values[:, 0]), values[:, 1]], axis=1))
    z[:] = 0
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("low", [0.0, -2.5, 3.0])
def test_below_half_the_smallest_of_the_past_the_logarithm_goes_on_straight(low):
    values = positive(columns=1)
    one = fit_transform(values, season=SEASON, horizon=2, log=True, differencing="none")
    later = np.array([[low], [values.min()], [values.max()]])
    floor = values.min() / 2
    expected = np.log(np.maximum(later, floor)) + np.minimum(np.maximum(later, 0) / floor - 1, 0)
    assert low < floor
    np.testing.assert_array_equal(one.forward(later), expected)
    back = one.transform.backward(one.forward(later)[None], one.levels_of(1))[0]
    np.testing.assert_allclose(back, np.maximum(later, 0), atol=1e-12)


def many(seed=0, rows=(60, 45, 80)):
    """Series of one kind, whose sizes differ by powers of ten and whose lengths differ."""
    return [
        Past.of(positive(columns=1, rows=n, seed=seed + s) * 10.0 ** (3 * s - 3))
        for s, n in enumerate(rows)
    ]


@pytest.mark.parametrize("log", [False, True])
def test_each_of_many_series_is_brought_to_one_size(log):
    pasts = many()
    transform = choosing.fit_transform(
        pasts, season=SEASON, horizon=3, log=log, differencing="seasonal"
    )
    levels, typical = fit_levels(transform, pasts, single=False, typical=None)
    for s, past in enumerate(pasts):
        z = np.log(past.values[:, 0]) if log else past.values[:, 0]
        # All steps of a horizon of 3 look one season back.
        assert levels.scale[s, 0] == pytest.approx(np.std(z[SEASON:] - z[:-SEASON]))
        assert levels.loc[s, 0] == pytest.approx(z.mean())
    centred = fit_centers(transform, pasts, levels).columns[0]
    assert centred.scale == pytest.approx(1, abs=0.05)
    sizes = [1.0 if log else past.values.mean() for past in pasts]
    assert typical[0] == pytest.approx(np.median(levels.scale[:, 0] / sizes))


def test_the_level_of_a_series_does_not_depend_on_the_others():
    pasts = many()
    options = {"season": SEASON, "horizon": 3, "log": False, "differencing": "seasonal"}
    transform = choosing.fit_transform(pasts, **options)
    together, typical = fit_levels(transform, pasts, single=False, typical=None)
    for s, past in enumerate(pasts):
        alone, _ = fit_levels(transform, [past], single=False, typical=typical)
        for name in ("loc", "scale", "floor"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[s])


def test_a_series_too_short_to_measure_takes_the_typical_share_of_its_size():
    pasts = [*many(), Past.of(np.array([[7.0], [9.0]])), Past.of(np.array([[0.0]]))]
    transform = choosing.fit_transform(
        pasts, season=SEASON, horizon=3, log=False, differencing="seasonal"
    )
    levels, typical = fit_levels(transform, pasts, single=False, typical=None)
    assert levels.scale[3, 0] == pytest.approx(8 * typical[0])
    assert levels.scale[4, 0] == 1.0


def test_many_series_choose_together_and_each_counts_alike():
    walks = [Past.of(np.cumsum(seeded(s).normal(size=(200, 1)), axis=0)) for s in range(3)]
    huge = Past.of(1e6 * seeded(9).normal(size=(200, 1)))  # noise, and larger than all the others
    chosen_kind = choosing.fit_transform([*walks, huge], season=1, horizon=2).columns[0]
    assert chosen_kind.differencing == "difference"
    alone = choosing.fit_transform([huge], season=1, horizon=2).columns[0]
    assert alone.differencing == "none"


def test_a_value_carried_forward_is_no_residual():
    values = positive(columns=1)
    spoiled, observed = values.copy(), np.ones((60, 1), dtype=bool)
    observed[[20, 33]] = False
    spoiled[[20, 33]] = [[1e6], [-1e6]]
    options = {"season": SEASON, "horizon": 2, "log": False, "differencing": "none"}
    past = Past(spoiled, observed)
    transform = choosing.fit_transform([past], **options)
    levels, _ = fit_levels(transform, [past], single=True, typical=None)
    column = fit_centers(transform, [past], levels).columns[0]
    np.testing.assert_allclose(column.center, values[observed[:, 0]].mean())
    assert column.scale == pytest.approx(values[observed[:, 0]].std())
