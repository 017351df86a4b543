"""Sequences of unequal length, one after another in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.errors import ShapeError


@dataclass(frozen=True, eq=False)
class Ragged:
    """`S` sequences in one flat array.

    Args:
        values: `(N,)` or `(N, I)`, the steps of all sequences, one sequence after another.
        starts: `(S + 1,)` int64, where each sequence begins, and at last `N`.

    Raises:
        ShapeError: if `starts` does not divide `values`.

    Example:
        >>> import numpy as np
        >>> texts = Ragged.join([np.array([5, 6, 7]), np.array([8])])
        >>> len(texts), texts[1].tolist(), texts.lengths.tolist()
        (2, [8], [3, 1])
        >>> values, lengths = texts.padded([1, 0])
        >>> values.tolist(), lengths.tolist()
        ([[8, 0, 0], [5, 6, 7]], [1, 3])
    """

    values: NDArray[Any]
    starts: NDArray[np.int64]

    def __post_init__(self) -> None:
        starts = self.starts
        if not len(starts) or starts[0] != 0 or starts[-1] != len(self.values):
            raise ShapeError(f"starts must go from 0 to {len(self.values)}, got {starts!r}")
        if (np.diff(starts) < 0).any():
            raise ShapeError("starts must not fall")

    @classmethod
    def join(cls, sequences: Sequence[NDArray[Any]], empty: NDArray[Any] | None = None) -> Ragged:
        """Return the sequences as one; each `(T,)` or `(T, I)`.

        Args:
            sequences: in order; any may be empty.
            empty: what there is of values where there are no sequences, such as `np.empty((0, 3))`.
        """
        starts = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(sequence) for sequence in sequences], out=starts[1:])
        if len(sequences):
            return cls(np.concatenate(list(sequences)), starts)
        return cls(np.empty(0, dtype=np.int32) if empty is None else empty, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> NDArray[Any]:
        """Return the steps of one sequence."""
        return self.values[self.starts[number] : self.starts[number + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """`(S,)` the steps of each sequence."""
        return np.diff(self.starts)

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> Ragged:
        """Return the sequences `index`, in that order."""
        rows, lengths = self._rows(np.asarray(index, dtype=np.int64))
        starts = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        return Ragged(self.values[rows], starts)

    def padded(self, index: Sequence[int] | NDArray[np.int64] | Tensor) -> tuple[Tensor, Tensor]:
        """Return the sequences `index` padded on the right with zeros, and their lengths.

        Returns:
            `(B, T)` or `(B, T, I)`, of the values' type (whole numbers as int64), `T` the greatest
            length and at least 1; and `(B,)` int64.
        """
        chosen = np.asarray(index, dtype=np.int64)
        rows, lengths = self._rows(chosen)
        steps = max(1, int(lengths.max(initial=0)))
        whole = self.values.dtype.kind in "iu"
        shape = (len(chosen), steps, *self.values.shape[1:])
        padded = np.zeros(shape, dtype=np.int64 if whole else self.values.dtype)
        padded[np.arange(steps) < lengths[:, None]] = self.values[rows]
        return torch.from_numpy(padded), torch.from_numpy(lengths)

    def _rows(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the steps of the sequences `index` stand, and how many each has."""
        first = self.starts[index]
        lengths = self.starts[index + 1] - first
        before = np.cumsum(lengths) - lengths
        rows = np.arange(int(lengths.sum())) + np.repeat(first - before, lengths)
        return rows, lengths
