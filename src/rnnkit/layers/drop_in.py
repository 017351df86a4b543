"""The errors of the drop-in layers: torch's texts, and both torch's classes and rnnkit's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rnnkit.errors import ConfigError, ShapeError


class ShapeRuntimeError(ShapeError, RuntimeError):
    """A tensor of the wrong shape, where torch.nn raises RuntimeError."""


class ShapeTypeError(ShapeError, TypeError):
    """An input that is no tensor, or the wrong number of states."""


class ConfigTypeError(ConfigError, TypeError):
    """A constructor argument of the wrong type, where torch.nn raises TypeError."""


class ConfigRuntimeError(ConfigError, RuntimeError):
    """A constructor argument that is wrong, where torch.nn raises RuntimeError."""


@contextmanager
def constructor_errors() -> Iterator[None]:
    """Turn what a constructor of torch.nn raises into rnnkit's errors, with torch's text."""
    try:
        yield
    except TypeError as error:
        raise ConfigTypeError(str(error)) from error
    except ValueError as error:
        raise ConfigError(str(error)) from error


def refuse_projection(refused: dict[str, Any]) -> None:
    """Raise ConfigError for an argument that torch.nn takes for LSTM alone."""
    if "proj_size" in refused:
        raise ConfigError("proj_size argument is only supported for LSTM, not RNN or GRU")
