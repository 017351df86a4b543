"""What is installed and what the machine offers, in words."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import torch

from rnnkit import __version__
from rnnkit.native_build import native_line
from rnnkit.ops import backends

_OPTIONAL = {"statsforecast": "forecast", "statsmodels": "forecast", "pyarrow": "forecast"}
_REQUIRED = ("torch", "numpy", "pandas")
_LINUX_CPUS = Path("/proc/cpuinfo")


def machine_lines() -> Iterator[str]:
    """Yield the lines of `rnnkit info`.

    Raises:
        BackendError: if there are native kernels and they do not load.
    """
    yield f"rnnkit {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _REQUIRED)
    for name, extra in _OPTIONAL.items():
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f'{name} is not installed: pip install "rnnkit[{extra}]"'
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    yield f"{_cpu()}, {torch.get_num_threads()} threads on {_cores()} cores, {device}"
    yield native_line()
    for backend in backends():
        state = "available" if backend.available else "not available"
        yield f"backend {backend.name}: {state}, {backend.why}"


def _cpu() -> str:
    """Return the CPU's name, or its architecture where the system does not tell."""
    if _LINUX_CPUS.is_file():
        text = _LINUX_CPUS.read_text(encoding="utf-8", errors="replace")
        named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        if named is not None:
            return named[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
