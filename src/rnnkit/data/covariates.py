"""Covariates as a network reads them, encoded by what the training part held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnkit.data.choosing import usable_scale
from rnnkit.data.columns import Role
from rnnkit.data.panel import MISSING, Covariate, Panel
from rnnkit.data.rows import BoolArray, Rows
from rnnkit.errors import DataError

LARGEST = 1e30  # of an input: beyond, float32 would overflow
_WIDEST = 16  # numbers that a label is embedded in, at the most


@dataclass(frozen=True)
class Encoding:
    """How one covariate is turned into numbers.

    Args:
        name: of the column.
        role: of the column.
        center: subtracted from numbers: their mean in the training part.
        scale: divided by: their standard deviation there.
        labels: those of the training part, sorted, in the order of their codes 1, 2, …; code 0 is
            for all others and for missing ones. `None` for numbers.
    """

    name: str
    role: Role
    center: float = 0.0
    scale: float = 1.0
    labels: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """Numbers that a label is embedded in: half of how many labels there are."""
        return 0 if self.labels is None else min(_WIDEST, (len(self.labels) + 2) // 2)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {**vars(self), "labels": None if self.labels is None else list(self.labels)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Encoding:
        """Return the encoding that `to_json` wrote."""
        labels = values["labels"]
        return cls(**{**values, "labels": None if labels is None else tuple(labels)})


@dataclass(frozen=True, eq=False)
class Encoded:
    """Covariates of all rows, encoded; numbers and codes in the order of the encodings.

    Args:
        numbers: `(R, P)` float32, 0 where missing.
        codes: `(R, Q)` int64.
    """

    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]


def fit_encodings(rows: Rows, training: BoolArray) -> tuple[Encoding, ...]:
    """Return the encodings of a panel's covariates, fitted on the rows `training (R,)` alone."""
    encodings = []
    p = q = 0
    for covariate in rows.panel.covariates:
        if covariate.labels is None:
            known = rows.numbers[training, p]
            known = known[~np.isnan(known)]
            center = float(known.mean()) if known.size else 0.0
            scale = usable_scale(float(known.std()), known) if known.size else 1.0
            encodings.append(Encoding(covariate.name, covariate.role, center, scale))
            p += 1
        else:
            seen = np.unique(rows.panel.codes[training, q])
            labels = tuple(covariate.labels[code] for code in seen if code != MISSING)
            encodings.append(Encoding(covariate.name, covariate.role, labels=labels))
            q += 1
    return tuple(encodings)


def encode(rows: Rows, encodings: tuple[Encoding, ...]) -> Encoded:
    """Return the covariates of `rows` as the encodings say."""
    check_covariates(rows.panel, encodings)
    numbers, codes = [], []
    p = q = 0
    for covariate, encoding in zip(rows.panel.covariates, encodings, strict=True):
        if encoding.labels is None:
            scaled = (rows.numbers[:, p] - encoding.center) / encoding.scale
            numbers.append(np.clip(np.nan_to_num(scaled, nan=0.0), -LARGEST, LARGEST))
            p += 1
        else:
            place = {label: code for code, label in enumerate(encoding.labels, start=1)}
            table = [place.get(label, 0) for label in covariate.labels or ()]
            # The last entry answers for MISSING, which is -1.
            codes.append(np.array([*table, 0], dtype=np.int64)[rows.panel.codes[:, q]])
            q += 1
    R = len(rows.values)
    return Encoded(
        np.stack(numbers, axis=1).astype(np.float32) if numbers else np.empty((R, 0), np.float32),
        np.stack(codes, axis=1) if codes else np.empty((R, 0), np.int64),
    )


def check_covariates(panel: Panel, encodings: tuple[Encoding, ...]) -> None:
    """Raise DataError unless the panel has the covariates of the encodings."""

    def form(column: Covariate | Encoding) -> str:
        return f"{column.name} ({column.role}, {'numbers' if column.labels is None else 'labels'})"

    ours, theirs = list(map(form, encodings)), list(map(form, panel.covariates))
    if ours != theirs:
        raise DataError(
            f"{panel.name} has the covariates {', '.join(theirs) or 'none'}, but"
            f" {', '.join(ours) or 'none'} are expected: give data of the same form"
        )
