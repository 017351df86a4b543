"""The network of a label for a sequence: shapes, padding, each row by itself, its losses."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnnkit.data.batches import LabelBatch, LabelledSequences
from rnnkit.data.ragged import Ragged
from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers.pooling import POOLINGS
from rnnkit.models.inputs import SequenceInput
from rnnkit.models.label_network import (
    CrossEntropy,
    LabelNetwork,
    absolute_label_error,
    squared_label_error,
)
from rnnkit.sequence import SequenceBatch
from rnnkit.training import Trainer, TrainingConfig

CELLS = ("rnn", "lstm", "gru")
KINDS = ("tokens", "one-hot", "numbers")
EVERY_SHAPE = pytest.mark.parametrize(
    ("cell", "pooling", "kind"), list(itertools.product(CELLS, POOLINGS, KINDS))
)
T, V, F, H, K = 9, 13, 2, 7, 3
LENGTHS = torch.tensor([9, 1, 0, 4, 6])
B = len(LENGTHS)
INSIDE = torch.arange(T) < LENGTHS[:, None]


def network(
    cell: Any = "gru",
    pooling: Any = "last",
    kind: str = "tokens",
    *,
    input_dropout: float = 0.0,
    **options: Any,
) -> LabelNetwork:
    arguments: dict[str, Any] = {
        "tokens": {"vocabulary": V, "embedding": 5},
        "one-hot": {"vocabulary": V},
        "numbers": {"numbers": F, "labels": ((4, 3),)},
    }[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LabelNetwork(
            cell,
            SequenceInput(**arguments, dropout=input_dropout),
            **{
                "outputs": K,
                "hidden_size": H,
                "layers": 2,
                "bidirectional": True,
                "pooling": pooling,
                "dropout": 0.0,
                "recurrent_dropout": 0.0,
                **options,
            },
        )


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(low: int, high: int, *shape: int) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(1))


def batch_of(kind: str, garbage: bool = False) -> LabelBatch:
    """Ragged sequences; at padding zeros, or what must reach nothing."""
    outside = ~INSIDE
    if kind == "numbers":
        values = random(B, T, F).masked_fill(outside[..., None], math.nan if garbage else 0.0)
        codes = whole(0, 4, B, T, 1).masked_fill(outside[..., None], 99 if garbage else 0)
        return LabelBatch(values, LENGTHS, codes=codes)
    return LabelBatch(whole(1, V, B, T).masked_fill(outside, 99 if garbage else 0), LENGTHS)


def one(batch: LabelBatch, row: int) -> LabelBatch:
    """A row alone, without its padding."""
    assert batch.lengths is not None
    length, this = int(batch.lengths[row]), slice(row, row + 1)
    steps = slice(0, max(1, length))
    codes = None if batch.codes is None else batch.codes[this, steps]
    return LabelBatch(batch.values[this, steps], batch.lengths[this], codes=codes)


@EVERY_SHAPE
def test_a_row_alone_is_as_beside_longer_ones(cell, pooling, kind):
    model, batch = network(cell, pooling, kind).eval(), batch_of(kind, garbage=True)
    with torch.no_grad():
        together, vectors = model(batch), model.vectors(batch)
        assert together.shape == (B, K)
        assert vectors.shape == (B, 2 * H)
        assert together.std(dim=0).min() > 1e-4  # rows differ: equality says something
        for row in range(B):
            alone = one(batch, row)
            torch.testing.assert_close(model(alone)[0], together[row], rtol=1e-6, atol=1e-6)
            torch.testing.assert_close(model.vectors(alone)[0], vectors[row], rtol=1e-6, atol=1e-6)
            assert model(alone)[0].argmax() == together[row].argmax()
    torch.testing.assert_close(vectors[2], torch.zeros(2 * H))
    torch.testing.assert_close(together[2], model.head.bias.detach())


@EVERY_SHAPE
def test_padding_reaches_no_gradient(cell, pooling, kind):
    gradients = []
    for garbage in (False, True):
        model = network(cell, pooling, kind, input_dropout=0.3, dropout=0.2, recurrent_dropout=0.1)
        with torch.random.fork_rng():
            torch.manual_seed(5)
            model(batch_of(kind, garbage)).square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for parameter, clean, dirty in zip(model.parameters(), *gradients, strict=True):
        assert clean is not None
        assert dirty is not None
        assert parameter.shape == clean.shape
        assert clean.isfinite().all()
        assert torch.equal(clean, dirty)
        assert clean.any()


@pytest.mark.parametrize("cell", CELLS)
def test_last_reads_each_direction_at_its_end(cell):
    model, batch = network(cell, layers=1).eval(), batch_of("tokens")
    with torch.no_grad():
        vectors = model.vectors(batch)
        for row, length in enumerate(LENGTHS.tolist()):
            if not length:
                continue
            y, _ = model.encoder(model.inputs.steps(one(batch, row)))
            expected = torch.cat([y[0, -1, :H], y[0, 0, H:]])
            torch.testing.assert_close(vectors[row], expected, rtol=1e-6, atol=1e-6)


def test_without_lengths_every_step_counts():
    model, values = network(pooling="mean"), whole(1, V, B, T)
    full = LabelBatch(values, torch.full((B,), T))
    torch.testing.assert_close(model(LabelBatch(values)), model(full), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_attention_weighs_the_steps(pooling):
    model, batch = network(pooling=pooling).eval(), batch_of("tokens", garbage=True)
    weights = model.attention(batch)
    if pooling != "attention":
        assert weights is None
        return
    assert weights is not None
    assert weights.shape == (B, T)
    assert (weights[~INSIDE] == 0).all()
    torch.testing.assert_close(weights.sum(1), (LENGTHS > 0).float())


@EVERY_SHAPE
def test_saliency_is_the_norm_of_gradient_times_input(cell, pooling, kind):
    model = network(cell, pooling, kind, dropout=0.5, input_dropout=0.5).double()
    batch = batch_of(kind, garbage=True)
    if kind == "numbers":
        batch = LabelBatch(batch.values.double(), batch.lengths, codes=batch.codes)
    with torch.no_grad():
        saliency = model.saliency(batch, 1)
    assert saliency.shape == (B, T)
    assert not saliency.requires_grad
    assert (saliency[~INSIDE] == 0).all()
    assert (saliency[LENGTHS > 0].sum(1) > 0).all()
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    # against finite differences of the inputs of a step, one component at a time
    model.eval()
    x = model.inputs.steps(batch).detach()
    row, step, h = 3, 2, 1e-6
    total = 0.0
    for component in range(x.shape[-1]):
        moved = [x.clone(), x.clone()]
        moved[0][row, step, component] += h
        moved[1][row, step, component] -= h
        with torch.no_grad():
            up, down = (model._outputs(one_x, batch)[row, 1].item() for one_x in moved)
        total += ((up - down) / (2 * h) * x[row, step, component].item()) ** 2
    assert saliency[row, step].item() == pytest.approx(math.sqrt(total), rel=1e-4, abs=1e-8)


def test_saliency_of_a_class_for_each_row():
    model, batch = network(pooling="mean").eval(), batch_of("tokens")
    chosen = torch.tensor([2, 0, 1, 1, 0])
    mixed = model.saliency(batch, chosen)
    for row, k in enumerate(chosen.tolist()):
        torch.testing.assert_close(mixed[row], model.saliency(batch, k)[row])
    assert not torch.allclose(mixed[0], model.saliency(batch, 0)[0])


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (K, r"output must lie in 0..2, got 3"),
        (-1, r"output must lie in 0..2, got -1"),
        (torch.zeros(B + 1, dtype=torch.int64), r"output must be one int64 or \(5,\), .*\(6,\)"),
        (1.0, r"output must be one int64 or \(5,\), got torch.float32 \(\)"),
    ],
)
def test_saliency_of_no_output(output, message):
    with pytest.raises(ShapeError, match=message):
        network().saliency(batch_of("tokens"), output)


def test_dropout_is_there_in_training_and_nowhere_else():
    batch = batch_of("tokens")
    for name in ("dropout", "input_dropout", "recurrent_dropout"):
        model = network(**{name: 0.5})
        assert not torch.equal(model(batch), model(batch)), name
        model.eval()
        assert torch.equal(model(batch), model(batch)), name
    between = network(dropout=0.5)
    between.dropout.p = 0.0  # leaves that between the layers
    assert not torch.equal(between(batch), between(batch))
    one_layer = network(layers=1, dropout=0.5)  # before the last map alone
    assert one_layer.encoder.dropout == 0.0
    assert not torch.equal(one_layer(batch), one_layer(batch))


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_operations_are_those_of_a_recurrent_product(cell, gates):
    assert network(cell).operations(32) == 2 * 32 * gates * H * H


class Outputs(nn.Module):
    """A model whose outputs are given."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, batch: SequenceBatch) -> Tensor:
        return self.outputs


LOGITS = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 3.0]])
CLASSES = torch.tensor([0, 0, 1])
ERRORS = (math.log1p(math.exp(-2)), math.log1p(math.exp(1)), math.log(2))


def labelled(targets: Tensor, weights: Tensor | None = None) -> LabelBatch:
    return LabelBatch(torch.zeros(3, 2, dtype=torch.int64), targets=targets, weights=weights)


def test_cross_entropy_by_hand():
    total, weight = CrossEntropy()(Outputs(LOGITS), labelled(CLASSES))
    assert total.item() == pytest.approx(sum(ERRORS))
    assert weight.item() == 3
    weights = torch.tensor([1.0, 4.0, 0.5])
    total, weight = CrossEntropy()(Outputs(LOGITS), labelled(CLASSES, weights))
    assert total.item() == pytest.approx(ERRORS[0] + 4 * ERRORS[1] + 0.5 * ERRORS[2])
    assert weight.item() == 5.5


def test_label_smoothing_by_hand():
    total, _ = CrossEntropy(0.2)(Outputs(LOGITS), labelled(CLASSES))
    # of each row the mean over both classes has weight 0.2
    means = (ERRORS[0] + 1, ERRORS[1] - 0.5, ERRORS[2])
    expected = sum(0.8 * e + 0.2 * m for e, m in zip(ERRORS, means, strict=True))
    assert total.item() == pytest.approx(expected)


def test_wrong_label_smoothing():
    with pytest.raises(ConfigError, match=r"label_smoothing must be a number in 0..1, got 2"):
        CrossEntropy(2)


def test_errors_of_numbers_by_hand():
    outputs = torch.tensor([[1.0, 2.0], [0.0, -1.0], [5.0, 5.0]])
    targets = torch.tensor([[0.0, 4.0], [0.5, -1.0], [5.0, 8.0]])
    weights = torch.tensor([2.0, 1.0, 0.5])
    for loss, plain, weighed in (
        (squared_label_error, (1 + 4 + 0.25 + 9), (2 * 5 + 0.25 + 0.5 * 9)),
        (absolute_label_error, (1 + 2 + 0.5 + 3), (2 * 3 + 0.5 + 0.5 * 3)),
    ):
        total, weight = loss(Outputs(outputs), labelled(targets))
        assert (total.item(), weight.item()) == (pytest.approx(plain), 6)
        total, weight = loss(Outputs(outputs), labelled(targets, weights))
        assert (total.item(), weight.item()) == (pytest.approx(weighed), 7)
    with pytest.raises(ShapeError, match=r"targets must be \(3, 2\) like the outputs, got \(3,\)"):
        squared_label_error(Outputs(outputs), labelled(CLASSES.float()))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_it_learns_what_a_first_token_says(pooling):
    generator = torch.Generator().manual_seed(2)
    texts = [
        torch.randint(3, V, (int(length),), generator=generator).numpy()
        for length in torch.randint(1, 12, (96,), generator=generator)
    ]
    classes = torch.tensor([int(text[0]) % K for text in texts])
    data = LabelledSequences(Ragged.join(texts), classes)
    model = network(pooling=pooling, layers=1)
    config = TrainingConfig(epochs=25, batch_size=16, learning_rate=0.02)
    history = Trainer(config).fit(model, CrossEntropy(), data)
    assert history.train_loss[-1] < 0.25 < history.train_loss[0]
    model.eval()
    with torch.no_grad():
        right = model(data.batch(torch.arange(96))).argmax(1) == classes
    assert right.float().mean() > 0.95
