from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data import windows
from rnnkit.data.features import Channel
from rnnkit.data.panel import IntArray, Panel
from rnnkit.data.windows import ForecastBatch, Inputs, Windows, make_batch

from .panels import NAN, make_inputs, make_panel, make_transform, mixed_panel, seeded
from .slow import SlowWindow

T, H = 6, 5
# One channel of each kind and of both sorts of period, on two columns.
CHANNELS = (
    Channel(column=0, kind="relative", period=1, center=0.0, scale=2.0),
    Channel(column=1, kind="relative", period=4, center=0.5, scale=3.0),
    Channel(column=1, kind="seasonal", period=4, center=-1.5, scale=0.5),
    Channel(column=0, kind="level", period=1, center=10.0, scale=7.0),
    Channel(column=0, kind="seasonal", period=1, center=0.25, scale=1.5),
    Channel(column=1, kind="observed", period=1, center=0.0, scale=1.0),
)
TRANSFORM = make_transform("seasonal+difference", "difference", horizon=H, logs="1")
PARTS = ("values", "codes", "future", "future_codes")


def build(panel: Panel | None = None, **changes: Any) -> Inputs:
    panel = mixed_panel() if panel is None else panel
    return make_inputs(
        panel, **{"channels": CHANNELS, "transform": TRANSFORM, "context": T, **changes}
    )


def every_origin(inputs: Inputs) -> IntArray:
    """Each series from its second row to the row after its last known one."""
    panel = inputs.rows.panel
    return np.concatenate(
        [np.arange(a + 1, b + 1) for a, b in zip(panel.starts[:-1], panel.ends, strict=True)]
    )


def whole(data: Windows) -> ForecastBatch:
    return data.batch(torch.arange(len(data)))


def lengths_of(batch: ForecastBatch) -> list[int]:
    B, steps = batch.values.shape[:2]
    return [steps] * B if batch.lengths is None else [int(length) for length in batch.lengths]


def same(one: ForecastBatch, other: ForecastBatch) -> None:
    for name in ("values", "lengths", "targets", "codes", "future", "future_codes", "weights"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert a.dtype == b.dtype
            assert torch.equal(a, b), name


def check(batch: ForecastBatch, inputs: Inputs, origins: IntArray) -> None:
    """Compare every cell with the slow windows."""
    assert batch.values.dtype == torch.float32
    lengths = lengths_of(batch)
    for m, origin in enumerate(origins.tolist()):
        slow = SlowWindow.of(inputs, origin)
        assert lengths[m] == slow.length
        rows = slow.context_rows()[-slow.length :]
        np.testing.assert_allclose(
            batch.values[m, : slow.length], [slow.row(t) for t in rows], rtol=1e-5, atol=1e-5
        )
        assert not batch.values[m, slow.length :].any()
        assert (batch.codes is None) == (not slow.codes(0))
        if batch.codes is not None:
            assert batch.codes[m, : slow.length].tolist() == [slow.codes(t) for t in rows]
            assert not batch.codes[m, slow.length :].any()
        if batch.future is not None:
            expected = [slow.future(step) for step in range(inputs.transform.horizon)]
            np.testing.assert_allclose(batch.future[m], expected, rtol=1e-5, atol=1e-5)
        if batch.future_codes is not None:
            expected_codes = [slow.future_codes(step) for step in range(inputs.transform.horizon)]
            assert batch.future_codes[m].tolist() == expected_codes


@pytest.mark.parametrize("context", [1, 6, 13])
def test_windows_are_those_of_loops_over_rows_and_channels(context: int) -> None:
    inputs = build(context=context)
    origins = every_origin(inputs)
    batch = whole(Windows(inputs, origins))
    assert batch.values.shape == (81, context, len(CHANNELS) + 3 + 6)
    assert batch.codes is not None
    assert batch.codes.dtype == torch.int64
    assert batch.future is not None
    assert batch.future.dtype == torch.float32
    assert batch.future.shape == (81, H, 1 + 6)
    assert batch.targets is None
    assert batch.weights is None
    check(batch, inputs, origins)


def test_windows_without_covariates_and_calendar() -> None:
    inputs = build(mixed_panel(step=None, plain=True))
    batch = whole(Windows(inputs, every_origin(inputs)))
    assert batch.values.shape[-1] == len(CHANNELS)
    assert (batch.codes, batch.future, batch.future_codes) == (None, None, None)
    check(batch, inputs, every_origin(inputs))


def test_a_context_without_calendar() -> None:
    inputs = build()
    bare = replace(inputs, features=replace(inputs.features, calendar=False))
    origins = every_origin(inputs)
    batch, full = whole(Windows(bare, origins)), whole(Windows(inputs, origins))
    assert torch.equal(batch.values, full.values[..., :-6])
    same(replace(batch, values=full.values), full)


@pytest.mark.parametrize("kept", ["price", "holiday", "rain", "sky", "size", "town"])
def test_each_covariate_alone(kept: str) -> None:
    inputs = build(only(mixed_panel(), kept))
    origins = every_origin(inputs)
    batch = whole(Windows(inputs, origins))
    # The calendar goes along wherever a covariate is known beforehand.
    assert (batch.future is not None) == (kept in ("price", "holiday"))
    assert (batch.future_codes is not None) == (kept == "holiday")
    assert (batch.codes is not None) == (kept in ("holiday", "sky", "town"))
    check(batch, inputs, origins)


def only(panel: Panel, name: str) -> Panel:
    numbers = [c.name for c in panel.covariates if c.labels is None]
    labels = [c.name for c in panel.covariates if c.labels is not None]
    return replace(
        panel,
        covariates=tuple(c for c in panel.covariates if c.name == name),
        numbers=panel.numbers[:, [p for p, other in enumerate(numbers) if other == name]],
        codes=panel.codes[:, [q for q, other in enumerate(labels) if other == name]],
    )


def test_contexts_are_as_long_as_the_rows_that_every_channel_has() -> None:
    inputs = build()
    # Origins 1.. of the first series: a season of 4 needs 4 rows before the first that is read.
    batch = make_batch(inputs, np.arange(1, 13))
    assert lengths_of(batch) == [1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6]
    assert make_batch(inputs, np.array([10, 11])).lengths is None
    # The second series has one row.
    lone = int(inputs.rows.panel.starts[1]) + 1
    assert lengths_of(make_batch(inputs, np.array([lone, 15]))) == [1, T]


def perturbed(panel: Panel, rows: NDArray[np.bool_], *, ahead: bool) -> Panel:
    """Return the panel with other cells at `rows`; future covariates too if `ahead`."""
    random = seeded(5)
    values, numbers, codes = panel.values.copy(), panel.numbers.copy(), panel.codes.copy()
    values[rows] = 1e6 * random.uniform(1, 2, size=values[rows].shape)
    values[rows & (random.random(len(rows)) < 0.3)] = NAN
    p = q = 0
    for covariate in panel.covariates:
        change = covariate.role == "past" or ahead
        if covariate.labels is None:
            numbers[rows, p] = 1e6 if change else numbers[rows, p]
            p += 1
        else:
            codes[rows, q] = np.where(change, (codes[rows, q] + 1) % 2, codes[rows, q])
            q += 1
    return replace(panel, values=values, numbers=numbers, codes=codes)


@pytest.mark.parametrize("series", range(5))
def test_a_window_reads_no_row_of_another_series(series: int) -> None:
    # Every series has its room here, so that a panel's rows are those of its inputs.
    panel = build().rows.panel
    before = build(panel)
    others = panel.series_of(np.arange(len(panel.values))) != series
    times = panel.times
    assert times is not None
    strange = replace(
        perturbed(panel, others, ahead=True),
        times=np.where(others, times + np.timedelta64(1001, "h"), times),
    )
    levels = replace(before.levels, loc=before.levels.loc + 0.0)
    levels.loc[np.arange(5) != series] = 77.0
    after = build(strange, encodings=before.features.encodings, levels=levels)
    origins = np.arange(panel.starts[series] + 1, panel.ends[series] + 1)
    same(make_batch(after, origins), make_batch(before, origins))
    at = origins[origins + H <= panel.starts[series + 1]]
    for ours, theirs in zip(after.targets(at), before.targets(at), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_window_reads_nothing_from_its_origin_on_but_what_is_known_beforehand() -> None:
    panel = build().rows.panel
    before = build(panel)
    pairs = ((0, 5), (0, 12), (0, 23), (1, 1), (2, 17), (2, 36), (2, 40), (3, 2), (4, 11))
    for origin in (int(panel.starts[s]) + at for s, at in pairs):
        at = np.array([origin])
        later = np.arange(len(panel.values)) >= origin
        after = build(perturbed(panel, later, ahead=False), encodings=before.features.encodings)
        same(make_batch(after, at), make_batch(before, at))
        # With the future covariates, the context is still the same.
        after = build(perturbed(panel, later, ahead=True), encodings=before.features.encodings)
        ours, theirs = make_batch(after, at), make_batch(before, at)
        assert torch.equal(ours.values, theirs.values)
        assert ours.codes is not None
        assert theirs.codes is not None
        assert torch.equal(ours.codes, theirs.codes)
        assert ours.future is not None
        assert theirs.future is not None
        assert not torch.isclose(ours.future[..., 0], theirs.future[..., 0]).any()
        # What lies beyond the horizon changes nothing at all.
        beyond = np.arange(len(panel.values)) >= origin + H
        after = build(perturbed(panel, beyond, ahead=True), encodings=before.features.encodings)
        same(make_batch(after, at), make_batch(before, at))


@pytest.mark.parametrize("channels", [*((c,) for c in CHANNELS), CHANNELS])
def test_reach_is_how_far_back_a_context_looks(channels: tuple[Channel, ...]) -> None:
    walk = 10 + np.cumsum(seeded().normal(size=(80, 2)), axis=0)
    walk[30:50][seeded(3).random((20, 2)) < 0.4] = NAN
    origin = np.array([50])

    def values(series: NDArray[np.float64]) -> Tensor:
        panel = make_panel([series])
        return make_batch(build(panel, channels=channels, reach=30), origin).values

    before = values(walk)
    reach = build(make_panel([walk]), channels=channels).features.reach
    first = int(origin[0]) - reach
    outside = walk + 1e4
    outside[first:50] = walk[first:50]
    # What is carried into the window comes from before it.
    carried = build(make_panel([walk])).rows.values[first - 1]
    outside[first - 1] = carried
    assert torch.equal(values(outside), before)
    inside = walk.copy()
    inside[first] = np.where(np.isnan(inside[first]), carried + 5, NAN)
    assert not torch.allclose(values(inside), before)


def test_a_batch_gathers_what_single_windows_hold() -> None:
    inputs = build()
    origins = np.array([12, 6, 55, 26, 30])
    targets = seeded(1).normal(size=(5, H, 2))
    counts = seeded(2).random((5, H, 2)) < 0.7
    data = Windows(inputs, origins, targets, counts)
    index = torch.tensor([3, 1, 1, 4])
    together = data.batch(index)
    assert together.targets is not None
    assert together.targets.dtype == torch.float32
    assert together.weights is not None
    assert len(data) == 5
    lengths = lengths_of(together)
    for row, number in enumerate(index):
        alone = data.batch(number[None])
        length = lengths_of(alone)[0]
        assert lengths[row] == length
        assert torch.equal(together.values[row, :length], alone.values[0, :length])
        for name in ("codes", "future", "future_codes"):
            ours, theirs = getattr(together, name)[row], getattr(alone, name)[0]
            steps = length if name == "codes" else H
            assert torch.equal(ours[:steps], theirs[:steps])
        np.testing.assert_array_equal(together.targets[row], targets[number].astype(np.float32))
        assert together.weights[row].tolist() == counts[number].tolist()


@pytest.mark.parametrize("chunk", [1, 7, 1024])
@pytest.mark.parametrize("plain", [False, True])
def test_cached_windows_equal_those_built_a_batch_at_a_time(
    chunk: int, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = build(mixed_panel(plain=plain))
    origins = every_origin(inputs)
    targets, counts = inputs.targets(origins)
    numbers = whole(Windows(inputs, origins)).values.numel()
    monkeypatch.setattr(windows, "_CHUNK", chunk)
    monkeypatch.setattr(windows, "_CACHE", numbers)
    cached = Windows(inputs, origins, targets, counts)
    monkeypatch.setattr(windows, "_CACHE", numbers - 1)
    built = Windows(inputs, origins, targets, counts)
    # All that is read later stands in the panel: what was built once does not see the change.
    for index in ([0], [80, 3, 3, 41], list(range(81))):
        same(cached.batch(torch.tensor(index)), built.batch(torch.tensor(index)))
    inputs.rows.values[:] = 0.0
    everything = torch.arange(81)
    assert torch.equal(cached.batch(everything).values, cached.batch(everything).values)
    assert not torch.equal(cached.batch(everything).values, built.batch(everything).values)


def test_arrays_may_be_read_only() -> None:
    inputs = build()
    origins = every_origin(inputs)
    before = whole(Windows(inputs, origins, *inputs.targets(origins)))
    rows, covariates = inputs.rows, inputs.covariates
    for array in (rows.values, rows.observed, rows.calendar, covariates.numbers, covariates.codes):
        array.setflags(write=False)
    same(whole(Windows(inputs, origins, *inputs.targets(origins))), before)


def test_no_windows_are_no_error() -> None:
    data = Windows(build(), np.array([], dtype=np.int64))
    assert len(data) == 0


def test_where_all_targets_count_there_are_no_weights() -> None:
    inputs = build()
    origins = np.array([18])  # rows 18..22 of the first series are whole
    targets, counts = inputs.targets(origins)
    assert counts.all()
    batch = whole(Windows(inputs, origins, targets, counts))
    assert batch.weights is None
    np.testing.assert_array_equal(batch.targets, targets.astype(np.float32))
    targets, counts = inputs.targets(np.array([13, 18]))
    assert not counts.all()
    # Of many windows each batch has weights, so that batches are of one form.
    data = Windows(inputs, np.array([13, 18]), targets, counts)
    alone = data.batch(torch.tensor([1])).weights
    assert alone is not None
    assert alone.all()


def test_a_past_that_is_given_takes_the_place_of_the_rows() -> None:
    inputs = build()
    origins = every_origin(inputs)[::7]
    z, observed = inputs.z_past(origins), inputs.past(origins)[1]
    before = make_batch(inputs, origins)
    same(make_batch(inputs, origins, z=z, observed=observed), before)
    other = seeded(4).normal(size=z.shape)
    other_observed = seeded(6).random(z.shape) < 0.5
    after = make_batch(inputs, origins, z=other, observed=other_observed)
    channels = len(CHANNELS)
    expected = inputs.features.channel_values(other, other_observed.astype(float))
    lengths = lengths_of(after)
    assert lengths == lengths_of(before)
    for m, length in enumerate(lengths):
        np.testing.assert_allclose(
            after.values[m, :length, :channels], expected[m, T - length :], rtol=1e-6, atol=1e-6
        )
    assert torch.equal(after.values[..., channels:], before.values[..., channels:])
    same(replace(after, values=before.values), before)


def test_a_batch_moves_as_a_whole() -> None:
    inputs = build()
    origins = every_origin(inputs)
    data = Windows(inputs, origins, *inputs.targets(origins))
    same(data.batch(torch.arange(9)).to("cpu"), data.batch(torch.arange(9)))
    batch = data.batch(torch.arange(14, 18))
    assert batch.lengths is None  # on that device there are no numbers to look at
    moved = batch.to("meta")
    for name in ("values", "targets", "codes", "future", "future_codes", "weights"):
        assert getattr(moved, name).device.type == "meta", name
        assert getattr(moved, name).shape == getattr(batch, name).shape
    plain = build(mixed_panel(step=None, plain=True))
    same(make_batch(plain, np.array([18])).to("cpu"), make_batch(plain, np.array([18])))


@pytest.mark.parametrize("period", [1, 4, 12])
def test_a_level_far_above_its_changes_costs_no_digits(period: int) -> None:
    changes = np.cumsum(seeded().integers(-3, 4, size=20_000)).astype(np.float64)
    channels = (Channel(0, "relative", period, 0.0, 2.0), Channel(0, "seasonal", period, 0.0, 2.0))
    options = {"channels": channels, "context": 24, "transform": make_transform("none", horizon=1)}
    origins = np.array([100, 10_000, 20_000])
    flat = replace(
        build(make_panel([[1.0]]), **options).levels, loc=np.zeros((1, 1)), scale=np.ones((1, 1))
    )
    low, high = (
        make_batch(build(make_panel([level + changes]), levels=flat, **options), origins).values
        for level in (0.0, 1e9)
    )
    torch.testing.assert_close(high, low, rtol=1e-6, atol=1e-6)


def test_a_batch_takes_memory_of_its_own_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, context = 200_000, 64
    inputs = build(
        make_panel([seeded().normal(size=rows)]),
        channels=CHANNELS[3:5],
        context=context,
        transform=make_transform("difference", horizon=H),
    )
    origins = np.arange(context + 4, rows - H)
    monkeypatch.setattr(windows, "_CACHE", 0)
    tracemalloc.start()
    data = Windows(inputs, origins)
    batch = data.batch(torch.arange(100, 108))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert batch.values.shape == (8, context, 2)
    assert peak < rows  # bytes; a copy of the series alone would take eight times as many
