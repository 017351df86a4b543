"""How the native module is built, or not, and what is said of it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import rnnkit
from rnnkit import native_build
from rnnkit.errors import BackendError
from rnnkit.report.machine import machine_lines

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "rnnkit"
COMMAND = [sys.executable, "-c", "from rnnkit.cli import main; main()"]
OBJECTS = ROOT / "build" / "native" / "CMakeFiles"
TOOLS = Path(sys.executable).parent
NO_COMPILER = "no C++ compiler was found when rnnkit was installed; install one (Debian: apt"

built = pytest.mark.skipif(
    native_build.native_module() is None, reason="rnnkit is installed without native kernels"
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no kernels for Windows")


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment without the variables that choose a compiler."""
    ours = {"CXX", "RNNKIT_ISA", "RNNKIT_REQUIRE_NATIVE"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [str(part) for part in command],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


class TestModule:
    @built
    def test_the_widest_instruction_set_is_the_default(self):
        done = run(*COMMAND, "info")
        (line,) = [li for li in done.stdout.splitlines() if "native kernels" in li]
        isas = native_build.native_module().info()["isas"]
        assert line.startswith(f"native kernels: {isas[-1]}, the widest that this CPU has; ")
        assert f"RNNKIT_ISA may be {' or '.join(isas)}; " in line

    @built
    def test_every_instruction_set_can_be_asked_for(self):
        isas = native_build.native_module().info()["isas"]
        assert isas == ["portable", "avx2", "avx512"][: len(isas)]
        for isa in isas:
            asked = "import rnnkit._native as n; print(n.info()['isa'], n.info()['why'])"
            done = run(sys.executable, "-c", asked, RNNKIT_ISA=isa)
            assert done.stdout == f"{isa} RNNKIT_ISA asks for it\n"

    @built
    def test_an_empty_request_is_none(self):
        done = run(*COMMAND, "info", RNNKIT_ISA="")
        assert "the widest that this CPU has" in done.stdout

    @built
    def test_an_unknown_instruction_set_is_one_sentence(self):
        done = run(*COMMAND, "info", RNNKIT_ISA="sse")
        isas = native_build.native_module().info()["isas"]
        assert done.returncode == 2
        assert done.stderr == (
            f"error: the native kernels do not load: RNNKIT_ISA must be {' or '.join(isas)} on "
            "this machine, got 'sse'; leave it unset for the widest\n"
        )

    @built
    @pytest.mark.parametrize("isa", ["sse", "AVX2", "avx2 ", "avx"])
    def test_the_module_itself_does_not_load_then(self, isa):
        done = run(sys.executable, "-c", "import rnnkit._native", RNNKIT_ISA=isa)
        assert done.stderr.splitlines()[-1].startswith("ImportError: RNNKIT_ISA must be portable")

    def test_without_a_module_the_reason_is_the_installed_text(self, tmp_path, monkeypatch):
        (tmp_path / "native_absent.txt").write_text("no C++ compiler was found\n")
        monkeypatch.setattr(rnnkit, "__path__", [str(PACKAGE), str(tmp_path)])
        monkeypatch.setitem(sys.modules, "rnnkit._native", None)  # importing it finds nothing
        assert native_build.native_module() is None
        assert "no native kernels: no C++ compiler was found" in list(machine_lines())

    def test_without_module_and_text_nothing_was_built(self, tmp_path, monkeypatch):
        monkeypatch.setattr(rnnkit, "__path__", [str(tmp_path)])
        assert "only its source is there" in native_build.why_absent()

    def test_a_module_that_does_not_load_is_not_taken_for_none(self, tmp_path, monkeypatch):
        (tmp_path / "_native.py").write_text("raise ImportError('undefined symbol')\n")
        monkeypatch.setattr(rnnkit, "__path__", [str(tmp_path)])
        monkeypatch.delitem(sys.modules, "rnnkit._native", raising=False)
        monkeypatch.setattr(sys, "meta_path", [m for m in sys.meta_path if "skbc" not in repr(m)])
        with pytest.raises(BackendError, match="do not load: undefined symbol"):
            native_build.native_module()
        (tmp_path / "_native.py").write_text("import rnnkit_lacks_this\n")
        importlib.invalidate_caches()
        with pytest.raises(BackendError, match="No module named 'rnnkit_lacks_this'"):
            native_build.native_module()


@pytest.mark.skipif(shutil.which("nm") is None or not OBJECTS.is_dir(), reason="no object files")
def test_instruction_sets_share_no_function():
    """The linker keeps one of the functions of one name: a wide one, and it runs on every CPU."""
    homes: dict[str, set[str]] = {}
    sources = {path.name for path in (ROOT / "csrc").iterdir()}
    for file in OBJECTS.rglob("*.o"):
        if file.stem not in sources:  # of a source that is gone
            continue
        for line in run("nm", file).stdout.splitlines():
            *address, kind, name = line.split()
            if address and kind in "VWu":  # defined here, in others too
                homes.setdefault(name, set()).add(file.name)
    shared = {name: files for name, files in homes.items() if len(files) > 1}
    assert [name for name, files in shared.items() if any("isa_avx" in f for f in files)] == []


def make_compiler(folder: Path, text: str) -> None:
    (folder / "c++").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "c++").chmod(0o755)


@posix
@pytest.mark.skipif(not (TOOLS / "cmake").exists(), reason="CMake is not beside this Python")
class TestCompilers:
    """What CMake makes of the compilers on PATH."""

    @pytest.fixture
    def bin(self, tmp_path):
        (tmp_path / "bin").mkdir()
        return tmp_path / "bin"

    @pytest.fixture
    def configure(self, tmp_path, bin):
        """Configure in `tmp_path / "build"`, with nothing but `bin` on PATH."""

        def call(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
            command = (TOOLS / "cmake", "-S", ROOT, "-B", tmp_path / "build", "-G", "Ninja")
            tools = f"-DCMAKE_MAKE_PROGRAM={TOOLS / 'ninja'}"
            return run(*command, tools, *options, **{"PATH": str(bin), **variables})

        return call

    @pytest.mark.parametrize("required", ["", "0"])
    def test_none_is_said_in_the_place_of_the_module(self, tmp_path, configure, required):
        done = configure(RNNKIT_REQUIRE_NATIVE=required)
        assert done.returncode == 0, done.stderr
        assert "rnnkit is installed without native kernels" in done.stderr
        build, prefix = tmp_path / "build", tmp_path / "site-packages"
        for step in (("--build", build), ("--install", build, "--prefix", prefix)):
            done = run(TOOLS / "cmake", *step)
            assert done.returncode == 0, done.stderr
        (file,) = (path for path in prefix.rglob("*") if path.is_file())
        assert file == prefix / "rnnkit" / "native_absent.txt"
        assert file.read_text().startswith(NO_COMPILER)

    def test_none_is_an_error_where_kernels_are_required(self, configure):
        done = configure(RNNKIT_REQUIRE_NATIVE="1")
        assert done.returncode != 0
        said = " ".join(done.stderr.split())
        assert "RNNKIT_REQUIRE_NATIVE is set, but there are no native kernels: no C++" in said

    def test_one_without_its_tools_is_none(self, tmp_path, bin, configure):
        make_compiler(bin, "exit 1")  # as on macOS before the command line tools are installed
        assert configure().returncode == 0
        assert (tmp_path / "build" / "native_absent.txt").is_file()

    def test_one_that_does_not_compile_is_an_error(self, bin, configure):
        make_compiler(bin, 'test "$1" = --version')
        done = configure()
        assert done.returncode != 0
        assert "native_absent" not in done.stderr
        assert "is not able to compile a simple test program" in done.stderr

    @pytest.mark.skipif(shutil.which("c++") is None, reason="there is no c++")
    def test_pythons_headers_are_needed_too(self, tmp_path, configure):
        done = configure("-DPython_INCLUDE_DIR=/nowhere", PATH=os.environ["PATH"])
        assert done.returncode == 0, done.stderr
        reason = (tmp_path / "build" / "native_absent.txt").read_text()
        assert reason.startswith("the C headers of Python 3.")

    def test_one_asked_for_by_name_must_be_there(self, configure):
        done = configure(CXX="no-such-compiler")
        assert done.returncode != 0
        assert "no-such-compiler" in done.stderr


@posix
@pytest.mark.skipif(
    importlib.util.find_spec("scikit_build_core") is None, reason="scikit-build-core is missing"
)
def test_a_wheel_without_a_compiler_has_all_files_and_the_reason(tmp_path):
    command = (sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps")
    done = run(*command, "--wheel-dir", tmp_path, ROOT, PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("rnnkit-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        reason = archive.read("rnnkit/native_absent.txt").decode()
    assert reason.startswith(NO_COMPILER)
    source = {
        f"rnnkit/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".so")
    }
    assert {"rnnkit/py.typed", "rnnkit/report/korean.json", "rnnkit/_native.pyi"} <= source
    assert inside == source | {"rnnkit/native_absent.txt"}
