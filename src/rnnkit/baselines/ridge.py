"""Ridge autoregression: the linear map from the network's own windows to its own targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnkit.baselines.contract import FloatArray, IntArray, SkipBaseline

ALPHAS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
LARGEST = 50_000_000  # values in all contexts together: about 10 s


class RidgeAutoregression:
    """Least squares with an L2 penalty (Hoerl & Kennard 1970) on flattened contexts.

    What a network has to beat to earn its nonlinearity: it sees the same inputs, learns the same
    targets from the same rows, and chooses its penalty on the same validation blocks.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 40).reshape(20, 2, 1)
        >>> y = x.sum(axis=1, keepdims=True)
        >>> model = RidgeAutoregression().fit(x, y, [(np.arange(15), np.arange(15, 20))])
        >>> bool(np.abs(model.predict(x) - y).max() < 0.05)
        True
    """

    name = "ridge"
    alpha: float

    def fit(
        self,
        x: NDArray[np.float32],
        y: FloatArray,
        folds: Sequence[tuple[IntArray, IntArray]],
    ) -> RidgeAutoregression:
        """Fit on `x (M, T, I)`, `y (M, H, K)`, with the penalty that validates best.

        Args:
            x: contexts.
            y: targets.
            folds: numbers of the windows to learn from and to validate on, of each block.

        Raises:
            SkipBaseline: if the contexts are too large a matrix.
        """
        if x.size > LARGEST:
            raise SkipBaseline(f"would take too long: {x.size:,} inputs are more than {LARGEST:,}")
        self._shape = y.shape[1:]
        flat_x, flat_y = _flat(x), _flat(y)
        errors = np.zeros(len(ALPHAS))
        for train, held in folds:
            paths = _Solutions(flat_x[train], flat_y[train])
            for number, alpha in enumerate(ALPHAS):
                errors[number] += np.sum((paths.predict(flat_x[held], alpha) - flat_y[held]) ** 2)
        self.alpha = ALPHAS[int(np.argmin(errors))]
        self._solutions = _Solutions(flat_x, flat_y)
        return self

    def predict(self, x: NDArray[np.float32]) -> FloatArray:
        """Return outputs `(M, H, K)` for contexts `(M, T, I)`."""
        return self._solutions.predict(_flat(x), self.alpha).reshape(len(x), *self._shape)


class _Solutions:
    """The ridge regressions of `y (M, Q)` on `x (M, P)` for every penalty, from one decomposition.

    Inputs that are sums of others, as levels and differences are, make the normal equations
    singular without the penalty; their eigenvectors do not mind.
    """

    def __init__(self, x: FloatArray, y: FloatArray) -> None:
        self._mean_x, self._mean_y = x.mean(axis=0), y.mean(axis=0)
        centred = x - self._mean_x
        squares, self._axes = np.linalg.eigh(centred.T @ centred)
        self._squares = np.maximum(squares, 0.0)
        self._products = self._axes.T @ (centred.T @ (y - self._mean_y))

    def predict(self, x: FloatArray, alpha: float) -> FloatArray:
        weights = self._axes @ (self._products / (self._squares + alpha)[:, None])
        return np.asarray((x - self._mean_x) @ weights + self._mean_y)


def _flat(values: NDArray[np.floating]) -> FloatArray:
    return values.reshape(len(values), -1).astype(np.float64)
