from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnnkit.data.windows import ForecastBatch
from rnnkit.models.forecaster import Cell, ForecastNetwork, InputSizes, squared_error

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")
SHAPES = list(itertools.product(CELLS, (1, 2, 3), (False, True)))
EVERY_SHAPE = pytest.mark.parametrize(("cell", "layers", "bidirectional"), SHAPES)
F, H, K, Q, T = 3, 4, 2, 3, 6
LENGTHS = (6, 1, 4, 3, 6)
PLAIN = InputSizes(F)
FULL = InputSizes(F, ((5, 3), (2, 1)), 2, ((4, 2),))
EVERY_INPUT = pytest.mark.parametrize("inputs", [PLAIN, FULL], ids=["plain", "full"])


def network(
    cell: Cell = "gru",
    layers: int = 1,
    bidirectional: bool = False,
    inputs: InputSizes = FULL,
    *,
    trained: bool = True,
    **options: Any,
) -> ForecastNetwork:
    """A network, by default with last maps that are no longer zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ForecastNetwork(
            cell=cell,
            inputs=inputs,
            horizon=H,
            targets=K,
            hidden_size=3,
            layers=layers,
            bidirectional=bidirectional,
            **{"outputs": Q, "dropout": 0.0, "recurrent_dropout": 0.0, **options},
        )
        if trained:
            for name, parameter in model.named_parameters():
                if "head" in name:
                    nn.init.normal_(parameter)
    return model.double()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numbers(count: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(count, shape, generator=torch.Generator().manual_seed(seed))


def contexts(inputs: InputSizes = FULL, lengths: Sequence[int] = LENGTHS) -> ForecastBatch:
    """Ragged contexts, zero where padded, as `make_batch` gives them."""
    B = len(lengths)
    inside = torch.arange(T) < torch.tensor(lengths)[:, None]
    codes = [numbers(count, B, T, seed=q) * inside for q, (count, _) in enumerate(inputs.labels)]
    ahead = [numbers(count, B, H, seed=9 + q) for q, (count, _) in enumerate(inputs.future_labels)]
    return ForecastBatch(
        random(B, T, F) * inside[..., None],
        torch.tensor(lengths),
        codes=torch.stack(codes, dim=-1) if codes else None,
        future=random(B, H, inputs.future_numbers, seed=1) if inputs.future else None,
        future_codes=torch.stack(ahead, dim=-1) if ahead else None,
    )


def one(batch: ForecastBatch, row: int) -> ForecastBatch:
    """A row of a batch alone, without its padding."""
    assert batch.lengths is not None
    length, this = int(batch.lengths[row]), slice(row, row + 1)
    return ForecastBatch(
        batch.values[this, :length],
        codes=None if batch.codes is None else batch.codes[this, :length],
        future=None if batch.future is None else batch.future[this],
        future_codes=None if batch.future_codes is None else batch.future_codes[this],
    )


@EVERY_INPUT
@EVERY_SHAPE
def test_a_row_alone_and_beside_longer_ones_gives_the_same_numbers(
    cell: Cell, layers: int, bidirectional: bool, inputs: InputSizes
) -> None:
    model = network(cell, layers, bidirectional, inputs).eval()
    batch = contexts(inputs)
    together = model(batch)
    assert together.shape == (len(LENGTHS), H, K, Q)
    for row in range(len(LENGTHS)):
        torch.testing.assert_close(model(one(batch, row))[0], together[row], rtol=0, atol=1e-12)


@EVERY_SHAPE
def test_padding_is_never_read(cell: Cell, layers: int, bidirectional: bool) -> None:
    model = network(cell, layers, bidirectional)  # dropout is 0: training gives the same numbers
    batch = contexts()
    assert batch.codes is not None
    padded = replace(
        batch,
        values=torch.where(batch.mask()[..., None], batch.values, 1e6),
        codes=torch.where(batch.mask()[..., None], batch.codes, 1),
    )
    assert torch.equal(model(padded), model(batch))
    gradients = []
    for data in (batch, padded):
        model.zero_grad()
        torch.autograd.backward(model(data).square().sum())
        gradients.append([gradient(parameter) for parameter in model.parameters()])
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


def gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad.clone()


@EVERY_SHAPE
def test_the_output_is_a_map_of_the_last_state_and_of_what_is_read_ahead(
    cell: Cell, layers: int, bidirectional: bool
) -> None:
    model = network(cell, layers, bidirectional).eval()
    batch = contexts()
    assert batch.codes is not None
    assert batch.future is not None
    assert batch.future_codes is not None
    weights = [model.get_parameter(f"embeddings.{q}.weight") for q in range(2)]
    values = torch.cat(
        [batch.values, weights[0][batch.codes[..., 0]], weights[1][batch.codes[..., 1]]], dim=-1
    )
    ahead = model.get_parameter("future_embeddings.0.weight")
    future = torch.cat([batch.future, ahead[batch.future_codes[..., 0]]], dim=-1)
    y, _ = model.encoder(values, lengths=batch.lengths)  # (B, T, D * 3)
    assert model.decoder is not None
    for row, length in enumerate(LENGTHS):
        # Forwards the last step is the last row; backwards it is the first.
        state = y[row, length - 1, :3]
        if bidirectional:
            state = torch.cat([state, y[row, 0, 3:]])
        expected = (model.head.weight @ state + model.head.bias).reshape(H, K, Q)
        # An LSTM's cell begins at 0, its output at the state.
        start = state[None, None]
        begin = (start, torch.zeros_like(start)) if cell == "lstm" else start
        ahead_states, _ = model.decoder(future[row : row + 1], begin)
        steps = (ahead_states[0] @ model.step_head.weight.T).reshape(H, K, Q)
        torch.testing.assert_close(model(batch)[row], expected + steps, rtol=0, atol=1e-12)


def test_without_anything_known_ahead_there_is_no_decoder() -> None:
    for inputs in (PLAIN, InputSizes(F, ((5, 3),))):
        model = network(inputs=inputs)
        assert model.decoder is None
        assert not [name for name, _ in model.named_parameters() if "step" in name]
        batch = contexts(inputs)
        ignored = replace(batch, future=random(5, H, 7))
        assert torch.equal(model(ignored), model(batch))
    for inputs in (InputSizes(F, (), 1), InputSizes(F, (), 0, ((4, 2),))):
        assert network(inputs=inputs).decoder is not None
    assert (PLAIN.future, FULL.future) == (0, 4)


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_ahead_changes_its_own_output_and_later_ones_alone(cell: Cell) -> None:
    model, batch = network(cell).eval(), contexts()
    assert batch.future is not None
    assert batch.future_codes is not None
    before = model(batch)
    for step in range(H):
        future, codes = batch.future.clone(), batch.future_codes.clone()
        future[:, step] += 1
        codes[:, step] = (codes[:, step] + 1) % 4
        for other in (replace(batch, future=future), replace(batch, future_codes=codes)):
            after = model(other)
            assert torch.equal(after[:, :step], before[:, :step])
            assert not torch.isclose(after[:, step:], before[:, step:], rtol=1e-9).any()


@EVERY_INPUT
@EVERY_SHAPE
def test_every_step_of_the_context_counts_and_every_parameter_learns(
    cell: Cell, layers: int, bidirectional: bool, inputs: InputSizes
) -> None:
    model = network(cell, layers, bidirectional, inputs)
    batch = contexts(inputs)
    values = batch.values.clone().requires_grad_()
    torch.autograd.backward(model(replace(batch, values=values)).square().sum())
    assert values.grad is not None
    assert torch.equal((values.grad != 0).all(dim=-1), batch.mask())
    for name, parameter in model.named_parameters():
        assert gradient(parameter).any(), name


@EVERY_INPUT
@EVERY_SHAPE
def test_an_untrained_network_adds_exactly_nothing(
    cell: Cell, layers: int, bidirectional: bool, inputs: InputSizes
) -> None:
    options: dict[str, Any] = {"dropout": 0.5, "recurrent_dropout": 0.5}
    model = network(cell, layers, bidirectional, inputs, trained=False, **options)
    zero = torch.zeros(len(LENGTHS), H, K, Q, dtype=torch.float64)
    for mode in (model.train(), model.eval()):
        assert torch.equal(mode(contexts(inputs)), zero)


@EVERY_INPUT
@pytest.mark.parametrize("cell", CELLS)
def test_an_untrained_network_can_learn(cell: Cell, inputs: InputSizes) -> None:
    model = network(cell, inputs=inputs, trained=False, outputs=1)
    weights = list(model.parameters())
    batch = replace(contexts(inputs), targets=torch.ones(5, H, K).double())
    losses = []
    for _ in range(5):
        total, count = squared_error(model, batch)
        slopes = torch.autograd.grad(total / count, weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight.sub_(0.1 * slope)
        losses.append(float((total / count).detach()))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == 1.0
    assert losses[-1] < 0.9


@EVERY_SHAPE
@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}])
def test_dropout_acts_in_training_alone(
    cell: Cell, layers: int, bidirectional: bool, options: dict[str, Any]
) -> None:
    model = network(cell, layers, bidirectional, **options)
    plain = network(cell, layers, bidirectional)
    plain.load_state_dict(model.state_dict())
    batch = contexts()
    torch.manual_seed(1)
    first = model.train()(batch)
    assert not torch.equal(first, model(batch))
    torch.manual_seed(1)
    assert torch.equal(model(batch), first)
    assert torch.equal(model.eval()(batch), plain.eval()(batch))


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_of_a_single_layer_drops_whole_units_of_the_last_state(cell: Cell) -> None:
    model = network(cell, inputs=PLAIN, dropout=0.5).train()
    batch = contexts(PLAIN)
    state = model.eval()(batch)
    model.train()
    torch.manual_seed(0)
    outputs = torch.stack([model(batch) for _ in range(400)])
    # Each unit is kept half of the time at twice its size: the mean stays.
    torch.testing.assert_close(outputs.mean(dim=0), state, rtol=0, atol=0.25)
    assert len({tuple(out[0].flatten().tolist()) for out in outputs}) == 2**3
    # One time in eight all three are dropped, and the bias alone is left.
    bare = (outputs[:, 0] == model.head.bias.reshape(H, K, Q)).flatten(1).all(dim=1)
    assert 25 < bare.sum() < 80


def test_dropout_acts_on_the_states_ahead_too() -> None:
    model = network(dropout=0.5).train()
    model.head = nn.Linear(3, H * K * Q).double()
    nn.init.zeros_(model.head.weight)  # the last state itself plays no part in the output
    first, second = model(contexts()), model(contexts())
    assert not torch.equal(first, second)


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_between_layers_too(layers: int) -> None:
    model = network(layers=layers, dropout=0.5).train()
    model.dropout = nn.Dropout(0.0)
    first, second = model(contexts()), model(contexts())
    assert torch.equal(first, second) == (layers == 1)


@EVERY_INPUT
@EVERY_SHAPE
def test_a_state_dict_brings_back_the_same_network(
    cell: Cell, layers: int, bidirectional: bool, inputs: InputSizes
) -> None:
    model = network(cell, layers, bidirectional, inputs)
    again = network(cell, layers, bidirectional, inputs, trained=False)
    assert not torch.equal(again(contexts(inputs)), model(contexts(inputs)))
    again.load_state_dict({name: t.clone() for name, t in model.state_dict().items()})
    assert torch.equal(again(contexts(inputs)), model(contexts(inputs)))


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other = network("lstm", 2), network("lstm", 2)
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_operations_are_those_of_the_recurrent_product() -> None:
    assert network("gru").operations(7) == 2 * 7 * 3 * 3 * 3
    assert network("rnn", layers=2, bidirectional=True).operations(1) == 2 * 3 * 3


def test_the_mean_over_batches_of_unequal_size_is_the_mean_over_all() -> None:
    model = network(inputs=PLAIN, outputs=1).eval()
    targets, weights = random(5, H, K), (random(5, H, K, seed=8) > 0).double()
    values = contexts(PLAIN).values

    def batch(part: slice) -> ForecastBatch:
        return ForecastBatch(values[part], targets=targets[part], weights=weights[part])

    parts = [squared_error(model, batch(part)) for part in (slice(0, 2), slice(2, 5))]
    total, count = squared_error(model, batch(slice(0, 5)))
    both = [torch.stack(sums).sum() for sums in zip(*parts, strict=True)]
    torch.testing.assert_close(both[0] / both[1], total / count, rtol=1e-12, atol=0)
