"""What the files of the diagnosis share: array types, statsmodels, and numbers in sentences."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnkit.errors import MissingExtraError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]


def load(module: str) -> Any:
    """Return a module of statsmodels or of what it stands on.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"a diagnosis needs {module.partition('.')[0]}, which is not installed:"
            ' pip install "rnnkit[forecast]"'
        ) from error


@contextmanager
def no_warnings() -> Iterator[None]:
    """Hide what statsmodels warns of and a diagnosis says itself, as of a p-value at its bound."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def spoken_p(p_value: float) -> str:
    """Return a p-value as it stands in a sentence after the letter p.

    Example:
        >>> spoken_p(0.0312), spoken_p(0.00002)
        ('= 0.031', '< 0.001')
    """
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"


def rounded(value: float) -> float:
    """Return a number with one decimal, and no sign before a zero.

    Example:
        >>> rounded(-0.04), rounded(1.25)
        (0.0, 1.2)
    """
    return round(value, 1) + 0.0


def root_mean_square(values: FloatArray) -> float:
    """Return the root mean square of one value or more; no square overflows.

    Example:
        >>> print(f"{root_mean_square(np.array([1e300, -7e300])):.3g}")
        5e+300
    """
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest else 0.0


def plain_number(value: float | None) -> float | None:
    """Return what JSON can hold: `None` for a number that is not finite."""
    return float(value) if value is not None and np.isfinite(value) else None
