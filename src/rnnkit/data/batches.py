"""Labelled sequences of unequal length, a batch at a time, in buckets of like length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.ragged import Ragged
from rnnkit.data.stored import Sequences
from rnnkit.sequence import SequenceBatch

POOL = 50  # batches whose sequences are sorted by length together
MOST_STEPS = 2**19  # of a batch of several, padding among them, where nothing is learned


@dataclass(frozen=True)
class LabelBatch(SequenceBatch):
    """Sequences with their targets.

    Args:
        codes: `(B, T, Q)` int64, labels that stand beside the numbers of a step.
        weights: `(B,)` float32 of the losses; `None` where all count the same.
    """

    codes: Tensor | None = None
    weights: Tensor | None = None

    def to(self, device: torch.device | str) -> LabelBatch:
        """Return the batch on `device`."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return LabelBatch(
            self.values.to(device),
            move(self.lengths),
            move(self.targets),
            move(self.codes),
            move(self.weights),
        )


@dataclass(frozen=True, eq=False)
class LabelledSequences:
    """A data set of sequences for the trainer.

    Args:
        values: `S` sequences: whole numbers `(N,)`, or float32 `(N, I)`.
        targets: `(S,)` int64 classes or `(S, K)` float32; `None` to predict.
        codes: `S` sequences `(N, Q)` of whole numbers beside `values`; `None` for none.
        weights: `(S,)` float32 of the losses; `None` where all count the same.
    """

    values: Sequences
    targets: Tensor | None = None
    codes: Ragged | None = None
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, index: Tensor) -> LabelBatch:
        """Return the sequences `index`, padded on the right."""
        values, lengths = self.values.padded(index)
        return LabelBatch(
            values,
            lengths,
            None if self.targets is None else self.targets[index],
            None if self.codes is None else self.codes.padded(index)[0],
            None if self.weights is None else self.weights[index],
        )

    def arrange(self, order: Tensor, size: int) -> Sequence[Tensor]:
        """Cut `order` into batches of like length; see `in_buckets`."""
        return in_buckets(order, size, self.values.lengths)


def in_buckets(order: Tensor, size: int, lengths: NDArray[np.int64]) -> list[Tensor]:
    """Cut `order` into batches of sequences of like length.

    The order is cut into pools of `POOL` batches. In each the sequences are sorted by length and
    cut into batches, which then stand in the order in which their first sequences did: so a random
    order gives random batches in random order, and equal orders give equal batches.

    Args:
        order: `(n,)` int64, the numbers of the sequences.
        size: of a batch.
        lengths: `(S,)` of all sequences.

    Example:
        >>> import numpy as np, torch
        >>> lengths = np.array([9, 1, 8, 2])
        >>> [batch.tolist() for batch in in_buckets(torch.tensor([0, 1, 2, 3]), 2, lengths)]
        [[2, 0], [1, 3]]
    """
    batches = []
    for pool in torch.split(order, size * POOL):
        by_length = np.argsort(lengths[pool.numpy()], kind="stable")
        parts = [by_length[at : at + size] for at in range(0, len(by_length), size)]
        parts.sort(key=lambda part: int(part.min()))
        batches += [pool[torch.from_numpy(part)] for part in parts]
    return batches


def bounded(
    batches: Iterable[Tensor], lengths: NDArray[np.int64], steps: int = MOST_STEPS
) -> Iterator[Tensor]:
    """Cut batches further, so that none of several sequences has more than `steps` padded steps.

    A long sequence beside many short ones would pad all of these to its length. A single one may
    have more steps.

    Args:
        batches: of `in_buckets`, each in the order of its lengths.
        lengths: `(S,)` of all sequences.
        steps: B * T at the most.

    Example:
        >>> import numpy as np, torch
        >>> lengths = np.array([2, 3, 90])
        >>> [batch.tolist() for batch in bounded([torch.tensor([0, 1, 2])], lengths, 100)]
        [[0, 1], [2]]
    """
    for batch in batches:
        begin = 0
        for end, length in enumerate(lengths[batch.numpy()].tolist()):
            if end > begin and (end + 1 - begin) * length > steps:
                yield batch[begin:end]
                begin = end
        yield batch[begin:]
