"""Contexts and targets of a panel, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rnnkit.data.covariates import LARGEST, Encoded
from rnnkit.data.features import Features
from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.data.rows import BoolArray, Rows
from rnnkit.data.scaling import Levels, SeriesTransform
from rnnkit.sequence import SequenceBatch

_CACHE = 64_000_000  # numbers in all contexts together, below which they are built once: 256 MB
_CHUNK = 1024


@dataclass(frozen=True)
class ForecastBatch(SequenceBatch):
    """Contexts, and what is known of the rows to be forecast.

    Args:
        codes: `(B, T, Q)` int64, labels of the context's rows.
        future: `(B, H, F)` float32, what is known beforehand of the rows to be forecast.
        future_codes: `(B, H, G)` int64, labels of those.
        weights: `(B, H, K)` float32, 1 where a target counts and 0 where it is missing; `None`
            where all count.
    """

    codes: Tensor | None = None
    future: Tensor | None = None
    future_codes: Tensor | None = None
    weights: Tensor | None = None

    def to(self, device: torch.device | str) -> ForecastBatch:
        """Return the batch on `device`."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return ForecastBatch(
            self.values.to(device),
            move(self.lengths),
            move(self.targets),
            move(self.codes),
            move(self.future),
            move(self.future_codes),
            move(self.weights),
        )


@dataclass(frozen=True, eq=False)
class Inputs:
    """What contexts are built from; one for all windows of a panel.

    Args:
        rows: the panel's arrays.
        covariates: encoded.
        transform: of the targets.
        levels: of each series.
        features: the fitted inputs.
        reach: rows of a past that are read at each origin, `P`.
    """

    rows: Rows
    covariates: Encoded
    transform: SeriesTransform
    levels: Levels
    features: Features
    reach: int

    def past(self, origins: IntArray) -> tuple[FloatArray, BoolArray]:
        """Return the targets' values before `origins (M,)` and which were observed, `(M, P, K)`.

        A series shorter than the reach goes on backwards with its first row.
        """
        index = origins[:, None] + np.arange(-self.reach, 0)
        first = self.rows.first_rows(origins)[:, None]
        inside = np.maximum(index, first)
        return self.rows.values[inside], self.rows.observed[inside] & (index >= first)[..., None]

    def levels_at(self, origins: IntArray) -> Levels:
        """Return the levels of the series of each origin."""
        return self.levels.of(self.rows.panel.series_of(origins))

    def z_past(self, origins: IntArray) -> FloatArray:
        """Return the transformed past `(M, P, K)` of each origin."""
        return self.transform.forward(self.past(origins)[0], self.levels_at(origins))

    def targets(self, origins: IntArray) -> tuple[FloatArray, BoolArray]:
        """Return what the network learns at `origins`, and which of it counts, `(M, H, K)`."""
        rows = origins[:, None] + np.arange(self.transform.horizon)
        learned = []
        for chunk in _chunks(len(origins)):
            future = self.rows.values[rows[chunk]]
            z = self.transform.forward(future, self.levels_at(origins[chunk]))
            learned.append(self.transform.targets(self.z_past(origins[chunk]), z))
        return np.concatenate(learned), self.rows.observed[rows]

    def contexts(
        self,
        origins: IntArray,
        z: FloatArray | None = None,
        observed: BoolArray | None = None,
    ) -> FloatArray:
        """Return `(M, T, I)`: channels, covariates of numbers, calendar of each context's rows.

        Args:
            origins: `(M,)` rows.
            z: `(M, P, K)` the transformed past, where it is not that of the rows.
            observed: `(M, P, K)` which of it was observed.
        """
        if z is None or observed is None:
            assert z is None
            assert observed is None
            past, observed = self.past(origins)
            z = self.transform.forward(past, self.levels_at(origins))
        rows = self._context_rows(origins)
        parts: list[FloatArray] = [
            self.features.channel_values(z, observed.astype(np.float64)),
            self.covariates.numbers[rows].astype(np.float64),
        ]
        if self.features.calendar:
            parts.append(self.rows.calendar[rows].astype(np.float64))
        return np.concatenate(parts, axis=-1)

    def codes(self, origins: IntArray) -> Tensor | None:
        """Return the labels `(M, T, Q)` of each context's rows; `None` where there are none."""
        if not self.covariates.codes.shape[1]:
            return None
        return torch.from_numpy(self.covariates.codes[self._context_rows(origins)])

    def lengths(self, origins: IntArray) -> IntArray:
        """Return `(M,)` the rows of each context that lie in its series, at least 1."""
        before = origins - self.rows.first_rows(origins) - self.features.lag
        return np.asarray(np.clip(before, 1, self.features.context))

    def future(self, origins: IntArray) -> tuple[Tensor | None, Tensor | None]:
        """Return what is known of the rows from `origins` on: numbers and labels, or `None`.

        The calendar goes with the future covariates; without any the state after the context, which
        has read the calendar, tells as much.
        """
        ahead = [encoding for encoding in self.features.encodings if encoding.role == "future"]
        if not ahead:
            return None, None
        rows = origins[:, None] + np.arange(self.transform.horizon)
        numbers = [e for e in self.features.encodings if e.labels is None]
        labels = [e for e in self.features.encodings if e.labels is not None]
        p = [i for i, e in enumerate(numbers) if e.role == "future"]
        q = [i for i, e in enumerate(labels) if e.role == "future"]
        known = np.concatenate(
            [self.covariates.numbers[rows][..., p], self.rows.calendar[rows]], axis=-1
        )
        codes = torch.from_numpy(self.covariates.codes[rows][..., q]) if q else None
        return torch.from_numpy(known.astype(np.float32)), codes

    def _context_rows(self, origins: IntArray) -> IntArray:
        index = origins[:, None] + np.arange(-self.features.context, 0)
        return np.asarray(np.maximum(index, self.rows.first_rows(origins)[:, None]))


class Windows:
    """Contexts at given origins with what should be learned from them.

    Few contexts are built once; many are built a batch at a time from the panel's own arrays.

    Args:
        inputs: what contexts are built from.
        origins: `(M,)` rows of the panel.
        targets: `(M, H, K)` what the network learns; `None` at prediction.
        counts: `(M, H, K)` which targets count.
    """

    def __init__(
        self,
        inputs: Inputs,
        origins: IntArray,
        targets: FloatArray | None = None,
        counts: BoolArray | None = None,
    ) -> None:
        self._inputs, self._origins = inputs, origins
        self._targets = None if targets is None else torch.from_numpy(targets.astype(np.float32))
        self._weights = None
        if counts is not None and not counts.all():
            self._weights = torch.from_numpy(counts.astype(np.float32))
        self._cached: Tensor | None = None
        width = len(inputs.features.channels) + inputs.covariates.numbers.shape[1]
        width += inputs.rows.calendar.shape[1] * inputs.features.calendar
        if len(origins) * inputs.features.context * width <= _CACHE:
            parts = [make_batch(inputs, origins[chunk]).values for chunk in _chunks(len(origins))]
            self._cached = torch.cat(parts) if parts else None

    def __len__(self) -> int:
        return len(self._origins)

    def batch(self, index: Tensor) -> ForecastBatch:
        """Return the windows `index (b,)`: values `(b, T, I)`, targets `(b, H, K)`."""
        built = make_batch(
            self._inputs,
            self._origins[index.numpy()],
            values=None if self._cached is None else self._cached[index],
        )
        if self._targets is None:
            return built
        weights = None if self._weights is None else self._weights[index]
        return replace(built, targets=self._targets[index], weights=weights)


def make_batch(
    inputs: Inputs,
    origins: IntArray,
    *,
    values: Tensor | None = None,
    z: FloatArray | None = None,
    observed: BoolArray | None = None,
) -> ForecastBatch:
    """Return the contexts at `origins (b,)`, without targets.

    Args:
        inputs: what contexts are built from.
        origins: rows of the panel.
        values: `(b, T, I)` where they were built before.
        z: `(b, P, K)` the transformed past, where it is not that of the rows.
        observed: `(b, P, K)` which of it was observed.
    """
    lengths = inputs.lengths(origins)
    ragged = bool((lengths < inputs.features.context).any())
    if values is None:
        contexts = np.clip(inputs.contexts(origins, z, observed), -LARGEST, LARGEST)
        values = torch.from_numpy(contexts.astype(np.float32))
        values = _left_aligned(values, lengths) if ragged else values
    codes = inputs.codes(origins)
    future, future_codes = inputs.future(origins)
    return ForecastBatch(
        values,
        torch.from_numpy(lengths) if ragged else None,
        None,
        _left_aligned(codes, lengths) if codes is not None and ragged else codes,
        future,
        future_codes,
    )


def _left_aligned(values: Tensor, lengths: IntArray) -> Tensor:
    """Move the last `lengths` steps of each `values (M, T, I)` to the front; 0 fills the rest."""
    T = values.shape[1]
    steps = torch.arange(T) + (T - torch.from_numpy(lengths))[:, None]
    moved = values.gather(1, steps.clamp(max=T - 1)[..., None].expand_as(values))
    return torch.where((steps < T)[..., None], moved, torch.zeros((), dtype=values.dtype))


def _chunks(count: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]
