"""A long text as parallel streams, cut into chunks for truncated backpropagation through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.errors import DataError
from rnnkit.sequence import SequenceBatch


@dataclass(frozen=True)
class StreamBatch(SequenceBatch):
    """The next chunk of every stream: `values (B, T)` int64, `targets (B, T)` one token later.

    Args:
        first: whether the streams begin here, so that no state is carried into the chunk. Row `b`
            of a batch that is not the first goes on where row `b` of the batch before it ended.
    """

    first: bool = True

    def to(self, device: torch.device | str) -> StreamBatch:
        """Return the batch on `device`."""
        plain = super().to(device)
        return StreamBatch(plain.values, plain.lengths, plain.targets, self.first)


@dataclass(frozen=True, eq=False)
class TokenStreams:
    """A data set of one long sequence of tokens for the trainer.

    The `N - 1` tokens after the first are dealt out to streams of equal length (but for one token),
    which are read side by side, a chunk of `steps` tokens at a time (Mikolov et al., "Recurrent
    neural network based language model", 2010; Williams & Peng, 1990). In each pass every token
    but the first is predicted exactly once.

    The random order of a training's epoch moves the places where streams and chunks are cut, so
    that the gradient does not stop at the same tokens in every epoch; a rising order, that of a
    validation, cuts from the first token on. Where the cuts are moved the sequence is read as a
    ring: one stream passes from its last token to its first, which is no target.

    Args:
        codes: `(N,)` whole numbers, such as an array mapped from a file.
        steps: tokens of a chunk, `T`.
        streams: how many streams are read side by side; by default as many as the batch size of
            the trainer. Each loses the context of its first tokens.

    Raises:
        DataError: if there are fewer than two tokens, so that there is nothing to predict.

    Example:
        >>> data = TokenStreams(np.arange(8), steps=2)
        >>> for index in data.arrange(torch.arange(len(data)), size=2):
        ...     batch = data.batch(index)
        ...     print(batch.first, batch.values.tolist(), batch.targets.tolist(), batch.lengths)
        True [[0, 1], [3, 4]] [[1, 2], [4, 5]] None
        False [[2, 0], [5, 6]] [[3, 0], [6, 7]] tensor([1, 2])
    """

    codes: NDArray[Any]
    steps: int
    streams: int | None = None

    def __post_init__(self) -> None:
        if len(self.codes) < 2:
            raise DataError(
                "a language model needs at least 2 tokens, one to read and one to predict, got "
                f"{len(self.codes)}: give more text"
            )

    @property
    def predicted(self) -> int:
        """How many tokens are predicted in a pass: all but the first."""
        return len(self.codes) - 1

    def __len__(self) -> int:
        """Return the number of whole or begun chunks."""
        return -(-self.predicted // self.steps)

    def arrange(self, order: Tensor, size: int) -> list[Tensor]:
        """Return the chunks of all streams, in turn.

        Args:
            order: `(len(self),)` int64, from which it follows where the first stream begins.
            size: streams, unless `self.streams` says how many.

        Returns:
            For each batch `(B, 3)` int64: of each stream the place of the first token it reads,
            how many it reads, and whether it begins.
        """
        B = min(self.streams or size, self.predicted)
        edges = np.arange(B + 1) * self.predicted // B
        lengths = np.diff(edges)
        # Multiples of one more than a chunk: the cuts fall on other tokens, too.
        starts = edges[:-1] + int(order[0]) * (self.steps + 1)
        batches = []
        for at in range(0, int(lengths.max()), self.steps):
            counts = np.clip(lengths - at, 0, self.steps)
            rows = np.stack([(starts + at) % self.predicted, counts, np.full(B, at == 0)], axis=1)
            batches.append(torch.from_numpy(rows))
        return batches

    def batch(self, index: Tensor) -> StreamBatch:
        """Return the chunk that `arrange` describes by `index (B, 3)`."""
        starts, counts, first = index.unbind(dim=1)
        T = int(counts.max())
        places = (starts[:, None] + torch.arange(T)) % self.predicted  # (B, T)
        values = torch.from_numpy(self.codes[places.numpy()].astype(np.int64))
        targets = torch.from_numpy(self.codes[places.numpy() + 1].astype(np.int64))
        ragged = bool((counts < T).any())
        if ragged:
            padding = torch.arange(T) >= counts[:, None]
            values[padding] = targets[padding] = 0
        return StreamBatch(values, counts if ragged else None, targets, bool(first[0]))
