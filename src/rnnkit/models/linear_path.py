"""A linear autoregression beneath the network, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.data.windows import Inputs


@dataclass(frozen=True, eq=False)
class LinearPath:
    """Placeholder."""

    lags: int

    @property
    def reach(self) -> int:
        """Rows before an origin that it looks at."""
        return self.lags

    def outputs(self, inputs: Inputs, origins: IntArray, z: FloatArray) -> FloatArray:
        """Return `(M, h, K)`."""
        return np.zeros(())
