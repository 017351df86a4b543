"""Sequences of unequal length in one array."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.data.batches import POOL, LabelledSequences, bounded, in_buckets
from rnnkit.data.ragged import Ragged
from rnnkit.errors import ShapeError


@given(st.lists(st.lists(st.integers(1, 99), max_size=6), max_size=7), st.randoms())
def test_padding_gives_back_each_sequence(sequences: list[list[int]], random: object) -> None:
    ragged = Ragged.join([np.array(s, dtype=np.int32) for s in sequences])
    assert [list(ragged[i]) for i in range(len(ragged))] == sequences
    index = list(range(len(sequences)))
    random.shuffle(index)  # type: ignore[attr-defined]
    values, lengths = ragged.padded(index)
    assert values.dtype == torch.int64
    assert values.shape == (len(index), max([1, *map(len, sequences)]))
    for row, number in enumerate(index):
        n = int(lengths[row])
        assert values[row, :n].tolist() == sequences[number]
        assert not values[row, n:].any()
    taken = ragged.take(index)
    assert [list(taken[i]) for i in range(len(taken))] == [sequences[i] for i in index]


def test_rows_of_several_numbers_keep_their_type() -> None:
    ragged = Ragged.join([np.ones((2, 3), np.float32), np.full((1, 3), 7, np.float32)])
    values, lengths = ragged.padded(torch.tensor([1, 0]))
    assert values.dtype == torch.float32
    assert values[0].tolist() == [[7, 7, 7], [0, 0, 0]]
    assert lengths.tolist() == [1, 2]


@pytest.mark.parametrize("starts", [[], [0, 2], [1, 3], [0, 3, 2, 3]])
def test_starts_that_do_not_divide_the_values_are_refused(starts: list[int]) -> None:
    with pytest.raises(ShapeError):
        Ragged(np.arange(3), np.array(starts, dtype=np.int64))


@given(st.integers(1, 9), st.integers(0, 1000), st.integers(0, 9))
def test_buckets_hold_every_sequence_once_and_sort_pools(size: int, n: int, seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(0, 50, n)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    batches = in_buckets(order, size, lengths)
    assert sorted(torch.cat([order[:0], *batches]).tolist()) == list(range(n))
    assert all(1 <= len(batch) <= size for batch in batches)
    for batch in batches:
        assert (np.diff(lengths[batch.numpy()]) >= 0).all()
    pool = set(order[: size * POOL].tolist())
    first = [batch for batch in batches if batch[0].item() in pool]
    assert sum(map(len, first)) == min(n, size * POOL)


@given(st.integers(1, 9), st.integers(0, 100), st.integers(1, 60), st.integers(0, 9))
def test_bounded_batches_are_as_long_as_they_may_be(
    size: int, n: int, most: int, seed: int
) -> None:
    lengths = np.random.default_rng(seed).integers(0, 50, n)
    batches = in_buckets(torch.arange(n), size, lengths)
    cut = list(bounded(batches, lengths, most))
    assert [i for batch in cut for i in batch] == [i for batch in batches for i in batch]
    steps = [len(batch) * int(lengths[batch.numpy()].max()) for batch in cut]
    assert all(len(batch) == 1 or many <= most for batch, many in zip(cut, steps, strict=True))
    for batch in batches:
        if len(batch) * int(lengths[batch.numpy()].max()) <= most:
            assert any(batch.equal(other) for other in cut)


def test_batches_carry_targets_codes_and_weights_of_their_rows() -> None:
    data = LabelledSequences(
        Ragged.join([np.array([4]), np.array([5, 6])]),
        torch.tensor([10, 11]),
        Ragged.join([np.array([[1]]), np.array([[2], [3]])]),
        torch.tensor([0.5, 2.0]),
    )
    batch = data.batch(torch.tensor([1, 0]))
    assert batch.targets is not None
    assert batch.codes is not None
    assert batch.weights is not None
    assert batch.targets.tolist() == [11, 10]
    assert batch.codes.tolist() == [[[2], [3]], [[1], [0]]]
    assert batch.weights.tolist() == [2.0, 0.5]
    moved = batch.to("cpu")
    assert torch.equal(moved.values, batch.values)
    assert moved.weights is not None
