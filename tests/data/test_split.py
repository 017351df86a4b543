from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnnkit.data.panel import IntArray, Panel
from rnnkit.data.split import Split, origins_between, rows_needed, split_by_time
from rnnkit.errors import DataError

from .panels import NAN, make_panel, mixed_panel, seeded

SIZES: dict[str, st.SearchStrategy[int]] = {
    "known": st.integers(1, 90),
    "test_size": st.integers(0, 30),
    "horizon": st.integers(1, 9),
    "reach": st.integers(1, 20),
    "validation_size": st.integers(1, 40),
    "blocks": st.integers(1, 8),
}


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    """Series that begin late, end early, are short or have gaps of whole forecasts."""
    spans = draw(
        st.lists(st.tuples(st.integers(0, 70), st.integers(1, 80)), min_size=1, max_size=4)
    )
    random = seeded(draw(st.integers(0, 999)))
    series = []
    for _, length in spans:
        values = random.normal(size=(length, 2))
        for _ in range(3):
            gap = int(random.integers(0, length))
            values[gap : gap + int(random.integers(0, 14)), : random.integers(1, 3)] = NAN
        values[-1] = 1.0
        series.append(values)
    room = [int(random.integers(0, 12)) for _ in spans]
    return make_panel(series, ticks=[tick for tick, _ in spans], room=room)


def split_or_skip(sizes: dict[str, int], *, first: int | None = None) -> Split:
    """The split, where there are rows enough for one."""
    assume(sizes["validation_size"] >= sizes["horizon"])
    options = {**sizes, "rows": sizes["known"] + sizes["test_size"]}
    del options["test_size"]
    try:
        return split_by_time(**options, first=first)
    except DataError:
        assume(False)
        raise


def slow_origins(panel: Panel, low: int, high: int, horizon: int, reach: Any) -> list[int]:
    """The rows of all origins: a loop over series and rows.

    `reach` says how many rows of a series must lie before an origin.
    """
    origins = []
    for s in range(len(panel.ids)):
        start, known, tick = (int(a[s]) for a in (panel.starts, panel.known, panel.ticks))
        for before in range(reach(known, tick), known):
            ahead = range(before, before + horizon)
            inside = all(low <= tick + row < high for row in ahead) and ahead[-1] < known
            if inside and any(not np.isnan(panel.values[start + row]).all() for row in ahead):
                origins.append(start + before)
    return origins


def whole_or_half(split: Split) -> Any:
    """A whole window, or half of the known rows of a series too short for one."""

    def reach(known: int, tick: int) -> int:
        rows = min(known, split.known - tick)
        return split.reach if rows >= split.reach + split.horizon else max(1, rows // 2)

    return reach


@settings(max_examples=150, deadline=None)
@given(panel=panels(), sizes=st.fixed_dictionaries(SIZES), short=st.booleans())
def test_every_window_that_may_be_used_is_used(
    panel: Panel, sizes: dict[str, int], short: bool
) -> None:
    split = split_or_skip(sizes, first=1 if short else None)
    H, reach = split.horizon, whole_or_half(split)
    everything = slow_origins(panel, 0, split.known, H, reach)
    assert split.all_origins(panel).tolist() == everything
    for network in range(sizes["blocks"] + 1):
        start, end = split.blocks[network % len(split.blocks)]
        ticks = dict(zip(everything, ticks_of(panel, np.array(everything, int)), strict=True))
        apart = [o for o in everything if ticks[o] + H <= start or ticks[o] >= end]
        inside = [o for o in everything if start <= ticks[o] and ticks[o] + H <= end]
        train, validation = (
            split.train_origins(panel, network),
            split.validation_origins(panel, network),
        )
        assert train.tolist() == apart
        assert validation.tolist() == inside
        assert train.dtype == validation.dtype == np.int64


def ticks_of(panel: Panel, origins: IntArray) -> list[int]:
    series = [int(np.sum(panel.starts[1:] <= origin)) for origin in origins]
    return [int(o - panel.starts[s] + panel.ticks[s]) for o, s in zip(origins, series, strict=True)]


@settings(max_examples=150, deadline=None)
@given(panel=panels(), sizes=st.fixed_dictionaries(SIZES), stride=st.integers(1, 5))
def test_tested_is_every_row_that_was_begun_before(
    panel: Panel, sizes: dict[str, int], stride: int
) -> None:
    split = split_or_skip(sizes)

    def begun(known: int, tick: int) -> int:
        return 1 if tick < split.known else known

    expected = slow_origins(panel, split.known, split.rows, split.horizon, begun)
    assert split.test_origins(panel).tolist() == expected
    # Every so many-th of a series, counted from its first, whatever is missing.
    strided = []
    for s in range(len(panel.ids)):
        start, tick = int(panel.starts[s]), int(panel.ticks[s])
        first = start + max(split.known - tick, 1)
        strided += [
            o for o in expected if start <= o < panel.starts[s + 1] and (o - first) % stride == 0
        ]
    assert split.test_origins(panel, stride).tolist() == strided


@settings(max_examples=150, deadline=None)
@given(panel=panels(), sizes=st.fixed_dictionaries(SIZES))
def test_no_target_of_training_touches_the_validation_block_or_the_test_part(
    panel: Panel, sizes: dict[str, int]
) -> None:
    split = split_or_skip(sizes)

    def target_ticks(origins: IntArray) -> set[int]:
        return {t + step for t in ticks_of(panel, origins) for step in range(split.horizon)}

    for network, (start, end) in enumerate(split.blocks):
        train = target_ticks(split.train_origins(panel, network))
        assert not train & set(range(start, end))
        assert max(train, default=0) < split.known
        assert target_ticks(split.validation_origins(panel, network)) <= set(range(start, end))
        assert target_ticks(split.test_origins(panel)) <= set(range(split.known, split.rows))


def test_a_series_that_is_over_or_has_not_begun_has_no_origins() -> None:
    panel = make_panel([range(30), range(10), range(40), range(3)], ticks=[0, 35, 0, 29])
    split = Split(30, 40, ((20, 30),), reach=6, horizon=4)
    starts = panel.starts.tolist()
    # The second begins after the test part does; the last has but one row before it.
    assert split.test_origins(panel).tolist() == [starts[2] + 30 + o for o in range(7)]
    assert split.train_origins(panel, 0).tolist() == [
        *(6 + o for o in range(11)),
        *(starts[2] + 6 + o for o in range(11)),
    ]
    assert split.validation_origins(panel, 0).tolist() == [
        *(20 + o for o in range(7)),
        *(starts[2] + 20 + o for o in range(7)),
    ]
    shorter = Split(30, 40, ((20, 30),), reach=6, horizon=2)
    assert starts[3] + 1 in shorter.test_origins(panel)


def test_a_series_too_short_for_a_window_gives_its_second_half() -> None:
    panel = make_panel([range(40), range(9), range(10), range(2)], ticks=[0, 20, 20, 20])
    split = Split(40, 40, ((30, 40),), reach=8, horizon=2)
    starts = panel.starts.tolist()
    origins = split.all_origins(panel)
    assert [o - starts[0] for o in origins if o < starts[1]] == list(range(8, 39))
    assert [o - starts[1] for o in origins if starts[1] <= o < starts[2]] == [4, 5, 6, 7]
    assert [o - starts[2] for o in origins if starts[2] <= o < starts[3]] == [8]
    assert not [o for o in origins if o >= starts[3]]


def test_origins_without_any_target_are_left_out() -> None:
    values = np.arange(24.0).reshape(12, 2)
    values[4:9] = NAN
    values[10, 0] = NAN
    panel = make_panel([values])
    asked: dict[str, Any] = {"least": np.array([1]), "horizon": 3}
    assert origins_between(panel, 0, 12, **asked).tolist() == [1, 2, 3, 7, 8, 9]
    assert origins_between(panel, 0, 12, **asked, stride=2).tolist() == [1, 3, 7, 9]
    assert origins_between(panel, 3, 10, **asked).tolist() == [3, 7]


def test_a_row_that_lies_ahead_is_no_target_however_much_room_there_is() -> None:
    panel = make_panel([range(5), range(7)], room=[9, 0])
    split = Split(5, 9, ((3, 5),), reach=1, horizon=2)
    assert split.all_origins(panel).tolist() == [1, 2, 3, 15, 16, 17]
    assert split.test_origins(panel).tolist() == [19]


def test_the_training_part_is_all_but_a_block_at_the_end() -> None:
    assert Split(30, 40, ((20, 30),), 6, 4).trained == 20
    assert Split(30, 40, ((6, 18), (18, 30)), 6, 4).trained == 30


@settings(max_examples=150, deadline=None)
@given(sizes=st.fixed_dictionaries(SIZES), first=st.none() | st.integers(0, 9))
def test_several_blocks_cover_evenly_all_rows_that_can_be_targets(
    sizes: dict[str, int], first: int | None
) -> None:
    assume(sizes["blocks"] > 1)
    split = split_or_skip(sizes, first=first)
    borders = [split.blocks[0][0], *(end for _, end in split.blocks)]
    assert [start for start, _ in split.blocks] == borders[:-1]
    assert borders[0] == (sizes["reach"] if first is None else first)
    assert borders[-1] == split.known
    lengths = np.diff(borders)
    assert lengths.min() >= split.horizon
    assert lengths.max() - lengths.min() <= 1
    assert 2 <= len(split.blocks) <= sizes["blocks"]
    assert all(isinstance(border, int) for border in borders)


@settings(max_examples=100, deadline=None)
@given(sizes=st.fixed_dictionaries(SIZES))
def test_one_block_lies_at_the_end_of_the_known_rows(sizes: dict[str, int]) -> None:
    split = split_or_skip({**sizes, "blocks": 1})
    assert split.blocks == ((split.known - sizes["validation_size"], split.known),)
    assert (split.known, split.rows) == (sizes["known"], sizes["known"] + sizes["test_size"])
    assert (split.reach, split.horizon) == (sizes["reach"], sizes["horizon"])


@settings(max_examples=100, deadline=None)
@given(sizes=st.fixed_dictionaries(SIZES), first=st.none() | st.integers(1, 9))
def test_as_many_rows_as_are_needed_can_be_split_and_no_fewer(
    sizes: dict[str, int], first: int | None
) -> None:
    assume(sizes["validation_size"] >= sizes["horizon"])
    del sizes["known"]
    before = sizes["reach"] if first is None else first
    needed = rows_needed(
        sizes["horizon"], before, sizes["test_size"], sizes["validation_size"], sizes["blocks"]
    )
    # One window to learn from before the block, or two blocks one row longer than a horizon.
    one = sizes["horizon"] + sizes["validation_size"]
    learned = one if sizes["blocks"] == 1 else 2 * (sizes["horizon"] + 1)
    assert needed == before + learned + sizes["test_size"]

    def cut(rows: int) -> Split:
        options = {name: size for name, size in sizes.items() if name != "test_size"}
        return split_by_time(known=rows - sizes["test_size"], rows=rows, first=first, **options)

    split = cut(needed)
    panel = make_panel([range(needed)])
    if before >= sizes["reach"]:
        for network in range(len(split.blocks)):
            assert len(split.train_origins(panel, network))
            assert len(split.validation_origins(panel, network))
    with pytest.raises(DataError, match=f"have {needed - 1} rows, but {needed} are needed"):
        cut(needed - 1)


@pytest.mark.parametrize(
    ("known", "asked", "blocks"),
    [(89, 5, 5), (88, 5, 4), (50, 5, 2), (51, 5, 2), (63, 3, 3), (62, 3, 2), (63, 5, 3)],
)
def test_a_block_is_longer_than_a_horizon(known: int, asked: int, blocks: int) -> None:
    split = split_by_time(
        known=known, rows=known, horizon=12, reach=24, validation_size=12, blocks=asked
    )
    # 39 rows of targets are three times 13; with 38 only two blocks are left.
    assert len(split.blocks) == blocks


def test_networks_beyond_the_blocks_begin_again_with_the_first() -> None:
    panel = mixed_panel()
    split = Split(40, 40, ((8, 20), (20, 40)), reach=5, horizon=3)
    for origins in (split.train_origins, split.validation_origins):
        assert origins(panel, 2).tolist() == origins(panel, 0).tolist()
        assert origins(panel, 3).tolist() == origins(panel, 1).tolist()
        assert origins(panel, 0).tolist() != origins(panel, 1).tolist()


@pytest.mark.parametrize("blocks", [1, 3])
def test_json_brings_back_the_same_split(blocks: int) -> None:
    split = split_by_time(
        known=132, rows=144, horizon=12, reach=24, validation_size=24, blocks=blocks
    )
    assert Split.from_json(json.loads(json.dumps(split.to_json()))) == split
