"""The compiled module `rnnkit._native`, or the reason why this installation has none.

pip compiles it from csrc/ (CMakeLists.txt). Where nothing to compile with was present, a text that
says so was installed in its place.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import rnnkit
from rnnkit.errors import BackendError

_MODULE = "rnnkit._native"
_REASON = "native_absent.txt"


def native_module() -> ModuleType | None:
    """Return the compiled module, or `None` where there is none; `why_absent` says why.

    Raises:
        BackendError: if there is one and it does not load, which a wrong RNNKIT_ISA is enough for.
    """
    try:
        return importlib.import_module(_MODULE)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == _MODULE:
            return None
        raise BackendError(f"the native kernels do not load: {error}") from None


def why_absent() -> str:
    """Return, as a clause, why there is no compiled module, and what to do about it."""
    # In an editable installation what was installed lies in another folder than this file.
    for folder in rnnkit.__path__:
        reason = Path(folder) / _REASON
        if reason.is_file():
            return reason.read_text(encoding="utf-8").strip()
    return "rnnkit was not built, only its source is there; install it: pip install ."


def native_line() -> str:
    """Return what there is to say of the native kernels, in one line.

    Raises:
        BackendError: if they do not load.
    """
    module = native_module()
    if module is None:
        return f"no native kernels: {why_absent()}"
    info = module.info()
    return (
        f"native kernels: {info['isa']}, {info['why']}; RNNKIT_ISA may be "
        f"{' or '.join(info['isas'])}; {info['compiler']}, {info['build']}"
    )
