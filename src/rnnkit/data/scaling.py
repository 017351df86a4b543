"""Log, differencing and scaling of series, as fitted by `rnnkit.data.choosing`.

A forecast is made from an *anchor*, the part of it that needs no network, plus what the network
adds. Differencing is the choice of the anchor. With `z` the series (after the log, if chosen), `o`
the first unknown row and `h = 0..H-1` the steps of the horizon:

    none                   0
    difference             z[o-1]
    seasonal               z[o-m + h mod m]
    seasonal+difference    z[o-m + h mod m] + (h // m + 1) (z[o-1] - z[o-1-m])

The network learns `(z[o+h] - anchor - center[h]) / scale`. Adding the anchor back inverts the
differencing exactly, and errors do not add up over the horizon as they do when single differences
are summed. With its output at zero the pipeline forecasts `anchor + center`: the mean, the last
value with drift, or last season with its mean growth.

Each of many series is brought to one size first: `z = (log v - loc) / scale` with its own `Levels`,
fitted on its own past. A single series keeps its units, `loc = 0` and `scale = 1`.

Everything here works on *pasts*, `(M, P, K)`: the last P rows before each of M origins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnkit.data.differencing import Differencing
from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.messages import Message

# Of what comes back from a logarithm. Values reach 1e100; sums of squares of such stay finite.
_LARGEST = 1e150


@dataclass(frozen=True)
class ColumnTransform:
    """The transform of one target column.

    Args:
        log: whether the natural logarithm is taken first.
        differencing: which anchor the forecast starts from.
        season: rows in a season, `m` above; 1 for none.
        center: `(H,)` mean of the anchored target at each step of the horizon.
        scale: standard deviation of the centred target; 1 where it does not vary.
        why: the measured reasons for the two choices, one sentence each.
    """

    log: bool
    differencing: Differencing
    season: int
    center: FloatArray
    scale: float
    why: tuple[Message, ...]

    @property
    def reach(self) -> int:
        """Rows before the origin that the anchor looks at."""
        return anchor_reach(self.differencing, self.season)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "log": self.log,
            "differencing": self.differencing,
            "season": self.season,
            "center": self.center.tolist(),
            "scale": self.scale,
            "why": [message.to_json() for message in self.why],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ColumnTransform:
        """Return the transform that `to_json` wrote."""
        return cls(
            log=bool(values["log"]),
            differencing=values["differencing"],
            season=int(values["season"]),
            center=np.asarray(values["center"], dtype=np.float64),
            scale=float(values["scale"]),
            why=tuple(map(Message.from_json, values["why"])),
        )


@dataclass(frozen=True, eq=False)
class Levels:
    """What brings each series to one size, fitted on its own past.

    Args:
        loc: `(S, K)` subtracted after the log.
        scale: `(S, K)` divided by; never 0.
        floor: `(S, K)` the least value that is logged: half the smallest of the past. Below it, as
            later rows may lie, the logarithm goes on as a straight line.
    """

    loc: FloatArray
    scale: FloatArray
    floor: FloatArray

    def of(self, series: IntArray) -> Levels:
        """Return those of the series `(M,)`, one row each."""
        return Levels(self.loc[series], self.scale[series], self.floor[series])


@dataclass(frozen=True)
class SeriesTransform:
    """One `ColumnTransform` a target; all arrays are float64 with targets in the last dimension."""

    columns: tuple[ColumnTransform, ...]

    @property
    def horizon(self) -> int:
        """Steps of the horizon, `H`."""
        return len(self.columns[0].center)

    @property
    def reach(self) -> int:
        """Rows before the origin that the anchors look at."""
        return max(column.reach for column in self.columns)

    def forward(self, values: FloatArray, levels: Levels) -> FloatArray:
        """Return `z (M, P, K)` of `values (M, P, K)` with the levels of each of the M."""
        z: FloatArray = values.copy()
        for k, column in enumerate(self.columns):
            if column.log:
                z[..., k] = log_from(values[..., k], levels.floor[:, None, k])
        return np.asarray((z - levels.loc[:, None]) / levels.scale[:, None])

    def anchor(self, past: FloatArray) -> FloatArray:
        """Return the anchors `(M, H, K)` of the forecasts that follow `past (M, P, K)` of z."""
        H = self.horizon
        anchors = [
            _anchor(past[..., k], H, column.differencing, column.season)
            for k, column in enumerate(self.columns)
        ]
        return np.asarray(np.stack(anchors, axis=-1))

    def targets(self, past: FloatArray, future: FloatArray) -> FloatArray:
        """Return `(M, H, K)`, what the network learns, of `past (M, P, K)`, `future (M, H, K)`."""
        residual = future - self.anchor(past)
        return np.asarray((residual - self._center()) / self._scale(), dtype=np.float64)

    def invert(self, past: FloatArray, outputs: FloatArray, levels: Levels) -> FloatArray:
        """Return forecasts in the units of the data from network `outputs (..., M, H, K)`.

        The exact inverse of `targets`: what was logged comes back by `exp`, so such a forecast is a
        median rather than a mean.
        """
        return self.backward(self.anchor(past) + self._center() + outputs * self._scale(), levels)

    def backward(self, z: FloatArray, levels: Levels) -> FloatArray:
        """Return the values of `z (..., M, P, K)`: undoes `forward`, where values are not negative.

        What was logged comes back as 0 at least, since the past was positive. It is infinite where
        it exceeds 1e150, as the upper end of an interval may after a jump over many powers of ten.
        An interval may have such an end; forecasts may not.
        """
        values = z * levels.scale[:, None] + levels.loc[:, None]
        for k, column in enumerate(self.columns):
            if column.log:
                values[..., k] = _exp_from(values[..., k], levels.floor[:, None, k])
        return np.asarray(values)

    def _center(self) -> FloatArray:
        return np.stack([column.center for column in self.columns], axis=-1)  # (H, K)

    def _scale(self) -> FloatArray:
        return np.array([column.scale for column in self.columns])  # (K,)


def log_from(values: FloatArray, floor: FloatArray) -> FloatArray:
    """Return the logarithm of values from `floor` on, and its tangent there of those below.

    So a zero has a place too, what is negative counts as one, and a series that falls below all
    that was known is still told from the floor, and can be forecast below it.

    Args:
        values: of any shape.
        floor: positive, of a shape that goes with it.

    Example:
        >>> log_from(np.array([np.e, 1.0, 0.5, 0.0]), np.array(1.0)).tolist()
        [1.0, 0.0, -0.5, -1.0]
    """
    above = np.log(np.maximum(values, floor))
    return np.asarray(above + np.minimum(np.maximum(values, 0) / floor - 1, 0))


def _exp_from(z: FloatArray, floor: FloatArray) -> FloatArray:
    """Undo `log_from`; 0 for what was negative, infinity for what exceeds 1e150."""
    low = np.log(floor)
    values = np.exp(np.where(z > np.log(_LARGEST), np.inf, np.maximum(z, low)))
    return np.asarray(np.where(z < low, floor * np.maximum(1 + z - low, 0), values))


def anchor_reach(differencing: Differencing, season: int) -> int:
    """Return the rows before an origin that an anchor looks at."""
    return {
        "none": 0,
        "difference": 1,
        "seasonal": season,
        "seasonal+difference": season + 1,
    }[differencing]


def _anchor(past: FloatArray, horizon: int, differencing: Differencing, season: int) -> FloatArray:
    steps, P = np.arange(horizon), past.shape[1]
    if differencing == "none":
        return np.zeros((len(past), horizon))
    if differencing == "difference":
        return np.repeat(past[:, -1:], horizon, axis=1)
    last_season: FloatArray = past[:, P - season + steps % season]
    if differencing == "seasonal":
        return last_season
    change = past[:, -1] - past[:, -1 - season]
    return np.asarray(last_season + (steps // season + 1) * change[:, None])
