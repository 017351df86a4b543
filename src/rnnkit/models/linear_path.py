"""The linear path beneath a network: a ridge autoregression of each target on its own lags.

With `z` the transformed series, `o` the first unknown row and L the lags, the target at step h is

    y_h = b_h + sum_{l=2..L} w_hl (z[o-l] - z[o-1]) + v_h z[o-1] + u_h e[o]

with `e` nothing, the calendar, or calendar and covariates at the last known row. Of the lags, of
whether there is a `v`, and of what `e` holds the choices that forecast the validation rows of all
targets best are taken, up to four within 2 % of the best, and the best penalty (Hoerl and Kennard,
"Ridge Regression", 1970) for each target; their mean is a linear path again, and steadier than the
best alone. Lags of the other targets are left out: on few years they learn what does not last.

Everything follows from sums of products, `X'X`, `X'Y` and `Y'Y`: the choices are blocks of one
matrix, and the error on the validation rows is a quadratic form in the weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnkit.data.choosing import usable_scale
from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.data.windows import Inputs
from rnnkit.messages import Message

PENALTIES = tuple(10.0**power for power in np.arange(-6, 1.5, 0.5))  # shares of the mean variance
LONGEST = 192  # lags, unless a season is longer
BEST = 4  # choices that are averaged at the most
_PERFECT = 1e-9  # share of the squared error that is none
CLOSE = 1.02  # times the smallest error: only choices that are about as good are averaged
MOST_WINDOWS = 100_000  # beyond, windows are drawn at even distances
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class LinearPath:
    """A fitted path; a target for which it is no use has weights of zero.

    Args:
        lags: rows before the origin that it looks at, at the most.
        center: `(K,)` mean of z in the training part.
        scale: `(K,)` standard deviation of z there.
        weights: `(K, F, H)`, the first of the F for the constant, the second for the level.
        why: which lags and inputs were chosen.
    """

    lags: int
    center: FloatArray
    scale: FloatArray
    weights: FloatArray
    why: Message

    @property
    def reach(self) -> int:
        """Rows before an origin that it looks at."""
        return self.lags

    def outputs(self, inputs: Inputs, origins: IntArray, z: FloatArray) -> FloatArray:
        """Return `(M, H, K)` in the transform's units, of the transformed past `z (M, P, K)`."""
        extra = _extras(inputs, origins)
        parts = [
            _design(z[..., k], extra, self.lags, self.center[k], self.scale[k]) @ weights
            for k, weights in enumerate(self.weights)
        ]
        return np.stack(parts, axis=-1)

    def only(self, used: Sequence[bool]) -> LinearPath:
        """Return the path with weights of zero for the targets that are not `used (K,)`."""
        return replace(self, weights=np.where(np.asarray(used)[:, None, None], self.weights, 0.0))

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back beside the weights."""
        return {
            "lags": self.lags,
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "why": self.why.to_json(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], weights: FloatArray) -> LinearPath:
        """Return the path of `to_json`'s values and its weights."""
        center, scale = (np.asarray(values[name], dtype=float) for name in ("center", "scale"))
        return cls(int(values["lags"]), center, scale, weights, Message.from_json(values["why"]))


@dataclass(frozen=True, eq=False)
class FittedPaths:
    """The path as fitted for training and for forecasting, and what it is worth.

    Args:
        train: one a fold, fitted on its training windows alone, for the network to learn what it
            leaves.
        final: fitted on all known windows.
        errors: `(K,)` its mean squared error on the validation windows.
        without: `(K,)` that of zero outputs.
    """

    train: tuple[LinearPath, ...]
    final: LinearPath
    errors: FloatArray
    without: FloatArray


def fit_linear_path(
    inputs: Inputs,
    folds: Sequence[tuple[IntArray, IntArray]],
    origins: IntArray,
    *,
    season: int,
) -> FittedPaths | None:
    """Fit a path; `None` where the series are too short for any lags.

    Args:
        inputs: what windows are built from; their `reach` is that of the longest lags at least.
        folds: origins to learn from and to validate on; of several the errors are added.
        origins: all known ones, for the final fit.
        season: rows in a season; 1 for none.
    """
    K = len(inputs.transform.columns)
    shortest = min(len(train) for train, _ in folds)
    choices = [lags for lags in lag_choices(season) if lags < inputs.reach and 2 * lags <= shortest]
    if not choices:
        return None
    lags = max(choices)
    center, scale = _center_scale(inputs, folds[0][0])
    sums = [
        tuple(
            _Sums.of(inputs, _enough(inputs, origins, lags), lags, center, scale)
            for origins in fold
        )
        for fold in folds
    ]
    everything = _Sums.of(inputs, _enough(inputs, origins, lags), lags, center, scale)
    count = np.sum([held.count for _, held in sums], axis=0) * inputs.transform.horizon
    if not count.all() or not all(train.count.all() for train, _ in sums):
        return None
    # Targets count alike, whatever they vary by: as shares of what zero outputs leave.
    squares = np.sum([held.squares for _, held in sums], axis=0)
    whole = np.where(squares > 0, squares, 1.0)
    ranked: list[tuple[float, int, tuple[int, bool, str], IntArray]] = []
    for choice in itertools.product(choices, (False, True), _extra_kinds(inputs)):
        use = _columns(inputs, lags, *choice)
        tried = np.array(
            [
                [
                    sum(held.error(k, use, train.solve(k, use, penalty)) for train, held in sums)
                    for penalty in PENALTIES
                ]
                for k in range(K)
            ]
        )  # (K, penalties)
        total = float(np.sum(tried.min(axis=1) / whole))
        ranked.append((total, len(ranked), choice, tried.argmin(axis=1)))
    ranked.sort(key=lambda one: one[:2])
    best = [one for one in ranked[:BEST] if one[0] <= CLOSE * ranked[0][0] + _PERFECT]
    why = Message(
        "mean of {choices}",
        {
            "choices": tuple(
                Message(_WHY[extra, level], {"lags": few}) for _, _, (few, level, extra), _ in best
            )
        },
    )

    def path(of: _Sums) -> LinearPath:
        width = 1 + lags + _extras(inputs, origins[:1]).shape[1]
        weights = np.zeros((K, width, inputs.transform.horizon))
        for _, _, choice, penalties in best:
            use = _columns(inputs, lags, *choice)
            for k in range(K):
                weights[k, use] += of.solve(k, use, PENALTIES[int(penalties[k])]) / len(best)
        return LinearPath(lags, center, scale, weights, why)

    trained = tuple(path(train) for train, _ in sums)
    every = np.arange(trained[0].weights.shape[1])
    errors = np.array(
        [
            sum(
                held.error(k, every, one.weights[k])
                for one, (_, held) in zip(trained, sums, strict=True)
            )
            for k in range(K)
        ]
    )
    return FittedPaths(trained, path(everything), errors / count, squares / count)


def lag_choices(season: int) -> list[int]:
    """Return the numbers of lags that are tried: a season, and doublings of it up to 192.

    Example:
        >>> lag_choices(12), lag_choices(1)
        ([12, 24, 48, 96, 192], [6, 12, 24, 48, 96, 192])
    """
    first = season if season > 1 else 6
    while first > 48:
        first //= 2
    choices = []
    while first <= max(LONGEST, season):
        choices.append(first)
        first *= 2
    return choices


_WHY = {
    ("", False): "{lags} lags",
    ("", True): "{lags} lags + level",
    ("calendar", False): "{lags} lags + calendar",
    ("calendar", True): "{lags} lags + level + calendar",
    ("covariates", False): "{lags} lags + calendar + covariates",
    ("covariates", True): "{lags} lags + level + calendar + covariates",
}


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums of products of inputs X and targets Y over windows, one of each a target column.

    Args:
        xx: `(K, F, F)`.
        xy: `(K, F, H)`.
        squares: `(K,)` sum of squares of the targets.
        count: `(K,)` windows.
    """

    xx: FloatArray
    xy: FloatArray
    squares: FloatArray
    count: IntArray

    @classmethod
    def of(
        cls, inputs: Inputs, origins: IntArray, lags: int, center: FloatArray, scale: FloatArray
    ) -> _Sums:
        """Add up over `origins`; a window counts for a target that it has not missing."""
        K, H = len(inputs.transform.columns), inputs.transform.horizon
        stride = -(-len(origins) // MOST_WINDOWS) if len(origins) else 1
        origins = origins[::stride]
        F = 1 + lags + _extras(inputs, origins[:1]).shape[1]
        xx, xy = np.zeros((K, F, F)), np.zeros((K, F, H))
        squares, count = np.zeros(K), np.zeros(K, dtype=np.int64)
        for start in range(0, len(origins), _CHUNK):
            at = origins[start : start + _CHUNK]
            z, extra = inputs.z_past(at), _extras(inputs, at)
            targets, counts = inputs.targets(at)
            for k in range(K):
                whole = counts[..., k].all(axis=1)
                x = _design(z[whole, :, k], extra[whole], lags, center[k], scale[k])
                y = targets[whole, :, k]
                xx[k] += x.T @ x
                xy[k] += x.T @ y
                squares[k] += float((y**2).sum())
                count[k] += len(y)
        return cls(xx, xy, squares, count)

    def solve(self, k: int, use: IntArray, penalty: float) -> FloatArray:
        """Return the weights `(len(use), H)` of the inputs `use` with the penalty."""
        xx = self.xx[k][np.ix_(use, use)]
        mean = xx[0] / max(xx[0, 0], 1.0)  # of each input, the first being the constant 1
        variances = np.diagonal(xx) - xx[0, 0] * mean**2
        # The constant is not penalised; an input that never moves gets no weight. What is but
        # rounding of the inputs' own size is no variance.
        size = 0.0
        if len(use) > 1:
            noise = 1e-10 * float(np.diagonal(xx)[1:].mean())
            size = max(penalty * float(variances[1:].mean()), noise)
        ridge = np.full(len(use), size if size > 0 else 1.0)
        ridge[0] = 1e-12 * max(xx[0, 0], 1.0)
        return np.linalg.solve(xx + np.diag(ridge), self.xy[k][use])

    def error(self, k: int, use: IntArray, weights: FloatArray) -> float:
        """Return the sum of squared errors of weights over these windows."""
        xx = self.xx[k][np.ix_(use, use)]
        explained = 2 * np.sum(weights * self.xy[k][use]) - np.sum(weights * (xx @ weights))
        # A perfect forecast leaves rounding, of either sign.
        return max(float(self.squares[k] - explained), 0.0)


def _enough(inputs: Inputs, origins: IntArray, lags: int) -> IntArray:
    """Return the origins that have all lags before them."""
    return origins[origins - inputs.rows.first_rows(origins) >= lags]


def _extra_kinds(inputs: Inputs) -> list[str]:
    """Return what may stand beside the lags."""
    calendar, numbers = inputs.rows.calendar.shape[1], inputs.covariates.numbers.shape[1]
    return ["", *["calendar"] * bool(calendar), *["covariates"] * bool(numbers)]


def _columns(inputs: Inputs, lags: int, few: int, level: bool, extra: str) -> IntArray:
    """Return the inputs of a choice: constant, level, the last `few` lags, extras."""
    width = 0
    if extra:
        width = inputs.rows.calendar.shape[1]
    if extra == "covariates":
        width = _extras(inputs, inputs.rows.panel.starts[:1]).shape[1]
    recent = np.arange(1 + lags - few + 1, 1 + lags)
    return np.concatenate([[0], [1] * level, recent, 1 + lags + np.arange(width)]).astype(np.int64)


def _center_scale(inputs: Inputs, origins: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of the last known z at `origins`."""
    last = inputs.rows.values[origins - 1][:, None]  # (M, 1, K)
    last = inputs.transform.forward(last, inputs.levels_at(origins))[:, 0]
    scale = np.array([usable_scale(float(z.std()), z) for z in last.T])
    return last.mean(axis=0), scale


def _design(z: FloatArray, extra: FloatArray, lags: int, center: float, scale: float) -> FloatArray:
    """Return `(M, 1 + lags + E)` of `z (M, P)`: constant, level, lags oldest first, extras."""
    last = z[:, -1:]
    level = (last - center) / scale
    return np.concatenate(
        [np.ones_like(last), level, (z[:, -lags:-1] - last) / scale, extra], axis=1
    )


def _extras(inputs: Inputs, origins: IntArray) -> FloatArray:
    """Return `(M, E)`: the calendar, then covariates of numbers, at the last known row.

    What is known of the rows to be forecast is given for every step of the horizon.
    """
    rows = inputs.rows
    last = np.maximum(origins - 1, rows.first_rows(origins))
    parts: list[FloatArray] = [
        rows.calendar[last].astype(np.float64),
        inputs.covariates.numbers[last].astype(np.float64),
    ]
    numbers = [e for e in inputs.features.encodings if e.labels is None]
    ahead = [p for p, encoding in enumerate(numbers) if encoding.role == "future"]
    if ahead:
        steps = origins[:, None] + np.arange(inputs.transform.horizon)
        known = inputs.covariates.numbers[steps][..., ahead]
        width = inputs.transform.horizon * len(ahead)
        parts.append(known.reshape(len(origins), width).astype(np.float64))
    return np.concatenate(parts, axis=1)
