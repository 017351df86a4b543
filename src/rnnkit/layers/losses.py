"""The loss of a class for each step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rnnkit.errors import ConfigError, ShapeError, closest

Average = Literal["both", "time", "batch", "none"]
AVERAGES: tuple[str, ...] = get_args(Average)


def sequence_loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    average: Average = "both",
    label_smoothing: float = 0.0,
    class_weights: Tensor | Sequence[float] | None = None,
) -> Tensor:
    """Return the weighted cross entropy of a class for each step.

    With `l_bt = -(1 - ε) log p_bt(y_bt) - ε/K Σ_k log p_bt(k)`, `p = softmax(logits)`, and
    `w_bt` the weights, times the weights of the targets' classes where these are given:

        both    Σ_bt w_bt l_bt / Σ_bt w_bt      a number
        time    Σ_t  w_bt l_bt / Σ_t  w_bt      (B,), a mean for each sequence
        batch   Σ_b  w_bt l_bt / Σ_b  w_bt      (T,), a mean for each step
        none         w_bt l_bt                  (B, T), as they are

    A mean over weights that sum to 0 is 0. These are the `average_across_timesteps` and
    `average_across_batch` of TensorFlow Addons' `seq2seq.sequence_loss`. Label smoothing: Szegedy
    et al., "Rethinking the Inception Architecture for Computer Vision", 2016, section 7.

    A step of weight 0 reaches nothing: its logits may be NaN, and its target may be no class.

    Args:
        logits: `(B, T, K)`, floating.
        targets: `(B, T)` int64, in `0..K-1` where the weight is above 0.
        weights: `(B, T)` floating, finite and at least 0; 0 at padding.
        average: over what the losses are averaged; default `both`.
        label_smoothing: ε in 0..1, default 0.
        class_weights: `(K,)`, finite and at least 0; default all 1.

    Raises:
        ShapeError: if a shape, a dtype, a target or a weight does not fit.
        ConfigError: if an option does not.

    Example:
        >>> import torch
        >>> logits = torch.zeros(2, 3, 4)
        >>> weights = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
        >>> loss = sequence_loss(logits, torch.zeros(2, 3, dtype=torch.long), weights)
        >>> round(loss.item(), 4)  # log 4
        1.3863
    """
    _check_options(average, label_smoothing)
    _check_tensors(logits, targets, weights)
    B, T, K = logits.shape
    counts = weights.flatten() > 0
    chosen_logits, chosen_targets = logits.flatten(0, 1), targets.flatten()
    chosen_weights, rows = weights.flatten(), None
    if not counts.all():  # nothing is computed for steps that do not count
        rows = counts.nonzero()[:, 0]
        chosen_logits, chosen_targets = chosen_logits[rows], chosen_targets[rows]
        chosen_weights = chosen_weights[rows]
    _check_targets(chosen_targets, K)
    if class_weights is not None:
        of_class = _checked_class_weights(class_weights, K).to(logits)
        chosen_weights = chosen_weights * of_class[chosen_targets]
    losses = cross_entropy(
        chosen_logits, chosen_targets, reduction="none", label_smoothing=label_smoothing
    )
    losses = losses * chosen_weights
    if average == "both":
        return _quotient(losses.sum(), chosen_weights.sum())
    if rows is not None:
        losses = losses.new_zeros(B * T).index_copy(0, rows, losses)
        chosen_weights = chosen_weights.new_zeros(B * T).index_copy(0, rows, chosen_weights)
    losses, chosen_weights = losses.view(B, T), chosen_weights.view(B, T)
    if average == "none":
        return losses
    dim = 1 if average == "time" else 0
    return _quotient(losses.sum(dim), chosen_weights.sum(dim))


class SequenceLoss(nn.Module):
    """`sequence_loss` as a module, with its options.

    Args:
        average: `both`, `time`, `batch` or `none`.
        label_smoothing: ε in 0..1.
        class_weights: `(K,)`, finite and at least 0; default all 1.

    Call arguments:
        logits: `(B, T, K)`.
        targets: `(B, T)` int64.
        weights: `(B, T)`, 0 at padding.

    Returns:
        A number, `(B,)`, `(T,)` or `(B, T)`, by `average`.

    Raises:
        ConfigError: if an option is wrong.
        ShapeError: if a tensor is.

    Example:
        >>> import torch
        >>> loss = SequenceLoss(average="time", label_smoothing=0.1)
        >>> loss(torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.long), torch.ones(2, 3)).shape
        torch.Size([2])
    """

    class_weights: Tensor | None

    def __init__(
        self,
        *,
        average: Average = "both",
        label_smoothing: float = 0.0,
        class_weights: Tensor | Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        _check_options(average, label_smoothing)
        self.average: Average = average
        self.label_smoothing = label_smoothing
        given = None if class_weights is None else _checked_class_weights(class_weights, None)
        self.register_buffer("class_weights", given, persistent=False)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"average={self.average!r}, label_smoothing={self.label_smoothing}"

    def forward(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the loss; see `sequence_loss`."""
        return sequence_loss(
            logits,
            targets,
            weights,
            average=self.average,
            label_smoothing=self.label_smoothing,
            class_weights=self.class_weights,
        )


def check_label_smoothing(label_smoothing: float) -> None:
    """Raise ConfigError unless it is a number in 0..1."""
    is_number = isinstance(label_smoothing, int | float) and not isinstance(label_smoothing, bool)
    if not is_number or not 0 <= label_smoothing <= 1:
        raise ConfigError(f"label_smoothing must be a number in 0..1, got {label_smoothing!r}")


def _check_options(average: str, label_smoothing: float) -> None:
    if average not in AVERAGES:
        hint = closest(average, AVERAGES) if isinstance(average, str) else ""
        raise ConfigError(f"average must be one of {', '.join(AVERAGES)}, got {average!r}{hint}")
    check_label_smoothing(label_smoothing)


def _check_tensors(logits: Tensor, targets: Tensor, weights: Tensor) -> None:
    if logits.dim() != 3 or logits.shape[2] == 0 or not logits.is_floating_point():
        raise ShapeError(
            f"logits must be floating (B, T, K), got {logits.dtype} {tuple(logits.shape)}"
        )
    B, T, _ = logits.shape
    if targets.shape != (B, T) or targets.dtype != torch.int64:
        raise ShapeError(
            f"targets must be int64 {(B, T)} like logits without K, got {targets.dtype} "
            f"{tuple(targets.shape)}"
        )
    if weights.shape != (B, T) or not weights.is_floating_point():
        raise ShapeError(
            f"weights must be floating {(B, T)} like targets, got {weights.dtype} "
            f"{tuple(weights.shape)}; a mask becomes weights by mask.to(logits)"
        )
    _check_weights("weights", weights)


def _check_weights(name: str, weights: Tensor) -> None:
    wrong = ~(torch.isfinite(weights) & (weights >= 0))
    if wrong.any():
        raise ShapeError(
            f"{name} must be finite and at least 0, got {weights[wrong][0].item()}; use 0 for "
            "what shall not count"
        )


def _check_targets(targets: Tensor, K: int) -> None:
    if not targets.numel():
        return
    low, high = (int(end) for end in targets.aminmax())
    if low < 0 or high >= K:
        raise ShapeError(
            f"targets must lie in 0..{K - 1}, the classes of logits, where the weight is above 0, "
            f"got {low if low < 0 else high}; give such steps weight 0"
        )


def _checked_class_weights(given: Tensor | Sequence[float], K: int | None) -> Tensor:
    weights = torch.as_tensor(given)
    if weights.dim() != 1 or (K is not None and len(weights) != K):
        expected = "a number for each class" if K is None else f"({K},), a number for each class"
        raise ShapeError(f"class_weights must be {expected}, got shape {tuple(weights.shape)}")
    if weights.is_complex() or weights.dtype == torch.bool:
        raise ShapeError(f"class_weights must be numbers, got {weights.dtype}")
    _check_weights("class_weights", weights)
    return weights


def _quotient(losses: Tensor, weights: Tensor) -> Tensor:
    """Return `losses / weights`, and 0 where the weights sum to 0."""
    return losses / torch.where(weights > 0, weights, 1.0)
