"""Keras's `imdb.npz` and its like: lists of whole numbers, stored as pickled object arrays.

Unpickling may run any code that a file names. Here it runs none: the few names that such arrays
need stand for empty shells of our own, which keep what they are given, and any other name is
refused. NumPy itself takes no part in it.
"""

from __future__ import annotations

import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.tables import count_empty
from rnnkit.errors import DataError
from rnnkit.messages import Message

Part = Literal["train", "test"]

# What reading damaged archives, headers and pickles raises: bytes of chance, read as a pickle's
# instructions, end in any of these, and each becomes a `DataError` that names the file.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, OSError, EOFError, ValueError,
    LookupError, TypeError, AttributeError, ImportError, ArithmeticError, MemoryError,
    RecursionError, NotImplementedError, RuntimeError, SyntaxError,
)  # fmt: skip


def is_keras_npz(path: Path) -> bool:
    """Tell whether a `.npz` file holds pickled sequences under `x_train` or `x_test`.

    Raises:
        DataError: if the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [f"{name}.npy" for name in ("x_train", "x_test")]
            present = [name for name in names if name in archive.namelist()]
            return any(_header(archive, name)[1].hasobject for name in present)
    except DAMAGE as error:
        raise _damaged(path, error) from error


def read_keras_npz(path: Path, *, part: Part = "train") -> Examples:
    """Read sequences of whole numbers as texts of them, "1 14 22", and their labels.

    Args:
        path: a `.npz` file with `x_train`, `y_train`, `x_test` and `y_test`, as Keras's data sets
            of texts have them: `x` lists of whole numbers, `y` whole numbers.
        part: which to read.

    Raises:
        DataError: if the file is damaged or lacks the part; naming it, if the file asks for code
            that is not needed; naming the sequence, if one is no list of whole numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            x, y = (_array(archive, f"{name}_{part}") for name in "xy")
    except _ForbiddenError as error:
        raise DataError(
            f"{path} asks for {str(error)!r:.80} to be run, which sequences of whole numbers do "
            f"not need; it was not read"
        ) from error
    except DAMAGE as error:
        raise _damaged(path, error) from error

    def place(number: int) -> str:
        return f"sequence {number} (counted from 0) of x_{part} in {path}"

    for number, sequence in enumerate(x):
        if type(sequence) is not list or any(type(word) is not int for word in sequence):
            raise DataError(f"{place(number)} is no list of whole numbers")
    if len(y) != len(x) or any(not isinstance(label, (int, np.integer)) for label in y):
        raise DataError(
            f"{path} has {len(y)} labels in y_{part} for {len(x)} sequences; a whole number for "
            f"each was expected"
        )
    if not x:
        raise DataError(f"{path} has no sequences in x_{part}; at least one was expected")
    note = "sequences of whole numbers were read as texts: each number is a word"
    texts = tuple(" ".join(map(str, sequence)) for sequence in x)
    return Examples(
        name=path.stem,
        texts=texts,
        signals=None,
        classes=tuple(str(int(label)) for label in y),
        targets=None,
        place=place,
        notes=(Message(note), *count_empty(texts)),
    )


def _damaged(path: Path, error: BaseException) -> DataError:
    reason = " ".join(str(error).split())
    return DataError(
        f"{path} is damaged or no .npz file of sequences ({type(error).__name__}: {reason})"
    )


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(name) as file:
        return _read_header(file)


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"version {version} of an array")
    shape, _, dtype = read[version](file)
    return shape, dtype


def _array(archive: zipfile.ZipFile, name: str) -> list[Any]:
    """Return an array of one dimension as a list, its pickle read without running anything."""
    with archive.open(f"{name}.npy") as file:
        shape, dtype = _read_header(file)
        if len(shape) != 1:
            raise ValueError(f"{name} has {len(shape)} dimensions")
        if dtype.hasobject:
            return _Unpickler(file).load_list(shape[0])
    with archive.open(f"{name}.npy") as file:
        values: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return list(values)


class _ForbiddenError(Exception):
    """A pickle names what is not needed."""


class _Shell:
    """Keeps the state of an array or its type, and does nothing."""

    state: Any = None

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Knows the names in the pickle of an array of objects, and no other."""

    _KNOWN: ClassVar = {
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _Shell for core in ("core", "_core")},
        ("numpy", "ndarray"): _Shell,
        ("numpy", "dtype"): _Shell,
        ("_codecs", "encode"): _Shell,  # of the one letter that old protocols write as text
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return a shell for a known name."""
        if (module, name) not in self._KNOWN:
            raise _ForbiddenError(f"{module}.{name}")
        return self._KNOWN[module, name]

    def load_list(self, length: int) -> list[Any]:
        """Return the elements of the array."""
        array = self.load()
        if not isinstance(array, _Shell) or not isinstance(array.state, tuple):
            raise ValueError("no array")
        elements = array.state[-1]
        if not isinstance(elements, list) or len(elements) != length:
            raise ValueError("an array without its elements")
        return elements
