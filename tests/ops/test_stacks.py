"""Whole stacks as the layers hand them down: both backends must compute the same case."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnnkit.ops import framework, reference
from rnnkit.ops.case import Case
from rnnkit.ops.spec import CELLS

B, T, I, H, L = 4, 5, 3, 7, 3  # noqa: E741
LENGTHS = torch.tensor([2, 5, 0, 4])
exactly = {"rtol": 0, "atol": 1e-12}
each_cell = pytest.mark.parametrize("cell", sorted(framework.FUSED))


def stack(cell, *, bidirectional=False, bias=True, projection=0, **fields):
    generator = torch.Generator().manual_seed(1)

    def draw(*size):
        values = torch.randn(*size, generator=generator, dtype=torch.float64)
        return (0.5 * values).requires_grad_()

    spec = CELLS[cell]
    G, D, P = len(spec.gates), 1 + bidirectional, projection or H
    weights = []
    for k in range(L * D):
        weights += [draw(G * H, I if k < D else D * P), draw(G * H, P)]
        weights += [draw(G * H), draw(G * H)] if bias else []
        weights += [draw(P, H)] if projection else []
    return Case(
        cell=spec,
        x=draw(B, T, I),
        states=(draw(L * D, B, P), draw(L * D, B, H))[: len(spec.states)],
        flat_weights=weights,
        bias=bias,
        layers=L,
        bidirectional=bidirectional,
        projection=projection > 0,
        **fields,
    )


def values_and_gradients(run, case):
    y, states = run(case)
    generator = torch.Generator().manual_seed(2)
    loss = sum(
        (r * torch.randn(r.shape, generator=generator, dtype=r.dtype)).sum() for r in (y, *states)
    )
    leaves = [case.x, *case.states, *case.flat_weights]
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    return [y, *states, *gradients]


def assert_same(case):
    found = values_and_gradients(framework.run, case)
    for a, b in zip(found, values_and_gradients(reference.run, case), strict=True):
        torch.testing.assert_close(a, b, **exactly)
    return found


@each_cell
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_layers_and_directions(cell, bidirectional, bias, lengths):
    assert_same(stack(cell, bidirectional=bidirectional, bias=bias, lengths=lengths))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_projection(bidirectional, lengths):
    assert_same(stack("lstm", bidirectional=bidirectional, projection=2, lengths=lengths))


@each_cell
def test_a_mask_with_gaps_in_both_directions(cell):
    mask = torch.rand(B, T, generator=torch.Generator().manual_seed(4)) < 0.6
    assert_same(stack(cell, bidirectional=True, mask=mask, lengths=LENGTHS))


@each_cell
def test_dropout_stands_between_the_layers(cell):
    # dropped altogether, a layer above sees zeros: no random number decides
    case = stack(cell, dropout=1.0)
    assert_same(case)
    for run in (framework.run, reference.run):
        y, _ = run(case)
        (gradient,) = torch.autograd.grad(y.sum(), case.x, allow_unused=True)
        assert gradient is None or not gradient.any()


def test_dropout_keeps_the_expected_value():
    case = stack("rnn_relu", dropout=0.5)._replace(layers=2)
    case = case._replace(
        x=torch.ones(1, 1, 2000, dtype=torch.float64),
        states=(torch.zeros(2, 1, 2000, dtype=torch.float64),),
        flat_weights=[torch.eye(2000, dtype=torch.float64)] * 4,
        bias=False,
    )
    for run in (framework.run, reference.run):
        y, _ = run(case)
        assert set(y.unique().tolist()) == {0.0, 2.0}
        assert y.mean().item() == pytest.approx(1.0, abs=0.1)


@each_cell
def test_time_major_is_a_matter_of_layout(cell):
    case = stack(cell, bidirectional=True, lengths=LENGTHS)
    for run in (framework.run, reference.run):
        expected, states = run(case)
        y, finals = run(case._replace(x=case.x.transpose(0, 1), time_major=True))
        for a, b in zip((y.transpose(0, 1), *finals), (expected, *states), strict=True):
            torch.testing.assert_close(a, b, **exactly)


@each_cell
def test_packed_data_equals_lengths(cell):
    lengths = torch.tensor([5, 4, 2, 1])
    case = stack(cell, bidirectional=True, lengths=lengths)
    packed = pack_padded_sequence(case.x, lengths, batch_first=True)
    for run in (framework.run, reference.run):
        expected, states = run(case)
        y, finals = run(case._replace(x=packed.data, batch_sizes=packed.batch_sizes, lengths=None))
        y, _ = pad_packed_sequence(packed._replace(data=y), batch_first=True)
        for a, b in zip((y, *finals), (expected, *states), strict=True):
            torch.testing.assert_close(a, b, **exactly)


def test_recurrent_dropout_masks_go_to_their_layer_and_direction():
    ones = torch.ones(B, H, dtype=torch.float64)
    case = stack("gru", bidirectional=True)
    plain, _ = reference.run(case)
    for k in range(2 * L):
        masks = [ones] * k + [2 * ones] + [ones] * (2 * L - 1 - k)
        _, (finals,) = reference.run(case._replace(recurrent_dropout_masks=masks))
        _, (expected,) = reference.run(case)
        changed = (finals - expected).abs().amax(dim=(1, 2)) > 0
        assert changed[k]
        assert not changed[: k - k % 2].any()
        assert not changed[k - k % 2 + (1 - k % 2)]
    same, _ = reference.run(case._replace(recurrent_dropout_masks=[ones] * 2 * L))
    assert torch.equal(same, plain)


def test_evaluation_mode_has_gradients_and_no_grad_equals_them():
    case = stack("lstm")
    with torch.no_grad():
        y, _ = framework.run(case)
    assert not y.requires_grad
    assert torch.equal(y, framework.run(case)[0])


def test_full_lengths_take_the_padded_call(monkeypatch):
    # packed, PyTorch's LSTM would miss oneDNN
    packed = []

    def spy(*arguments):
        packed.append(len(arguments) == 9 and isinstance(arguments[2], tuple))
        return torch.lstm(*arguments)

    monkeypatch.setitem(framework.FUSED, "lstm", spy)
    framework.run(stack("lstm", lengths=torch.full((B,), T), mask=torch.ones(B, T).bool()))
    framework.run(stack("lstm", lengths=LENGTHS))
    assert packed == [False, True]
