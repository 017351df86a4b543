import itertools
import json

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rnnkit.data.scaling import DIFFERENCING, fit_transform
from rnnkit.data.windows import Channel, Features, Windows, fit_features
from rnnkit.errors import ShapeError

N, T = 80, 6
# One channel of each kind and of both sorts of period, on two columns.
CHANNELS = (
    Channel(column=0, kind="relative", period=1, center=0.0, scale=2.0),
    Channel(column=1, kind="relative", period=4, center=0.5, scale=3.0),
    Channel(column=1, kind="seasonal", period=4, center=-1.5, scale=0.5),
    Channel(column=0, kind="level", period=1, center=10.0, scale=7.0),
    Channel(column=0, kind="seasonal", period=1, center=0.25, scale=1.5),
)


def seeded(seed=0):
    return np.random.default_rng(seed)


def series(rows=N, seed=0):
    return 10 + np.cumsum(seeded(seed).normal(size=(rows, 2)), axis=0)


def calendar(rows=N):
    """Two features that tell every row apart."""
    return np.stack([np.arange(rows), -np.arange(rows) / 8], axis=1).astype(np.float32)


def windows(origins, *, z=None, channels=CHANNELS, context=T, targets=None):
    z = series() if z is None else z
    features = Features(channels, context)
    return Windows(z, calendar(len(z)), features, np.asarray(origins), targets)


def whole(data):
    return data.batch(torch.arange(len(data)))


def slow_row(z, origin, row, channels=CHANNELS):
    """What the network reads at one row of the context before one origin."""
    inputs = []
    for channel in channels:
        x = z[:, channel.column]
        value = {
            "relative": lambda x=x, m=channel.period: (
                x[row] - np.mean(x[max(origin - m, 0) : origin])
            ),
            "seasonal": lambda x=x, m=channel.period: x[row] - x[row - m],
            "level": lambda x=x: x[row],
        }[channel.kind]()
        inputs.append((value - channel.center) / channel.scale)
    return [*inputs, *calendar(len(z))[row]]


def slow_context(z, origin, length=T, channels=CHANNELS):
    return np.array([slow_row(z, origin, t, channels) for t in range(origin - length, origin)])


@pytest.mark.parametrize("rows", [N, 11])
def test_contexts_are_those_of_a_loop_over_rows_and_channels(rows):
    z = series(rows)
    origins = np.arange(10, rows + 1)  # the last origin is the first row after the data
    batch = whole(windows(origins, z=z))
    assert batch.lengths is None
    assert batch.targets is None
    assert batch.values.dtype == torch.float32
    assert batch.values.shape == (len(origins), T, len(CHANNELS) + 2)
    for values, origin in zip(batch.values, origins, strict=True):
        np.testing.assert_allclose(values, slow_context(z, origin), rtol=1e-5, atol=1e-6)


def test_calendar_features_stand_beside_their_rows():
    batch = whole(windows([20, 33, N]))
    for values, origin in zip(batch.values, (20, 33, N), strict=True):
        np.testing.assert_array_equal(values[:, -2], np.arange(origin - T, origin))
        np.testing.assert_array_equal(values[:, -1], -np.arange(origin - T, origin) / 8)


def test_a_context_cut_short_is_as_long_as_the_rows_there_are():
    z = series(9)
    origins = np.arange(5, 10)  # a season of 4 needs 4 rows before the first that is read
    batch = whole(windows(origins, z=z))
    assert batch.lengths.tolist() == [1, 2, 3, 4, 5]
    for values, origin in zip(batch.values, origins, strict=True):
        length = origin - 4
        expected = slow_context(z, origin, length)
        np.testing.assert_allclose(values[:length], expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ShapeError, match=r"contexts of 6 rows .* only 1 rows"):
        windows(origins, z=z).inputs()


def test_a_mixed_batch_knows_which_contexts_are_cut_short():
    data = windows([7, 40, 10, 9])
    batch = whole(data)
    assert batch.lengths.tolist() == [3, T, T, 5]
    assert data.batch(torch.tensor([1, 2])).lengths is None


def test_a_batch_gathers_what_single_windows_hold():
    origins = np.array([12, 6, 55, 80, 30])
    targets = seeded(1).normal(size=(5, 3, 2))
    data = windows(origins, targets=targets)
    index = torch.tensor([3, 1, 1, 4])
    together = data.batch(index)
    assert together.targets.dtype == torch.float32
    assert len(data) == 5
    for row, number in enumerate(index):
        alone = data.batch(number[None])
        length = T if alone.lengths is None else int(alone.lengths)
        assert int(together.lengths[row]) == length
        assert torch.equal(together.values[row, :length], alone.values[0, :length])
        assert torch.equal(together.targets[row], alone.targets[0])
        np.testing.assert_array_equal(alone.targets[0], targets[number].astype(np.float32))


def test_inputs_are_all_contexts_in_order():
    data = windows([30, 12, 80])
    np.testing.assert_array_equal(data.inputs(), whole(data).values.numpy())
    assert data.inputs().dtype == np.float32


def test_no_row_from_the_origin_on_changes_a_context():
    origins = np.array([20, 50, 70])
    before = whole(windows(origins)).values
    for m, origin in enumerate(origins):
        future = series()
        future[origin:] = 1e9 * seeded(2).normal(size=future[origin:].shape)
        after = whole(windows(origins, z=future)).values
        assert torch.equal(after[m], before[m])


@pytest.mark.parametrize("channels", [*((c,) for c in CHANNELS), CHANNELS])
def test_reach_is_how_far_back_a_context_looks(channels):
    features = Features(channels, T)
    origin = 50
    before = whole(windows([origin], channels=channels)).values
    outside = series() + 1e4
    rows = slice(origin - features.reach, origin)
    outside[rows] = series()[rows]
    after = whole(windows([origin], z=outside, channels=channels)).values
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    inside = series()
    inside[origin - features.reach] += 5
    assert not torch.allclose(whole(windows([origin], z=inside, channels=channels)).values, before)


@pytest.mark.parametrize(("kind", "period", "shortest"), [("seasonal", 4, 5), ("relative", 4, 1)])
def test_shortest_is_the_fewest_rows_that_leave_one_to_read(kind, period, shortest):
    channel = (Channel(0, kind, period, 0.0, 1.0),)
    features = Features(channel, T)
    assert features.shortest == shortest
    z = series(shortest)
    batch = whole(windows([shortest], z=z, channels=channel))
    assert batch.lengths.tolist() == [1]
    np.testing.assert_allclose(
        batch.values[0, :1], slow_context(z, shortest, 1, channel), rtol=1e-5
    )


@pytest.mark.parametrize("period", [1, 4, 12])
def test_a_level_far_above_its_changes_costs_no_digits(period):
    rows = 20_000
    changes = np.cumsum(seeded().integers(-3, 4, size=(rows, 1)), axis=0).astype(np.float64)
    channels = tuple(Channel(0, kind, period, 0.0, 2.0) for kind in ("relative", "seasonal"))
    origins = np.array([100, 10_000, rows])
    batch = whole(windows(origins, z=1e9 + changes, channels=channels, context=24))
    for values, origin in zip(batch.values, origins, strict=True):
        expected = slow_context(changes, origin, 24, channels)
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


def test_a_freak_value_long_ago_changes_no_context():
    freak = series()
    freak[3] = 1e14
    before, after = (whole(windows([40, 80], z=z)).values for z in (series(), freak))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)


class Largest(TorchDispatchMode):
    """Records how large the largest tensor is that an operation makes."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.numel = max(self.numel, out.numel())
        return out


def test_the_data_are_kept_once_and_a_batch_makes_nothing_of_their_size():
    rows, context = 20_000, 64
    z = series(rows)
    origins = np.arange(context + 4, rows)
    with Largest() as largest:
        data = windows(origins, z=z, context=context)
    all_contexts = len(origins) * context * (len(CHANNELS) + 2)
    assert largest.numel < all_contexts / 5
    with Largest() as largest:
        batch = data.batch(torch.arange(4))
    assert largest.numel == batch.values.numel() < rows


def step_up(height):
    """Rows of +-1 whose second half is higher."""
    return np.resize([1.0, -1.0], 200) + np.repeat([0.0, height], 100)


def features_of(values, kind, season=4, context=T):
    z = np.asarray(values, dtype=float).reshape(len(values), -1)
    transform = fit_transform(z, season=season, horizon=2, log=False, differencing=kind)
    return fit_features(z, transform, context=context)


@pytest.mark.parametrize(
    ("kind", "height", "kinds"),
    [
        # Halves 1.1 apart lie within their standard deviation of 1.14; halves 1.2 apart do not.
        ("none", 1.1, ["level"]),
        ("none", 1.2, ["level"]),  # there is nothing else to see
        ("difference", 1.1, ["level", "relative"]),
        ("difference", 1.2, ["relative"]),
        ("difference", -1.2, ["relative"]),
        ("seasonal", 1.1, ["level", "relative", "seasonal"]),
        ("seasonal", 1.2, ["relative", "seasonal"]),
        ("seasonal+difference", 1.1, ["level", "relative", "seasonal"]),
        ("seasonal+difference", 1.2, ["relative", "seasonal"]),
    ],
)
def test_a_level_is_an_input_only_where_it_stays_put(kind, height, kinds):
    channels = features_of(step_up(height), kind).channels
    assert [channel.kind for channel in channels] == kinds
    period = 4 if kind.startswith("seasonal") else 1
    assert {c.period for c in channels if c.kind != "level"} <= {period}


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e9])
@pytest.mark.parametrize("kind", DIFFERENCING)
@pytest.mark.parametrize("whole_numbers", [False, True])
def test_what_the_network_reads_is_of_unit_size(kind, unit, whole_numbers):
    walk = series(400)[:, :1]
    walk = unit * (np.round(3 * walk) if whole_numbers else walk)
    features = features_of(walk, kind)
    data = Windows(walk, np.zeros((400, 0), np.float32), features, np.arange(10, 401))
    sizes = data.inputs().std(axis=(0, 1))
    assert ((sizes > 0.2) & (sizes < 5)).all(), sizes


@pytest.mark.parametrize("value", [0.0, 0.1, -7.7, 1e9 + 0.1])
@pytest.mark.parametrize("kind", [None, *DIFFERENCING])
def test_rounding_noise_of_a_constant_column_is_not_scaled_up(kind, value):
    z = np.full((100, 1), value)
    features = features_of(z, kind)
    assert [channel.scale for channel in features.channels] == [1.0] * len(features.channels)
    data = Windows(z, np.zeros((100, 0), np.float32), features, np.arange(10, 101))
    np.testing.assert_allclose(data.inputs(), 0, atol=1e-9 * max(1, value))


def test_center_and_scale_of_levels_and_seasonal_changes():
    z = 3 + 2 * seeded().normal(size=120)
    level, relative, seasonal = features_of(z, "seasonal").channels
    change = [z[t] - z[t - 4] for t in range(4, 120)]
    assert (level.center, level.scale) == pytest.approx((np.mean(z), np.std(z)))
    assert (seasonal.center, seasonal.scale) == pytest.approx((np.mean(change), np.std(change)))
    assert relative.center == 0


def test_each_column_has_its_own_channels():
    steady, moved = seeded().normal(size=200), np.cumsum(seeded(1).normal(0.5, 1, size=200))
    z = np.stack([moved, steady], axis=1)
    transform = fit_transform(z, season=1, horizon=2, log=False)
    features = fit_features(z, transform, context=3)
    assert [(c.column, c.kind) for c in features.channels] == [(0, "relative"), (1, "level")]
    assert features.context == 3


def test_the_features_depend_on_nothing_but_the_rows_given():
    z = series()
    for kind, other in itertools.product(DIFFERENCING, (np.nan, 1e9)):
        transform = fit_transform(z[:50], season=4, horizon=2, log=False, differencing=kind)
        first = fit_features(z[:50], transform, context=T)
        later = z.copy()
        later[50:] = other
        assert fit_features(later[:50], transform, context=T) == first


def test_json_brings_back_the_same_features():
    for kind in DIFFERENCING:
        features = features_of(series() / 3, kind)
        assert Features.from_json(json.loads(json.dumps(features.to_json()))) == features
