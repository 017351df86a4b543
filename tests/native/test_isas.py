"""The tests of the kernels, fewer of them, for every other instruction set of this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_native = pytest.importorskip("rnnkit._native", reason="rnnkit is installed without native kernels")
INFO = _native.info()
HERE = Path(__file__).parent


@pytest.mark.skipif(
    "RNNKIT_NATIVE" in os.environ, reason="RNNKIT_ISA=portable make check-native does that"
)
@pytest.mark.parametrize("isa", [isa for isa in INFO["isas"] if isa != INFO["isa"]])
def test_the_kernels_for_another_instruction_set(isa):
    environment = {
        **os.environ,
        "RNNKIT_ISA": isa,
        "RNNKIT_QUICK": "1",
        # What malloc gives is full of 0x7f: numbers of about 1e38, rather than zeros.
        "MALLOC_PERTURB_": "128",
        "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    }
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"]
    files = [str(HERE / f"test_{name}.py") for name in ("module", "activations", "kernels")]
    done = subprocess.run(
        [sys.executable, *arguments, *files],
        env=environment,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout or "100%" in done.stdout


def test_an_instruction_set_that_is_not_there_is_refused():
    done = subprocess.run(
        [sys.executable, "-c", "from rnnkit import _native; _native.info()"],
        env={**os.environ, "RNNKIT_ISA": "avx9"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "RNNKIT_ISA must be portable" in done.stderr
    assert "'avx9'" in done.stderr
