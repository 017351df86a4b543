"""Which columns of a table hold the texts, the labels, the numbers: by stated rules.

Each rule looks at the names and at the first thousand rows. Nothing heavy is imported, so that the
command line applies the same rules before a run begins.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.data.examples.delimited import looks_like_number
from rnnkit.data.header import check_column
from rnnkit.data.text_table import listed
from rnnkit.errors import DataError
from rnnkit.messages import Message

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null"})

_Kind = Literal["numbers", "words", "empty", "nested"]

# The first of these that is there, in small letters, holds what it is called after.
_TEXT_NAMES = (
    "text", "texts", "document", "review", "sentence", "content", "comment", "question", "q",
    "utterance", "message", "tweet", "body", "headline", "문장", "본문", "내용", "질문", "리뷰",
)  # fmt: skip
_LABEL_NAMES = (
    "label", "labels", "class", "category", "target", "y", "sentiment", "topic", "intent", "라벨",
    "레이블", "분류", "감정",
)  # fmt: skip
_TARGET_NAMES = ("target", "y")
_ID_NAMES = ("id", "sequence_id", "series_id", "case_id", "subject_id")

_FREE_WORDS = 3  # in the mean: a column of so many words holds texts
_FREE_LETTERS = 20  # as well as one of so many characters that hardly repeats
_FEW = 10  # rows, in which labels need not repeat
_MOSTLY = 0.9  # of numbers: the other cells are mistakes
_RUN = re.compile(r"(.*?)([0-9]{1,9})")
_LEAST_RUN = 3


@dataclass(frozen=True)
class Cells:
    """The beginning of a table.

    Args:
        source: what the table is called in messages.
        names: of its columns.
        rows: the first of them, a cell for each name.
        numbered: whether the columns have no names but their numbers.
    """

    source: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    numbered: bool = False

    def column(self, name: str) -> list[Any]:
        """Return the cells of a column."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    @cached_property
    def kinds(self) -> dict[str, _Kind]:
        """What the columns whose names stand once hold."""
        if not self.rows:
            return {}
        count = Counter(self.names)
        columns = zip(self.names, zip(*self.rows, strict=True), strict=True)
        return {name: _kind(cells) for name, cells in columns if count[name] == 1}

    def kind(self, name: str) -> _Kind:
        """Return what a column holds."""
        return self.kinds[name]


def is_missing(cell: object) -> bool:
    """Tell whether a cell of a label or a number is missing.

    The words none and None are a label like others.

    Example:
        >>> [is_missing(cell) for cell in ("", " NA", float("nan"), None, "none", 0)]
        [True, True, True, True, False, False]
    """
    if isinstance(cell, str):
        return cell.strip().casefold() in MISSING
    # NaN, NaT and pandas' NA are not equal to themselves; the last gives no truth value at all.
    return cell is None or str(cell) in ("nan", "NaT", "<NA>")


def settle_columns(
    cells: Cells, columns: ExampleColumns, wants: Wants
) -> tuple[ExampleColumns, tuple[Message, ...]]:
    """Return what the columns are, and what is said about those found by a rule.

    The text is the column named `text`, `document`, `review` and the like, or else the one column
    whose cells hardly repeat and have three words or 20 characters in the mean. The label is
    the column named `label`, `class`, `category` and the like, or else the only column left beside
    the text, or the only one of words beside numbers, if its labels repeat twice or more in the
    mean. A table without texts is in layout `long` if
    it has an id, `wide` if it has numbers alone whose names are one stem and 1, 2, 3, and so on, or
    no names; and `flat` otherwise.

    Args:
        cells: the beginning of the table.
        columns: what the user said.
        wants: what is to be said of the sequences. Of `nothing`, a label or target that was named
            may be absent.

    Raises:
        DataError: if a column named is not there or stands twice, or the rules find none or several
            where one is needed.
    """
    return _Settling(cells, columns, wants).settle()


def run_of_numbers(names: Sequence[str]) -> bool:
    """Tell whether names are one stem and consecutive numbers, three or more.

    Example:
        >>> run_of_numbers(["t0", "t1", "t2"]), run_of_numbers(["t1", "x2", "t3"])
        (True, False)
    """
    found = [_RUN.fullmatch(name) for name in names]
    if len(names) < _LEAST_RUN or not all(found):
        return False
    stems = {match[1] for match in found if match}
    counts = [int(match[2]) for match in found if match]
    return len(stems) == 1 and counts == list(range(counts[0], counts[0] + len(counts)))


class _Settling:
    def __init__(self, cells: Cells, columns: ExampleColumns, wants: Wants) -> None:
        self.cells = cells
        self.wants = wants
        if wants == "nothing":
            there = set(cells.names)
            columns = replace(
                columns,
                label=columns.label if columns.label in there else None,
                targets=columns.targets if there.issuperset(columns.targets) else (),
            )
        hint = ""
        if cells.numbered:
            hint = ", by number since its first line holds data; use these, or add a header line"
        for name in (*columns.inputs, *columns.answers):
            check_column(name, cells.names, cells.source, hint)
        self.columns = columns
        self.notes: list[Message] = []

    def settle(self) -> tuple[ExampleColumns, tuple[Message, ...]]:
        """Return the columns and the notes."""
        self._named_answers()
        if self.columns.text is None and not self.columns.is_of_numbers:
            self.columns = replace(self.columns, text=self._text())
        if self.columns.text is None:
            self._of_numbers()
        else:
            self._last_answer([name for name in self._free() if name != self.columns.text])
        return self.columns, tuple(self.notes)

    def _free(self) -> list[str]:
        """Return the columns without a role, of single cells."""
        taken = {*self.columns.inputs, *self.columns.answers}
        kinds = self.cells.kinds
        return [name for name, kind in kinds.items() if name not in taken and kind != "nested"]

    def _named_answers(self) -> None:
        """Take the label or target by its name."""
        free = self._free()
        if self.wants == "class" and self.columns.label is None:
            label = _first_named(_LABEL_NAMES, free)
            if label is not None:
                self._take_label(label)
        if self.wants == "numbers" and not self.columns.targets:
            target = _first_named(_TARGET_NAMES, free)
            if target is not None:
                self._take_target(target)

    def _take_label(self, name: str) -> None:
        self.columns = replace(self.columns, label=name)
        self.notes.append(Message("labels are read from column {column}", {"column": repr(name)}))

    def _take_target(self, name: str) -> None:
        self.columns = replace(self.columns, targets=(name,))
        found = "the number to predict is read from column {column}"
        self.notes.append(Message(found, {"column": repr(name)}))

    def _text(self) -> str | None:
        """Return the column of texts, or none where the table holds numbers and labels."""
        free = [name for name in self._free() if self.cells.kind(name) in ("words", "empty")]
        name = _first_named(_TEXT_NAMES, free)
        if name is None:
            texts = [name for name in free if _holds_texts(self.cells.column(name))]
            if len(texts) > 1:
                raise DataError(
                    f"{self.cells.source} has {len(texts)} columns of texts, {listed(texts)}; say "
                    f"which one to read as the text"
                )
            others = [column for column in self._free() if column not in free]
            if texts:
                name = texts[0]
            elif len(free) == 1 and not others:
                name = free[0]  # Nothing else is left: single words to be classified.
        if name is not None:
            found = "texts are read from column {column}"
            self.notes.append(Message(found, {"column": repr(name)}))
        return name

    def _last_answer(self, left: list[str]) -> None:
        """Take the only column left as the label or target, or refuse."""
        columns = self.columns
        if self.wants == "class" and columns.label is None:
            if len(left) != 1 or not _repeats(self.cells.column(left[0])):
                raise self._no("label", left)
            self._take_label(left[0])
        if self.wants == "numbers" and not columns.targets:
            if len(left) != 1:
                raise self._no("target", left)
            self._take_target(left[0])

    def _no(self, role: str, left: list[str]) -> DataError:
        what = "label" if role == "label" else "number to predict"
        among = f"it could be one of {listed(left)}" if left else "no column is left for it"
        return DataError(
            f"{self.cells.source} has no column that is surely the {what}: {among}; say by {role} "
            f"which it is (its columns are {listed(self.cells.names)})"
        )

    def _of_numbers(self) -> None:
        """Take the layout, and the label where it is the only column of words."""
        if self.wants == "class" and self.columns.label is None:
            left = [name for name in self._free() if self.cells.kind(name) != "empty"]
            words = [
                name
                for name in left
                if self.cells.kind(name) == "words" and _repeats(self.cells.column(name))
            ]
            if len(words) != 1 or (len(left) == 1 and not self.columns.features):
                raise self._no("label", words or left)
            self._take_label(words[0])
        if self.wants == "numbers" and not self.columns.targets:
            raise self._no("target", self._free())
        self._refuse_ids()
        features = self._features()
        if not features:
            raise DataError(
                f"{self.cells.source} has no column left to make sequences of (its columns are "
                f"{listed(self.cells.names)}); name a text or features"
            )
        layout = self.columns.layout
        if layout is None:
            layout = "long" if self.columns.id is not None else self._row_layout(features)
        if layout != "wide":
            # A shorter sequence has fewer columns: those of layout wide are found in each table.
            words = [
                name
                for name in features
                if self.cells.kind(name) == "words" or name in self.columns.words
            ]
            if words:
                found = "columns read as labels, not as numbers: {names}"
                self.notes.append(Message(found, {"names": listed(words)}))
            self.columns = replace(self.columns, features=tuple(features), words=tuple(words))
        self.columns = replace(self.columns, layout=layout)

    def _refuse_ids(self) -> None:
        """Refuse a column called an id: it names the sequence of a row, and tells nothing else."""
        if self.columns.features or self.columns.id is not None:
            return
        name = _first_named(_ID_NAMES, self._free())
        if name is not None:
            raise DataError(
                f"column {name!r} of {self.cells.source} looks like the name of a sequence: say by "
                f"id that it is, or name the features without it"
            )

    def _features(self) -> list[str]:
        if self.columns.features:
            return list(self.columns.features)
        free = [*self._free(), *self.columns.words]
        names = [name for name in self.cells.names if name in free]
        if self.columns.layout == "wide":
            return wide_features(self.cells, self.columns)
        empty = [name for name in names if self.cells.kind(name) == "empty"]
        if empty and len(empty) < len(names) and not self._are_wide(names):
            found = "columns left out, since they are empty: {names}"
            self.notes.append(Message(found, {"names": listed(empty)}))
            names = [name for name in names if name not in empty]
        return names

    def _are_wide(self, features: Sequence[str]) -> bool:
        if self.columns.id is not None or self.columns.words or self.columns.layout is not None:
            return False
        if any(self.cells.kind(name) in ("words", "nested") for name in features):
            return False
        return run_of_numbers(features) or (self.cells.numbered and len(features) >= _LEAST_RUN)

    def _row_layout(self, features: Sequence[str]) -> Literal["wide", "flat"]:
        if not self._are_wide(features):
            found = "each row is read as a sequence of one step: a row is no sequence in time"
            self.notes.append(Message(found))
            return "flat"
        found = (
            "each row is read as a sequence, its steps from left to right: columns {first} to "
            "{last} ({count:,}); say layout flat if they are different things"
        )
        ends = {"first": repr(features[0]), "last": repr(features[-1])}
        self.notes.append(Message(found, {**ends, "count": len(features)}))
        return "wide"


def wide_features(cells: Cells, columns: ExampleColumns) -> list[str]:
    """Return the columns of a table in layout `wide` that hold the steps, from left to right.

    Args:
        cells: the beginning of the table.
        columns: what the user said; without features, all columns of numbers that are nothing else.
    """
    if columns.features:
        return list(columns.features)
    taken = {*columns.inputs, *columns.answers}
    kinds = cells.kinds
    return [
        name for name, kind in kinds.items() if name not in taken and kind in ("numbers", "empty")
    ]


def _first_named(known: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the only name that is the first of `known` to be there, in capitals or not."""
    folded = [name.strip().casefold() for name in names]
    for candidate in known:
        if folded.count(candidate) == 1:
            return names[folded.index(candidate)]
    return None


def _kind(column: Sequence[Any]) -> _Kind:
    """Return what cells are; over 90 % numbers are numbers with mistakes among them."""
    cells = [cell for cell in column if not is_missing(cell)]
    if not cells:
        return "empty"
    if any(isinstance(cell, (list, tuple, dict)) or getattr(cell, "ndim", 0) for cell in cells):
        return "nested"
    count = sum(_is_number(cell) for cell in cells)
    return "numbers" if count > _MOSTLY * len(cells) else "words"


def _repeats(cells: Sequence[Any]) -> bool:
    """Tell whether labels repeat, unless there are but few rows."""
    texts = [str(cell).strip() for cell in cells]
    return len(texts) < _FEW or 2 * len(set(texts)) <= len(texts)


def _holds_texts(cells: Sequence[Any]) -> bool:
    texts = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    if not texts:
        return False
    words = sum(len(text.split()) for text in texts) / len(texts)
    letters = sum(map(len, texts)) / len(texts)
    hardly_repeats = 2 * len(set(texts)) > len(texts)
    return hardly_repeats and (words >= _FREE_WORDS or letters >= _FREE_LETTERS)


def _is_number(cell: object) -> bool:
    if isinstance(cell, str):
        return looks_like_number(cell)
    return type(cell).__name__ not in ("bool", "bool_") and hasattr(cell, "__float__")
