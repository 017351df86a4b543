from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnnkit import SequenceBatch
from rnnkit.data.windows import ForecastBatch
from rnnkit.models.forecaster import QuantileError, absolute_error, squared_error

Loss: TypeAlias = Callable[[nn.Module, SequenceBatch], tuple[Tensor, Tensor]]
H, K, T = 4, 2, 6


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad.clone()


class Outputs(nn.Module):
    """A model whose outputs are given."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = nn.Parameter(outputs)

    def forward(self, batch: SequenceBatch) -> Tensor:
        return self.outputs.expand(len(batch), *self.outputs.shape[1:])


def losses(kind: str, weights: Tensor | None) -> tuple[Tensor, Tensor, float, float]:
    """The loss of random outputs, and that of a loop: sums and counts."""
    quantiles = (0.1, 0.5, 0.975) if kind == "quantile" else (0.5,)
    model = Outputs(random(5, H, K, len(quantiles), seed=4))
    targets = random(5, H, K, seed=3)
    batch = ForecastBatch(random(5, T, 3), targets=targets, weights=weights)
    loss: dict[str, Loss] = {
        "squared": squared_error,
        "absolute": absolute_error,
        "quantile": QuantileError(quantiles),
    }
    total, count = loss[kind](model, batch)
    expected, number = 0.0, 0.0
    for b, h, k in itertools.product(range(5), range(H), range(K)):
        weight = 1.0 if weights is None else float(weights[b, h, k])
        errors = [float(targets[b, h, k] - y) for y in model.outputs.detach()[b, h, k]]
        if kind == "quantile":
            pairs = zip(quantiles, errors, strict=True)
            one = sum(q * e if e >= 0 else (q - 1) * e for q, e in pairs) / 3
        else:
            one = abs(errors[0]) if kind == "absolute" else errors[0] ** 2
        expected += weight * one
        number += weight
    return total, count, expected, number


@pytest.mark.parametrize("kind", ["squared", "absolute", "quantile"])
def test_a_loss_is_a_sum_over_the_values_that_count(kind: str) -> None:
    weights = (random(5, H, K, seed=8) > 0.3).double()
    for these in (None, torch.ones(5, H, K).double(), weights):
        total, count, expected, number = losses(kind, these)
        assert total.item() == pytest.approx(expected, rel=1e-6)
        assert count.item() == number
        assert total.requires_grad
        assert total.shape == count.shape == ()
    assert 0 < weights.sum() < 5 * H * K


@pytest.mark.parametrize("loss", [squared_error, absolute_error, QuantileError([0.5])])
def test_what_does_not_count_moves_nothing(loss: Loss) -> None:
    weights = torch.ones(2, H, K).double()
    weights[0, 1, 1] = weights[1, 3] = 0
    targets = random(2, H, K)
    gradients, totals = [], []
    for missing in (0.0, -1e6):
        model = Outputs(random(2, H, K, 1, seed=2))
        filled = torch.where(weights == 1, targets, missing)
        batch = ForecastBatch(random(2, T, 3), targets=filled, weights=weights)
        total, _ = loss(model, batch)
        torch.autograd.backward(total)
        totals.append(total.item())
        gradients.append(gradient(model.outputs))
    assert totals[0] == totals[1]
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0][..., 0] != 0, weights == 1)


def test_a_batch_without_weights_of_its_own_counts_as_a_whole() -> None:
    model = Outputs(random(5, H, K, 1))
    batch = SequenceBatch(random(5, T, 3), targets=random(5, H, K, seed=1))
    total, count = squared_error(model, batch)
    assert batch.targets is not None
    assert total.item() == pytest.approx(
        float(((model.outputs.detach()[..., 0] - batch.targets) ** 2).sum())
    )
    assert count == 5 * H * K


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_the_least_pinball_loss_is_at_the_quantile(quantile: float) -> None:
    targets = random(1001, seed=6).exp()  # skewed: mean and median differ
    loss = QuantileError([quantile])
    batch = ForecastBatch(torch.zeros(1001, 1, 1), targets=targets.view(-1, 1, 1))
    grid = torch.linspace(0, 8, 1601, dtype=torch.float64)
    totals = [float(loss(Outputs(y.view(1, 1, 1, 1)), batch)[0].detach()) for y in grid]
    best = float(grid[int(np.argmin(totals))])
    assert best == pytest.approx(float(np.quantile(targets, quantile)), abs=0.02)


def test_quantiles_are_learned_in_the_order_of_the_outputs() -> None:
    targets = random(800, seed=6).view(-1, 1, 1)
    model = Outputs(torch.zeros(1, 1, 1, 3, dtype=torch.float64))
    loss = QuantileError([0.1, 0.5, 0.9])
    for _ in range(200):
        total, count = loss(model, ForecastBatch(torch.zeros(800, 1, 1), targets=targets))
        (slope,) = torch.autograd.grad(total / count, [model.outputs])
        with torch.no_grad():
            model.outputs.sub_(slope)
    expected = np.quantile(targets, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(model.outputs.detach().flatten(), expected, atol=0.1)
