"""What the compiled module says of itself."""

import os
from pathlib import Path

import pytest

_native = pytest.importorskip("rnnkit._native", reason="rnnkit is installed without native kernels")


def test_info():
    info = _native.info()
    assert set(info) == {"isa", "why", "isas", "compiler", "build"}
    assert info["isas"][0] == "portable"
    assert info["isa"] == os.environ.get("RNNKIT_ISA", info["isas"][-1])


@pytest.mark.skipif("RNNKIT_NATIVE" not in os.environ, reason="make check-native sets it")
def test_the_build_asked_for_is_the_one_tested():
    assert "AddressSanitizer" in _native.info()["build"]
    assert Path(_native.__file__).samefile(
        next(Path(os.environ["RNNKIT_NATIVE"]).glob("_native*.so"))
    )
