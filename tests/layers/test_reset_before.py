"""GRU with the reset before the product (Cho et al. 2014), which torch.nn does not have.

The judge is a loop over single numbers, written from the equations and nothing else.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnkit.errors import BackendError
from rnnkit.layers import GRU, RNN, GRUCell

from .twins import assert_same, draw, everything, randomize

B, T, I, H = 3, 4, 2, 3  # noqa: E741


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def _step(x, h, w_ih, w_hh, b_ih, b_hh):
    """Return the next state of one row, number by number; gates lie as r, z, n."""
    H = len(h)

    def gate(row: int) -> float:
        a = b_ih[row] + b_hh[row]
        a += sum(w_ih[row][k] * x[k] for k in range(len(x)))
        return _sigmoid(a + sum(w_hh[row][k] * h[k] for k in range(H)))

    r, z, after = [gate(j) for j in range(H)], [gate(H + j) for j in range(H)], []
    for j in range(H):
        row = 2 * H + j
        n = b_ih[row] + b_hh[row]
        n += sum(w_ih[row][k] * x[k] for k in range(len(x)))
        n += sum(w_hh[row][k] * (r[k] * h[k]) for k in range(H))
        after.append((1 - z[j]) * math.tanh(n) + z[j] * h[j])
    return after


def _weights(module, suffix: str) -> list[np.ndarray]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    shapes = ((3 * H, I), (3 * H, H), (3 * H,), (3 * H,))
    return [
        getattr(module, name + suffix).detach().numpy()
        if getattr(module, name + suffix, None) is not None
        else np.zeros(shape)
        for name, shape in zip(names, shapes, strict=True)
    ]


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
def test_the_layer_equals_the_loop_over_numbers(batch_first, bias, backend):
    layer = GRU(
        I,
        H,
        bias=bias,
        bidirectional=True,
        batch_first=batch_first,
        reset_after=False,
        backend=backend,
        dtype=torch.float64,
    )
    randomize(layer)
    lengths = [2, 4, 0]
    x, h0 = draw(T, B, I, seed=1), draw(2, B, H, seed=2)
    output, h_n = layer(x.transpose(0, 1) if batch_first else x, h0, lengths=torch.tensor(lengths))
    output = output.detach().transpose(0, 1) if batch_first else output.detach()
    expected = np.zeros((T, B, 2 * H))
    for direction, suffix in enumerate(("_l0", "_l0_reverse")):
        weights = _weights(layer, suffix)
        for row, length in enumerate(lengths):
            h = h0[direction, row].tolist()
            steps = range(length)
            for t in reversed(steps) if direction else steps:
                h = _step(x[t, row].tolist(), h, *weights)
                expected[t, row, direction * H : (direction + 1) * H] = h
            np.testing.assert_allclose(h_n[direction, row].detach(), h, atol=1e-12)
    np.testing.assert_allclose(output, expected, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
def test_the_cell_equals_the_loop_over_numbers(bias):
    cell = GRUCell(I, H, bias, reset_after=False, dtype=torch.float64)
    randomize(cell)
    x, h = draw(B, I, seed=1), draw(B, H, seed=2)
    found = cell(x, h).detach()
    for row in range(B):
        expected = _step(x[row].tolist(), h[row].tolist(), *_weights(cell, ""))
        np.testing.assert_allclose(found[row], expected, atol=1e-12)
        np.testing.assert_allclose(cell(x[row], h[row]).detach(), expected, atol=1e-12)
    zero_state = _step(x[0].tolist(), [0.0] * H, *_weights(cell, ""))
    np.testing.assert_allclose(cell(x)[0].detach(), zero_state, atol=1e-12)
    np.testing.assert_allclose(cell(x[0]).detach(), zero_state, atol=1e-12)


def test_layer_and_cell_over_time_agree_with_all_gradients():
    layer = GRU(I, H, reset_after=False, dtype=torch.float64)
    randomize(layer)
    cell = GRUCell(I, H, reset_after=False, dtype=torch.float64)
    cell.load_state_dict(
        {name.removesuffix("_l0"): value for name, value in layer.state_dict().items()}
    )
    x, h0 = draw(T, B, I, seed=1), draw(1, B, H, seed=2)
    lengths = torch.tensor([2, 4, 1])

    def with_runner(runner, x, h0):
        output, h_n = runner(x, h0[0], lengths=lengths)
        return output, h_n[None]

    found = everything(with_runner, RNN(cell), x, h0)
    expected = everything(lambda m, x, h: m(x, h, lengths=lengths), layer, x, h0)
    assert_same(
        {name.replace("cells.0.", "") + "_l0" * ("cells" in name): v for name, v in found.items()},
        expected,
    )


def test_the_two_forms_differ():
    before, after = (GRU(I, H, reset_after=where, dtype=torch.float64) for where in (False, True))
    randomize(before)
    after.load_state_dict(before.state_dict())
    x, h0 = draw(T, B, I, seed=1), draw(1, B, H, seed=2)
    assert not torch.allclose(before(x, h0)[0], after(x, h0)[0])


def test_the_torch_backend_refuses():
    with pytest.raises(BackendError, match="reset"):
        GRU(I, H, reset_after=False, backend="torch")(torch.zeros(T, B, I))
