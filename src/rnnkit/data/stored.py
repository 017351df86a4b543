"""Sequences in temporary files: written a piece at a time, read as they are asked for.

Files are read, not mapped: the pages of a map count as the process's memory once they were read.
"""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.ragged import Ragged
from rnnkit.errors import DataError

IntArray = NDArray[np.int64]

_CHUNK = 1024  # sequences that are written at once
_CODE = np.dtype(np.int32)


class Scratch:
    """A temporary file: bytes are written at its end and read anywhere.

    It has no name where the system knows such files, so that nothing is left of it however the
    process ends; it is deleted with the last reference to this object.

    Args:
        folder: on whose disk it lies.

    Raises:
        DataError: if it cannot be made.

    Example:
        >>> file = Scratch(Path(tempfile.gettempdir()))
        >>> file.append(b"some bytes")
        >>> file.size, bytes(file.read(5, 5))
        (10, b'bytes')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        try:
            # Lives as long as this object: no `with` would fit.
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._refused(error) from error
        weakref.finalize(self, self._file.close)

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes at the end.

        Raises:
            DataError: if they cannot be written, such as to a disk that is full.
        """
        rest = memoryview(data)
        try:
            self._file.seek(self.size)
            while rest:
                rest = rest[self._file.write(rest) :]  # a system may take a part
        except OSError as error:
            raise self._refused(error) from error
        self.size += len(data)

    def read(self, start: int, size: int) -> bytearray:
        """Return `size` bytes from `start` on.

        Raises:
            DataError: if they cannot be read.
        """
        data = bytearray(size)
        rest = memoryview(data)
        try:
            self._file.seek(start)
            while rest:
                count = self._file.readinto(rest)
                if not count:
                    raise DataError(
                        f"the temporary file in {self.folder} ends before byte {start + size}"
                    )
                rest = rest[count:]
        except OSError as error:
            raise self._refused(error) from error
        return data

    def _refused(self, error: OSError) -> DataError:
        return DataError(
            f"the temporary file of stream in {self.folder} cannot be used"
            f" ({error.strerror or error}); make room there, or name a run folder on another disk"
        )


@dataclass(frozen=True, eq=False)
class StoredRagged:
    """`S` sequences of int32 codes in a temporary file; the counterpart of `Ragged`.

    Args:
        file: that holds them.
        starts: `(S,)` int64, the byte with which each sequence begins.
        lengths: `(S,)` int64, the steps of each sequence.

    Example:
        >>> folder = Path(tempfile.gettempdir())
        >>> texts = StoredRagged.write([np.array([5, 6, 7]), np.array([8])], folder)
        >>> len(texts), texts[1].tolist(), texts.lengths.tolist()
        (2, [8], [3, 1])
        >>> values, lengths = texts.padded([1, 0])
        >>> values.tolist(), lengths.tolist()
        ([[8, 0, 0], [5, 6, 7]], [1, 3])
    """

    file: Scratch
    starts: IntArray
    lengths: IntArray

    @classmethod
    def write(cls, sequences: Iterable[NDArray[np.integer]], folder: Path) -> StoredRagged:
        """Write sequences `(T,)` to a new file.

        Args:
            sequences: in order; some are in memory at a time.
            folder: on whose disk the file lies.

        Raises:
            DataError: if it cannot be written.
        """
        file = Scratch(folder)
        lengths = array("q")
        rest = iter(sequences)
        while chunk := list(islice(rest, _CHUNK)):
            file.append(np.concatenate(chunk).astype(_CODE, copy=False).tobytes())
            lengths.extend(map(len, chunk))
        counts = np.array(lengths, dtype=np.int64)
        return cls(file, (np.cumsum(counts) - counts) * _CODE.itemsize, counts)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> NDArray[np.int32]:
        """Return the steps of one sequence."""
        data = self.file.read(int(self.starts[number]), int(self.lengths[number]) * _CODE.itemsize)
        return np.frombuffer(data, dtype=_CODE)

    def take(self, index: Sequence[int] | IntArray) -> StoredRagged:
        """Return the sequences `index`, in that order; the file is shared."""
        rows = np.asarray(index, dtype=np.int64)
        return StoredRagged(self.file, self.starts[rows], self.lengths[rows])

    def padded(self, index: Sequence[int] | IntArray | Tensor) -> tuple[Tensor, Tensor]:
        """Return the sequences `index` padded on the right with zeros; see `Ragged.padded`."""
        rows = np.asarray(index, dtype=np.int64)
        lengths = self.lengths[rows]
        padded = np.zeros((len(rows), max(1, int(lengths.max(initial=0)))), dtype=np.int64)
        for place, number in enumerate(rows.tolist()):
            padded[place, : lengths[place]] = self[number]
        return torch.from_numpy(padded), torch.from_numpy(lengths)


def scratch_folder(beside: Path | None) -> Path:
    """Return the folder for temporary files: that of `beside`, the next above it that is there."""
    if beside is None:
        return Path(tempfile.gettempdir())
    return next(folder for folder in beside.absolute().parents if folder.is_dir())


# What a data set is made of, whichever holds it.
Sequences = Ragged | StoredRagged
