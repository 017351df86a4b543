"""A long text as parallel streams, cut into chunks for truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.stored import IntArray, Scratch
from rnnkit.errors import DataError
from rnnkit.sequence import SequenceBatch

_CODE = np.dtype(np.int32)


@dataclass(frozen=True, eq=False)
class StoredCodes:
    """`N` codes in a temporary file, read as they are asked for; as an array of int32 is.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.gettempdir())
        >>> codes = StoredCodes.write([np.array([5, 6]), np.array([7])], folder)
        >>> len(codes), codes[1:].tolist(), codes[np.array([[2, 0], [0, 1]])].tolist()
        (3, [6, 7], [[7, 5], [5, 6]])
    """

    file: Scratch

    @classmethod
    def write(cls, pieces: Iterable[NDArray[np.integer]], folder: Path) -> StoredCodes:
        """Write codes to a new file.

        Args:
            pieces: `(n,)` each, one after another.
            folder: on whose disk the file lies.

        Raises:
            DataError: if it cannot be written.
        """
        file = Scratch(folder)
        for piece in pieces:
            file.append(piece.astype(_CODE, copy=False).tobytes())
        return cls(file)

    def __len__(self) -> int:
        return self.file.size // _CODE.itemsize

    def __getitem__(self, index: slice | IntArray) -> NDArray[np.int32]:
        """Return the codes of a slice without steps, or those at the places `index`, as it is.

        Places that follow each other are read at once.
        """
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return self._read(start, stop)
        flat = index.ravel()
        cuts = (np.flatnonzero(np.diff(flat) != 1) + 1).tolist()
        runs = [
            self._read(int(flat[begin]), int(flat[end - 1]) + 1)
            for begin, end in pairwise([0, *cuts, len(flat)])
        ]
        return np.concatenate(runs).reshape(index.shape)

    def _read(self, start: int, stop: int) -> NDArray[np.int32]:
        size = max(0, stop - start) * _CODE.itemsize
        return np.frombuffer(self.file.read(start * _CODE.itemsize, size), dtype=_CODE)


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
        codes: `(N,)` whole numbers, in memory or in a file.
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

    codes: NDArray[Any] | StoredCodes
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

    def arrange(self, order: Tensor, size: int) -> Sequence[Tensor]:
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
        # Multiples of one more than a chunk: the cuts fall on other tokens, too.
        starts = edges[:-1] + int(order[0]) * (self.steps + 1)
        return _Chunks(starts, np.diff(edges), self.steps, self.predicted)

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


@dataclass(frozen=True, eq=False)
class _Chunks(Sequence[Tensor]):
    """The chunks of all streams in turn, made as they are asked for: a long text has many.

    Args:
        starts: `(B,)` the first token that each stream reads, counted round the ring.
        lengths: `(B,)` the tokens that each reads.
        steps: of a chunk.
        ring: tokens after which the text begins anew.
    """

    starts: IntArray
    lengths: IntArray
    steps: int
    ring: int

    def __len__(self) -> int:
        return -(-int(self.lengths.max()) // self.steps)

    @overload
    def __getitem__(self, number: int) -> Tensor: ...
    @overload
    def __getitem__(self, number: slice) -> list[Tensor]: ...
    def __getitem__(self, number: int | slice) -> Tensor | list[Tensor]:
        if isinstance(number, slice):
            return [self[n] for n in range(len(self))[number]]
        at = range(len(self))[number] * self.steps
        counts = np.clip(self.lengths - at, 0, self.steps)
        begins = np.full(len(counts), at == 0)
        rows = np.stack([(self.starts + at) % self.ring, counts, begins], axis=1)
        return torch.from_numpy(rows)
