"""Which n-grams are frequent, and where they stand, against counting by hand."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.ragged import Ragged
from rnnkit.data.stored import StoredRagged
from rnnkit.data.text import ngrams
from rnnkit.data.text.ngrams import find_ngrams, frequent_ngrams

V = 9  # codes 1..8


def ragged(rows: list[list[int]]) -> Ragged:
    return Ragged.join([np.array(row, dtype=np.int32) for row in rows])


def counted(rows: list[list[int]], n: int) -> Counter[tuple[int, ...]]:
    return Counter(tuple(row[at : at + n]) for row in rows for at in range(len(row) - n + 1))


def ending(rows: list[list[int]], known: tuple[torch.Tensor, ...], n: int) -> list[list[int]]:
    """Return the number of the n-gram that ends at each step of each row, by `find_ngrams`."""
    values, lengths = ragged(rows).padded(range(len(rows)))
    numbers = find_ngrams(values, known, V)[n - 2]
    assert not numbers[torch.arange(values.shape[1]) >= lengths[:, None]].any()
    return [row[:length].tolist() for row, length in zip(numbers, lengths, strict=True)]


texts = st.lists(st.lists(st.integers(1, V - 1), max_size=9), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(rows=texts, longest=st.integers(1, 5))
def test_the_frequent_ones_are_those_that_stand_twice(rows, longest):
    known = frequent_ngrams(ragged(rows), longest, V)
    for n in range(2, longest + 1):
        often = {gram for gram, count in counted(rows, n).items() if count >= 2}
        if len(known) < n - 1:
            assert not often
            continue
        keys = known[n - 2].tolist()
        assert keys == sorted(set(keys))
        assert len(keys) == len(often)
        numbers: dict[int, tuple[int, ...]] = {}
        for row, found in zip(rows, ending(rows, known, n), strict=True):
            for at, number in enumerate(found):
                gram = tuple(row[max(0, at - n + 1) : at + 1])
                assert (number > 0) == (gram in often), (gram, number)
                if number:  # one number, one n-gram
                    assert numbers.setdefault(number, gram) == gram
        assert len(numbers) == len(often)


def test_the_order_of_tokens_and_the_borders_of_texts_count():
    rows = [[4, 5, 6], [4, 5, 6], [6, 4], [5, 4, 6]]
    known = frequent_ngrams(ragged(rows), 3, V)
    assert [keys.tolist() for keys in known] == [[5 * V + 4, 6 * V + 5], [2 * V + 4]]
    assert ending([[4, 5, 6], [5, 4], [4, 6, 5], [5, 6, 4]], known, 2) == [
        [0, 1, 2],
        [0, 0],
        [0, 0, 0],
        [0, 2, 0],
    ]
    assert ending([[4, 5, 6], [7, 5, 6]], known, 3) == [[0, 0, 1], [0, 0, 0]]


def test_the_most_frequent_are_kept_and_equals_by_key(monkeypatch):
    monkeypatch.setattr(ngrams, "MOST", 2)
    rows = [[1, 2]] * 3 + [[8, 7]] * 5 + [[3, 4]] * 3 + [[5, 6]] * 2
    (keys,) = frequent_ngrams(ragged(rows), 2, V)
    assert keys.tolist() == [2 * V + 1, 7 * V + 8]


@pytest.mark.parametrize("together", [1, 2, 1000])
def test_in_pieces_and_from_a_file_it_is_the_same(monkeypatch, together):
    rows = np.random.default_rng(3).integers(1, V, (40, 6)).tolist()
    whole = frequent_ngrams(ragged(rows), 4, V)
    monkeypatch.setattr(ngrams, "_TOGETHER", together)
    stored = StoredRagged.write(
        [np.array(row, dtype=np.int32) for row in rows], Path(tempfile.gettempdir())
    )
    for sequences in (ragged(rows), stored):
        for keys, others in zip(whole, frequent_ngrams(sequences, 4, V), strict=True):
            assert torch.equal(keys, others)


def test_where_there_are_too_many_those_met_once_are_forgotten(monkeypatch):
    monkeypatch.setattr(ngrams, "_TOGETHER", 1)
    monkeypatch.setattr(ngrams, "_COUNTED", 2)
    rows = [[1, 2, 1, 2], [3, 4], [5, 6], [3, 4], [1, 2]]  # 3 4 is forgotten before it is met again
    (keys,) = frequent_ngrams(ragged(rows), 2, V)
    assert keys.tolist() == [2 * V + 1]


def test_large_vocabularies_do_not_overflow():
    size = 2**31 - 1
    rows = [[size - 1, size - 2, size - 3, size - 4, size - 5, size - 6]] * 2
    known = frequent_ngrams(Ragged.join([np.array(row) for row in rows]), 6, size)
    assert [len(keys) for keys in known] == [5, 4, 3, 2, 1]
    assert all((keys > 0).all() for keys in known)
    found = find_ngrams(torch.tensor([rows[0]]), known, size)
    assert [row.count_nonzero().item() for row in found] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("rows", [[[]], [[1]], [[1], [2], []]])
def test_texts_too_short_have_none(rows):
    assert frequent_ngrams(ragged(rows), 3, V) == ()


def test_a_batch_shorter_than_the_ngrams():
    known = frequent_ngrams(ragged([[1, 2, 3, 4]] * 2), 4, V)
    assert [row.tolist() for row in find_ngrams(torch.tensor([[2]]), known, V)] == [[[0]]] * 3
