"""What is said of sequences: classes as they were written, and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rnnkit.data.cells import Cells, Place, factorize_texts, show_cell
from rnnkit.data.examples.choosing import is_missing
from rnnkit.data.examples.contract import FloatArray
from rnnkit.data.numerals import parse_numbers
from rnnkit.errors import DataError


def parse_classes(cells: Cells, *, column: str, place: Place) -> tuple[str, ...]:
    """Return a column of labels as texts, without the space around them.

    Whole floats are written as integers. The words none and None are labels like others.

    Args:
        cells: `(S,)` texts, or a pandas column of texts, categories, numbers or truth values.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: naming the first row without a label; if cells hold times, lists or the like.

    Example:
        >>> parse_classes([" pos", "neg"], column="label", place=str)
        ('pos', 'neg')
    """
    values = cells.astype(object).tolist() if isinstance(cells, pd.Series) else cells
    codes, texts = factorize_texts(cells, column=column)
    kept = [*texts, ""]
    # What counts as missing for a covariate may be a label: "none".
    classes = [kept[code] for code in codes.tolist()]
    for row in np.flatnonzero(codes < 0).tolist():
        if is_missing(values[row]):
            count = sum(map(is_missing, values))
            raise DataError(
                f"column {column!r} has no label on {place(row)} ({count} of {len(values)} rows "
                f"have none); every row must have one, so fill or remove these rows"
            )
        classes[row] = str(values[row]).strip()
    return tuple(classes)


def parse_targets(
    columns: Sequence[Cells], names: Sequence[str], place: Place, rows: int
) -> FloatArray:
    """Return columns of numbers to predict as `(S, K)` float64.

    Args:
        columns: K columns of `(S,)` cells.
        names: of the columns, for messages.
        place: names the row at a position, for messages.
        rows: S.

    Raises:
        DataError: naming the first row that holds no finite number.
    """
    values = np.empty((rows, len(names)))
    for number, (cells, name) in enumerate(zip(columns, names, strict=True)):
        values[:, number] = parse_numbers(cells, column=name, place=place)
    return values


def parse_texts(cells: Cells, *, column: str, place: Place) -> tuple[str, ...]:
    """Return a column of texts as they were written; a missing one is empty.

    Args:
        cells: `(S,)` texts, or a pandas column; numbers are written as texts.
        column: its name, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: naming the first row that holds a list, a time or the like, or half a character.
    """
    values = cells.astype(object).tolist() if isinstance(cells, pd.Series) else cells
    texts = tuple(
        value if type(value) is str else _written(value, column, place, row)
        for row, value in enumerate(values)
    )
    refuse_half_characters(texts, place)
    return texts


def refuse_half_characters(texts: Sequence[str], place: Place) -> None:
    r"""Refuse texts with a lone surrogate such as "\ud83d", which no file of UTF-8 can hold.

    Raises:
        DataError: naming the first such text.
    """
    for row, text in enumerate(texts):
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"the text on {place(row)} holds half a character, "
                    f"{text[error.start]!r}; write the whole character"
                ) from error


def _written(value: object, column: str, place: Place, row: int) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None or str(value) in ("nan", "NaT", "<NA>"):
        return ""
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() else str(value)
    raise DataError(
        f"column {column!r} must hold texts, but {place(row)} holds {type(value).__name__} "
        f"{show_cell(value)}"
    )
