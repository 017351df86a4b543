"""Ridge autoregression: the linear map from the network's own windows to its own targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnkit.baselines.contract import FloatArray

ALPHAS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)


class RidgeAutoregression:
    """Least squares with an L2 penalty (Hoerl & Kennard 1970) on flattened contexts.

    What a network has to beat to earn its nonlinearity: it sees the same inputs, learns the same
    targets on the same part, and chooses its penalty on the same validation part.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 40).reshape(20, 2, 1)
        >>> y = x.sum(axis=1, keepdims=True)
        >>> model = RidgeAutoregression().fit(x[:15], y[:15], x[15:], y[15:])
        >>> bool(np.abs(model.predict(x) - y).max() < 0.05)
        True
    """

    name = "ridge"
    alpha: float

    def fit(
        self,
        x: NDArray[np.float32],
        y: FloatArray,
        x_validation: NDArray[np.float32],
        y_validation: FloatArray,
    ) -> RidgeAutoregression:
        """Fit on `x (M, T, I)`, `y (M, H, K)`, with the penalty that validates best."""
        from sklearn.linear_model import Ridge

        self._shape = y.shape[1:]
        best = np.inf
        for alpha in ALPHAS:
            model = Ridge(alpha=alpha).fit(_flat(x), _flat(y))
            error = float(np.mean((model.predict(_flat(x_validation)) - _flat(y_validation)) ** 2))
            if error < best:
                best, self._model, self.alpha = error, model, alpha
        return self

    def predict(self, x: NDArray[np.float32]) -> FloatArray:
        """Return outputs `(M, H, K)` for contexts `(M, T, I)`."""
        outputs = np.asarray(self._model.predict(_flat(x)), dtype=np.float64)
        return outputs.reshape(len(x), *self._shape)


def _flat(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return values.reshape(len(values), -1).astype(np.float64)
