"""`make check-native` names in RNNKIT_NATIVE the build that these tests are to run on."""

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

import rnnkit


def _load(folder: Path) -> None:
    (file,) = folder.glob("_native*.so")
    loader = importlib.machinery.ExtensionFileLoader("rnnkit._native", str(file))
    spec = importlib.util.spec_from_file_location("rnnkit._native", file, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules["rnnkit._native"] = rnnkit._native = module


if os.environ.get("RNNKIT_NATIVE"):
    _load(Path(os.environ["RNNKIT_NATIVE"]))
