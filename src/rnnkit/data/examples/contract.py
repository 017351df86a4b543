"""What readers give: examples (a sequence and what is to be said of it) and tagged sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.ragged import Ragged
from rnnkit.messages import Message

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Signals:
    """Sequences of numbers, and of labels beside them.

    Args:
        numbers: `(N, I)` float64 of `S` sequences; NaN where a value is missing.
        channels: the names of the `I` columns.
        labels: `(N, Q)` of str (dtype object), "" where missing: columns that hold words.
        label_channels: the names of the `Q` columns.
        steps: where a row of a table is a sequence, the names of the columns of its steps.
    """

    numbers: Ragged
    channels: tuple[str, ...]
    labels: NDArray[np.object_]
    label_channels: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> Signals:
        """Return the sequences `index`, in that order."""
        rows = Ragged(np.arange(len(self.numbers.values)), self.numbers.starts).take(index).values
        return replace(self, numbers=self.numbers.take(index), labels=self.labels[rows])


@dataclass(frozen=True, eq=False)
class _PlaceOfChosen:
    """Says where the chosen one of several stands; unlike a lambda, it can be pickled."""

    place: Callable[[int], str]
    index: NDArray[np.int64]

    def __call__(self, number: int) -> str:
        return self.place(int(self.index[number]))


@dataclass(frozen=True, eq=False)
class Examples:
    """`S` sequences, each with what is to be said of it: its class, its numbers, or nothing yet.

    Args:
        name: what the data are called.
        texts: `S` texts as they were written, in memory or in a file, or
        signals: `S` sequences of numbers; one of the two is `None`.
        classes: `S` labels as they were written; `None` where there are none.
        targets: `(S, K)` float64 to be predicted; `None` where there are none.
        target_names: of the `K` numbers.
        place: where example `i` stands, such as "row 17 of reviews.csv", for errors.
        notes: what reading found and did about it.
    """

    name: str
    texts: Sequence[str] | None
    signals: Signals | None
    classes: tuple[str, ...] | None
    targets: FloatArray | None
    place: Callable[[int], str]
    target_names: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()

    def __len__(self) -> int:
        sequences: Any = self.signals if self.texts is None else self.texts
        return len(sequences)

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> Examples:
        """Return the examples `index`, in that order."""
        chosen = np.asarray(index, dtype=np.int64)
        return replace(
            self,
            texts=None if self.texts is None else _taken(self.texts, chosen),
            signals=None if self.signals is None else self.signals.take(chosen),
            classes=None if self.classes is None else _taken(self.classes, chosen),
            targets=None if self.targets is None else self.targets[chosen],
            place=_PlaceOfChosen(self.place, chosen),
        )


@runtime_checkable
class _View(Protocol):
    """Texts of which some can be taken without a copy."""

    def take(self, index: NDArray[np.int64]) -> Sequence[str]: ...


def _taken(texts: Sequence[str], index: NDArray[np.int64]) -> Any:
    return texts.take(index) if isinstance(texts, _View) else tuple(texts[i] for i in index)


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences of words, each word with its tag.

    Args:
        name: what the data are called.
        words: one tuple of words a sentence, at least one word each.
        tags: as many tags; `None` where there are none.
        place: where sentence `i` begins, such as "line 17 of train.conllu", for errors.
        notes: what reading found and did about it.
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...] | None
    place: Callable[[int], str]
    notes: tuple[Message, ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> Sentences:
        """Return the sentences `index`, in that order."""
        chosen = np.asarray(index, dtype=np.int64)
        return replace(
            self,
            words=tuple(self.words[i] for i in chosen),
            tags=None if self.tags is None else tuple(self.tags[i] for i in chosen),
            place=_PlaceOfChosen(self.place, chosen),
        )
