import pytest

from rnnkit import Forecaster
from rnnkit.data.airline import airline_passengers
from rnnkit.tasks.forecasting.verdict import MODEL, WITHOUT


@pytest.fixture(scope="module")
def rmse():
    """RMSE of the twelve months after each December from 1956 to 1959, at defaults."""
    frame, found = airline_passengers(), {}
    for rows in (108, 120, 132, 144):
        model = Forecaster(horizon=12).fit(frame.iloc[:rows], time="Month", target="Passengers")
        found[rows] = {name: s["rmse"] for name, s in model.fitted.test.scores.items()}
    return found


def test_defaults_stay_as_good_as_measured(rmse):
    assert sum(of[MODEL] for of in rmse.values()) / 4 <= 21
    assert rmse[144][MODEL] < 20


def test_the_network_adds_to_its_pipeline(rmse):
    assert sum(of[MODEL] for of in rmse.values()) < sum(of[WITHOUT] for of in rmse.values())
