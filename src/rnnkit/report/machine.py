"""What is installed and what the machine offers, in words."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator

import torch

from rnnkit import __version__
from rnnkit.ops import backends

_OPTIONAL = {"statsforecast": "forecast", "statsmodels": "forecast", "pyarrow": "forecast"}
_REQUIRED = ("torch", "numpy", "pandas")


def machine_lines() -> Iterator[str]:
    """Yield the lines of `rnnkit info`."""
    yield f"rnnkit {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _REQUIRED)
    for name, extra in _OPTIONAL.items():
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f'{name} is not installed: pip install "rnnkit[{extra}]"'
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    yield f"{torch.get_num_threads()} threads, {device}"
    for backend in backends():
        state = "available" if backend.available else "not available"
        yield f"backend {backend.name}: {state}, {backend.why}"
