"""From what a user gives to training, validation and test part."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.given import examples_of
from rnnkit.data.examples.reading import find_columns, read_examples
from rnnkit.data.examples.stored import read_stored
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.tasks.labels.config import FEW, LabelOptions, ensemble_size
from rnnkit.tasks.labels.parts import (
    TEST_SHARE,
    Groups,
    IntArray,
    find_groups,
    sequence_key,
    split_off,
    validation_size,
)

Source = Any  # a path, a frame, Examples, or texts and arrays (with y beside them)


@dataclass(frozen=True, eq=False)
class LabelParts:
    """Examples, divided.

    Args:
        train: what is learned from.
        groups: which of these are equal.
        validation: what early stopping looks at; `None` where networks leave out folds of `train`.
        test: what is scored; `None` for nothing.
        columns: what the columns of a table are, those found included.
        notes: how it was divided.
    """

    train: Examples
    groups: Groups
    validation: Examples | None
    test: Examples | None
    columns: ExampleColumns
    notes: tuple[Message, ...]

    @property
    def warnings(self) -> tuple[Message, ...]:
        """What should be known of these data beside any score."""
        signals = self.train.signals
        if signals is None or signals.numbers.lengths.max(initial=0) > 1:
            return ()
        return (
            Message(
                "A row is not a sequence: each example has a single step, so there is nothing for a"
                " recurrent network to remember, and methods for tables are the right tool."
            ),
        )


def read_source(
    source: Source,
    y: Any,
    columns: ExampleColumns,
    wants: Wants,
    part: str = "train",
    scratch: Path | None = None,
) -> Examples:
    """Return the examples that a user gave in one of many forms.

    With `scratch` the texts of a file go to a temporary file on the disk of that folder.
    """
    if isinstance(source, Examples):
        return source
    if scratch is not None and isinstance(source, (str, Path)) and y is None:
        return read_stored(source, columns, wants=wants, folder=scratch)[0]
    if isinstance(source, (str, Path, pd.DataFrame)) and y is None:
        return read_examples(source, columns, wants=wants, part=part)  # type: ignore[arg-type]
    return examples_of(source, y, wants=wants)


def brings_test(source: Source) -> bool:
    """Return whether a source has a test part of its own: a folder or a `.npz` file may."""
    if not isinstance(source, (str, Path)):
        return False
    path = Path(source)
    if path.is_dir():
        return (path / "train").is_dir() and (path / "test").is_dir()
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {"x_train.npy", "x_test.npy"} <= set(archive.namelist())


def as_columns(columns: ExampleColumns | Mapping[str, Any] | None) -> ExampleColumns:
    """Return columns that were given as a mapping, or not at all, as `ExampleColumns`."""
    if columns is None:
        return ExampleColumns()
    return columns if isinstance(columns, ExampleColumns) else ExampleColumns.from_json(columns)


def divide(
    source: Source,
    y: Any,
    validation: Source | None,
    test: Source | None,
    columns: ExampleColumns,
    config: LabelOptions,
    wants: Wants,
    scratch: Path | None = None,
) -> LabelParts:
    """Read and divide what a user gave.

    Without test data a fifth of a file is kept for the test; of arrays with `y` beside them
    nothing is, unless `test_size` asks for it. With `scratch` files are read in pieces, and their
    texts go to temporary files on the disk of that folder.

    Raises:
        DataError: if something cannot be read, or there is nothing left to learn from.
        ConfigError: if sizes contradict the data given, or they cannot be read in pieces.
    """
    is_table = isinstance(source, (str, Path, pd.DataFrame)) and y is None
    if scratch is not None:
        if not isinstance(source, (str, Path)) or y is not None:
            raise ConfigError(
                f"stream reads a file in pieces, and data of type {type(source).__name__} are in"
                f" memory: leave stream out"
            )
        examples, columns = read_stored(source, columns, wants=wants, folder=scratch)
    else:
        examples = read_source(source, y, columns, wants)
        if is_table:
            columns = find_columns(source, columns, wants=wants)
    if not len(examples):
        raise DataError(f"{examples.name} holds no examples, and at least 2 are needed")
    for name, given in (("test", test), ("validation", validation)):
        if given is not None and getattr(config, f"{name}_size") is not None:
            raise ConfigError(
                f"{name}_size is the part of the data that is kept when no {name} data are given:"
                f" leave it or them out"
            )
    notes: list[Message] = []
    if test is None and config.test_size is None and y is None and brings_test(source):
        test = source
        notes.append(Message("scored on the test part that the data bring along"))
    groups = find_groups(examples, _strata(examples))
    chosen = np.arange(len(examples))
    tested = None if test is None else _pair(test, columns, wants, scratch)
    size = config.test_size
    if size is None:
        size = TEST_SHARE if is_table else 0
    if tested is None and size:
        chosen, kept = split_off(groups, size, config.seed, name="test_size")
        if not len(kept):
            raise DataError(
                f"{examples.name} has too few different examples for a test: of its"
                f" {len(examples)}, {len(groups.strata)} are different, and equal ones and the only"
                f" one of a class stay together; give test data, or test_size 0"
            )
        tested = examples.take(kept)
        notes.append(
            Message(
                "{count:,} of the {all:,} examples, drawn at random, are kept for the test",
                {"count": len(kept), "all": len(examples)},
            )
        )
    held = None if validation is None else _pair(validation, columns, wants, scratch)
    size = config.validation_size
    folded = len(chosen) < FEW and ensemble_size(config, len(chosen)) > 1
    if held is None and size != 0 and (size or not folded):
        inner = groups.take(chosen)
        size = validation_size(len(chosen)) if size is None else size
        stay, kept = split_off(inner, size, config.seed, name="validation_size")
        if len(kept):
            held = examples.take(chosen[kept])
            chosen = chosen[stay]
    train = examples if len(chosen) == len(examples) else examples.take(chosen)
    if test is not None and tested is not None:
        notes += [*tested.notes, *_shared(train, held, tested)]
    if validation is not None and held is not None:
        notes += [*held.notes, *_overlap(train, held)]
    said = tuple(note for note in dict.fromkeys(notes) if note not in train.notes)
    return LabelParts(train, groups.take(chosen), held, tested, columns, said)


def _pair(given: Any, columns: ExampleColumns, wants: Wants, scratch: Path | None) -> Examples:
    """Read test or validation data, which as arrays are a pair (X, y)."""
    if isinstance(given, tuple) and len(given) == 2:
        return read_source(given[0], given[1], columns, wants)
    part = "test" if brings_test(given) else "train"
    return read_source(given, None, columns, wants, part, scratch)


def _strata(examples: Examples) -> IntArray | None:
    if examples.classes is None:
        return None
    codes = np.unique(np.array(examples.classes, dtype=object), return_inverse=True)[1]
    return codes.astype(np.int64)


def _overlap(train: Examples, held: Examples) -> list[Message]:
    """Say how many validation sequences are learned from, which early stopping cannot see then."""
    known = set(map(sequence_key(train), range(len(train))))
    key = sequence_key(held)
    count = sum(key(i) in known for i in range(len(held)))
    if not count:
        return []
    template = "{count:,} of the {all:,} validation sequences also stand in the training data"
    return [Message(template, {"count": count, "all": len(held)})]


def _shared(train: Examples, held: Examples | None, test: Examples) -> list[Message]:
    """Say how many test sequences were learned from."""
    known: set[bytes] = set()
    for part in filter(None, (train, held)):
        known.update(map(sequence_key(part), range(len(part))))
    key = sequence_key(test)
    count = sum(key(i) in known for i in range(len(test)))
    if not count:
        return []
    template = "{count:,} of the {all:,} test sequences also stand in the data learned from"
    return [Message(template, {"count": count, "all": len(test)})]
