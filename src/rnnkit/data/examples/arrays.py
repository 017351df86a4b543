"""Examples in arrays of NumPy: a `.npz` file of `x`, `y` and, where they differ, `lengths`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.columns import Wants
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.given import examples_of
from rnnkit.data.examples.keras_npz import DAMAGE, Part
from rnnkit.data.text_table import listed
from rnnkit.errors import DataError

_EXPECTED = "x of shape (S, T) or (S, T, I), y of S, and lengths of S where they differ"


def read_arrays(path: Path, *, wants: Wants = "class", part: Part = "train") -> Examples:
    """Read sequences of numbers from the arrays of a `.npz` file.

    Args:
        path: a file that holds `x (S, T)` or `(S, T, I)`, `y (S,)` or, of numbers, `(S, K)`, and
            `lengths (S,)` where steps at the end are padding; or all of these as `x_train`,
            `x_test` and so on.
        wants: whether `y` are classes or numbers; of `nothing`, `y` is not read.
        part: which to read, where there are two.

    Raises:
        DataError: if the file is damaged, holds objects, or arrays of other shapes.
    """
    arrays = _load(path)
    ending = f"_{part}" if {"x_train", "x_test"} & arrays.keys() else ""
    if not ending and part != "train":
        raise DataError(f"{path} has no parts 'train' and 'test'; leave the part out")
    x = _first(arrays, f"x{ending}", f"X{ending}")
    if x is None:
        raise DataError(
            f"{path} has no array 'x{ending}'; it has {listed(sorted(arrays))}, and {_EXPECTED} "
            f"were expected"
        )
    y = None if wants == "nothing" else _first(arrays, f"y{ending}", f"Y{ending}")
    lengths = arrays.get(f"lengths{ending}")
    sequences: Any = x
    if lengths is not None:
        sequences = _cut(x, lengths, path)
    return examples_of(sequences, y, wants=wants, name=path.stem, source=str(path))


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path} is damaged, or no .npz file of plain arrays ({type(error).__name__}: "
            f"{reason}); {_EXPECTED} were expected"
        ) from error


def _first(arrays: dict[str, NDArray[Any]], *names: str) -> NDArray[Any] | None:
    return next((arrays[name] for name in names if name in arrays), None)


def _cut(x: NDArray[Any], lengths: NDArray[Any], path: Path) -> list[NDArray[Any]]:
    if x.ndim < 2 or lengths.shape != x.shape[:1] or lengths.dtype.kind not in "iu":
        raise DataError(
            f"{path} has lengths {lengths.shape} of type {lengths.dtype} for x {x.shape}; one "
            f"whole number for each sequence was expected"
        )
    wrong = np.flatnonzero((lengths < 1) | (lengths > x.shape[1]))
    for number in wrong[:1].tolist():
        raise DataError(
            f"sequence {number} (counted from 0) of {path} has length {lengths[number]}; 1 to "
            f"{x.shape[1]} were expected"
        )
    return [steps[:length] for steps, length in zip(x, lengths.tolist(), strict=True)]
