"""Divide a panel, in the order of time, into what is known and what is tested.

An *origin* is the first row that a forecast does not know. Its context ends just before it and may
reach back over a border; its targets, rows `origin .. origin+H-1`, lie inside one part. Parts are
ranges of ticks, the same for all series: what happened after a border in one series teaches nothing
to a network that is tested before it in another.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnkit.data.panel import IntArray, Panel
from rnnkit.errors import DataError


@dataclass(frozen=True)
class Split:
    """Ticks `[0, known)` to learn from, ticks `[known, rows)` to test on.

    Networks learn from windows whose targets lie in the known rows and touch no row of their
    validation block, and stop early by the windows whose targets lie in it.

    Args:
        known: end of the known ticks, where the test part begins.
        rows: end of the test part; equal to `known` if there is none.
        blocks: `(start, end)` of each validation block, in the order of time. One block lies at
            the end of the known rows; several divide them, and each network has its own.
        reach: rows that a whole window has before its origin.
        horizon: rows of a forecast, `H`.
    """

    known: int
    rows: int
    blocks: tuple[tuple[int, int], ...]
    reach: int
    horizon: int

    @property
    def trained(self) -> int:
        """End of the training part, on which transform and inputs are chosen.

        A validation part at the end of the known rows is none of it. Where each network leaves out
        a block of its own, every known row trains some network, and all are the training part.
        """
        return self.blocks[0][0] if len(self.blocks) == 1 else self.known

    def all_origins(self, panel: Panel) -> IntArray:
        """Return the rows of all origins whose targets are known."""
        return self._origins(panel, 0, self.known)

    def train_origins(self, panel: Panel, network: int) -> IntArray:
        """Return the origins whose targets touch no row of the network's validation block."""
        start, end = self.blocks[network % len(self.blocks)]
        before, after = self._origins(panel, 0, start), self._origins(panel, end, self.known)
        return np.sort(np.concatenate([before, after]))

    def validation_origins(self, panel: Panel, network: int) -> IntArray:
        """Return the origins whose targets all lie in the network's validation block."""
        start, end = self.blocks[network % len(self.blocks)]
        return self._origins(panel, start, end)

    def test_origins(self, panel: Panel, stride: int = 1) -> IntArray:
        """Return the origins whose targets all lie in the test part, every `stride`-th of each.

        A series is tested from its first row on that has one before the test part.
        """
        begun = panel.ticks < self.known
        least = np.where(begun, 1, np.iinfo(np.int64).max // 2)
        return origins_between(
            panel, self.known, self.rows, least=least, horizon=self.horizon, stride=stride
        )

    def _origins(self, panel: Panel, low: int, high: int) -> IntArray:
        """Return the origins with a whole window, or half of a series too short for one."""
        rows = np.minimum(panel.known, self.known - panel.ticks)
        least = np.where(rows >= self.reach + self.horizon, self.reach, np.maximum(1, rows // 2))
        return origins_between(panel, low, high, least=least, horizon=self.horizon)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {**vars(self), "blocks": [list(block) for block in self.blocks]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Split:
        """Return the split that `to_json` wrote."""
        blocks = tuple((int(start), int(end)) for start, end in values["blocks"])
        return cls(**{**values, "blocks": blocks})


def origins_between(
    panel: Panel, low: int, high: int, *, least: IntArray, horizon: int, stride: int = 1
) -> IntArray:
    """Return the rows of the origins whose targets are known and lie in ticks `[low, high)`.

    Origins at which every target is missing are left out.

    Args:
        panel: the series.
        low: the first tick.
        high: the tick after the last.
        least: `(S,)` rows that must lie before an origin in each series.
        horizon: rows of a forecast.
        stride: takes every so many-th origin of each series.
    """
    first = np.maximum(low - panel.ticks, least)
    last = np.minimum(high - panel.ticks, panel.known) - horizon
    counts = np.maximum(0, -(-(last - first + 1) // stride))
    numbers = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(panel.starts[:-1] + first, counts) + numbers * stride
    observed = np.concatenate([[0], np.cumsum(~np.isnan(panel.values).all(axis=1))])
    return np.asarray(rows[observed[rows + horizon] > observed[rows]], dtype=np.int64)


def rows_needed(horizon: int, reach: int, test_size: int, validation_size: int, blocks: int) -> int:
    """Return the fewest rows for which each network has something to learn from and to stop by."""
    learned = 2 * horizon + 2 if blocks > 1 else horizon + validation_size
    return reach + learned + test_size


def split_by_time(
    *,
    known: int,
    rows: int,
    horizon: int,
    reach: int,
    validation_size: int,
    blocks: int,
    first: int | None = None,
) -> Split:
    """Split the ticks `[0, rows)` at `known`.

    Args:
        known: where the test part begins.
        rows: where it ends.
        horizon: rows of a forecast.
        reach: rows before an origin that a window needs.
        validation_size: rows of the validation block, if there is one.
        blocks: validation blocks. Several divide the rows that can be targets evenly; there are
            fewer where a block would be shorter than a horizon, but at least two.
        first: the first row that can be a target; by default `reach`.

    Raises:
        DataError: if there are fewer rows than `rows_needed`.

    Example:
        >>> split_by_time(
        ...     known=132, rows=144, horizon=12, reach=24, validation_size=24, blocks=3).blocks
        ((24, 60), (60, 96), (96, 132))
    """
    first = reach if first is None else first
    needed = rows_needed(horizon, first, rows - known, validation_size, blocks)
    if rows < needed:
        raise DataError(f"the data have {rows} rows, but {needed} are needed: give more rows")
    if blocks == 1:
        borders = [known - validation_size, known]
    else:
        count = min(blocks, (known - first) // (horizon + 1))
        borders = np.linspace(first, known, count + 1).round().astype(int).tolist()
    return Split(known, rows, tuple(itertools.pairwise(borders)), reach, horizon)
