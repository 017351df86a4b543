"""Pooling against sums written out, whatever stands at padding."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers import GRU, LSTM, Pooling, SimpleRNN
from rnnkit.layers.pooling import POOLINGS

B, T, W = 5, 6, 7
LENGTHS = (6, 1, 0, 4, 3)
EVERY_WAY = pytest.mark.parametrize("how", POOLINGS)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pooling(how: Any, width: int = W) -> Pooling:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Pooling(how, width).double()


def inside(lengths: tuple[int, ...] = LENGTHS) -> Tensor:
    return torch.arange(T) < torch.tensor(lengths)[:, None]


def outputs(padding: float) -> Tensor:
    """Outputs with `padding` where no step counts."""
    return random(B, T, W).masked_fill(~inside()[..., None], padding)


@torch.no_grad()
def expected(module: Pooling, steps: Tensor) -> Tensor:
    """The pooled vector of one row `(T, W)` of steps that all count, at least one, in Python."""
    if module.how == "mean":
        return sum(steps, torch.zeros(W)) / len(steps)
    if module.how == "max":
        return torch.stack([max(column, key=float) for column in steps.T])
    scores = [
        sum(
            float(v) * math.tanh(float(w @ step) + float(b))
            for v, w, b in zip(
                module.score.weight[0], module.hidden.weight, module.hidden.bias, strict=True
            )
        )
        for step in steps
    ]
    total = sum(math.exp(score) for score in scores)
    return sum(
        (math.exp(score) / total * step for score, step in zip(scores, steps, strict=True)),
        torch.zeros(W),
    )


@pytest.mark.parametrize("padding", [0.0, 1e30, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("how", ["mean", "max", "attention"])
def test_the_steps_that_count_are_pooled_and_no_other(how, padding):
    module, y = pooling(how), outputs(padding)
    pooled = module(y, torch.zeros(1, B, W), LENGTHS)
    for row, length in enumerate(LENGTHS):
        if length:
            torch.testing.assert_close(pooled[row], expected(module, y[row, :length]))
        else:
            assert pooled[row].tolist() == [0.0] * W


@pytest.mark.parametrize("padding", [0.0, math.nan, math.inf])
@EVERY_WAY
def test_gradients_are_finite_and_zero_at_padding(how, padding):
    module, y = pooling(how), outputs(padding).requires_grad_()
    h_n = random(2, B, W, seed=3).requires_grad_()
    module(y, h_n, LENGTHS).square().sum().backward()
    leaves = [h_n] if how == "last" else [y, *module.parameters()]
    for leaf in leaves:
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
        assert leaf.grad.abs().sum() > 0
    if how != "last":
        assert (y.grad[~inside()] == 0).all()
        assert (y.grad[inside()] != 0).any(dim=-1).sum() >= (B - 1)


@EVERY_WAY
def test_gradients_against_finite_differences(how):
    module = pooling(how)

    def pooled(y: Tensor, h_n: Tensor) -> Tensor:
        return module(y, h_n, LENGTHS)

    y, h_n = random(B, T, W).requires_grad_(), random(4, B, W, seed=2).requires_grad_()
    assert gradcheck(pooled, (y, h_n))


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_last_is_the_state_at_each_end(layer, bidirectional):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = layer(3, 7, 2, batch_first=True, bidirectional=bidirectional).double()
    y, state = encoder(random(B, T, 3, seed=4), lengths=LENGTHS)
    h_n = state[0] if isinstance(state, tuple) else state
    pooled = pooling("last", y.shape[-1])(y, h_n, LENGTHS)
    for row, length in enumerate(LENGTHS):
        if not length:
            assert not pooled[row].any()
            continue
        assert torch.equal(pooled[row, :7], y[row, length - 1, :7])
        if bidirectional:
            assert torch.equal(pooled[row, 7:], y[row, 0, 7:])


@EVERY_WAY
def test_a_row_alone_is_as_beside_a_longer_one(how):
    module, y, h_n = pooling(how).float(), outputs(math.nan).float(), random(1, B, W).float()
    together = module(y, h_n, LENGTHS)
    for row, length in enumerate(LENGTHS):
        steps = slice(0, max(1, length))
        alone = module(y[row : row + 1, steps], h_n[:, row : row + 1], [length])
        torch.testing.assert_close(alone[0], together[row], rtol=1e-6, atol=1e-6)


@EVERY_WAY
def test_without_lengths_every_step_counts(how):
    module, y, h_n = pooling(how), random(B, T, W), random(2, B, W, seed=5)
    torch.testing.assert_close(module(y, h_n), module(y, h_n, [T] * B), rtol=1e-14, atol=1e-14)


def test_attention_gives_its_weights():
    module, y = pooling("attention"), outputs(math.nan)
    weights = module.weights(y, LENGTHS)
    assert weights.shape == (B, T)
    assert (weights[~inside()] == 0).all()
    assert (weights[inside()] > 0).all()
    sums = [float(length > 0) for length in LENGTHS]
    torch.testing.assert_close(weights.sum(1), torch.tensor(sums, dtype=torch.float64))
    pooled = module(y, torch.zeros(1, B, W), LENGTHS)
    weighed = (weights[..., None] * y.nan_to_num()).sum(1)
    torch.testing.assert_close(pooled, weighed)
    assert weights[0].std() > 0.01  # they differ


@pytest.mark.parametrize("how", ["last", "mean", "max"])
def test_other_poolings_have_no_weights(how):
    with pytest.raises(ConfigError, match=f"pooling '{how}' has no weights for steps: use"):
        pooling(how).weights(random(B, T, W))


def test_attention_in_half_precision_leaves_padding_out():
    module = pooling("attention").to(torch.bfloat16)
    y = outputs(math.nan).to(torch.bfloat16)
    pooled = module(y, torch.zeros(1, B, W), LENGTHS)
    assert pooled.isfinite().all()
    assert (module.weights(y, LENGTHS)[~inside()] == 0).all()


@pytest.mark.parametrize(
    ("how", "width", "message"),
    [
        ("maxx", 3, "pooling must be one of last, mean, max, attention, got 'maxx'; did you mean"),
        (None, 3, "pooling must be one of last, mean, max, attention, got None"),
        ("max", 0, "width must be a whole number of at least 1, got 0"),
        ("max", True, "width must be a whole number of at least 1, got True"),
    ],
)
def test_wrong_arguments(how, width, message):
    with pytest.raises(ConfigError, match=message):
        Pooling(how, width)


@pytest.mark.parametrize(
    ("y", "h_n", "lengths", "message"),
    [
        ((B, T), (1, B, W), None, r"y must be \(B, T, 7\) with T at least 1, got \(5, 6\)"),
        ((B, T, W + 1), (1, B, W), None, r"y must be \(B, T, 7\) .*got \(5, 6, 8\)"),
        ((B, 0, W), (1, B, W), None, r"y must be \(B, T, 7\) .*got \(5, 0, 7\)"),
        ((B, T, W), (1, B, W), [7, 1, 1, 1, 1], r"lengths must lie in 0..6"),
        ((B, T, W), (1, B, W), [1], r"lengths must be \(5,\)"),
        ((B, T, W), (B, W), None, r"h_n must be \(L \* D, 5, H\) with D \* H = 7, got \(5, 7\)"),
        ((B, T, W), (1, B + 1, W), None, r"h_n must be .* got \(1, 6, 7\)"),
        ((B, T, W), (3, B, 2), None, r"h_n must be .* got \(3, 5, 2\)"),
        ((B, T, W), (3, B, 1), None, r"h_n must be .* got \(3, 5, 1\)"),
        ((B, T, W), (0, B, W), None, r"h_n must be .* got \(0, 5, 7\)"),
        ((B, T, W), (1, B, W + 1), None, r"h_n must be .* got \(1, 5, 8\)"),
        ((B, T, W), (1, B, 0), None, r"h_n must be .* got \(1, 5, 0\)"),
    ],
)
def test_wrong_tensors(y, h_n, lengths, message):
    with pytest.raises(ShapeError, match=message):
        pooling("last")(random(*y), random(*h_n), lengths)
