"""What the outputs of a network stand for: classes, or numbers in their units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.examples.contract import Examples
from rnnkit.data.signals import check_size
from rnnkit.errors import DataError
from rnnkit.metrics.labels import UNSEEN

FloatArray = NDArray[np.float64]
Kind = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True)
class Meaning:
    """Names and units of `K` outputs.

    Args:
        classes: the labels; empty for numbers.
        targets: names of the numbers; empty for classes.
        center: of each number, added to `unit` times the network's output.
        unit: of each number.
        kind: what the labels were given as: `str`, `int`, `float` or `bool`.
    """

    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    center: tuple[float, ...] = ()
    unit: tuple[float, ...] = ()
    kind: Kind = "str"

    @classmethod
    def of(cls, train: Examples) -> Meaning:
        """Return what is to be said of a training part.

        Raises:
            DataError: if it has a single class.
        """
        if train.classes is not None:
            classes = in_order(train.classes)
            if len(classes) < 2:
                raise DataError(
                    f"{train.name} has a single class, {classes[0]!r}, to learn from, and at least"
                    " 2 are needed"
                )
            return cls(classes=classes)
        assert train.targets is not None
        for name, column in zip(train.target_names, train.targets.T, strict=True):
            check_size(column, name)
        spread = train.targets.std(axis=0)
        return cls(
            targets=train.target_names,
            center=tuple(train.targets.mean(axis=0).tolist()),
            unit=tuple(np.where(spread > 0, spread, 1.0).tolist()),
        )

    @property
    def outputs(self) -> int:
        """K."""
        return len(self.classes) or len(self.targets)

    def actual(self, examples: Examples) -> NDArray[Any]:
        """Return `(S,)` int64 classes, -1 for one that is not among them, or `(S, K)` numbers."""
        if not self.classes:
            assert examples.targets is not None
            for name, column in zip(self.targets, examples.targets.T, strict=True):
                check_size(column, name)
            return examples.targets
        assert examples.classes is not None
        numbers = {label: k for k, label in enumerate(self.classes)}
        return np.array([numbers.get(label, UNSEEN) for label in examples.classes], dtype=np.int64)

    def learned(self, examples: Examples) -> Tensor:
        """Return what a network learns: `(S,)` int64 classes or `(S, K)` float32 numbers."""
        actual = self.actual(examples)
        if self.classes:
            return torch.from_numpy(actual)
        return torch.from_numpy(((actual - self.center) / self.unit).astype(np.float32))

    def labels(self) -> NDArray[Any]:
        """Return the classes as they were given, `(K,)`."""
        if self.kind == "bool":
            return np.array([label == "True" for label in self.classes])
        if self.kind == "str":
            return np.array(self.classes)
        numbers = np.array([float(label) for label in self.classes])
        return numbers if self.kind == "float" else numbers.astype(np.int64)

    def read(self, outputs: FloatArray) -> FloatArray:
        """Return `(S, K)` outputs as probabilities, which they are, or numbers in their units."""
        return outputs if self.classes else outputs * self.unit + self.center

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "classes": list(self.classes),
            "targets": list(self.targets),
            "center": list(self.center),
            "unit": list(self.unit),
            "kind": self.kind,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Meaning:
        """Return the meaning that `to_json` wrote."""
        return cls(
            tuple(plain["classes"]),
            tuple(plain["targets"]),
            tuple(plain["center"]),
            tuple(plain["unit"]),
            plain["kind"],
        )


def in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the different labels in order: that of numbers where all are numbers.

    Example:
        >>> in_order(["10", "9", "10"]), in_order(["b", "10", "9"])
        (('9', '10'), ('10', '9', 'b'))
    """
    different = sorted(set(labels))
    try:
        return tuple(sorted(different, key=float))
    except ValueError:
        return tuple(different)
