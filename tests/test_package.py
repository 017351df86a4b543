"""What the package promises as a whole: its names, its documents, and that it loads lightly."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

import rnnkit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "rnnkit"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
HEAVY = {
    "gensim",
    "matplotlib",
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "statsforecast",
    "statsmodels",
    "tokenizers",
    "torch",
}
PACKAGES = {"sklearn": "scikit-learn"}  # whose modules are called otherwise
OTHER_TOOLS = {"--shared"}  # options of pytest
NOT_OURS = ("torchvision", "torchaudio", "ray", "nvidia", "cuda", "triton")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    return tomllib.loads(text(ROOT / "pyproject.toml"))["project"]


def dependencies() -> set[str]:
    """Return the names of all packages that the project and its extras ask for."""
    lists = [project()["dependencies"], *project()["optional-dependencies"].values()]
    return {re.match(r"[\w-]+", line)[0] for lines in lists for line in lines} - {"rnnkit"}


def documented_names(module: str) -> list[str]:
    """Return the names in the first column of the module's table in docs/reference.md."""
    section = re.search(
        rf"^## {re.escape(module)}\n(.*?)(?=^## |\Z)",
        text(ROOT / "docs" / "reference.md"),
        re.MULTILINE | re.DOTALL,
    )
    assert section is not None, f"docs/reference.md has no section {module}"
    return re.findall(r"^\| `(\w+)` \|", section.group(1), re.MULTILINE)


class TestPublicNames:
    @pytest.mark.parametrize("name", ["rnnkit", "rnnkit.layers", "rnnkit.metrics", "rnnkit.ops"])
    def test_all_is_what_the_reference_lists(self, name):
        module = importlib.import_module(name)
        assert sorted(documented_names(name)) == sorted(module.__all__)

    @pytest.mark.parametrize("name", rnnkit.__all__)
    def test_each_name_loads_and_is_listed(self, name):
        value = getattr(rnnkit, name)
        assert value.__doc__
        assert name in dir(rnnkit)

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="no attribute 'Forcaster'"):
            rnnkit.Forcaster  # noqa: B018


class TestLightness:
    """What answers at once must not wait for torch."""

    def heavy_after(self, code: str, folder: Path) -> set[str]:
        program = f"{code}\nimport sys\nprint('\\nloaded', *sorted(sys.modules))"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=True
        )
        loaded = done.stdout.rpartition("\nloaded ")[2].split()
        assert "rnnkit" in loaded
        return HEAVY & set(loaded)

    def command(self, *arguments: str) -> str:
        return (
            "import sys\n"
            f"sys.argv = ['rnnkit', *{arguments!r}]\n"
            "from rnnkit.cli import main\n"
            "try:\n    main()\nexcept SystemExit:\n    pass"
        )

    def test_import(self, tmp_path):
        assert self.heavy_after("import rnnkit\ndir(rnnkit)", tmp_path) == set()

    def test_options_of_a_forecast(self, tmp_path):
        code = "from rnnkit.tasks import ForecastConfig\nForecastConfig(horizon=3)"
        assert self.heavy_after(code, tmp_path) <= {"numpy"}

    @pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
    def test_help(self, arguments, tmp_path):
        assert self.heavy_after(self.command(*arguments), tmp_path) == set()

    @pytest.mark.parametrize("command", ["forecast", "backtest", "classify", "tag", "lm"])
    def test_help_of_a_command(self, command, tmp_path):
        assert self.heavy_after(self.command(command, "--help"), tmp_path) == set()

    def test_a_misspelt_label(self, tmp_path):
        (tmp_path / "films.csv").write_text("text,label\nA good film,pos\n")
        asked = ["classify", "films.csv", "--label", "lable"]
        assert self.heavy_after(self.command(*asked), tmp_path) == set()

    def test_a_misspelt_column(self, tmp_path):
        (tmp_path / "air.csv").write_text("Month,Passengers\n1949-01,112\n")
        asked = ["forecast", "air.csv", "--time", "Month", "--target", "x", "--horizon", "2"]
        assert self.heavy_after(self.command(*asked), tmp_path) == set()

    def test_a_misspelt_choice(self, tmp_path):
        (tmp_path / "air.csv").write_text("Month,Passengers\n1949-01,112\n")
        asked = ["forecast", "air.csv", "--time", "Month", "--horizon", "2", "--cell", "gruu"]
        assert self.heavy_after(self.command(*asked), tmp_path) == set()

    def test_the_names_are_seen_to_be_heavy(self, tmp_path):
        assert {"torch", "numpy"} <= self.heavy_after("import rnnkit.layers", tmp_path)


class TestPackaging:
    def test_one_version(self):
        assert importlib.metadata.version("rnnkit") == rnnkit.__version__
        assert re.search(
            rf"^## .*\b{re.escape(rnnkit.__version__)}\b", text(ROOT / "CHANGELOG.md"), re.M
        )

    def test_the_package_is_typed_and_every_folder_is_a_package(self):
        assert (SOURCE / "py.typed").is_file()
        folders = {path.parent for path in SOURCE.rglob("*.py")}
        assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []

    def test_what_is_imported_is_declared(self):
        own = {"rnnkit", *sys.stdlib_module_names}
        imported = {
            name.partition(".")[0]
            for path in SOURCE.rglob("*.py")
            for name in _imports(ast.parse(text(path)))
        }
        packages = {PACKAGES.get(name, name) for name in imported - own}
        assert packages - dependencies() == set()

    def test_every_dependency_is_locked(self):
        locked = {
            re.match(r"[\w.-]+", line)[0]
            for line in text(ROOT / "constraints.txt").splitlines()
            if line and not line.startswith("#")
        }
        assert dependencies() - locked == set()
        assert [name for name in locked if name.startswith(NOT_OURS)] == []

    def test_the_lock_names_versions_and_no_places(self):
        lines = [li for li in text(ROOT / "constraints.txt").splitlines() if not li.startswith("#")]
        wrong = [li for li in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9.]+(; .+)?", li)]
        assert wrong == []
        assert "torch==2.13.0" in lines

    def test_extras_named_in_messages_exist(self):
        named = {
            extra
            for path in [*SOURCE.rglob("*.py"), *DOCUMENTS]
            for extra in re.findall(r'"(?:rnnkit|\.)\[(\w+)\]"', text(path))
        }
        assert "forecast" in named
        assert named <= set(project()["optional-dependencies"])


def _imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


class TestDocuments:
    def test_the_map_of_the_architecture_is_that_of_the_files(self):
        modules = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")}
        modules = {m for m in modules if m == "__init__.py" or not m.endswith("__init__.py")}
        named = _mapped(text(ROOT / "ARCHITECTURE.md"))
        assert sorted(modules - named) == [], "not in the map"
        assert sorted(named - modules) == [], "in the map and not there"

    def test_every_module_has_its_floor(self):
        config = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["importlinter"]
        (contract,) = [c for c in config["contracts"] if c["type"] == "layers"]
        floors = {
            name for line in contract["layers"] for name in re.findall(r"rnnkit\.(\w+)", line)
        }
        entries = [path for path in SOURCE.iterdir() if path.suffix in ("", ".py")]
        there = {path.stem for path in entries if not path.stem.startswith("_")}
        assert floors == there

    def test_every_command_is_told_of(self):
        commands = typer.main.get_command(importlib.import_module("rnnkit.cli").app).commands
        written = "\n".join(map(text, DOCUMENTS))
        assert [name for name in commands if f"rnnkit {name}" not in written] == []

    @pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
    def test_links_lead_somewhere(self, path):
        links = re.findall(r"\]\(([^)#\s]+)\)", text(path))
        here = [link for link in links if "://" not in link]
        assert [link for link in here if not (path.parent / link).exists()] == []

    @pytest.mark.parametrize(
        "path",
        [path for path in DOCUMENTS if "```python" in text(path)],
        ids=lambda path: path.name,
    )
    def test_python_runs_and_prints_what_is_shown(self, path, tmp_path, monkeypatch, capsys):
        """Run a document's blocks in their order; a `text` block is what the one before printed."""
        _few_rows(tmp_path, monkeypatch)
        monkeypatch.chdir(tmp_path)
        names: dict[str, object] = {}
        for kind, block in re.findall(r"```(python|text)\n(.*?)```", text(path), re.DOTALL):
            if kind == "python":
                capsys.readouterr()
                exec(compile(block, str(path), "exec"), names)
            else:
                assert capsys.readouterr().out == block

    @pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
    def test_commands_and_options_exist(self, path):
        commands = typer.main.get_command(importlib.import_module("rnnkit.cli").app).commands
        known = {
            option
            for command in commands.values()
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        if path.name == "benchmarks.md":
            source = (ROOT / "benchmarks" / "kernels" / "__main__.py").read_text(encoding="utf-8")
            known |= set(re.findall(r'"(--[a-z-]+)"', source))
        said = re.findall(r"(?:^ +(?:\$ )?|`)rnnkit (\w+)", text(path), re.MULTILINE)
        assert set(said) <= set(commands)
        lines = re.findall(r"^ +(?:\$ )?rnnkit .*$|`--[a-z-]+", text(path), re.MULTILINE)
        options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
        assert options <= known | OTHER_TOOLS


def _mapped(architecture: str) -> set[str]:
    """Return the modules that the map of the files names, as paths in the package."""
    block = re.search(r"^    src/rnnkit/\n(.*?)\n\n", architecture, re.MULTILINE | re.DOTALL)
    assert block is not None
    folder, found = "", set()
    for line in block.group(1).splitlines():
        begins = re.match(r" {6}([\w/]+/)(?: |$)", line)
        folder = begins.group(1) if begins else folder if line.startswith(" " * 20) else ""
        found |= {folder + name for name in re.findall(r"\b\w+\.py\b", line)}
    return found


def _few_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the documents' code less to train on: six years, as a file and as the airline series."""
    import rnnkit.data.airline as airline

    frame = airline.airline_passengers().head(72)
    monkeypatch.setattr(airline, "airline_passengers", lambda: frame)
    frame.set_axis(["Month", "Sold"], axis=1).to_csv(folder / "sales.csv", index=False)
