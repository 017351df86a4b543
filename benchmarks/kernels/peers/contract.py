"""What a peer offers to the worker process it lives in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from benchmarks.kernels.case import Case

Arrays = dict[str, np.ndarray]


class Unsupported(Exception):  # noqa: N818  # an answer, not a mistake
    """The peer cannot run the case; the text says why."""


class Program(Protocol):
    """A case set up on a peer, in one or more ways ("padded", "packed") of doing the same."""

    variants: tuple[str, ...]

    def check(self, variant: str) -> Arrays:
        """Return outputs and, for training, gradients, without dropout, for comparison.

        "y" and, for a bare layer, "x" (its gradient) are batch first, rows cut to the checked
        ones; gradients of weights have their names in torch's state dict.
        """

    def run(self, variant: str, calls: int) -> int:
        """Do at least so many steps; return how many, when the last is finished."""


class Peer(Protocol):
    """A library in its process."""

    versions: Mapping[str, str]

    def build(self, case: Case) -> Program:
        """Return the case set up, or raise Unsupported."""

    def product(self, size: int) -> Callable[[], None] | None:
        """Return a square float32 product to measure the machine's peak by, or None."""

    def forget(self) -> None:
        """Drop what the library caches for cases that are over."""
