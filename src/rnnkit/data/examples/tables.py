"""A table of raw cells as examples: texts, or sequences of numbers in one of three layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnkit.data.cells import Cells, Place, factorize_texts, missing_cells
from rnnkit.data.examples.answers import parse_classes, parse_targets, parse_texts
from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples, FloatArray, Signals
from rnnkit.data.numerals import parse_numbers, read_numbers
from rnnkit.data.ragged import Ragged
from rnnkit.data.table import Table
from rnnkit.data.times import clock_times
from rnnkit.errors import DataError
from rnnkit.messages import Message

_STEM_ONLY = "value"  # the one channel of rows whose columns are 1, 2, 3


def examples_of_table(table: Table, columns: ExampleColumns) -> Examples:
    """Return the examples in a table whose columns are settled.

    Args:
        table: it holds the columns named.
        columns: with a text, or a layout and, for layout `wide` too, features.

    Raises:
        DataError: naming a row, if a cell does not hold what it should, or a label is missing; in
            layout `long`, if a sequence has two labels.
    """
    if columns.text is not None:
        return _of_texts(table, columns.text, columns)
    if columns.layout == "long":
        return _Long(table, columns).examples()
    signals, notes = (_wide if columns.layout == "wide" else _flat)(table, columns)
    return Examples(
        name=table.name,
        texts=None,
        signals=signals,
        classes=_classes(table, columns),
        targets=_targets(table, columns),
        target_names=columns.targets,
        place=table.place,
        notes=(*table.notes, *notes),
    )


def count_empty(texts: Sequence[str]) -> list[Message]:
    """Return what is said about texts without a letter."""
    empty = sum(not text or text.isspace() for text in texts)
    return [Message("empty texts, which were kept: {count:,}", {"count": empty})] if empty else []


def _of_texts(table: Table, text: str, columns: ExampleColumns) -> Examples:
    texts = parse_texts(table.columns[text], column=text, place=table.place)
    return Examples(
        name=table.name,
        texts=texts,
        signals=None,
        classes=_classes(table, columns),
        targets=_targets(table, columns),
        target_names=columns.targets,
        place=table.place,
        notes=(*table.notes, *count_empty(texts)),
    )


def _classes(table: Table, columns: ExampleColumns) -> tuple[str, ...] | None:
    if columns.label is None:
        return None
    return parse_classes(table.columns[columns.label], column=columns.label, place=table.place)


def _targets(table: Table, columns: ExampleColumns) -> FloatArray | None:
    if not columns.targets:
        return None
    cells = [table.columns[name] for name in columns.targets]
    return parse_targets(cells, columns.targets, table.place, table.rows)


def _numbers(cells: Cells, column: str, place: Place) -> FloatArray:
    return parse_numbers(cells, column=column, place=place, missing=True)


def _words(cells: Cells, column: str) -> NDArray[np.object_]:
    """Return `(N,)` labels as texts, "" where missing."""
    codes, texts = factorize_texts(cells, column=column)
    return np.array([*texts, ""], dtype=object)[codes]


def _wide(table: Table, columns: ExampleColumns) -> tuple[Signals, list[Message]]:
    names = columns.features
    values = np.empty((table.rows, len(names)))
    empty = np.empty(values.shape, dtype=bool)
    for number, name in enumerate(names):
        cells = table.columns[name]
        values[:, number] = _numbers(cells, name, table.place)
        # In texts "NA" is a missing number, and an empty cell none at all; frames know no two.
        empty[:, number] = (
            missing_cells(cells)
            if isinstance(cells, pd.Series)
            else [isinstance(cell, str) and not cell.strip() for cell in cells]
        )
    lengths = len(names) - np.logical_and.accumulate(empty[:, ::-1], axis=1).sum(axis=1)
    for row in np.flatnonzero(lengths == 0)[:1].tolist():
        raise DataError(f"{table.place(row)} has no numbers; at least one was expected in each row")
    starts = np.zeros(table.rows + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    steps = values[np.arange(len(names)) < lengths[:, None]]
    notes = []
    shorter = int((lengths < len(names)).sum())
    if shorter:
        found = "rows that end in empty cells, and so are shorter sequences: {count:,}"
        notes.append(Message(found, {"count": shorter}))
    channel = names[0].rstrip("0123456789").rstrip("_-. ") or _STEM_ONLY
    numbers = Ragged(steps[:, None], starts)
    return Signals(numbers, (channel,), _no_words(len(steps)), steps=tuple(names)), notes


def _flat(table: Table, columns: ExampleColumns) -> tuple[Signals, list[Message]]:
    numbers, words = _channels(table, columns, table.place)
    starts = np.arange(table.rows + 1, dtype=np.int64)
    return _signals(numbers, words, starts, columns), []


def _channels(
    table: Table, columns: ExampleColumns, place: Place
) -> tuple[FloatArray, NDArray[np.object_]]:
    """Return `(N, I)` numbers and `(N, Q)` labels of all rows."""
    plain = [name for name in columns.features if name not in columns.words]
    numbers = np.empty((table.rows, len(plain)))
    for number, name in enumerate(plain):
        numbers[:, number] = _numbers(table.columns[name], name, place)
    words = np.empty((table.rows, len(columns.words)), dtype=object)
    for number, name in enumerate(columns.words):
        words[:, number] = _words(table.columns[name], name)
    return numbers, words


def _signals(
    numbers: FloatArray,
    words: NDArray[np.object_],
    starts: NDArray[np.int64],
    columns: ExampleColumns,
) -> Signals:
    plain = tuple(name for name in columns.features if name not in columns.words)
    return Signals(Ragged(numbers, starts), plain, words, columns.words)


def _no_words(rows: int) -> NDArray[np.object_]:
    return np.empty((rows, 0), dtype=object)


class _Long:
    """A table in layout `long`: a row a step, rows of a sequence anywhere."""

    def __init__(self, table: Table, columns: ExampleColumns) -> None:
        if columns.id is None:
            raise DataError(
                f"{table.source} is in layout long; say by id which rows belong together"
            )
        self.table = table
        self.columns = columns
        self.codes, self.ids = factorize_texts(table.columns[columns.id], column=columns.id)
        for row in np.flatnonzero(self.codes < 0)[:1].tolist():
            raise DataError(
                f"column {columns.id!r} has no value on {table.place(row)}; it names the sequence "
                f"of each row"
            )
        self.order = self._order()
        self.starts = np.searchsorted(self.codes[self.order], np.arange(len(self.ids) + 1))

    def examples(self) -> Examples:
        """Return the examples, in the order in which their ids appear."""
        table, columns = self.table, self.columns
        numbers, words = _channels(table, columns, table.place)
        ids, first = self.ids, self.order[self.starts[:-1]]
        classes, targets, notes = None, None, list[Message]()
        of_rows = _classes(table, columns)
        if of_rows is not None:
            self._refuse_change(pd.factorize(np.array(of_rows, dtype=object))[0], of_rows)
            classes = tuple(of_rows[row] for row in first.tolist())
        values = _targets(table, columns)
        if values is not None:
            last = self.order[self.starts[1:] - 1]
            targets = values[last]
            if (values[self.order] != np.repeat(targets, np.diff(self.starts), axis=0)).any():
                found = (
                    "numbers to predict change within a sequence: that of its last row was taken"
                )
                notes.append(Message(found))

        def place(number: int) -> str:
            return f"sequence {ids[number]!r} (first on {table.place(int(first[number]))})"

        return Examples(
            name=table.name,
            texts=None,
            signals=_signals(numbers[self.order], words[self.order], self.starts, columns),
            classes=classes,
            targets=targets,
            target_names=columns.targets,
            place=place,
            notes=(*table.notes, *notes),
        )

    def _order(self) -> NDArray[np.int64]:
        """Return the rows by sequence, and by time where there is one."""
        name = self.columns.time
        if name is None:
            return np.argsort(self.codes, kind="stable")
        table = self.table
        cells = table.columns[name]
        values, wrong = read_numbers(cells)
        times: NDArray[Any]
        if len(wrong) or np.isnan(values).any():
            times, _ = clock_times(cells, column=name, place=table.place, series=self.codes)
        else:
            times = values
        order = np.lexsort((times, self.codes))
        same = (np.diff(self.codes[order]) == 0) & (times[order][1:] == times[order][:-1])
        for position in np.flatnonzero(same)[:1].tolist():
            rows = sorted(order[position : position + 2].tolist())
            raise DataError(
                f"sequence {self.ids[self.codes[rows[0]]]!r} has two rows of one time, on "
                f"{table.place(rows[0])} and {table.place(rows[1])}; a time may occur once in a "
                f"sequence"
            )
        return order

    def _refuse_change(self, labels: NDArray[np.int64], texts: Sequence[str]) -> None:
        of_sequence = labels[self.order[self.starts[:-1]]]
        for position in np.flatnonzero(labels[self.order] != of_sequence[self.codes[self.order]])[
            :1
        ]:
            row = int(self.order[position])
            number = int(self.codes[row])
            first = int(self.order[self.starts[number]])
            raise DataError(
                f"sequence {self.ids[number]!r} has the label {texts[first]!r} on "
                f"{self.table.place(first)} and {texts[row]!r} on {self.table.place(row)}; a "
                f"sequence has one label"
            )
