"""A batch of sequences of unequal length: what travels between data, models and training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rnnkit.errors import ShapeError


@dataclass(frozen=True)
class SequenceBatch:
    """Right-padded sequences with their lengths, and what should be predicted from them.

    Args:
        values: `(B, T, I)` inputs, or `(B, T)` token numbers. What stands at or after a row's
            length never changes a result.
        lengths: `(B,)` int64, each in `0..T`; `None` when every row is `T` long.
        targets: what the loss compares with; its first dimension is `B`. `None` at prediction.

    Raises:
        ShapeError: if a first dimension differs from `B`, or a length lies outside `0..T`.

    Example:
        >>> import torch
        >>> batch = SequenceBatch(torch.zeros(2, 5, 3), lengths=torch.tensor([5, 2]))
        >>> len(batch), batch.mask().sum().item()
        (2, 7)
    """

    values: Tensor
    lengths: Tensor | None = None
    targets: Tensor | None = None

    def __post_init__(self) -> None:
        if self.values.dim() < 2:
            raise ShapeError(
                f"values must be (B, T) or (B, T, I), got shape {tuple(self.values.shape)}"
            )
        B, T = self.values.shape[:2]
        if self.targets is not None and self.targets.shape[:1] != (B,):
            rows = len(self.targets) if self.targets.dim() else "a single number"
            raise ShapeError(f"targets must have {B} rows like values, got {rows}")
        if self.lengths is None:
            return
        if self.lengths.shape != (B,):
            raise ShapeError(f"lengths must be ({B},), got {tuple(self.lengths.shape)}")
        if B and not (int(self.lengths.min()) >= 0 and int(self.lengths.max()) <= T):
            raise ShapeError(f"lengths must lie in 0..{T}, got {self.lengths.tolist()}")

    def __len__(self) -> int:
        return self.values.shape[0]

    def mask(self) -> Tensor:
        """Return `(B, T)` bool, true where a value belongs to its sequence."""
        B, T = self.values.shape[:2]
        if self.lengths is None:
            return torch.ones(B, T, dtype=torch.bool, device=self.values.device)
        steps = torch.arange(T, device=self.values.device)
        return steps < self.lengths.to(self.values.device)[:, None]

    def to(self, device: torch.device | str) -> SequenceBatch:
        """Return the batch on `device`."""
        return SequenceBatch(
            self.values.to(device),
            None if self.lengths is None else self.lengths.to(device),
            None if self.targets is None else self.targets.to(device),
        )
