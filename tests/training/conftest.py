import importlib.util
import sys
from pathlib import Path

import pytest


def _load_tiny():
    # Loaded by path because the tests run in importlib mode; the script shares the module.
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_TINY = _load_tiny()


@pytest.fixture
def tiny():
    """The module `tiny.py` beside this file."""
    return _TINY
