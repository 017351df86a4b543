"""What every test shares: one thread for torch, and the way to the team's shared data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared",
        type=Path,
        metavar="DIR",
        help="the team's shared data (default: the folder 'shared' beside the repository, if any)",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Two threads on problems this small only wait for each other, and sums stay the same bits.
    torch.set_num_threads(1)
    asked_for = config.getoption("--shared")
    if asked_for is None:
        beside = config.rootpath.parent / "shared"
        config.option.shared = beside if beside.is_dir() else None
    elif not asked_for.is_dir():
        raise pytest.UsageError(f"--shared must be a folder, got {asked_for}")


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Path:
    """The folder of the shared data; the test is skipped where there is none."""
    folder = request.config.getoption("--shared")
    if folder is None:
        pytest.skip("shared data not found (pass --shared DIR)")
    return folder


@pytest.fixture(scope="module", autouse=True)
def no_diagnosis(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the diagnosis out of reports, which costs a second each, but in its own tests."""
    kind, module = request.path.parent.name, request.path.stem
    if kind not in ("cli", "tasks") or module in ("test_diagnosis", "test_diagnose"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnnkit.tasks.forecasting.run.diagnosis_section", lambda *_: [])
        yield
