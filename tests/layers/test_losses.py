"""The sequence loss against its equation, and against torch's cross entropy."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import cross_entropy

from rnnkit.errors import ConfigError, ShapeError
from rnnkit.layers import SequenceLoss, sequence_loss
from rnnkit.layers.losses import AVERAGES

B, T, K = 3, 5, 4
EVERY_AVERAGE = pytest.mark.parametrize("average", AVERAGES)
WEIGHTS = torch.tensor(
    [[1.0, 0.5, 2.0, 0.25, 0.0], [0.0] * 5, [3.0, 0.0, 1.0, 0.0, 0.0]], dtype=torch.float64
)
CLASS_WEIGHTS = (0.5, 2.0, 1.0, 3.0)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LOGITS = 3 * random(B, T, K)
TARGETS = torch.randint(K, (B, T), generator=torch.Generator().manual_seed(1))


def expected(average: str, smoothing: float, class_weights: tuple[float, ...] | None) -> Tensor:
    """The docstring's equation, a step at a time."""
    losses, weights = torch.zeros(B, T).double(), torch.zeros(B, T).double()
    for b in range(B):
        for t in range(T):
            z, y = LOGITS[b, t].tolist(), int(TARGETS[b, t])
            total = math.log(sum(math.exp(value) for value in z))
            log_p = [value - total for value in z]
            losses[b, t] = -(1 - smoothing) * log_p[y] - smoothing / K * sum(log_p)
            weights[b, t] = WEIGHTS[b, t] * (class_weights[y] if class_weights else 1.0)
    weighed = losses * weights
    if average == "none":
        return weighed
    dims = {"both": (0, 1), "time": (1,), "batch": (0,)}[average]
    sums, totals = weighed.sum(dims), weights.sum(dims)
    return torch.where(totals > 0, sums / totals, torch.zeros(()).double())


@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS], ids=["equal", "weighed"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@EVERY_AVERAGE
def test_it_is_the_equation(average: Any, smoothing, class_weights):
    loss = sequence_loss(
        LOGITS,
        TARGETS,
        WEIGHTS,
        average=average,
        label_smoothing=smoothing,
        class_weights=class_weights,
    )
    torch.testing.assert_close(loss, expected(average, smoothing, class_weights))


def test_by_hand():
    # two sequences of two steps and two classes: log(1 + e^-1), log(1 + e^2); log 2, padding
    logits = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[5.0, 5.0], [9.0, 9.0]]])
    targets, weights = torch.tensor([[0, 0], [1, 0]]), torch.tensor([[1.0, 3.0], [2.0, 0.0]])
    a, b, c = math.log1p(math.exp(-1)), math.log1p(math.exp(2)), math.log(2)

    def loss(average: Any) -> Any:
        return sequence_loss(logits, targets, weights, average=average).tolist()

    assert loss("both") == pytest.approx((a + 3 * b + 2 * c) / 6)
    assert loss("time") == pytest.approx([(a + 3 * b) / 4, c])
    assert loss("batch") == pytest.approx([(a + 2 * c) / 3, b])
    assert loss("none")[0] == pytest.approx([a, 3 * b])
    assert loss("none")[1] == pytest.approx([2 * c, 0])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_with_equal_weights_it_is_torchs(smoothing):
    ones = torch.ones(B, T).double()
    loss = sequence_loss(LOGITS, TARGETS, ones, label_smoothing=smoothing)
    torchs = cross_entropy(LOGITS.flatten(0, 1), TARGETS.flatten(), label_smoothing=smoothing)
    torch.testing.assert_close(loss, torchs)


def test_with_class_weights_it_is_torchs():
    of_class = torch.tensor(CLASS_WEIGHTS, dtype=torch.float64)
    ones = torch.ones(B, T).double()
    loss = sequence_loss(LOGITS, TARGETS, ones, class_weights=of_class)
    torchs = cross_entropy(LOGITS.flatten(0, 1), TARGETS.flatten(), weight=of_class)
    torch.testing.assert_close(loss, torchs)


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("target", [-100, K, 10**12])
@EVERY_AVERAGE
def test_padding_reaches_nothing(average: Any, target, logit):
    padding = WEIGHTS == 0
    clean, dirty = LOGITS.clone(), LOGITS.masked_fill(padding[..., None], logit)
    results = []
    for logits, targets in ((clean, TARGETS), (dirty, TARGETS.masked_fill(padding, target))):
        logits.requires_grad_()
        loss = sequence_loss(logits, targets, WEIGHTS, average=average, class_weights=CLASS_WEIGHTS)
        loss.sum().backward()
        assert logits.grad is not None
        assert (logits.grad[padding] == 0).all()
        assert (logits.grad[~padding] != 0).any()
        results.append((loss.detach(), logits.grad))
    (loss_a, grad_a), (loss_b, grad_b) = results
    assert torch.equal(loss_a, loss_b)
    assert torch.equal(grad_a, grad_b)


@EVERY_AVERAGE
@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS + 0.5], ids=["padded", "full"])
def test_gradients_against_finite_differences(weights, average: Any):
    def loss(logits: Tensor) -> Tensor:
        return sequence_loss(
            logits,
            TARGETS,
            weights,
            average=average,
            label_smoothing=0.1,
            class_weights=CLASS_WEIGHTS,
        )

    assert gradcheck(loss, (LOGITS.clone().requires_grad_(),))


@EVERY_AVERAGE
def test_of_nothing_it_is_zero(average: Any):
    shape = {"both": (), "time": (B,), "batch": (T,), "none": (B, T)}[average]
    logits = LOGITS.clone().requires_grad_()
    loss = sequence_loss(logits, TARGETS, torch.zeros(B, T), average=average)
    assert torch.equal(loss, torch.zeros(shape).double())
    loss.sum().backward()
    assert torch.equal(logits.grad, torch.zeros(B, T, K).double())


@EVERY_AVERAGE
def test_the_module_is_the_function(average: Any):
    module = SequenceLoss(average=average, label_smoothing=0.1, class_weights=CLASS_WEIGHTS)
    loss = sequence_loss(
        LOGITS,
        TARGETS,
        WEIGHTS,
        average=average,
        label_smoothing=0.1,
        class_weights=CLASS_WEIGHTS,
    )
    assert torch.equal(module(LOGITS, TARGETS, WEIGHTS), loss)
    assert not module.state_dict()
    assert f"average={average!r}" in repr(module)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"average": "tme"}, "average must be one of both, time, batch, none, got 'tme'; did you"),
        ({"average": None}, "average must be one of both, time, batch, none, got None"),
        ({"label_smoothing": -0.1}, r"label_smoothing must be a number in 0..1, got -0.1"),
        ({"label_smoothing": 1.5}, r"label_smoothing must be a number in 0..1, got 1.5"),
        ({"label_smoothing": math.nan}, r"label_smoothing must be a number in 0..1, got nan"),
        ({"label_smoothing": True}, r"label_smoothing must be a number in 0..1, got True"),
        ({"label_smoothing": "0.1"}, r"label_smoothing must be a number in 0..1, got '0.1'"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        SequenceLoss(**options)
    with pytest.raises(ConfigError, match=message):
        sequence_loss(LOGITS, TARGETS, WEIGHTS, **options)


def one_wrong(value: float) -> Tensor:
    weights = WEIGHTS.clone()
    weights[2, 3] = value
    return weights


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"logits": LOGITS[0]}, r"logits must be floating \(B, T, K\), got torch.float64 \(5, 4\)"),
        ({"logits": LOGITS.long()}, r"logits must be floating \(B, T, K\), got torch.int64"),
        ({"logits": LOGITS[..., :0]}, r"logits must be floating .*\(3, 5, 0\)"),
        ({"targets": TARGETS[:, 1:]}, r"targets must be int64 \(3, 5\).*got torch.int64 \(3, 4\)"),
        ({"targets": TARGETS.int()}, r"targets must be int64 .*got torch.int32 \(3, 5\)"),
        ({"targets": TARGETS + 1}, r"targets must lie in 0..3, .*above 0, got 4"),
        ({"targets": TARGETS.clone().fill_diagonal_(-100)}, r"targets must lie in .*got -100"),
        ({"weights": WEIGHTS.T}, r"weights must be floating \(3, 5\) .*got torch.float64 \(5, 3\)"),
        ({"weights": WEIGHTS > 0}, r"weights must be floating .*torch.bool .*mask.to\(logits\)"),
        ({"weights": one_wrong(-0.5)}, r"weights must be finite and at least 0, got -0.5; use 0"),
        ({"weights": one_wrong(math.nan)}, r"weights must be finite and at least 0, got nan"),
        ({"weights": one_wrong(math.inf)}, r"weights must be finite and at least 0, got inf"),
        ({"class_weights": [1.0, 2.0]}, r"class_weights must be \(4,\), .*got shape \(2,\)"),
        ({"class_weights": [1, 2, 3, -4]}, r"class_weights must be finite and at least 0, got -4"),
        ({"class_weights": torch.ones(4) > 0}, r"class_weights must be numbers, got torch.bool"),
    ],
)
def test_wrong_tensors(changes, message):
    given = {"logits": LOGITS, "targets": TARGETS, "weights": WEIGHTS, **changes}
    with pytest.raises(ShapeError, match=message):
        sequence_loss(**given)


def test_wrong_class_weights_are_refused_early():
    with pytest.raises(ShapeError, match="class_weights must be a number for each class, got"):
        SequenceLoss(class_weights=torch.ones(2, 2))
