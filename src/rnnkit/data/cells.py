"""Cells of a table, in whatever form it holds them: which are missing, and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.panel import MISSING
from rnnkit.errors import DataError

# A column of texts, or of whatever a pandas column holds; and the words for one of its rows.
Cells: TypeAlias = "Sequence[Any] | pd.Series[Any]"
Place: TypeAlias = Callable[[int], str]

MISSING_TEXTS = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none"})
_SHOWN = 60
_LABELS = 1000


def parse_labels(
    cells: Cells, *, column: str, place: Place
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a column of labels as codes, and the labels: the distinct texts, sorted.

    Args:
        cells: `(N,)` texts, or a pandas column of texts, categories, numbers or truth values.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Returns:
        `(N,)` int32 positions in the labels, `MISSING` where a cell is missing; the labels.

    Raises:
        DataError: if there are more than 1,000 labels, or the cells are times.

    Example:
        >>> codes, labels = parse_labels(["NW ", "cv", "NA", "NW"], column="wind", place=str)
        >>> codes.tolist(), labels
        ([0, 1, -1, 0], ('NW', 'cv'))
    """
    codes, texts = factorize_texts(cells, column=column)
    if len(texts) > _LABELS:
        row = int((codes == _LABELS).argmax())
        raise DataError(
            f"column {column!r} holds {len(texts)} different texts, such as {texts[0]!r} and, on "
            f"{place(row)}, {texts[_LABELS]!r}: it looks like an identifier; a covariate may have "
            f"{_LABELS} labels"
        )
    labels = tuple(sorted(texts))
    number = {label: position for position, label in enumerate(labels)}
    # One more at the end, so that the code MISSING, -1, stays itself.
    recoded = np.array([*(number[text] for text in texts), MISSING], dtype=np.int32)
    return recoded[codes], labels


def factorize_texts(cells: Cells, *, column: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the cells as codes of their texts, in the order of first appearance.

    Space around a text does not count; whole floats are written as integers.

    Args:
        cells: `(N,)` as for `parse_labels`.
        column: its name, for messages.

    Returns:
        `(N,)` int64 positions in the texts, `MISSING` where a cell is missing; the texts.

    Raises:
        DataError: if the cells are times, lists or the like.

    Example:
        >>> codes, texts = factorize_texts(["b", " a", "", "b "], column="x")
        >>> codes.tolist(), texts
        ([0, 1, -1, 0], ('b', 'a'))
    """
    values: Any = np.array(cells, dtype=object)
    if isinstance(cells, pd.Series):
        kind = cells.dtype
        if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
            raise DataError(f"column {column!r} must hold texts or numbers, but it holds {kind}")
        values = cells.astype(object)
    try:
        raw, distinct = pd.factorize(values)
    except TypeError as error:
        raise DataError(
            f"column {column!r} must hold single texts or numbers, but some of its cells hold "
            f"several ({error})"
        ) from error
    texts: dict[str, int] = {}
    codes = [
        MISSING if text.casefold() in MISSING_TEXTS else texts.setdefault(text, len(texts))
        for text in map(_text, distinct)
    ]
    return np.array([*codes, MISSING], dtype=np.int64)[raw], tuple(texts)


def missing_cells(cells: Cells) -> NDArray[np.bool_]:
    """Return `(N,)` bool, true where a cell is missing: empty, or one of `MISSING_TEXTS`.

    Example:
        >>> missing_cells(["1", " NA", "", "x"]).tolist()
        [False, True, True, False]
    """
    if isinstance(cells, pd.Series):
        missing = cells.isna().to_numpy(dtype=bool)
        if not may_hold_texts(cells.dtype):
            return missing
        cells = cells.astype(object).tolist()
    else:
        missing = np.zeros(len(cells), dtype=bool)
    words = {
        text
        for text in {cell for cell in cells if isinstance(cell, str)}
        if text.strip().casefold() in MISSING_TEXTS
    }
    if words:
        found = (isinstance(cell, str) and cell in words for cell in cells)
        missing = missing | np.fromiter(found, dtype=bool, count=len(cells))
    return missing


def is_empty(cells: Cells) -> bool:
    """Tell whether all cells of a column are missing.

    Example:
        >>> is_empty(["", "NA"]), is_empty(["", "0"])
        (True, False)
    """
    some = 1000  # enough to see a value in almost all columns
    return all(
        missing_cells(cells[first : first + some]).all() for first in range(0, len(cells), some)
    )


def refuse_missing(missing: NDArray[np.bool_], column: str, place: Place) -> None:
    """Refuse a column with missing values.

    Args:
        missing: `(N,)` bool, true where the value is missing.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: naming the first such row and their number.
    """
    count = int(missing.sum())
    if not count:
        return
    if count == len(missing):
        raise DataError(f"column {column!r} is empty; every row must have a value")
    raise DataError(
        f"column {column!r} has no value on {place(int(missing.argmax()))} ({count} of "
        f"{len(missing)} rows have none); every row must have one, so fill or remove these rows"
    )


def show_cell(cell: object) -> str:
    """Return a cell as a message shows it, cut where it is long.

    Example:
        >>> show_cell("3 apples")
        "'3 apples'"
    """
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def may_hold_texts(kind: Any) -> bool:
    """Tell whether a pandas column of this dtype may hold texts."""
    is_plain = pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)
    return not (is_plain or pd.api.types.is_bool_dtype(kind))


def may_hold_numbers(kind: Any) -> bool:
    """Tell whether a pandas column of this dtype may hold numbers."""
    types = pd.api.types
    if types.is_complex_dtype(kind) or types.is_bool_dtype(kind):
        return False
    return not (types.is_datetime64_any_dtype(kind) or types.is_timedelta64_dtype(kind))


def take_cells(cells: Cells, rows: NDArray[np.int64]) -> Cells:
    """Return the cells at these rows."""
    if len(rows) == len(cells):
        return cells
    if isinstance(cells, pd.Series):
        return cells.iloc[rows]
    return [cells[row] for row in rows.tolist()]


def cell_at(cells: Cells, row: int) -> Any:
    """Return the cell at a row."""
    return cells.iloc[row] if isinstance(cells, pd.Series) else cells[row]


def _text(cell: Any) -> str:
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()
