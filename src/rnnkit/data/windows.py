"""What the network reads: channels of the targets and calendar features, a window at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from rnnkit.data.scaling import FloatArray, IntArray, SeriesTransform, usable_scale
from rnnkit.errors import ShapeError
from rnnkit.sequence import SequenceBatch

_STABLE = 1.0  # a level that moved by fewer standard deviations between two halves is an input
ChannelKind = Literal["relative", "seasonal", "level"]


@dataclass(frozen=True)
class Channel:
    """One input of the network, derived from one target column.

    Args:
        column: number of the target column.
        kind: `relative`, `z - reference` with the mean of the last `m` known rows as reference (the
            last value for `m = 1`); `seasonal`, `z[t] - z[t-m]`; `level`, `z` itself.
        period: `m` above.
        center: subtracted.
        scale: divided by; never 0.
    """

    column: int
    kind: ChannelKind
    period: int
    center: float
    scale: float

    @property
    def reach(self) -> int:
        """Rows before a row that its value looks at."""
        return self.period if self.kind == "seasonal" else 0


@dataclass(frozen=True)
class Features:
    """What the network sees at a context's rows: channels of the targets, then calendar features.

    Args:
        channels: the channels, fitted on the training part.
        context: rows of a context, `T`.
    """

    channels: tuple[Channel, ...]
    context: int

    @property
    def reach(self) -> int:
        """Rows before an origin that a whole context looks at."""
        return self.context + max(channel.reach for channel in self.channels)

    @property
    def shortest(self) -> int:
        """Rows before an origin below which no context of a single row is left."""
        return 1 + max(channel.reach for channel in self.channels)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {"context": self.context, "channels": [vars(channel) for channel in self.channels]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Features:
        """Return the features that `to_json` wrote."""
        channels = tuple(Channel(**channel) for channel in values["channels"])
        return cls(channels, int(values["context"]))


class Windows:
    """Contexts and targets of a series, gathered a whole batch at a time from one copy of the data.

    Args:
        z: `(N, K)` the series after `SeriesTransform.forward`.
        calendar: `(N, F)` features of the times.
        features: the fitted inputs.
        origins: `(M,)` the origins of the windows; each with `features.shortest` rows before it.
        targets: `(M, H, K)` what the network learns; `None` at prediction.
    """

    def __init__(
        self,
        z: FloatArray,
        calendar: NDArray[np.float32],
        features: Features,
        origins: IntArray,
        targets: FloatArray | None = None,
    ) -> None:
        base, reference = _channel_values(z, features.channels)
        # float64 until the reference is subtracted: a level may be large beside its changes.
        self._rows = torch.from_numpy(np.concatenate([base, calendar], axis=1))  # (N, C + F)
        pad = np.zeros((len(reference), calendar.shape[1]))
        self._reference = torch.from_numpy(
            np.concatenate([reference, pad], axis=1)
        )  # (N + 1, C + F)
        self._origins = torch.from_numpy(origins)
        self._first = features.shortest - 1
        self._steps = torch.arange(features.context)
        self._targets = None if targets is None else torch.from_numpy(targets.astype(np.float32))

    def __len__(self) -> int:
        return len(self._origins)

    def batch(self, index: Tensor) -> SequenceBatch:
        """Return the windows `index (b,)`: values `(b, T, C + F)`, targets `(b, H, K)`."""
        origins = self._origins[index]
        T = len(self._steps)
        lengths = (origins - self._first).clamp(max=T)
        rows = (origins - lengths)[:, None] + self._steps
        # A context cut short by the start of the series is padded with rows its length excludes.
        values = self._rows[rows.clamp(max=len(self._rows) - 1)] - self._reference[origins][:, None]
        ragged = bool((lengths < T).any())
        return SequenceBatch(
            values.float(),
            lengths if ragged else None,
            None if self._targets is None else self._targets[index],
        )

    def inputs(self) -> NDArray[np.float32]:
        """Return all contexts at once, `(M, T, C + F)`; for those that are whole.

        Raises:
            ShapeError: if a context is cut short by the start of the series.
        """
        batch = self.batch(torch.arange(len(self)))
        if batch.lengths is not None:
            raise ShapeError(
                f"contexts of {len(self._steps)} rows are asked for at once, but one has only"
                f" {int(batch.lengths.min())} rows before its origin"
            )
        return np.asarray(batch.values.numpy())


def fit_features(z_train: FloatArray, transform: SeriesTransform, *, context: int) -> Features:
    """Choose and fit the network's inputs on the training part `z_train (N, K)`.

    Each column gives its values relative to the end of the context; a column with seasonal
    differencing also its change over a season. Its level itself is an input only where it stays
    put: where the means of the two halves of the training part lie within one standard deviation,
    so that a level never seen in training is not to be expected.
    """
    channels: list[Channel] = []
    for k, column in enumerate(transform.columns):
        z = z_train[:, k]
        half = len(z) // 2
        spread = usable_scale(float(z.std()), z)
        stable = abs(z[:half].mean() - z[half:].mean()) < _STABLE * spread
        seasonal = column.differencing.startswith("seasonal")
        if column.differencing == "none" or stable:
            channels.append(Channel(k, "level", 1, float(z.mean()), spread))
        if column.differencing != "none":
            m = column.season if seasonal else 1
            relative = usable_scale(_relative_spread(z, m, context), z)
            channels.append(Channel(k, "relative", m, 0.0, relative))
        if seasonal:
            change = z[column.season :] - z[: -column.season]
            spread = usable_scale(float(change.std()), z)
            channels.append(Channel(k, "seasonal", column.season, float(change.mean()), spread))
    return Features(tuple(channels), context)


def _channel_values(z: FloatArray, channels: tuple[Channel, ...]) -> tuple[FloatArray, FloatArray]:
    """Return scaled values `(N, C)` and what is subtracted at an origin, `(N + 1, C)`."""
    N = len(z)
    base, reference = np.zeros((N, len(channels))), np.zeros((N + 1, len(channels)))
    for c, channel in enumerate(channels):
        column = z[:, channel.column]
        if channel.kind == "seasonal":
            base[channel.period :, c] = column[channel.period :] - column[: -channel.period]
        else:
            base[:, c] = column
        if channel.kind == "relative":
            reference[:, c] = _reference(column, channel.period) / channel.scale
        base[:, c] = (base[:, c] - channel.center) / channel.scale
    return base, reference


def _relative_spread(z: FloatArray, period: int, context: int) -> float:
    """Return the root mean square of `z - reference` over the rows of all whole contexts."""
    origins = np.arange(max(context, period), len(z) + 1)
    reference = _reference(z, period)[origins]
    squares = [np.mean((z[origins - back] - reference) ** 2) for back in range(1, context + 1)]
    return float(np.sqrt(np.mean(squares)))


def _reference(z: FloatArray, period: int) -> FloatArray:
    """Return `(N + 1,)`: at origin `o` the mean of the last `period` values before it.

    Each mean is taken of its own values: a running sum would bring in the rounding of all rows
    before them.
    """
    first = min(period, len(z))
    starting = [0.0, *(z[:origin].mean() for origin in range(1, first))]
    whole = sliding_window_view(z, first).mean(axis=1)
    return np.concatenate([starting, whole])
