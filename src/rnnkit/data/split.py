"""Divide the rows of a series, in the order of time, into what is known and what is tested.

An *origin* is the first row that a forecast does not know. Its context ends just before it and may
reach back over a border; its targets, rows `origin .. origin+H-1`, lie inside one part.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnkit.data.scaling import IntArray
from rnnkit.errors import DataError


@dataclass(frozen=True)
class Split:
    """Rows `[0, known)` to learn from, rows `[known, rows)` to test on.

    Networks learn from windows whose targets lie in the known rows and touch no row of their
    validation block, and stop early by the windows whose targets lie in it.

    Args:
        known: end of the known rows, where the test part begins.
        rows: end of the test part; equal to `known` if there is none.
        blocks: `(start, end)` of each validation block, in the order of time. One block lies at
            the end of the known rows; several divide them, and each network has its own.
        first: the first origin that has all the rows before it that a window needs.
        horizon: rows of a forecast, `H`.
    """

    known: int
    rows: int
    blocks: tuple[tuple[int, int], ...]
    first: int
    horizon: int

    @property
    def trained(self) -> int:
        """End of the training part, on which transform and inputs are chosen.

        A validation part at the end of the known rows is none of it. Where each network leaves out
        a block of its own, every known row trains some network, and all are the training part.
        """
        return self.blocks[0][0] if len(self.blocks) == 1 else self.known

    def all_origins(self) -> IntArray:
        """Return all origins whose targets are known."""
        return np.arange(self.first, self.known - self.horizon + 1, dtype=np.int64)

    def train_origins(self, network: int) -> IntArray:
        """Return the origins whose targets touch no row of the network's validation block."""
        start, end = self.blocks[network % len(self.blocks)]
        origins = self.all_origins()
        return origins[(origins + self.horizon <= start) | (origins >= end)]

    def validation_origins(self, network: int) -> IntArray:
        """Return the origins whose targets all lie in the network's validation block."""
        start, end = self.blocks[network % len(self.blocks)]
        origins = self.all_origins()
        return origins[(origins >= start) & (origins + self.horizon <= end)]

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {**vars(self), "blocks": [list(block) for block in self.blocks]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Split:
        """Return the split that `to_json` wrote."""
        blocks = tuple((int(start), int(end)) for start, end in values["blocks"])
        return cls(**{**values, "blocks": blocks})


def rows_needed(horizon: int, reach: int, test_size: int, validation_size: int, blocks: int) -> int:
    """Return the fewest rows for which each network has something to learn from and to stop by."""
    learned = 2 * horizon + 2 if blocks > 1 else horizon + validation_size
    return reach + learned + test_size


def split_by_time(
    rows: int,
    *,
    horizon: int,
    reach: int,
    test_size: int,
    validation_size: int,
    blocks: int,
) -> Split:
    """Split `rows` rows.

    Args:
        rows: rows of the series.
        horizon: rows of a forecast.
        reach: rows before an origin that a window needs.
        test_size: rows of the test part; 0 for none.
        validation_size: rows of the validation block, if there is one.
        blocks: validation blocks. Several divide the rows that can be targets evenly; there are
            fewer where a block would be shorter than a horizon, but at least two.

    Raises:
        DataError: if there are fewer rows than `rows_needed`.

    Example:
        >>> split_by_time(
        ...     144, horizon=12, reach=24, test_size=12, validation_size=24, blocks=3).blocks
        ((24, 60), (60, 96), (96, 132))
    """
    needed = rows_needed(horizon, reach, test_size, validation_size, blocks)
    if rows < needed:
        raise DataError(f"the data have {rows} rows, but {needed} are needed: give more rows")
    known = rows - test_size
    if blocks == 1:
        borders = [known - validation_size, known]
    else:
        count = min(blocks, (known - reach) // (horizon + 1))
        borders = np.linspace(reach, known, count + 1).round().astype(int).tolist()
    pairs = tuple(itertools.pairwise(borders))
    return Split(known, rows, pairs, reach, horizon)
