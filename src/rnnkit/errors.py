"""The exceptions of rnnkit.

    RnnkitError
    ├── DataError          (ValueError)    a file, table or array: names row and column
    ├── ConfigError        (ValueError)    an option or a config file
    ├── ShapeError         (ValueError)    a tensor of the wrong shape
    ├── ArtifactError      (ValueError)    a run folder or checkpoint that cannot be trusted
    ├── BackendError       (RuntimeError)  a backend asked for by name that cannot serve the case
    ├── TrainingError      (RuntimeError)  training cannot go on (a loss that is not finite)
    └── MissingExtraError  (ImportError)   an optional dependency is not installed

Each also derives from the built-in error that a user of the same thing in torch or Python would
catch. A message is one sentence that says what, what was expected, what came, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RnnkitError(Exception):
    """The base of every error that rnnkit raises on purpose."""


class DataError(RnnkitError, ValueError):
    """A file, table or array does not hold what was asked of it."""


class ConfigError(RnnkitError, ValueError):
    """An option, or a key or value of a config file, is wrong."""


class ShapeError(RnnkitError, ValueError):
    """A tensor has the wrong shape."""


class ArtifactError(RnnkitError, ValueError):
    """A run folder or checkpoint is missing, changed or damaged."""


class BackendError(RnnkitError, RuntimeError):
    """A backend that was asked for by name cannot serve the case."""


class TrainingError(RnnkitError, RuntimeError):
    """Training cannot go on."""


class MissingExtraError(RnnkitError, ImportError):
    """An optional dependency is not installed."""


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return `"; did you mean 'x'?"` for the nearest known name, or an empty string.

    Args:
        name: that is not known.
        known: names that are.
        cutoff: how alike they must be, 0 to 1; names that share an ending need a higher one.

    Example:
        >>> closest("Pasengers", ["Month", "Passengers"])
        "; did you mean 'Passengers'?"
        >>> closest("zzz", ["Month"])
        ''
    """
    names = {candidate.casefold(): candidate for candidate in known}
    match = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=cutoff)
    return f"; did you mean {names[match[0]]!r}?" if match else ""
