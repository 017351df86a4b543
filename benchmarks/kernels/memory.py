"""How much memory a training step takes: the growth of a fresh process to its peak (Linux)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.kernels.case import Case
from benchmarks.kernels.peers.contract import Peer

STEPS = 3
# glibc then gives all larger blocks back when they are freed, whatever was freed before: resident
# memory is what is in use. By default it differs by a tenth between processes that do the same.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "16384"}


def growth(peer: Peer, case: Case, variant: str) -> int:
    """Return the bytes that training steps add to resident memory, at their peak.

    The process must be fresh: memory that was freed before but not given back would be used again
    and not show. A tiny case runs first, so that threads and libraries are in place; weights and
    inputs are there before the first step, gradients and what the optimiser keeps are not.
    """
    tiny = Case("tiny", case.cell, "train", 1, 2, 4, 4)
    small = peer.build(tiny)
    small.run(small.variants[0], 1)
    program = peer.build(case)
    _reset_peak()
    before = _status("VmRSS")
    program.run(variant, STEPS)
    return _status("VmHWM") - before


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM


def _status(field: str) -> int:
    """Return a field of this process's status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")
