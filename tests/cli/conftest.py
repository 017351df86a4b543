"""A working folder, a finished run, and a command line in this process."""

import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnnkit import cli
from rnnkit.baselines import Drift, LastValue, SeasonalGrowth, SeasonalNaive

COLUMNS = ("--time", "Month", "--target", "Sold", "--horizon", 3)
SMALL = ("--season", 1, "--context", 6, "--ensemble", 1, "--hidden-size", 4, "--epochs", 2)


def make_wave(rows):
    """A wave that no season fits, a row a month."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=rows)
    wave = 100 + 10 * np.sin(2 * np.pi * np.arange(rows) / 7.3) + noise
    months = pd.period_range("2000-01", periods=rows, freq="M").astype(str)
    return pd.DataFrame({"Month": months, "Sold": wave})


@pytest.fixture(scope="session")
def wave():
    """The function `make_wave`."""
    return make_wave


@pytest.fixture(scope="session")
def small():
    """Options for a fit in 50 ms, without columns and horizon."""
    return SMALL


@pytest.fixture(scope="session")
def untested():
    """Options for a quick forecast of `sales.csv` without a test part."""
    return (*COLUMNS, *SMALL, "--test-size", 0)


@pytest.fixture(scope="session")
def tested():
    """Options for a quick forecast of `sales.csv` with a test part."""
    return (*COLUMNS, *SMALL, "--test-size", 12)


@pytest.fixture
def few_baselines(monkeypatch):
    """Score beside the simple baselines alone: AutoARIMA and ETS take seconds."""
    monkeypatch.setattr(
        "rnnkit.tasks.forecasting.evaluation.series_baselines",
        lambda: [LastValue, SeasonalNaive, SeasonalGrowth, Drift],
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder of its own that holds `sales.csv`, 60 rows."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    make_wave(60).to_csv("sales.csv", index=False)
    return folder


@pytest.fixture
def rnnkit(capsys, monkeypatch):
    """Run a command in this process and return its exit status and what it wrote."""

    def run(*arguments):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["rnnkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return run


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """A finished run, made with all baselines."""
    folder = tmp_path_factory.mktemp("kept")
    make_wave(60).to_csv(folder / "sales.csv", index=False)
    options = (*COLUMNS, *SMALL, "--test-size", 12, "--out", folder / "sales", "--quiet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "argv", ["rnnkit", *map(str, ("forecast", folder / "sales.csv", *options))]
        )
        with pytest.raises(SystemExit) as end:
            cli.main()
    assert not end.value.code
    return folder / "sales"


@pytest.fixture
def run(kept, here):
    """A copy of the finished run, `runs/sales` in the working folder."""
    return shutil.copytree(kept, here / "runs" / "sales")


def read_everything(folder):
    """What lies under a folder, with the content of files."""
    return {
        str(entry.relative_to(folder)): entry.read_bytes() if entry.is_file() else None
        for entry in folder.rglob("*")
    }


@pytest.fixture(scope="session")
def everything():
    """The function `read_everything`."""
    return read_everything
