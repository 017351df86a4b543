"""Whether a peer computes what the float64 reference computes."""

from __future__ import annotations

import numpy as np

from benchmarks.kernels.case import Case
from benchmarks.kernels.peers.contract import Arrays

# Largest deviation over the largest value of the reference. Float32 sums of thousands of terms and
# XLA's approximations of tanh stay below 1e-5; a swapped gate or a lost step is above 1e-2.
TOLERANCE = 2e-4


def deviation(case: Case, got: Arrays, expected: Arrays) -> tuple[float, str]:
    """Return the largest relative deviation of all arrays, and the name of the array it is in.

    Outputs of a bare layer at padded steps are not compared. A missing or misshapen array, or a
    value that is not finite, deviates infinitely.
    """
    if got.keys() != expected.keys():
        return float("inf"), ", ".join(sorted(got.keys() ^ expected.keys()))
    worst = 0.0, ""
    lengths = case.lengths()
    for name, reference in expected.items():
        value = got[name]
        if value.shape != reference.shape or not np.isfinite(value).all():
            return float("inf"), name
        difference = np.abs(value - reference)
        if name == "y" and case.bare and lengths is not None:
            padding = np.arange(case.T) >= lengths[: len(value), None]
            difference = np.where(padding[..., None], 0, difference)
        scale = float(np.abs(reference).max())
        relative = float(difference.max()) / scale if scale else float(difference.max())
        worst = max(worst, (relative, name))
    return worst
