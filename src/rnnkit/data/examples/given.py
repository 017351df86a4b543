"""Examples in lists and arrays: what `fit(X, y)` is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.examples.answers import parse_classes, parse_targets, refuse_half_characters
from rnnkit.data.examples.columns import Wants
from rnnkit.data.examples.contract import Examples, FloatArray, Signals
from rnnkit.data.examples.tables import count_empty
from rnnkit.data.ragged import Ragged
from rnnkit.errors import DataError

_EXPECTED = (
    "a list of texts, a list of arrays (T,) or (T, I), or an array (S, T) or (S, T, I) was expected"
)


def examples_of(
    X: Any,
    y: Any = None,
    *,
    wants: Wants = "class",
    name: str = "data",
    source: str = "X",
) -> Examples:
    """Return sequences in lists or arrays as examples.

    Args:
        X: `S` texts; `S` arrays `(T,)` or `(T, I)` of numbers; or an array `(S, T)`, each row a
            sequence of numbers, or `(S, T, I)`. NaN is a missing number.
        y: `S` labels; of `numbers`, `(S,)` or `(S, K)` numbers; `None` where there are none.
        wants: whether `y` are classes or numbers.
        name: what the data are called.
        source: what `X` is called in messages.

    Raises:
        DataError: naming the example, if it is none of these, empty, not of numbers, infinite, or
            has other channels than the first; if `y` is missing or does not fit.

    Example:
        >>> examples = examples_of([[1, 2, 3], [4]], ["up", "down"])
        >>> examples.signals.numbers.lengths.tolist(), examples.classes
        ([3, 1], ('up', 'down'))
    """

    def place(number: int) -> str:
        return f"example {number} (counted from 0) of {source}"

    values = X.tolist() if isinstance(X, pd.Series) else X
    is_list = hasattr(values, "__len__") and getattr(values, "ndim", 1) > 0
    if not is_list or isinstance(values, (str, bytes, dict, set, frozenset, pd.DataFrame)):
        raise DataError(f"{source} is {_kind(values)}; {_EXPECTED}")
    if not len(values):
        raise DataError(f"{source} is empty; at least one sequence was expected")
    texts, signals = None, None
    if isinstance(values, np.ndarray) and values.dtype.kind in "UT":
        values = values.tolist()
    if not isinstance(values, np.ndarray) or values.dtype.kind == "O":
        values = list(values)
    if isinstance(values, list) and isinstance(values[0], str):
        for number, text in enumerate(values):
            if not isinstance(text, str):
                raise DataError(f"{place(number)} is {_kind(text)} where others are texts")
        texts = tuple(map(str, values))
        refuse_half_characters(texts, place)
    else:
        signals = signals_of(values, source)
    rows = len(values)
    classes, targets = None, None
    if wants != "nothing":
        answers = _answers(y, rows, source)
        if wants == "class":
            classes = _classes(answers)
        else:
            targets = _targets(answers)
    count = 0 if targets is None else targets.shape[1]
    return Examples(
        name=name,
        texts=texts,
        signals=signals,
        classes=classes,
        targets=targets,
        target_names=("y",) if count == 1 else tuple(f"y{k}" for k in range(1, count + 1)),
        place=place,
        notes=() if texts is None else tuple(count_empty(texts)),
    )


def signals_of(sequences: Sequence[Any] | NDArray[Any], source: str) -> Signals:
    """Return sequences of numbers as one, each `(T,)` or `(T, I)`.

    Raises:
        DataError: as `examples_of`.
    """
    parts = [_steps(steps, number, source) for number, steps in enumerate(sequences)]
    channels = parts[0].shape[1]
    for number, part in enumerate(parts):
        if part.shape[1] != channels:
            raise DataError(
                f"example {number} (counted from 0) of {source} has {part.shape[1]} channels where "
                f"example 0 has {channels}; all need the same"
            )
    numbers = Ragged.join(parts)
    labels = np.empty((len(numbers.values), 0), dtype=object)
    names = ("value",) if channels == 1 else tuple(f"channel {i}" for i in range(1, channels + 1))
    return Signals(numbers, names, labels)


def _steps(steps: Any, number: int, source: str) -> FloatArray:
    where = f"example {number} (counted from 0) of {source}"
    try:
        values = np.asarray(steps)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} has steps of unequal size; {_EXPECTED}") from error
    if values.dtype.kind not in "iufO" or values.ndim not in (1, 2):
        raise DataError(f"{where} is {_kind(steps)} of shape {values.shape}; {_EXPECTED}")
    try:
        values = values.astype(np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{where} holds something else than numbers ({error})") from error
    if values.ndim == 1:
        values = values[:, None]
    if not values.size:
        raise DataError(f"{where} is empty; at least one step of one number was expected")
    if np.isinf(values).any():
        step = int(np.isinf(values).any(axis=1).argmax())
        raise DataError(f"{where} holds an infinite number at step {step}; use NaN where missing")
    return values


def _answers(y: Any, rows: int, source: str) -> Any:
    if y is None:
        raise DataError(
            f"y is missing; one label or number for each of the {rows} examples of "
            f"{source} was expected"
        )
    is_list = hasattr(y, "__len__") and getattr(y, "ndim", 1) > 0
    if not is_list or isinstance(y, (str, bytes, dict, set, frozenset)):
        raise DataError(f"y is {_kind(y)}; one label or number for each example was expected")
    if len(y) != rows:
        raise DataError(
            f"y has {len(y)} entries for {rows} examples of {source}; one for each was expected"
        )
    return y


def _classes(y: Any) -> tuple[str, ...]:
    values = y.tolist() if isinstance(y, (np.ndarray, pd.Series)) else list(y)
    for number, value in enumerate(values):
        if isinstance(value, float) and not np.isnan(value) and not value.is_integer():
            raise DataError(
                f"y[{number}] is {value}, which is no label; labels are texts or whole numbers, "
                f"and numbers are for regression"
            )
        if isinstance(value, (list, tuple, dict, np.ndarray)):
            raise DataError(f"y[{number}] is {_kind(value)}; one label was expected")
    return parse_classes(values, column="y", place=lambda number: f"y[{number}]")


def _targets(y: Any) -> FloatArray:
    values: Any = y
    if not isinstance(y, np.ndarray):
        values = y.to_numpy() if isinstance(y, (pd.Series, pd.DataFrame)) else list(y)
        try:
            values = np.asarray(values, dtype=None)
        except ValueError as error:
            raise DataError("y has rows of unequal size; (S,) or (S, K) was expected") from error
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.shape[1]:
        raise DataError(f"y has shape {values.shape}; (S,) or (S, K) was expected")
    columns = [values[:, number].tolist() for number in range(values.shape[1])]
    names = ["y"] if len(columns) == 1 else [f"y{k}" for k in range(1, len(columns) + 1)]
    return parse_targets(columns, names, lambda number: f"y[{number}]", len(values))


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
