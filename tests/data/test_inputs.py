"""Pasts, levels and targets; what is made of them, `test_windows.py` tests."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rnnkit.data import windows
from rnnkit.data.differencing import Differencing
from rnnkit.data.features import Channel
from rnnkit.data.panel import IntArray
from rnnkit.data.windows import Inputs

from .panels import NAN, make_inputs, make_panel, make_transform, mixed_panel
from .slow import SlowWindow

CHANNELS = (Channel(0, "level", 1, 0.0, 1.0), Channel(1, "seasonal", 3, 0.5, 2.0))


def build(*kinds: Differencing, horizon: int = 5, reach: int | None = None) -> Inputs:
    transform = make_transform(*kinds, horizon=horizon, season=4, logs="0")
    return make_inputs(
        mixed_panel(), channels=CHANNELS, transform=transform, context=6, reach=reach
    )


def every_origin(inputs: Inputs) -> IntArray:
    """Each series from its second row to the row after its last known one."""
    panel = inputs.rows.panel
    return np.concatenate(
        [np.arange(a + 1, b + 1) for a, b in zip(panel.starts[:-1], panel.ends, strict=True)]
    )


def test_a_series_shorter_than_the_past_goes_on_backwards_with_its_first_row() -> None:
    inputs = make_inputs(
        make_panel([[9.0] * 9, [3.0, NAN, 5.0]], ticks=[0, 6]),
        channels=CHANNELS[:1],
        transform=make_transform("none", horizon=2),
        context=6,
        reach=7,
    )
    past, observed = inputs.past(np.array([11 + 3, 11 + 1]))
    assert past[..., 0].tolist() == [[3, 3, 3, 3, 3, 3, 5], [3] * 7]
    assert observed[..., 0].tolist() == [[False] * 4 + [True, False, True], [False] * 6 + [True]]
    assert inputs.lengths(np.array([14, 12])).tolist() == [3, 1]


@pytest.mark.parametrize("reach", [None, 1, 50])
def test_pasts_and_levels_are_those_of_each_series(reach: int | None) -> None:
    inputs = build("seasonal", "none", reach=reach)
    origins = every_origin(inputs)
    past, observed = inputs.past(origins)
    z, levels = inputs.z_past(origins), inputs.levels_at(origins)
    assert past.shape == observed.shape == z.shape == (81, reach or 9, 2)
    for m in (0, 20, 22, 23, 24, 62, 63, 70, 80):
        slow = SlowWindow.of(inputs, int(origins[m]))
        rows = range(slow.at - inputs.reach, slow.at)
        expected = [[slow.z(t, k) for k in range(2)] for t in rows]
        np.testing.assert_allclose(z[m], expected, rtol=1e-12, atol=1e-12)
        assert observed[m].tolist() == [[slow.observed(t, k) for k in range(2)] for t in rows]
        for name in ("loc", "scale", "floor"):
            ours, theirs = getattr(levels, name)[m], getattr(inputs.levels, name)[slow.series]
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("horizon", [1, 3, 9])
@pytest.mark.parametrize("kinds", [("seasonal", "none"), ("seasonal+difference", "difference")])
def test_targets_are_what_the_anchor_leaves_of_later_rows(
    horizon: int, kinds: tuple[Differencing, Differencing], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = build(*kinds, horizon=horizon)
    origins = np.array([o for o in every_origin(inputs) if SlowWindow.of(inputs, o).at % 3])
    monkeypatch.setattr(windows, "_CHUNK", 4)
    targets, counts = inputs.targets(origins)
    assert targets.shape == counts.shape == (len(origins), horizon, 2)
    assert counts.any()
    assert not counts.all()
    for m, origin in enumerate(origins.tolist()):
        slow = SlowWindow.of(inputs, origin)
        for step, k in itertools.product(range(horizon), range(2)):
            assert counts[m, step, k] == slow.observed(slow.at + step, k)
            if counts[m, step, k]:
                assert targets[m, step, k] == pytest.approx(slow.target(step, k), abs=1e-9)
    assert np.isfinite(targets).all()  # 0 times a target that is missing must be 0


def test_targets_depend_on_no_row_after_their_horizon() -> None:
    inputs = build("seasonal", "difference")
    origin = np.array([6])
    before, counts = inputs.targets(origin)
    values = inputs.rows.values.copy()
    values[6 + 5 :] = 1e9
    later = replace(inputs, rows=replace(inputs.rows, values=values))
    np.testing.assert_array_equal(later.targets(origin)[0], before)
    values[6 + 4] = 1e9
    np.testing.assert_array_equal(
        (later.targets(origin)[0] == before).all(axis=2), [[True] * 4 + [False]]
    )
    assert counts.shape == (1, 5, 2)
