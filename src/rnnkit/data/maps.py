"""Arrays in raw files: written a part at a time, then read as maps."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import DataError

_SUFFIX = ".bin"
_PARTIAL = ".partial"


class MapWriter:
    """Files of arrays `(R,)` or `(R, C)`, one after another row, in the machine's byte order.

    A file takes its name, such as `values.bin`, when all are complete; until then it is called
    `values.bin.partial`, and leaving the `with` block without `finish` deletes it.

    Args:
        folder: where the files go; it is made if it is not there.
        columns: dtype and columns `C` of each array by its name; `None` for an array `(R,)`.

    Raises:
        DataError: if the folder holds one of the files.

    Example:
        >>> import tempfile
        >>> with MapWriter(Path(tempfile.mkdtemp()), {"x": (np.dtype("f8"), 2)}) as writer:
        ...     writer.append(x=np.array([[1.0, 2.0]]))
        ...     writer.append(x=np.array([[3.0, 4.0], [5.0, 6.0]]))
        ...     maps = writer.finish()
        >>> maps["x"].tolist()
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    """

    def __init__(
        self, folder: Path, columns: Mapping[str, tuple[np.dtype[Any], int | None]]
    ) -> None:
        self._folder = folder
        self._columns = columns
        self._rows = 0
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()

    def __enter__(self) -> MapWriter:
        for name in self._columns:
            if self._path(name).exists():
                raise DataError(
                    f"{self._folder} already holds {name}{_SUFFIX}; give another folder"
                )
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in self._columns:
            self._files[name] = self._stack.enter_context(self._partial(name).open("wb"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        for name in self._columns:
            self._partial(name).unlink(missing_ok=True)

    def append(self, **arrays: NDArray[Any]) -> None:
        """Write the next rows of every array."""
        for name, (dtype, _) in self._columns.items():
            # As bytes, since times have no buffer of their own.
            plain = np.ascontiguousarray(arrays[name], dtype=dtype)
            self._files[name].write(plain.view(np.uint8).data if plain.size else b"")
        self._rows += len(next(iter(arrays.values())))

    def finish(self) -> dict[str, NDArray[Any]]:
        """Give the files their names and return them as maps that cannot be written to."""
        self._stack.close()
        for name in self._columns:
            self._partial(name).rename(self._path(name))
        return {name: self._map(name) for name in self._columns}

    def _map(self, name: str) -> NDArray[Any]:
        dtype, width = self._columns[name]
        shape = (self._rows,) if width is None else (self._rows, width)
        if not self._rows or width == 0:
            return np.empty(shape, dtype=dtype)  # an empty file cannot be mapped
        return np.memmap(self._path(name), dtype=dtype, mode="r", shape=shape)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _partial(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}{_PARTIAL}"


def copied(array: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
    """Return a copy of some rows of an array, which may be a map.

    The pages of a map count as the process's memory once they were read, as long as it is mapped;
    so the rows are read through a map of their own.
    """
    owner: Any = array.base
    if isinstance(array, np.memmap) and isinstance(owner, mmap.mmap) and stop > start:
        offset = array.offset + start * (array.nbytes // len(array))
        shape = (stop - start, *array.shape[1:])
        part = np.memmap(str(array.filename), array.dtype, mode="r", offset=offset, shape=shape)
        return np.array(part)
    return np.array(array[start:stop])
