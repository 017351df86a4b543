"""The choice of log, anchor and scale, on the training part of each series alone.

The log is taken of a column of positive values if it makes the spread within blocks of rows clearly
steadier from block to block (Guerrero 1993, for the powers 1 and 0 alone). The anchor is the one
whose forecast, with the network's output at zero, has the smallest error over the training part; a
more complicated one must win by 2 %. Of many series each counts alike: errors are geometric means,
since their units differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnkit.data.differencing import DIFFERENCING, Differencing
from rnnkit.data.panel import FloatArray
from rnnkit.data.scaling import (
    ColumnTransform,
    Levels,
    SeriesTransform,
    anchor_reach,
    log_from,
)
from rnnkit.errors import ConfigError
from rnnkit.messages import Message

_MIN_WINDOWS = 8  # fewer windows say nothing about which anchor is better
_ROUNDING = 1e-12  # of the largest value: differences below are rounding noise
_LOG_GAIN = 0.9  # the log must steady the spread by at least this factor
_SIMPLER_WINS = 0.98  # a more complicated anchor must be better by at least 2 %


@dataclass(frozen=True, eq=False)
class Past:
    """The training part of one series.

    Args:
        values: `(N, K)` float64, missing ones carried forward from the row before.
        observed: `(N, K)` bool, false where the value was carried forward.
    """

    values: FloatArray
    observed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    @classmethod
    def of(cls, values: FloatArray) -> Past:
        """Return a past `(N, K)` without missing values."""
        return cls(values, np.ones(values.shape, dtype=bool))


@dataclass(frozen=True, eq=False)
class _Column:
    """One target of one series, after the log."""

    z: FloatArray  # (N,)
    observed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    @property
    def noise(self) -> float:
        """What is smaller is rounding."""
        return _ROUNDING * float(np.abs(self.z).max(initial=0.0))


def fit_transform(
    pasts: Sequence[Past],
    *,
    season: int,
    horizon: int,
    log: bool | None = None,
    differencing: Differencing | None = None,
) -> SeriesTransform:
    """Choose and fit a transform on the training parts, target by target.

    Args:
        pasts: the training part only of each series, at least one row each.
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
    K = pasts[0].values.shape[1]
    return SeriesTransform(
        tuple(_fit_column(pasts, k, season, horizon, log, differencing) for k in range(K))
    )


def fit_levels(
    transform: SeriesTransform, pasts: Sequence[Past], *, single: bool, typical: FloatArray | None
) -> tuple[Levels, FloatArray]:
    """Return what brings each series to one size, and its typical `(K,)` for later series.

    The scale of a series is the error of its anchor; where it has fewer than 8 windows to measure
    it, the typical share of its mean size is taken.

    Args:
        transform: of all series.
        pasts: one a series, with a row each.
        single: whether there is but one series, which keeps its units.
        typical: the share, from the fit; `None` to find it.
    """
    S, K = len(pasts), len(transform.columns)
    loc, scale, floor = np.zeros((S, K)), np.ones((S, K)), np.zeros((S, K))
    share = np.ones(K) if typical is None else typical
    for k, column in enumerate(transform.columns):
        if column.log:
            floor[:, k] = [_floor(past, k) for past in pasts]
        if single:
            continue
        parts = [
            _column(past, k, column.log, f) for past, f in zip(pasts, floor[:, k], strict=True)
        ]
        sizes = np.array([1.0 if column.log else np.abs(part.z).mean() for part in parts])
        errors = np.array([_anchor_error(part, column, transform.horizon) for part in parts])
        measured = np.isfinite(errors) & (errors > [part.noise for part in parts])
        if typical is None and measured.any():
            share[k] = float(np.median(errors[measured] / sizes[measured]))
        guess = np.where(sizes > 0, share[k] * sizes, 1.0)
        loc[:, k] = [part.z.mean() for part in parts]
        scale[:, k] = np.where(measured, errors, guess)
    return Levels(loc, scale, floor), share


def fit_centers(
    transform: SeriesTransform, pasts: Sequence[Past], levels: Levels
) -> SeriesTransform:
    """Return the transform with center and scale of all series brought to one size."""
    columns = []
    for k, column in enumerate(transform.columns):
        steps: list[list[FloatArray]] = [[] for _ in range(transform.horizon)]
        noise = 0.0
        for s, past in enumerate(pasts):
            part = _column(past, k, column.log, levels.floor[s, k])
            z = (part.z - levels.loc[s, k]) / levels.scale[s, k]
            part = _Column(z, part.observed)
            noise = max(noise, part.noise)
            for step, residuals in enumerate(steps):
                residuals.append(_residual(part, step, column.differencing, column.season))
        pooled = [np.concatenate(residuals) for residuals in steps]
        center = np.array([r.mean() if r.size else 0.0 for r in pooled])
        variances = [r.var() for r in pooled if r.size]
        error = float(np.sqrt(np.mean(variances))) if variances else 0.0
        columns.append(
            ColumnTransform(
                column.log,
                column.differencing,
                column.season,
                center,
                error if error > noise else 1.0,
                column.why,
            )
        )
    return SeriesTransform(tuple(columns))


def usable_scale(scale: float, z: FloatArray) -> float:
    """Return `scale`, or 1 where it is but rounding noise of the values `z`."""
    return scale if scale > _ROUNDING * float(np.abs(z).max(initial=0.0)) else 1.0


def _fit_column(
    pasts: Sequence[Past],
    k: int,
    season: int,
    horizon: int,
    log: bool | None,
    differencing: Differencing | None,
) -> ColumnTransform:
    use_log, log_why = _choose_log(pasts, k, season, log)
    parts = [_column(past, k, use_log, _floor(past, k) if use_log else 0.0) for past in pasts]
    longest = max(len(part.z) for part in parts)
    kinds: list[Differencing] = []
    for kind in DIFFERENCING if differencing is None else (differencing,):
        if kind.startswith("seasonal") and season < 2:
            continue
        windows = longest - anchor_reach(kind, season) - horizon + 1
        if differencing is None and kind != "none" and windows < _MIN_WINDOWS:
            continue
        if windows < 1:
            raise ConfigError(
                f"differencing {kind!r} needs {anchor_reach(kind, season) + horizon} rows to"
                f" forecast {horizon} steps, got {longest}; give more rows or another differencing"
            )
        kinds.append(kind)
    # The errors of all kinds are compared on the series that are long enough for every kind.
    enough = max(anchor_reach(kind, season) for kind in kinds) + horizon + _MIN_WINDOWS - 1
    compared = [part for part in parts if len(part.z) >= min(enough, longest)]
    noise = compared[0].noise if len(compared) == 1 else 0.0
    errors = {kind: _pooled_error(compared, kind, season, horizon) for kind in kinds}
    chosen = kinds[0]
    for kind, error in errors.items():
        if error < _SIMPLER_WINS * errors[chosen] - noise:
            chosen = kind
    if differencing is None:
        listed = tuple(
            Message("{kind} {error:.4g}", {"kind": Message(kind), "error": error})
            for kind, error in errors.items()
        )
        why = Message(
            "{kind}: smallest error of the anchor alone over the training part ({errors})",
            {"kind": Message(chosen), "errors": listed},
        )
    else:
        why = Message("{kind}: asked for", {"kind": Message(chosen)})
    return ColumnTransform(use_log, chosen, season, np.zeros(horizon), 1.0, (log_why, why))


def _pooled_error(parts: Sequence[_Column], kind: Differencing, season: int, horizon: int) -> float:
    """Return the geometric mean over the series of the anchor's error."""
    errors = [_error(part, kind, season, horizon) for part in parts]
    if len(errors) == 1:
        return errors[0]
    sizes = [max(error, part.noise, 1e-300) for error, part in zip(errors, parts, strict=True)]
    return float(np.exp(np.mean(np.log(sizes))))


def _error(part: _Column, kind: Differencing, season: int, horizon: int) -> float:
    """Return the root mean square over the horizon of what the anchor and its mean leave."""
    steps = [_residual(part, step, kind, season) for step in range(horizon)]
    variances = [np.var(residual) for residual in steps if residual.size]
    return float(np.sqrt(np.mean(variances))) if variances else 0.0


def _anchor_error(part: _Column, column: ColumnTransform, horizon: int) -> float:
    """Return the error of the anchor, NaN where there are too few windows to measure it."""
    if len(part.z) - column.reach - horizon + 1 < _MIN_WINDOWS:
        return float("nan")
    return _error(part, column.differencing, column.season, horizon)


def _choose_log(
    pasts: Sequence[Past], k: int, season: int, log: bool | None
) -> tuple[bool, Message]:
    lowest = min(float(past.values[:, k].min()) for past in pasts)
    if log is not None:
        if log and lowest <= 0:
            raise ConfigError(
                f"a log of values down to {lowest:g} was asked for, but it needs positive"
                " values; leave the choice to the rule or switch the log off"
            )
        return log, Message("log taken: asked for" if log else "log not taken: asked for")
    if lowest <= 0:
        return False, Message("log not taken: some training values are not positive")
    ratios, still = [], 0
    length = 0
    for past in pasts:
        values = past.values[:, k]
        length = season if season > 1 else max(4, len(values) // 20)
        blocks = values[len(values) % length :].reshape(-1, length)
        if len(blocks) < 4:
            continue
        mean, spread = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)
        if not spread.all():
            still += 1
            continue
        ratios.append([float(np.std(s) / np.mean(s)) for s in (spread, spread / mean)])
    if not ratios and still:
        return False, Message(
            "log not taken: some blocks of {rows} rows do not vary", {"rows": length}
        )
    if not ratios:
        return False, Message("log not taken: too few blocks of rows to compare their spreads")
    raw, logged = np.mean(ratios, axis=0).tolist()
    use = logged < _LOG_GAIN * raw
    template = (
        "log taken: the spread of blocks of {rows} rows varies by {raw:.0%}, relative to their mean"
        " by {logged:.0%}"
        if use
        else "log not taken: the spread of blocks of {rows} rows varies by {raw:.0%}, relative to"
        " their mean by {logged:.0%}"
    )
    return use, Message(template, {"rows": length, "raw": raw, "logged": logged})


def _floor(past: Past, k: int) -> float:
    values = past.values[:, k]
    positive = values[values > 0]
    return float(positive.min()) / 2 if positive.size else 1.0


def _column(past: Past, k: int, log: bool, floor: float) -> _Column:
    values = past.values[:, k]
    return _Column(log_from(values, np.array(floor)) if log else values, past.observed[:, k])


def _residual(part: _Column, step: int, differencing: Differencing, season: int) -> FloatArray:
    """Return the anchored values of one step of the horizon, of every row that has an anchor.

    As many rows as there are, not those of whole windows alone: windows leave out the newest rows
    of the early steps, and a mean growth needs every year it can get.
    """
    z = part.z
    rows = np.arange(step + anchor_reach(differencing, season), len(z))
    if differencing == "none":
        rows = np.arange(len(z))
        residual = z
    elif differencing == "difference":
        residual = z[rows] - z[rows - step - 1]
    else:
        lag = (step // season + 1) * season
        if differencing == "seasonal":
            rows = np.arange(lag, len(z))
            residual = z[rows] - z[rows - lag]
        else:
            origins = rows - step
            change = z[origins - 1] - z[origins - 1 - season]
            residual = z[rows] - z[rows - lag] - (step // season + 1) * change
    return np.asarray(residual[part.observed[rows]])
