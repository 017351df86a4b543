"""Signals as a network reads them."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit.data.examples.contract import Signals
from rnnkit.data.ragged import Ragged
from rnnkit.data.signals import SignalCodec
from rnnkit.errors import DataError


def signals(*sequences, labels=(), names=("x", "y")):
    numbers = Ragged.join([np.array(s, dtype=np.float64) for s in sequences])
    rows = len(numbers.values)
    words = np.array(labels, dtype=object).reshape(rows, -1) if len(labels) else np.empty((rows, 0))
    return Signals(
        numbers,
        names[: numbers.values.shape[1]],
        words.astype(object),
        tuple(f"l{i}" for i in range(words.shape[1])),
    )


def test_numbers_are_scaled_by_the_training_part_alone():
    train = signals([[0, 10], [2, 10]], [[4, 10]])
    codec = SignalCodec.fit(train)
    assert codec.mean == (2.0, 10.0)
    assert codec.scale == (pytest.approx((8 / 3) ** 0.5), 1.0)  # the second never varies
    other = codec.numbers(signals([[100, 11]]))
    assert other[0].tolist() == [[pytest.approx(98 / (8 / 3) ** 0.5, rel=1e-6), 1.0]]
    assert other.values.dtype == np.float32


def test_a_constant_channel_of_large_numbers_is_not_blown_up():
    codec = SignalCodec.fit(signals([[1e9 + 0.1, 0]], [[1e9 + 0.1, 1]], [[1e9 + 0.1, 2]]))
    assert codec.scale[0] == 1.0


def test_missing_numbers_are_zero_and_marked():
    train = signals([[1, np.nan], [3, 5]])
    codec = SignalCodec.fit(train)
    assert codec.width == 4
    assert codec.numbers(train)[0].tolist() == [[-1, 0, 0, 1], [1, 0, 0, 0]]
    whole = SignalCodec.fit(signals([[1, 2]]))
    assert whole.width == 2
    assert whole.numbers(signals([[np.nan, 2]]))[0].tolist() == [[0, 0]]


def test_labels_have_codes_and_unknown_ones_are_zero():
    train = signals([[1], [2]], [[3]], labels=["b", "a", "b"])
    codec = SignalCodec.fit(train)
    assert codec.labels == (("b", "a"),)
    assert codec.label_sizes == ((3, 3),)
    codes = codec.codes(signals([[1], [2], [3]], labels=["a", "new", ""]))
    assert codes is not None
    assert codes[0].tolist() == [[2], [0], [0]]
    assert SignalCodec.from_json(codec.to_json()) == codec


def test_other_columns_are_refused():
    codec = SignalCodec.fit(signals([[1, 2]]))
    with pytest.raises(DataError, match=r"new has 1 columns of numbers \(x\).*have 2 \(x, y\)"):
        codec.check(signals([[1]]), "new")
