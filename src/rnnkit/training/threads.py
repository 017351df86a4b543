"""How many of torch's threads a small network should use: one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 10_000_000  # operations a time step: about 0.2 ms, a few times what a meeting costs


@contextmanager
def threads_for(operations: int) -> Iterator[None]:
    """Run the block on one thread if a time step does too few `operations` to be shared out.

    A recurrence makes its threads meet at every step. Where the work between two meetings is small
    a second thread gains nothing, and on a machine with other work it made training 30 times
    slower. The number of threads that the caller had set is set again afterwards.

    Args:
        operations: floating-point operations of the largest product in a time step.

    Example:
        >>> import torch
        >>> before = torch.get_num_threads()
        >>> with threads_for(operations=1000):
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    before = torch.get_num_threads()
    if operations < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
