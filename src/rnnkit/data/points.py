"""Points that may separate thousands: 948, 1.020, 980.

Python reads 1.02 there, which is wrong by a factor of a thousand if the point is a German
thousands point. The same cells may hold decimals, so other cells of the same series are asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import Cells, Place, cell_at, may_hold_texts, show_cell, take_cells
from rnnkit.errors import DataError

# "1.020" may be 1,020 beside "980"; it is not beside "0.125", "12.5" or "1500".
_DOTTED = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}\s*")
_UP_TO_999 = re.compile(r"\s*[+-]?[0-9]{1,3}\s*")
_CODES = (9, 99, 999)  # of either sign, for "no value"; they tell nothing of the others
_LIMITS = (127, 255, 511)  # as 100 or 250, where a sensor ends
_CLOSE = 3.0  # neighbours this close, in the ratio, are taken for what they seem
_RARE = 0.05  # the chance below which an order is none


def refuse_dotted_thousands(
    values: NDArray[np.float64],
    cells: Cells,
    column: str,
    place: Place,
    series: NDArray[np.int64] | None = None,
) -> None:
    """Refuse a column of texts such as 948, 1.020, 980, of which points may separate thousands.

    They may if all cells of a series with a point have exactly three digits after it, the others
    are whole numbers up to 999, some from 100 on and not mere codes, and the series makes better
    sense with a thousand times as much in the cells with a point.

    Args:
        values: `(N,)` what the cells were read as, NaN where missing.
        cells: `(N,)` texts, or a pandas column; only texts are asked.
        column: its name, for messages.
        place: names the row at a position, for messages.
        series: `(N,)` the number of each row's series, from 0; `None` for one series.

    Raises:
        DataError: naming a cell with a point and one beside it without.
    """
    if isinstance(cells, pd.Series) and not may_hold_texts(cells.dtype):
        return
    if series is None:
        series = np.zeros(len(values), dtype=np.int64)
    elif np.bincount(series).max(initial=0) < 2:  # nothing stands beside anything
        return
    found = _find(values, series, lambda rows: list(take_cells(cells, rows)))
    if found is not None:
        point, other = found
        texts = cell_at(cells, point), cell_at(cells, other)
        raise _doubt(column, place(point), texts, f"on {place(other)}")


def refuse_dotted_thousands_along(
    values: NDArray[np.float64], columns: Sequence[Cells], names: Sequence[str], place: Place
) -> None:
    """Refuse rows of texts as `refuse_dotted_thousands` does columns: each row is a series.

    Args:
        values: `(N, P)` what the cells were read as, NaN where missing.
        columns: P columns of `(N,)` cells.
        names: of the columns, for messages.
        place: names the row at a position, for messages.

    Raises:
        DataError: naming a row, and its columns with such a point and beside it without.
    """
    if all(isinstance(cells, pd.Series) and not may_hold_texts(cells.dtype) for cells in columns):
        return
    N, P = values.shape

    def texts_at(positions: NDArray[np.int64]) -> list[Any]:
        places, rows = np.divmod(positions, N)
        texts = np.empty(len(positions), dtype=object)
        order = np.argsort(places, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
            texts[part] = list(take_cells(columns[places[part[0]]], rows[part]))
        return list(texts)

    # Column by column, as the texts stand.
    found = _find(values.T.ravel(), np.tile(np.arange(N), P), texts_at)
    if found is not None:
        (point, row), other = divmod(found[0], N), found[1] // N
        pair = cell_at(columns[point], row), cell_at(columns[other], row)
        raise _doubt(names[point], place(row), pair, f"in column {names[other]!r}")


def _doubt(column: str, where: str, texts: Sequence[str], beside: str) -> DataError:
    dotted, whole = map(show_cell, texts)
    return DataError(
        f"column {column!r} must hold numbers, but {where} holds {dotted}, which may be a thousand "
        f"times as much beside {whole} {beside}; write numbers without thousands separators, and "
        f"decimals with a point in every cell"
    )


def _find(
    values: NDArray[np.float64],
    series: NDArray[np.int64],
    texts_at: Callable[[NDArray[np.int64]], list[Any]],
) -> tuple[int, int] | None:
    """Return the positions of a cell with a doubtful point and of one beside it, if there are."""
    rows = _suspects(values, series)
    if len(rows):
        rows = _dotted_alike(rows, values, series, texts_at)
    if not len(rows):
        return None
    texts = texts_at(rows)
    if set(map(type, texts)) == {str} and "." not in "".join(texts):
        return None
    dotted = np.fromiter(
        (isinstance(text, str) and "." in text for text in texts), dtype=bool, count=len(texts)
    )
    of = series[rows]
    has_both = _has(dotted, of) & _has(~dotted & (np.abs(values[rows]) >= 100), of)
    order = np.flatnonzero(has_both[of])
    order = order[np.argsort(of[order], kind="stable")]
    for cells in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):
        kept = cells[_tells(values[rows[cells]], dotted[cells])]
        beside = np.flatnonzero(dotted[kept][1:] != dotted[kept][:-1])
        if (
            len(beside)
            and _are_thousands(np.abs(values[rows[kept]]), dotted[kept], beside)
            and _may_be_thousands(texts, dotted, cells)
        ):
            pair = kept[beside[0] : beside[0] + 2]
            point, other = rows[pair if dotted[pair[0]] else pair[::-1]].tolist()
            return point, other
    return None


def _suspects(values: NDArray[np.float64], series: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cells of the series that may mix 1.020 and 980, as far as values tell it."""
    size = np.abs(values)
    whole = (size >= 100) & (size < 1000) & (size == np.floor(size))
    if not whole.any():
        return np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(~np.isnan(values))
    rows = rows[_has(whole, series)[series[rows]]]
    fits = (size[rows] == 0) | ((size[rows] >= 1) & (size[rows] < 1000))
    thousands = size[rows[fits]] * 1000
    fits[fits] = np.abs(thousands - np.rint(thousands)) < 1e-6
    return rows[~_has(~fits, series[rows])[series[rows]]]


def _dotted_alike(
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    series: NDArray[np.int64],
    texts_at: Callable[[NDArray[np.int64]], list[Any]],
) -> NDArray[np.int64]:
    """Return the rows but for series of which the first fraction is written otherwise."""
    broken = rows[values[rows] != np.floor(values[rows])]
    first = np.full(int(series.max()) + 1, -1)
    first[series[broken[::-1]]] = broken[::-1]  # of several, the last one assigned stays
    asked = np.flatnonzero(first >= 0)
    may_be = np.ones(len(first), dtype=bool)
    texts = texts_at(first[asked]) if len(asked) else []
    may_be[asked] = [isinstance(text, str) and bool(_DOTTED.fullmatch(text)) for text in texts]
    return rows[may_be[series[rows]]]


def _has(found: NDArray[np.bool_], series: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return `(S,)` whether anything is found in each series."""
    return np.asarray(np.bincount(series[found], minlength=int(series.max(initial=0)) + 1) > 0)


def _may_be_thousands(
    texts: Sequence[Any], dotted: NDArray[np.bool_], cells: NDArray[np.int64]
) -> bool:
    """Tell whether all cells are written as thousands and smaller numbers would be."""
    forms = zip(cells.tolist(), dotted[cells].tolist(), strict=True)
    return all(
        isinstance(texts[cell], str) and (_DOTTED if has_dot else _UP_TO_999).fullmatch(texts[cell])
        for cell, has_dot in forms
    )


def _tells(values: NDArray[np.float64], dotted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells of a series tell what a point means; none if all that might are codes."""
    size = np.abs(values)
    told = size > 0  # a zero is as far from one as from the other
    told &= dotted | ~np.isin(size, _CODES)
    if (values[dotted] > 0).all():
        told &= values > 0
    whole = size[told & ~dotted]
    if (whole < 100).all():
        return np.zeros_like(told)
    if (whole == whole[0]).all() and (len(whole) > 1 or whole[0] % 10 == 0 or whole[0] in _LIMITS):
        return np.zeros_like(told)
    return told


def _are_thousands(
    size: NDArray[np.float64], dotted: NDArray[np.bool_], beside: NDArray[np.int64]
) -> bool:
    """Tell whether a thousand times as much in the dotted cells makes better sense.

    Args:
        size: `(n,)` what is read, without sign.
        dotted: `(n,)` whether there is a point.
        beside: where a cell with a point and one without follow each other, the first of the two.
    """
    # Of neighbours, the logarithm of the cell without a point over the one with it.
    ratio = np.where(dotted[:-1], 1, -1)[beside] * np.diff(np.log(size))[beside]
    as_read, as_thousands = np.abs(ratio), np.abs(ratio - np.log(1000))
    close = np.log(_CLOSE)
    if np.median(as_read) <= close:
        return False
    if np.median(as_thousands) <= close:
        return True
    # Neighbours are too far apart to tell it. Thousands exceed all numbers up to 999, so that as
    # read, many of these exceed all thousands; decimals would lie among them.
    whole, top = size[~dotted], size[dotted].max()
    above = np.arange((whole > top).sum())
    by_chance = np.prod((len(whole) - above) / (len(size) - above))
    if by_chance < _RARE or whole.min() > _CLOSE * top:
        return True
    return bool(as_thousands.sum() <= as_read.sum())
