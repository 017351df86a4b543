"""Streams of tokens: every token but the first is predicted exactly once, in its own context."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.streams import StoredCodes, TokenStreams
from rnnkit.errors import DataError
from rnnkit.training.sampling import epoch_order


def chunks(data: TokenStreams, size: int, order: torch.Tensor | None = None):
    order = torch.arange(len(data)) if order is None else order
    return [data.batch(index) for index in data.arrange(order, size)]


def pairs(batches) -> list[tuple[int, int]]:
    """Every token that counts with its target."""
    found = []
    for batch in batches:
        mask = batch.mask()
        found += zip(batch.values[mask].tolist(), batch.targets[mask].tolist(), strict=True)
    return found


@settings(max_examples=200, deadline=None)
@given(
    tokens=st.integers(2, 90),
    steps=st.integers(1, 12),
    size=st.integers(1, 9),
    streams=st.none() | st.integers(1, 9),
    epoch=st.integers(0, 3),
)
def test_every_token_but_the_first_is_predicted_exactly_once(tokens, steps, size, streams, epoch):
    codes = np.arange(tokens) + 7  # all different, so that a pair names its place
    data = TokenStreams(codes, steps, streams)
    order = epoch_order(len(data), seed=3, epoch=epoch) if epoch else None
    batches = chunks(data, size, order)
    assert Counter(pairs(batches)) == Counter(itertools.pairwise(codes.tolist()))
    assert sum(int(batch.mask().sum()) for batch in batches) == data.predicted == tokens - 1


@settings(max_examples=100, deadline=None)
@given(
    tokens=st.integers(2, 90),
    steps=st.integers(1, 12),
    size=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_a_row_goes_on_where_it_ended(tokens, steps, size, seed):
    codes = np.arange(tokens)
    data = TokenStreams(codes, steps)
    batches = chunks(data, size, epoch_order(len(data), seed=seed, epoch=1))
    assert [batch.first for batch in batches] == [True] + [False] * (len(batches) - 1)
    for before, after in itertools.pairwise(batches):
        assert len(before) == len(after)
        for row in range(len(after)):
            n = int(after.mask()[row].sum())
            if n:
                read = int(before.values[row, -1])
                assert int(after.values[row, 0]) == (read + 1) % (tokens - 1)


def test_a_rising_order_begins_with_the_first_token_and_keeps_the_texts_order():
    codes = np.array([9, 4, 4, 7, 1, 3, 8, 2, 6, 5])
    batches = chunks(TokenStreams(codes, steps=2, streams=2), size=50)
    assert [batch.values.tolist() for batch in batches] == [
        [[9, 4], [1, 3]],
        [[4, 7], [8, 2]],
        [[0], [6]],
    ]
    assert [batch.targets.tolist() for batch in batches] == [
        [[4, 4], [3, 8]],
        [[7, 1], [2, 6]],
        [[0], [5]],
    ]
    assert [None if b.lengths is None else b.lengths.tolist() for b in batches] == [
        None,
        None,
        [0, 1],
    ]


def test_cuts_move_from_epoch_to_epoch_and_equal_orders_cut_equally():
    data = TokenStreams(np.arange(1000), steps=10)
    starts = [
        data.arrange(epoch_order(len(data), seed=0, epoch=epoch), 4)[0][:, 0].tolist()
        for epoch in (1, 1, 2, 3, 4)
    ]
    assert starts[0] == starts[1]
    assert len({start[0] for start in starts}) == 4
    assert len({start[0] % 10 for start in starts}) > 1  # not by whole chunks


def test_streams_say_how_many_whatever_the_trainer_asks():
    data = TokenStreams(np.arange(101), steps=10, streams=3)
    assert {len(batch) for batch in chunks(data, size=64)} == {3}
    assert {len(batch) for batch in chunks(TokenStreams(np.arange(3), steps=5), size=64)} == {2}


def test_codes_may_be_mapped_from_a_file(tmp_path):
    path = tmp_path / "codes"
    np.arange(50, dtype=np.uint16).tofile(path)
    mapped = np.memmap(path, dtype=np.uint16, mode="r")
    batch = chunks(TokenStreams(mapped, steps=7), size=2)[0]
    assert batch.values.dtype == torch.int64
    assert batch.values[1].tolist() == list(range(24, 31))


def test_moving_to_a_device_keeps_the_mark_of_the_beginning():
    batches = chunks(TokenStreams(np.arange(9), steps=3, streams=1), size=1)
    assert [batch.to("cpu").first for batch in batches] == [True, False, False]


@pytest.mark.parametrize("tokens", [0, 1])
def test_too_few_tokens_are_refused(tokens):
    with pytest.raises(DataError, match=f"at least 2 tokens.* got {tokens}: give more text"):
        TokenStreams(np.arange(tokens), steps=3)


@settings(max_examples=100, deadline=None)
@given(
    tokens=st.integers(2, 90),
    steps=st.integers(1, 12),
    size=st.integers(1, 9),
    epoch=st.integers(0, 3),
    cut=st.integers(1, 40),
)
def test_codes_in_a_file_are_read_as_those_in_memory(tokens, steps, size, epoch, cut):
    codes = np.random.default_rng(tokens).integers(-9, 2**31 - 1, tokens).astype(np.int32)
    pieces = [codes[at : at + cut] for at in range(0, tokens, cut)]
    stored = StoredCodes.write(pieces, Path(tempfile.gettempdir()))
    order = epoch_order(-(-(tokens - 1) // steps), seed=3, epoch=epoch)
    of_file = chunks(TokenStreams(stored, steps), size, order)
    in_memory = chunks(TokenStreams(codes, steps), size, order)
    for mine, theirs in zip(of_file, in_memory, strict=True):
        assert torch.equal(mine.values, theirs.values)
        assert torch.equal(mine.targets, theirs.targets)
        assert mine.first == theirs.first
        assert torch.equal(mine.mask(), theirs.mask())
    for part in (slice(-7, None), slice(3, 11), slice(0, 0), slice(50, 20)):
        np.testing.assert_array_equal(stored[part], codes[part])


def test_batches_are_arranged_as_they_are_asked_for():
    batches = TokenStreams(np.arange(101), steps=10, streams=3).arrange(torch.tensor([2]), 1)
    assert len(batches) == 4
    assert [row.tolist() for row in batches[1:3]] == [batches[1].tolist(), batches[2].tolist()]
    assert torch.equal(batches[-1], batches[3])
    assert batches[0].tolist() == [[22, 10, 1], [55, 10, 1], [88, 10, 1]]
    assert batches[3].tolist() == [[52, 3, 0], [85, 3, 0], [18, 4, 0]]
    with pytest.raises(IndexError):
        batches[4]
