import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnnkit.data.split import Split, rows_needed, split_by_time
from rnnkit.errors import DataError

SIZES = {
    "rows": st.integers(1, 120),
    "horizon": st.integers(1, 9),
    "reach": st.integers(1, 30),
    "test_size": st.integers(0, 30),
    "validation_size": st.integers(1, 40),
    "blocks": st.integers(1, 8),
}


def split_or_skip(**sizes):
    """The split, where there are rows enough for one."""
    assume(sizes["validation_size"] >= sizes["horizon"])
    try:
        return split_by_time(sizes.pop("rows"), **sizes)
    except DataError:
        assume(False)


def target_rows(origins, horizon):
    return {row for origin in origins for row in range(origin, origin + horizon)}


@settings(max_examples=150, deadline=None)
@given(**SIZES)
def test_no_target_of_training_touches_the_validation_block_or_the_test_part(**sizes):
    split = split_or_skip(**sizes)
    for network in range(sizes["blocks"]):
        start, end = split.blocks[network % len(split.blocks)]
        train, validation = split.train_origins(network), split.validation_origins(network)
        assert len(train)
        assert len(validation)
        rows = target_rows(train, split.horizon)
        assert not rows & set(range(start, end))
        assert max(rows) < split.known
        assert target_rows(validation, split.horizon) <= set(range(start, end))
        assert min(train.min(), validation.min()) >= sizes["reach"]
        assert train.dtype == validation.dtype == np.int64


@settings(max_examples=150, deadline=None)
@given(**SIZES)
def test_every_window_that_may_be_used_is_used(**sizes):
    split = split_or_skip(**sizes)
    H = split.horizon
    origins = [o for o in range(sizes["reach"], sizes["rows"]) if o + H <= split.known]
    assert split.all_origins().tolist() == origins
    for network in range(sizes["blocks"]):
        start, end = split.blocks[network % len(split.blocks)]
        block = set(range(start, end))
        apart = [o for o in origins if not set(range(o, o + H)) & block]
        inside = [o for o in origins if set(range(o, o + H)) <= block]
        assert split.train_origins(network).tolist() == apart
        assert split.validation_origins(network).tolist() == inside


@settings(max_examples=150, deadline=None)
@given(**SIZES)
def test_several_blocks_cover_evenly_all_rows_that_can_be_targets(**sizes):
    assume(sizes["blocks"] > 1)
    split = split_or_skip(**sizes)
    borders = [split.blocks[0][0], *(end for _, end in split.blocks)]
    assert [start for start, _ in split.blocks] == borders[:-1]
    assert borders[0] == sizes["reach"] == split.first
    assert borders[-1] == split.known
    lengths = np.diff(borders)
    assert lengths.min() >= split.horizon
    assert lengths.max() - lengths.min() <= 1
    assert 2 <= len(split.blocks) <= sizes["blocks"]
    assert all(isinstance(border, int) for border in borders)


@settings(max_examples=100, deadline=None)
@given(**SIZES)
def test_one_block_lies_at_the_end_of_the_known_rows(**sizes):
    sizes["blocks"] = 1
    split = split_or_skip(**sizes)
    assert split.blocks == ((split.known - sizes["validation_size"], split.known),)
    assert split.train_origins(0).tolist() == split.train_origins(3).tolist()


@settings(max_examples=100, deadline=None)
@given(**SIZES)
def test_the_test_part_is_the_last_rows(**sizes):
    split = split_or_skip(**sizes)
    assert split.rows == sizes["rows"]
    assert split.rows - split.known == sizes["test_size"]


@settings(max_examples=100, deadline=None)
@given(**SIZES)
def test_as_many_rows_as_are_needed_can_be_split_and_no_fewer(**sizes):
    del sizes["rows"]
    assume(sizes["validation_size"] >= sizes["horizon"])
    needed = rows_needed(**sizes)
    # One window to learn from before the block, or two blocks one row longer than a horizon.
    one = sizes["horizon"] + sizes["validation_size"]
    learned = one if sizes["blocks"] == 1 else 2 * (sizes["horizon"] + 1)
    assert needed == sizes["reach"] + learned + sizes["test_size"]
    split = split_by_time(needed, **sizes)
    for network in range(len(split.blocks)):
        assert len(split.train_origins(network))
        assert len(split.validation_origins(network))
    with pytest.raises(DataError, match=f"have {needed - 1} rows, but {needed} are needed"):
        split_by_time(needed - 1, **sizes)


@pytest.mark.parametrize(
    ("rows", "asked", "blocks"),
    [(101, 5, 5), (100, 5, 4), (62, 5, 2), (63, 5, 2), (75, 3, 3), (74, 3, 2), (75, 5, 3)],
)
def test_a_block_is_longer_than_a_horizon(rows, asked, blocks):
    sizes = {"horizon": 12, "reach": 24, "test_size": 12, "validation_size": 12}
    # 39 rows of targets are three times 13; with 38 only two blocks are left.
    assert len(split_by_time(rows, blocks=asked, **sizes).blocks) == blocks


def test_networks_beyond_the_blocks_begin_again_with_the_first():
    split = split_by_time(62, horizon=12, reach=24, test_size=12, validation_size=12, blocks=5)
    assert split.train_origins(2).tolist() == split.train_origins(0).tolist()
    assert split.validation_origins(3).tolist() == split.validation_origins(1).tolist()
    assert split.validation_origins(0).tolist() != split.validation_origins(1).tolist()


@pytest.mark.parametrize("blocks", [1, 3])
def test_json_brings_back_the_same_split(blocks):
    split = split_by_time(
        144, horizon=12, reach=24, test_size=12, validation_size=24, blocks=blocks
    )
    assert Split.from_json(json.loads(json.dumps(split.to_json()))) == split
