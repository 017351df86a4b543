"""A series that a network learns in a few epochs, and quick options to fit it with."""

import numpy as np
import pandas as pd
import pytest

from rnnkit.baselines import Drift, LastValue, SeasonalNaive
from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.tasks import Forecaster


def make_wave(rows=100, *, start="2000-01-01", freq="MS", period=7.3, seed=0):
    """A noisy wave whose period is no season, so that only the network can foresee it."""
    noise = np.random.default_rng(seed).normal(scale=0.1, size=rows)
    return pd.DataFrame(
        {
            "Month": pd.date_range(start, periods=rows, freq=freq),
            "Sold": 100 + 10 * np.sin(2 * np.pi * np.arange(rows) / period) + noise,
        }
    )


@pytest.fixture(scope="session")
def wave():
    """The function `make_wave`."""
    return make_wave


@pytest.fixture(scope="session")
def read():
    """Return the panel of a frame with the columns `Month` and `Sold`, or other targets."""

    def read(frame, *targets, **columns):
        return read_panel(frame, Columns(time=("Month",), targets=targets or ("Sold",), **columns))

    return read


@pytest.fixture(scope="session")
def quick():
    """Return options for a fit in 50 ms, some of them changed."""

    def options(**changes):
        return {
            "horizon": 3,
            "season": 1,
            "context": 12,
            "test_size": 12,
            "ensemble": 1,
            "hidden_size": 4,
            "learning_rate": 0.03,
            "epochs": 5,
            "patience": 20,
            "schedule": "constant",
            **changes,
        }

    return options


@pytest.fixture(scope="session")
def fitted(quick):
    """A forecaster fitted to the first 100 rows of the wave, scored beside all baselines."""
    model = Forecaster(**quick(ensemble=2, epochs=10))
    model.fit(make_wave(100), time="Month", target="Sold")
    # Else the networks' outputs count for nothing, and a test that compares forecasts is blind.
    assert model.fitted.fit.pipeline.weights.min() > 0.5
    return model


@pytest.fixture
def few_baselines(monkeypatch):
    """Score beside the simple baselines alone: AutoARIMA and ETS take seconds."""
    monkeypatch.setattr(
        "rnnkit.tasks.forecasting.evaluation.series_baselines",
        lambda: [LastValue, SeasonalNaive, Drift],
    )
