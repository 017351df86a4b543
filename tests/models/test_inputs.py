"""What the recurrent layers read of a batch."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnkit.data.batches import LabelBatch
from rnnkit.data.ragged import Ragged
from rnnkit.data.text.ngrams import find_ngrams, frequent_ngrams
from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers import GRU
from rnnkit.models.inputs import LARGEST_ONE_HOT, SequenceInput

B, T, V, E, F = 4, 5, 11, 3, 2
LENGTHS = torch.tensor([5, 0, 2, 4])
INSIDE = torch.arange(T) < LENGTHS[:, None]


def inputs(**arguments: Any) -> SequenceInput:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SequenceInput(**arguments)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def numbers(low: int, high: int, *shape: int) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(1))


def tokens(padding: int = 0) -> LabelBatch:
    return LabelBatch(numbers(1, V, B, T).masked_fill(~INSIDE, padding), LENGTHS)


def floats(padding: float = 0.0, codes: Tensor | None = None) -> LabelBatch:
    values = random(B, T, F).masked_fill(~INSIDE[..., None], padding)
    return LabelBatch(values, LENGTHS, codes=codes)


def test_tokens_go_as_a_pair_with_their_table():
    layer, batch = inputs(vocabulary=V, embedding=E), tokens()
    indices, table = layer(batch)
    assert torch.equal(indices, batch.values)
    assert table is layer.table
    assert table.shape == (V, E)
    assert layer.size == E
    assert torch.equal(layer.steps(batch), table[batch.values])
    assert not table[0].any()
    assert (table[1:] != 0).all()


def test_learned_rows_start_near_length_one():
    table = inputs(vocabulary=2000, embedding=64).table.detach()
    lengths = table[1:].norm(dim=1)
    assert 0.9 < lengths.mean() < 1.1
    assert lengths.min() > 0.6


def test_padding_teaches_the_table_nothing():
    layer = inputs(vocabulary=V, embedding=E)
    encoder = GRU(E, 7, batch_first=True, bidirectional=True)
    batch = tokens(padding=0)
    y, h_n = encoder(layer(batch), lengths=LENGTHS)
    (y.square().sum() + h_n.square().sum()).backward()
    read = set(batch.values[INSIDE].tolist())
    assert layer.table.grad is not None
    for row in range(V):
        assert bool(layer.table.grad[row].any()) == (row in read)
    assert 0 not in read


@pytest.mark.parametrize("padding", [-100, V, 10**12])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_any_token_may_stand_at_padding(padding, dropout):
    layer = inputs(vocabulary=V, embedding=E, dropout=dropout).eval()
    clean, dirty = layer(tokens()), layer(tokens(padding))
    assert torch.equal(clean[0], dirty[0])


def test_one_hot_rows_are_the_identity_and_not_trained():
    layer, batch = inputs(vocabulary=V), tokens()
    indices, table = layer(batch)
    assert torch.equal(table, torch.eye(V))
    assert torch.equal(table[indices], torch.nn.functional.one_hot(batch.values, V).float())
    assert layer.size == V
    assert not list(layer.parameters())
    assert not layer.state_dict()
    assert layer.double().table.dtype == torch.float64


def test_given_vectors_are_the_start():
    vectors = random(V, E).double()
    learned = inputs(vocabulary=V, embedding=E, vectors=vectors)
    frozen = inputs(vocabulary=V, embedding=E, vectors=vectors, frozen=True)
    for layer in (learned, frozen):
        assert torch.equal(layer.table, vectors.float())
        assert layer.table.data_ptr() != vectors.data_ptr()
        assert set(layer.state_dict()) == {"table"}
    assert learned.table.requires_grad
    assert not frozen.table.requires_grad
    # of a type that needs no conversion: still a copy
    same = random(V, E)
    inputs(vocabulary=V, embedding=E, vectors=same).table.data.zero_()
    assert same.any()


def test_numbers_go_as_they_are():
    layer, batch = inputs(numbers=F), floats(math.nan)
    assert layer(batch) is batch.values
    assert layer.size == F
    assert not list(layer.parameters())


@pytest.mark.parametrize("kind", ["tokens", "numbers"])
def test_labels_stand_behind(kind):
    codes = torch.stack([numbers(0, 6, B, T), numbers(0, 3, B, T)], dim=-1)
    labels = ((6, 4), (3, 2))
    if kind == "tokens":
        layer = inputs(vocabulary=V, embedding=E, labels=labels)
        batch = LabelBatch(tokens().values, LENGTHS, codes=codes)
        front = layer.table[batch.values]
    else:
        layer = inputs(numbers=F, labels=labels)
        batch = floats(codes=codes)
        front = batch.values
    x = layer(batch)
    first, second = (embedding.weight for embedding in layer.labels)
    expected = torch.cat([front, first[codes[..., 0]], second[codes[..., 1]]], dim=-1)
    assert torch.equal(x[INSIDE], expected[INSIDE])
    assert layer.size == x.shape[-1] == front.shape[-1] + 6
    garbage = LabelBatch(batch.values, LENGTHS, codes=codes.masked_fill(~INSIDE[..., None], 99))
    assert torch.equal(layer(garbage)[INSIDE], x[INSIDE])


def test_labels_may_be_all_there_is():
    codes = numbers(0, 6, B, T, 1)
    layer = inputs(labels=((6, 4),))
    batch = LabelBatch(torch.zeros(B, T, 0), LENGTHS, codes=codes)
    (embedding,) = layer.labels
    assert torch.equal(layer(batch)[INSIDE], embedding.weight[codes[..., 0]][INSIDE])
    assert layer.size == 4


@pytest.mark.parametrize("kind", ["tokens", "numbers", "labels"])
def test_one_mask_serves_all_steps_of_a_sequence(kind):
    n, t, p = 40, 9, 0.3
    if kind == "tokens":
        layer = inputs(vocabulary=V, embedding=16, dropout=p)
        batch = LabelBatch(numbers(1, V, n, t))
    elif kind == "labels":
        layer = inputs(numbers=F, labels=((6, 14),), dropout=p)
        batch = LabelBatch(random(n, t, F), codes=numbers(0, 6, n, t, 1))
    else:
        layer = inputs(numbers=16, dropout=p)
        batch = LabelBatch(random(n, t, 16))
    full = layer.eval().steps(batch)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        dropped = layer.train()(batch)
    ratio = dropped / full
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    kept = ratio[:, 0] > 0
    torch.testing.assert_close(ratio[:, 0][kept], torch.full((int(kept.sum()),), 1 / (1 - p)))
    assert 0.2 < 1 - kept.float().mean() < 0.4
    assert len({tuple(row) for row in kept.tolist()}) > 30  # a mask for each sequence
    layer.eval()
    assert torch.equal(layer.steps(batch), full)


def test_with_dropout_nan_at_padding_reaches_no_gradient():
    codes = numbers(0, 6, B, T, 1)
    layer = inputs(numbers=F, labels=((6, 4),), dropout=0.5)
    encoder = GRU(layer.size, 7, batch_first=True)
    y, _ = encoder(layer(floats(math.nan, codes)), lengths=LENGTHS)
    y.sum().backward()
    for parameter in (*layer.parameters(), *encoder.parameters()):
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either tokens or numbers: give vocabulary or numbers above 0, got 0 and 0"),
        ({"vocabulary": 5, "numbers": 2}, "either tokens or numbers: .* got 5 and 2"),
        ({"numbers": 2, "embedding": 3}, "embedding=3 is for tokens: give vocabulary"),
        ({"vocabulary": 5, "embedding": 3, "frozen": True}, "frozen keeps given vectors: give"),
        ({"vocabulary": 5, "vectors": torch.ones(5, 2)}, "vectors start a learned embedding"),
        (
            {"vocabulary": 5, "embedding": 3, "vectors": torch.ones(4, 3)},
            r"vectors must be \(5, 3\), a row for each token, got \(4, 3\)",
        ),
        ({"numbers": 2, "vectors": torch.ones(2, 2)}, "vectors start a learned embedding"),
        (
            {"vocabulary": 5, "embedding": 0},
            "embedding must be a whole number of at least 1, got 0",
        ),
        ({"numbers": 2, "dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"numbers": 2, "dropout": -0.1}, "dropout must be at least 0 and below 1, got -0.1"),
        ({"numbers": 2, "dropout": math.nan}, "dropout must be at least 0 and below 1, got nan"),
        ({"vocabulary": LARGEST_ONE_HOT + 1}, "one-hot rows take at most 4,096 tokens, got 4,097"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        SequenceInput(**arguments)


WHOLE = torch.ones(2, 3, dtype=torch.int64)
FLOAT = torch.ones(2, 3, F)


@pytest.mark.parametrize(
    ("arguments", "batch", "message"),
    [
        (
            {"vocabulary": V},
            LabelBatch(FLOAT),
            r"values must be tokens, .*torch.float32 \(2, 3, 2\)",
        ),
        (
            {"vocabulary": V},
            LabelBatch(WHOLE.float()),
            r"values must be tokens, .*float32 \(2, 3\)",
        ),
        ({"vocabulary": V}, LabelBatch(WHOLE * V), r"values must lie in 0..10, got 11"),
        ({"vocabulary": V}, LabelBatch(-WHOLE), r"values must lie in 0..10, got -1"),
        ({"numbers": F}, LabelBatch(WHOLE), r"floating \(B, T, 2\), got torch.int64 \(2, 3\)"),
        ({"numbers": F + 1}, LabelBatch(FLOAT), r"floating \(B, T, 3\), got .*\(2, 3, 2\)"),
        ({"numbers": F}, LabelBatch(FLOAT.long()), r"floating \(B, T, 2\), got torch.int64"),
        (
            {"numbers": F, "labels": ((4, 2),)},
            LabelBatch(FLOAT),
            r"codes must be \(2, 3, 1\), got none",
        ),
        (
            {"numbers": F, "labels": ((4, 2),)},
            LabelBatch(FLOAT, codes=torch.zeros(2, 3, 2, dtype=torch.int64)),
            r"codes must be \(2, 3, 1\), got \(2, 3, 2\)",
        ),
        (
            {"numbers": F, "labels": ((4, 2), (2, 2))},
            LabelBatch(FLOAT, codes=torch.full((2, 3, 2), 3)),
            r"codes\[..., 1\] must lie in 0..1, got 3",
        ),
    ],
)
def test_wrong_batches(arguments, batch, message):
    with pytest.raises(ShapeError, match=message):
        SequenceInput(**arguments)(batch)


def test_codes_without_labels_are_refused():
    batch = LabelBatch(FLOAT, codes=torch.zeros(2, 3, 1, dtype=torch.int64))
    with pytest.raises(ShapeError, match=r"codes must be none, got \(2, 3, 1\)"):
        SequenceInput(numbers=F)(batch)


def with_ngrams(**arguments: Any) -> tuple[SequenceInput, LabelBatch, list[Tensor]]:
    """Return inputs that know n-grams with vectors of their own, a batch, and the n-grams in it."""
    batch = tokens()
    rows = [row[:length].numpy() for row, length in zip(batch.values, LENGTHS, strict=True)]
    known = frequent_ngrams(Ragged.join([*rows, *rows[2:]]), 3, V)
    layer = inputs(vocabulary=V, embedding=E, ngrams=known, **arguments)
    with torch.no_grad():
        for number, rows_of in enumerate(layer.grams):
            rows_of[1:] = random(len(rows_of) - 1, E, seed=number + 5)
    return layer, batch, find_ngrams(batch.values, known, V)


def test_ngrams_start_as_nothing():
    known = (torch.tensor([V + 2, 3 * V + 4]),)
    layer, batch = inputs(vocabulary=V, embedding=E, ngrams=known), tokens()
    indices, table = inputs(vocabulary=V, embedding=E)(batch)
    assert layer.size == E
    assert torch.equal(layer(batch), table[indices])


def test_vectors_of_ngrams_are_added_to_that_of_the_last_token():
    layer, batch, found = with_ngrams()
    assert all(number.any() and not number.all() for number in found)
    assert len(found) == 2
    expected = layer.table[batch.values].clone()
    for b in range(B):
        for t in range(int(LENGTHS[b])):
            for number, rows in zip(found, layer.grams, strict=True):
                if number[b, t]:
                    expected[b, t] += rows[number[b, t]]
    assert torch.equal(layer(batch)[INSIDE], expected[INSIDE])


def test_only_ngrams_that_stand_there_have_a_gradient():
    layer, batch, found = with_ngrams()
    (layer(batch)[INSIDE] * random(int(INSIDE.sum()), E)).sum().backward()
    for number, rows in zip(found, layer.grams, strict=True):
        assert rows.grad is not None
        there = set(number[INSIDE].tolist()) - {0}
        assert {row for row, of in enumerate(rows.grad) if of.any()} == there


def test_ngrams_are_dropped_with_their_tokens():
    layer, batch, _ = with_ngrams(dropout=0.5)
    whole = layer.eval()(batch)
    torch.manual_seed(0)
    dropped = layer.train()(batch)
    for b in range(B):
        kept = dropped[b, : LENGTHS[b]] != 0
        assert torch.equal(kept, kept[:1].expand_as(kept))  # one mask a sequence
        assert torch.equal(dropped[b, : LENGTHS[b]], (2 * whole[b, : LENGTHS[b]]) * kept)


def test_ngrams_belong_to_a_learned_embedding():
    known = (torch.tensor([V + 2]),)
    with pytest.raises(ConfigError, match="n-grams are added to a learned embedding: give its"):
        SequenceInput(vocabulary=V, ngrams=known)
