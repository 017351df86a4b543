"""Log, differencing and scaling of a series: chosen and fitted on the training part only.

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
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import ConfigError, DataError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Differencing = Literal["none", "difference", "seasonal", "seasonal+difference"]
DIFFERENCING: tuple[Differencing, ...] = get_args(Differencing)

_MIN_WINDOWS = 8  # fewer windows say nothing about which anchor is better
_ROUNDING = 1e-12  # of the largest value: differences below are rounding noise
_LOG_GAIN = 0.9  # the log must steady the spread by at least this factor
_SIMPLER_WINS = 0.98  # a more complicated anchor must be better by at least 2 %


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
    why: tuple[str, ...]

    @property
    def reach(self) -> int:
        """Rows before the origin that the anchor looks at."""
        return _reach(self.differencing, self.season)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "log": self.log,
            "differencing": self.differencing,
            "season": self.season,
            "center": self.center.tolist(),
            "scale": self.scale,
            "why": list(self.why),
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
            why=tuple(values["why"]),
        )


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

    def forward(self, values: FloatArray, names: Sequence[str]) -> FloatArray:
        """Return `z (N, K)`: `values (N, K)` with the log taken where it was chosen.

        Raises:
            DataError: if a value to be logged is not positive; `names` are those of the columns.
        """
        z: FloatArray = values.copy()
        for k, column in enumerate(self.columns):
            if not column.log:
                continue
            bad = np.flatnonzero(values[:, k] <= 0)
            if bad.size:
                raise DataError(
                    f"column {names[k]!r} holds {values[bad[0], k]:g} at data row {bad[0] + 1}, but"
                    " the model takes its logarithm, since all its training values were positive;"
                    " switch the log off (log=False, --no-log)"
                )
            z[:, k] = np.log(values[:, k])
        return z

    def anchor(self, z: FloatArray, origins: IntArray) -> FloatArray:
        """Return the anchors `(M, H, K)` of forecasts whose first unknown rows are `origins`."""
        H = self.horizon
        anchors = [
            _anchor(z[:, k], origins, H, c.differencing, c.season) for k, c in self._numbered()
        ]
        return np.asarray(np.stack(anchors, axis=-1))

    def targets(self, z: FloatArray, origins: IntArray) -> FloatArray:
        """Return `(M, H, K)`, what the network learns: anchored, centred and scaled targets."""
        actual = z[origins[:, None] + np.arange(self.horizon)]
        residual = actual - self.anchor(z, origins)
        return np.asarray((residual - self._center()) / self._scale(), dtype=np.float64)

    def invert(self, z: FloatArray, origins: IntArray, outputs: FloatArray) -> FloatArray:
        """Return forecasts `(M, H, K)` in the units of the data from network `outputs (M, H, K)`.

        The exact inverse of `targets`: what was logged comes back by `exp`, so such a forecast is a
        median rather than a mean.
        """
        forecast = self.anchor(z, origins) + self._center() + outputs * self._scale()
        for k, column in self._numbered():
            if column.log:
                forecast[..., k] = np.exp(forecast[..., k])
        return np.asarray(forecast)

    def _numbered(self) -> list[tuple[int, ColumnTransform]]:
        return list(enumerate(self.columns))

    def _center(self) -> FloatArray:
        return np.stack([column.center for column in self.columns], axis=-1)  # (H, K)

    def _scale(self) -> FloatArray:
        return np.array([column.scale for column in self.columns])  # (K,)


def fit_transform(
    train: FloatArray,
    *,
    season: int,
    horizon: int,
    log: bool | None = None,
    differencing: Differencing | None = None,
) -> SeriesTransform:
    """Choose and fit a transform on the training part, column by column.

    The log is taken of a column of positive values if it makes the spread within blocks of rows
    clearly steadier from block to block (Guerrero 1993, for the powers 1 and 0 alone). The anchor
    is the one whose forecast, with the network's output at zero, has the smallest error over the
    training part; a more complicated one must win by 2 %.

    Args:
        train: `(N, K)` the training part only.
        season: rows in a season; 1 for none.
        horizon: steps to forecast.
        log: `True` or `False` instead of the rule.
        differencing: an anchor's name instead of the rule.

    Raises:
        ConfigError: if a log of values that are not positive, or an unknown or impossible
            differencing, is asked for.
    """
    if differencing is not None and differencing not in DIFFERENCING:
        raise ConfigError(f"differencing must be one of {DIFFERENCING}, got {differencing!r}")
    if differencing is not None and differencing.startswith("seasonal") and season < 2:
        raise ConfigError(
            f"differencing {differencing!r} needs a season of at least 2 rows, got {season};"
            " give the season, or choose 'none' or 'difference'"
        )
    return SeriesTransform(
        tuple(
            _fit_column(train[:, k], season, horizon, log, differencing)
            for k in range(train.shape[1])
        )
    )


def usable_scale(scale: float, z: FloatArray) -> float:
    """Return `scale`, or 1 where it is but rounding noise of the values `z`."""
    return scale if scale > _ROUNDING * float(np.abs(z).max()) else 1.0


def _fit_column(
    values: FloatArray,
    season: int,
    horizon: int,
    log: bool | None,
    differencing: Differencing | None,
) -> ColumnTransform:
    use_log, log_why = _choose_log(values, season, log)
    z = np.log(values) if use_log else values
    residuals: dict[Differencing, list[FloatArray]] = {}
    for kind in DIFFERENCING if differencing is None else (differencing,):
        if kind.startswith("seasonal") and season < 2:
            continue
        windows = len(z) - _reach(kind, season) - horizon + 1
        if differencing is None and kind != "none" and windows < _MIN_WINDOWS:
            continue
        if windows < 1:
            raise ConfigError(
                f"differencing {kind!r} needs {_reach(kind, season) + horizon} rows to forecast"
                f" {horizon} steps, got {len(z)}; give more rows or another differencing"
            )
        residuals[kind] = [_residual(z, step, kind, season) for step in range(horizon)]
    noise = _ROUNDING * float(np.abs(z).max())
    errors = {
        kind: float(np.sqrt(np.mean([np.var(residual) for residual in steps])))
        for kind, steps in residuals.items()
    }
    chosen = next(iter(errors))
    for kind, error in errors.items():
        if error < _SIMPLER_WINS * errors[chosen] - noise:
            chosen = kind
    if differencing is None:
        listed = ", ".join(f"{kind} {error:.4g}" for kind, error in errors.items())
        why = f"{chosen}: smallest error of the anchor alone over the training part ({listed})"
    else:
        why = f"{chosen}: asked for"
    center = np.array([residual.mean() for residual in residuals[chosen]])
    scale = usable_scale(errors[chosen], z)
    return ColumnTransform(use_log, chosen, season, center, scale, (log_why, why))


def _choose_log(values: FloatArray, season: int, log: bool | None) -> tuple[bool, str]:
    positive = bool((values > 0).all())
    if log is not None:
        if log and not positive:
            raise ConfigError(
                f"a log of values down to {values.min():g} was asked for, but it needs positive"
                " values; leave the choice to the rule or switch the log off"
            )
        return log, f"log {'taken' if log else 'not taken'}: asked for"
    if not positive:
        return False, "log not taken: some training values are not positive"
    length = season if season > 1 else max(4, len(values) // 20)
    blocks = values[len(values) % length :].reshape(-1, length)
    mean, spread = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)
    if len(blocks) < 4:
        return False, "log not taken: too few blocks of rows to compare their spreads"
    if not spread.all():
        return False, f"log not taken: some blocks of {length} rows do not vary"
    raw, logged = (float(np.std(s) / np.mean(s)) for s in (spread, spread / mean))
    use = logged < _LOG_GAIN * raw
    return use, (
        f"log {'taken' if use else 'not taken'}: the spread of blocks of {length} rows varies by"
        f" {raw:.0%}, relative to their mean by {logged:.0%}"
    )


def _reach(differencing: Differencing, season: int) -> int:
    return {
        "none": 0,
        "difference": 1,
        "seasonal": season,
        "seasonal+difference": season + 1,
    }[differencing]


def _anchor(
    z: FloatArray, origins: IntArray, horizon: int, differencing: Differencing, season: int
) -> FloatArray:
    steps = np.arange(horizon)
    if differencing == "none":
        return np.zeros((len(origins), horizon))
    if differencing == "difference":
        return np.repeat(z[origins - 1][:, None], horizon, axis=1)
    last_season: FloatArray = z[origins[:, None] - season + steps % season]
    if differencing == "seasonal":
        return last_season
    change = z[origins - 1] - z[origins - 1 - season]
    return np.asarray(last_season + (steps // season + 1) * change[:, None])


def _residual(z: FloatArray, step: int, differencing: Differencing, season: int) -> FloatArray:
    """Return the anchored values of one step of the horizon, of every row that has an anchor.

    As many rows as there are, not those of whole windows alone: windows leave out the newest rows
    of the early steps, and a mean growth needs every year it can get.
    """
    if differencing == "none":
        return z
    if differencing == "difference":
        return np.asarray(z[step + 1 :] - z[: -step - 1])
    if differencing == "seasonal":
        lag = (step // season + 1) * season
        return np.asarray(z[lag:] - z[:-lag])
    origins = np.arange(season + 1, len(z) - step)
    anchors = _anchor(z, origins, step + 1, differencing, season)[:, step]
    return np.asarray(z[origins + step] - anchors)
