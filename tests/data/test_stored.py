"""Temporary files of bytes and of codes."""

from __future__ import annotations

import errno
import gc
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnkit.data.ragged import Ragged
from rnnkit.data.stored import Scratch, StoredRagged
from rnnkit.errors import DataError


def codes(seed: int = 0, count: int = 2500) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [
        random.integers(-5, 2**31 - 1, random.integers(0, 7)).astype(np.int32) for _ in range(count)
    ]


def test_what_is_written_is_read_back_in_any_order(tmp_path: Path) -> None:
    sequences = codes()
    stored, ragged = StoredRagged.write(iter(sequences), tmp_path), Ragged.join(sequences)
    assert len(stored) == len(ragged)
    np.testing.assert_array_equal(stored.lengths, ragged.lengths)
    for number in (2499, 0, 1024, 1023):
        np.testing.assert_array_equal(stored[number], sequences[number])
    for index in ([7, 7, 2499, 0], torch.tensor([5, 1]), np.array([1024])):
        for mine, theirs in zip(stored.padded(index), ragged.padded(index), strict=True):
            assert mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs)


def test_a_part_of_a_part(tmp_path: Path) -> None:
    sequences = codes()
    part = StoredRagged.write(sequences, tmp_path).take(np.arange(100, 2000, 3)).take([5, 2])
    assert [row.tolist() for row in (part[0], part[1])] == [
        sequences[115].tolist(),
        sequences[106].tolist(),
    ]
    np.testing.assert_array_equal(part.lengths, [len(sequences[115]), len(sequences[106])])


def test_empty_sequences_and_none_at_all(tmp_path: Path) -> None:
    empty = np.empty(0, dtype=np.int32)
    values, lengths = StoredRagged.write([empty, empty], tmp_path).padded([1])
    assert values.tolist() == [[0]]
    assert lengths.tolist() == [0]
    assert len(StoredRagged.write([], tmp_path)) == 0


def test_nothing_stays_in_the_folder(tmp_path: Path) -> None:
    file = Scratch(tmp_path)
    file.append(b"x" * 100_000)
    assert not list(tmp_path.iterdir()) or os.name == "nt"
    held = file._file
    del file
    gc.collect()
    assert not list(tmp_path.iterdir())
    assert held.closed


def test_bytes_beyond_the_end_are_refused(tmp_path: Path) -> None:
    file = Scratch(tmp_path)
    file.append(b"abc")
    with pytest.raises(DataError, match="ends before byte 5"):
        file.read(1, 4)


class Full:
    """A file that takes two bytes at a time, on a disk for five."""

    def __init__(self) -> None:
        self.data = b""

    def seek(self, _: int) -> None:
        pass

    def write(self, data: memoryview) -> int:
        if len(self.data) >= 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.data += bytes(data[:2])
        return 2


def test_what_a_system_takes_in_parts_is_written_whole_and_a_full_disk_is_said(
    tmp_path: Path,
) -> None:
    file, full = Scratch(tmp_path), Full()
    file._file.close()
    file._file = full  # type: ignore[assignment]
    file.append(b"abcd")
    assert full.data == b"abcd"
    with pytest.raises(DataError, match=r"No space left on device\); make room there"):
        file.append(b"ef")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be used"):
        Scratch(tmp_path / "no")
