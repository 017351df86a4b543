"""Sequences of numbers as a network reads them: scaled, with gaps marked and labels coded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.examples.contract import Signals
from rnnkit.data.ragged import Ragged
from rnnkit.errors import DataError

MOST_LABELS = 1000  # of a column that are known, the most frequent of the training part
LARGEST = 1e100  # of numbers; sums of their squares stay finite
WIDEST = 16  # numbers that a label is embedded in, at the most


@dataclass(frozen=True)
class SignalCodec:
    """What turns signals into a network's inputs, fitted on the training part.

    Numbers are `(x - mean) / scale` of their channel, 0 where one is missing. Where the training
    part lacks any, each channel has a second one that is 1 where the first was missing.

    Args:
        channels: names of the columns of numbers.
        label_channels: names of the columns of labels.
        mean: of each channel.
        scale: standard deviation of each channel, 1 where it does not vary.
        gaps: whether there are channels that say where a number was missing.
        labels: the known labels of each column, the first with code 1; 0 stands for all others.
        steps: the names of the columns, where each column is a step; empty otherwise.

    Example:
        >>> import numpy as np
        >>> numbers = Ragged.join([np.array([[1.0], [3.0]]), np.array([[5.0]])])
        >>> signals = Signals(numbers, ("x",), np.empty((3, 0), dtype=object))
        >>> codec = SignalCodec.fit(signals)
        >>> codec.numbers(signals)[1].tolist()
        [[1.2247449159622192]]
    """

    channels: tuple[str, ...]
    label_channels: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    gaps: bool
    labels: tuple[tuple[str, ...], ...]
    steps: tuple[str, ...] = ()

    @classmethod
    def fit(cls, signals: Signals) -> SignalCodec:
        """Return the codec of a training part.

        Raises:
            DataError: if numbers are so large that their squares cannot be computed.
        """
        values = signals.numbers.values
        for name, column in zip(signals.channels, values.T, strict=True):
            check_size(column, name)
        present = ~np.isnan(values)
        counts = np.maximum(present.sum(axis=0), 1)
        mean = np.where(present, values, 0.0).sum(axis=0) / counts
        spread = np.sqrt(np.where(present, (values - mean) ** 2, 0.0).sum(axis=0) / counts)
        # A spread within the rounding of the mean is none.
        usable = spread > 1e-12 * np.maximum(np.abs(mean), 1e-300)
        return cls(
            channels=signals.channels,
            label_channels=signals.label_channels,
            mean=tuple(mean.tolist()),
            scale=tuple(np.where(usable, spread, 1.0).tolist()),
            gaps=bool((~present).any()),
            labels=tuple(_most_frequent(column) for column in signals.labels.T),
            steps=signals.steps,
        )

    @property
    def width(self) -> int:
        """Numbers of a step; at least 1."""
        return max(1, len(self.channels) * (2 if self.gaps else 1))

    @property
    def label_sizes(self) -> tuple[tuple[int, int], ...]:
        """`(count, width)` of each column of labels: its codes, and what they are embedded in."""
        counts = (len(labels) + 1 for labels in self.labels)
        return tuple((count, min(WIDEST, (count + 3) // 2)) for count in counts)

    def check(self, signals: Signals, name: str) -> None:
        """Refuse signals of other columns than those of the training part.

        Raises:
            DataError: naming both.
        """
        for what, known, given in (
            ("columns of numbers", self.channels, signals.channels),
            ("columns of labels", self.label_channels, signals.label_channels),
        ):
            if len(known) != len(given):
                raise DataError(
                    f"{name} has {len(given)} {what} ({', '.join(given)}), and the training data"
                    f" have {len(known)} ({', '.join(known)}): give the same ones"
                )
        for known_step, given_step in zip(self.steps, signals.steps, strict=False):
            if known_step != given_step:
                raise DataError(
                    f"{name} has the column {given_step!r} where the training data have"
                    f" {known_step!r}: give the same steps in the same order"
                )

    def numbers(self, signals: Signals) -> Ragged:
        """Return `S` sequences of float32 `(N, width)`."""
        values = signals.numbers.values
        missing = np.isnan(values)
        scaled = np.where(missing, 0.0, (values - self.mean) / self.scale)
        if self.gaps:
            scaled = np.concatenate([scaled, missing], axis=1)
        if not self.channels:
            scaled = np.zeros((len(values), 1))
        largest = np.finfo(np.float32).max
        return Ragged(np.clip(scaled, -largest, largest).astype(np.float32), signals.numbers.starts)

    def codes(self, signals: Signals) -> Ragged | None:
        """Return `S` sequences of codes `(N, Q)`; `None` where there are no labels."""
        if not self.labels:
            return None
        known = [{label: k for k, label in enumerate(labels, 1)} for labels in self.labels]
        coded = np.array(
            [
                [table.get(label, 0) for table, label in zip(known, row, strict=True)]
                for row in signals.labels
            ],
            dtype=np.int32,
        ).reshape(len(signals.labels), len(self.labels))
        return Ragged(coded, signals.numbers.starts)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "channels": list(self.channels),
            "label_channels": list(self.label_channels),
            "mean": list(self.mean),
            "scale": list(self.scale),
            "gaps": self.gaps,
            "labels": [list(labels) for labels in self.labels],
            "steps": list(self.steps),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> SignalCodec:
        """Return the codec that `to_json` wrote."""
        return cls(
            tuple(plain["channels"]),
            tuple(plain["label_channels"]),
            tuple(plain["mean"]),
            tuple(plain["scale"]),
            bool(plain["gaps"]),
            tuple(tuple(labels) for labels in plain["labels"]),
            tuple(plain["steps"]),
        )


def check_size(values: NDArray[np.float64], name: str) -> None:
    """Refuse numbers whose squares cannot be summed.

    Args:
        values: `(N,)`; NaN where one is missing.
        name: of their column.

    Raises:
        DataError: naming the column and its largest number.
    """
    largest = np.abs(values[~np.isnan(values)]).max(initial=0.0)
    if largest > LARGEST:
        raise DataError(
            f"column {name!r} reaches {largest:.0e}, and the squares of such numbers cannot be"
            f" computed: give it in larger units, or leave it out"
        )


def _most_frequent(column: NDArray[np.object_]) -> tuple[str, ...]:
    labels, counts = np.unique(column.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_LABELS]
    return tuple(str(label) for label in labels[order] if label)
