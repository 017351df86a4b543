"""Ridge autoregression: the linear map from the network's own windows to its own targets.

Everything follows from sums of products over windows, `X'X` and `X'Y`: the regressions for every
penalty, and which of them has the smallest error on other windows, a quadratic form in its weights.
Windows are therefore read once, a part at a time, and never lie in memory together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnkit.baselines.contract import FloatArray, IntArray, SkipBaseline, too_long
from rnnkit.messages import Message

Contexts: TypeAlias = Callable[[IntArray], NDArray[np.floating]]

ALPHAS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
ENOUGH = 0.9  # of the windows have no target missing: the others are left out

_TRAIN, _HELD = 1, 2  # what a fold does with a window; 0 is nothing
_CHUNK = 4_000_000  # numbers in the contexts that are read at a time: 32 MB
# Measured on one core of 2023: 45 G products a second.
_PRODUCTS = 30e9  # multiplications and additions a second
_EIGEN = 0.15e-9  # seconds of a decomposition, times the inputs cubed
_READ = 5e-9  # seconds to read, convert and centre a number


class RidgeAutoregression:
    """Least squares with an L2 penalty (Hoerl & Kennard 1970) on flattened contexts.

    What a network has to beat to earn its nonlinearity: it sees the same inputs, learns the same
    targets from the same rows, and chooses its penalty on the same validation blocks.

    Windows with a missing target are left out where that leaves 90 % of them. Otherwise each step
    and target is fitted, with a penalty of its own, on the windows that have it.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 40).reshape(20, 2, 1)
        >>> y = x.sum(axis=1, keepdims=True)
        >>> folds = [(np.arange(15), np.arange(15, 20))]
        >>> model = RidgeAutoregression().fit(x.__getitem__, y, folds)
        >>> bool(np.abs(model.predict(x) - y).max() < 0.05)
        True
    """

    name = "ridge"
    alphas: FloatArray
    """`(H, K)` the penalty of each step and target."""

    def fit(
        self,
        x: Contexts,
        y: FloatArray,
        folds: Sequence[tuple[IntArray, IntArray]],
        *,
        weights: NDArray[np.bool_] | None = None,
        seconds: float = 30.0,
    ) -> RidgeAutoregression:
        """Fit with the penalty that validates best.

        Args:
            x: returns the contexts `(m, T, I)` of the windows whose numbers `(m,)` it is given.
            y: `(M, H, K)` targets of all windows.
            folds: numbers of the windows to learn from and to validate on, of each block.
            weights: `(M, H, K)` false where a target is missing; `None` where none is.
            seconds: that the fit may take, estimated before it begins for one core of 2023.

        Raises:
            SkipBaseline: if it would take longer, or a target is missing in all windows.
        """
        M, H, K = y.shape
        flat = y.reshape(M, H * K)
        parts = _parts(flat.shape, weights)
        few = _flat(x(np.linspace(0, M - 1, min(M, 100)).astype(np.int64)))
        P = few.shape[1]
        estimate = sum(_seconds(len(rows), P, len(outputs), len(folds)) for rows, outputs in parts)
        if estimate > seconds:
            raise SkipBaseline(too_long(estimate, seconds))
        # Sums about a point among the data lose no digits to its distance from 0.
        self._center = few.mean(axis=0)
        states = np.zeros((M, len(folds)), dtype=np.int8)
        for fold, (train, held) in enumerate(folds):
            states[train, fold], states[held, fold] = _TRAIN, _HELD
        self._weights, self._bias = np.empty((P, H * K)), np.empty(H * K)
        alphas = np.empty(H * K)
        for rows, outputs in parts:
            # Windows that all folds treat alike are added up together.
            kinds, kind = np.unique(states[rows], axis=0, return_inverse=True)
            sums = [
                self._sums(x, flat, rows[kind.reshape(-1) == number], outputs)
                for number in range(len(kinds))
            ]
            alphas[outputs] = alpha = _best_alpha(sums, kinds)
            solution = _Solution(reduce(_Sums.plus, sums))
            self._weights[:, outputs] = slopes = solution.weights(alpha)
            self._bias[outputs] = solution.mean_y - solution.mean_x @ slopes
        self.alphas = alphas.reshape(H, K)
        return self

    def predict(self, x: NDArray[np.floating]) -> FloatArray:
        """Return outputs `(m, H, K)` for contexts `(m, T, I)`."""
        outputs = (_flat(x) - self._center) @ self._weights + self._bias
        return np.asarray(outputs.reshape(len(x), *self.alphas.shape))

    def _sums(self, x: Contexts, y: FloatArray, rows: IntArray, outputs: IntArray) -> _Sums:
        """Add up the windows `rows`, their inputs about the center."""
        P, Q = len(self._center), len(outputs)
        total = _Sums(0, np.zeros(P), np.zeros(Q), np.zeros((P, P)), np.zeros((P, Q)))
        for index in np.array_split(rows, -(-len(rows) * P // _CHUNK)):
            inputs, targets = _flat(x(index)) - self._center, y[np.ix_(index, outputs)]
            total = total.plus(
                _Sums(
                    len(index),
                    inputs.sum(axis=0),
                    targets.sum(axis=0),
                    inputs.T @ inputs,
                    inputs.T @ targets,
                )
            )
        return total


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over windows of inputs `x (P,)`, targets `y (Q,)` and their products."""

    count: int
    x: FloatArray  # (P,)
    y: FloatArray  # (Q,)
    xx: FloatArray  # (P, P)
    xy: FloatArray  # (P, Q)

    def plus(self, other: _Sums) -> _Sums:
        """Return the sums over the windows of both."""
        return _Sums(
            self.count + other.count,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.xy + other.xy,
        )

    def about(self, x: FloatArray, y: FloatArray) -> _Sums:
        """Return the sums of what inputs and targets are beyond `x (P,)` and `y (Q,)`."""
        n = self.count
        return _Sums(
            n,
            self.x - n * x,
            self.y - n * y,
            self.xx - np.outer(x, self.x) - np.outer(self.x - n * x, x),
            self.xy - np.outer(x, self.y) - np.outer(self.x - n * x, y),
        )


class _Solution:
    """The ridge regressions for every penalty, from one decomposition.

    Inputs that are sums of others, as levels and differences are, make the normal equations
    singular without the penalty; their eigenvectors do not mind.
    """

    def __init__(self, sums: _Sums) -> None:
        self.mean_x, self.mean_y = sums.x / sums.count, sums.y / sums.count
        centred = sums.about(self.mean_x, self.mean_y)
        squares, self._axes = np.linalg.eigh(centred.xx)
        self._squares = np.maximum(squares, 0.0)
        self._products = self._axes.T @ centred.xy

    def weights(self, alpha: float) -> FloatArray:
        """Return `(P, Q)`."""
        return np.asarray(self._axes @ (self._products / (self._squares + alpha)[:, None]))

    def errors(self, held: _Sums) -> list[float]:
        """Return for each penalty the sum of squared errors on the windows `held` adds up.

        That is, what the penalty changes of it: the squares of the targets are left out.
        """
        about = held.about(self.mean_x, self.mean_y)
        slopes = map(self.weights, ALPHAS)
        return [float(np.sum(w * (about.xx @ w - 2 * about.xy))) for w in slopes]


def _best_alpha(sums: Sequence[_Sums], kinds: NDArray[np.int8]) -> float:
    """Return the penalty that forecasts held out windows best.

    Args:
        sums: of windows of the same kind.
        kinds: `(len(sums), F)` what each of the folds does with them.
    """
    errors = np.zeros(len(ALPHAS))
    validated = False
    for fold in kinds.T:
        train = [part for part, state in zip(sums, fold, strict=True) if state == _TRAIN]
        held = [part for part, state in zip(sums, fold, strict=True) if state == _HELD]
        if train and held:
            errors += _Solution(reduce(_Sums.plus, train)).errors(reduce(_Sums.plus, held))
            validated = True
    if not validated:
        raise SkipBaseline(
            Message("a target is missing in all windows to learn from or to validate on")
        )
    return ALPHAS[int(np.argmin(errors))]


def _parts(
    shape: tuple[int, int], weights: NDArray[np.bool_] | None
) -> list[tuple[IntArray, IntArray]]:
    """Return windows and the outputs `(M, Q)` to fit on them, such that none is missing."""
    M, Q = shape
    if weights is None:
        return [(np.arange(M), np.arange(Q))]
    known = weights.reshape(M, Q)
    whole = known.all(axis=1)
    if whole.mean() >= ENOUGH:
        return [(np.flatnonzero(whole), np.arange(Q))]
    alike: dict[bytes, list[int]] = {}
    for output in range(Q):
        alike.setdefault(known[:, output].tobytes(), []).append(output)
    return [(np.flatnonzero(known[:, outputs[0]]), np.array(outputs)) for outputs in alike.values()]


def _seconds(M: int, P: int, Q: int, folds: int) -> float:
    """Return how long a fit of `Q` outputs on `M` windows of `P` inputs takes."""
    adding = M * P * ((P + 2 * Q) / _PRODUCTS + _READ)
    solving = (folds + 1) * _EIGEN * P**3
    validating = folds * len(ALPHAS) * 4 * P**2 * Q / _PRODUCTS
    return adding + solving + validating


def _flat(values: NDArray[np.floating]) -> FloatArray:
    return values.reshape(len(values), -1).astype(np.float64)
