import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.calendar import Step
from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.planning import plan_fit

from .single import MONTH, QUICK, fit, make_series, plan

SECOND = Step("nanosecond", 10**9)  # has no season


def rows_asked_for(series, config):
    """Return how many rows the refusal asks for; `None` where the rows suffice."""
    try:
        plan_fit(series, config, series.clock.step.season)
    except DataError as error:
        message = str(error)
        assert "\n" not in message
        have, needed = re.search(r"have (\d+) rows, but (\d+) are needed", message).groups()
        assert int(have) == series.last_tick
        return int(needed)
    return None


def check_what_is_needed(options, rows, step=MONTH):
    """The rows named in a refusal suffice, and one less does not; nothing else is ever raised."""
    config = ForecastConfig(**{**QUICK, **options})
    needed = rows_asked_for(make_series(rows, 1, step), config)
    if needed is None:
        return rows
    assert needed > rows
    assert rows_asked_for(make_series(needed, 1, step), config) is None
    assert rows_asked_for(make_series(needed - 1, 1, step), config) == needed
    return needed


CASES = [
    {"horizon": 1},
    {"horizon": 12},
    {"horizon": 5, "season": 4, "context": 7},
    {"horizon": 1, "season": 1, "context": 1},
    {"horizon": 1, "ensemble": 1},
    {"horizon": 4, "season": 12, "ensemble": 1, "context": 30},
    {"horizon": 2, "ensemble": 2, "test_size": 0},
    {"horizon": 3, "validation_size": 40, "test_size": 20},
    {"horizon": 3, "validation_size": 60, "ensemble": 3},
    {"horizon": 7, "season": 3, "test_size": 7, "differencing": "seasonal+difference"},
    {"horizon": 2, "season": 5, "context": 1, "differencing": "seasonal", "log": True},
    {"horizon": 2, "season": 1, "context": 1, "differencing": "difference"},
    {"horizon": 1, "season": 1, "context": 470},
    {
        "horizon": 1,
        "season": 1,
        "validation_size": 490,
    },  # from 500 rows on a fifth is the test part
]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_the_rows_said_to_be_needed_are_enough_and_one_less_is_not(options):
    needed = check_what_is_needed(options, 1)
    config = ForecastConfig(**{**QUICK, **options})
    for rows in {*range(1, min(needed, 80)), *range(max(needed - 5, 1), needed)}:
        assert rows_asked_for(make_series(rows, 1), config) == needed
    for rows in (needed, needed + 1, needed + 5):
        series = make_series(rows, 1)
        result = fit(series, **options)
        origins = np.array([result.split.known, rows])
        forecast = result.pipeline.forecast(result.pipeline.inputs(series), origins)
        assert np.isfinite(forecast).all()
        assert all(len(history) == 1 for history in result.histories)


@settings(max_examples=150, deadline=None)
@given(
    horizon=st.integers(1, 15),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "context": st.integers(1, 40),
            "season": st.integers(1, 15),
            "ensemble": st.integers(1, 7),
            "test_size": st.integers(0, 60),
            "validation_size": st.integers(1, 60),
        },
    ),
    rows=st.integers(1, 700),
    step=st.sampled_from([MONTH, SECOND, Step("nanosecond", 86_400 * 10**9)]),
)
def test_what_is_needed_is_exact_for_any_options(horizon, extra, rows, step):
    for name in ("test_size", "validation_size"):
        if extra.get(name):
            extra[name] = max(extra[name], horizon)
    check_what_is_needed({"horizon": horizon, **extra}, rows, step)


@pytest.mark.parametrize("rows", [1, 2, 8, 40])
def test_a_constant_series_can_be_fitted_or_is_too_short(rows):
    series = make_series(rows, 1)
    series = replace(series, values=np.full_like(series.values, 0.1))
    if rows_asked_for(series, ForecastConfig(horizon=1, season=1)) is None:
        result = fit(series, horizon=1, season=1)
        forecast = result.pipeline.forecast(result.pipeline.inputs(series), np.array([rows]))
        np.testing.assert_allclose(forecast, 0.1, rtol=1e-12)


def test_what_is_impossible_is_refused_before_training():
    with pytest.raises(ConfigError, match="season of at least 2 rows"):
        plan(make_series(), season=1, differencing="seasonal")
    for value, changes, says in (
        (-1.0, {"log": True, "test_size": 9}, "down to -1"),
        (2e100, {}, r"column 'b' reaches 2e\+100"),
    ):
        series = make_series()
        series.values[20, 1] = value
        with pytest.raises((ConfigError, DataError), match=says):
            plan(series, **changes)
    series = make_series()
    series.values[:, 1] *= 1e-103
    with pytest.raises(DataError, match=r"column 'b' reaches \d\.\d+e-101"):
        plan(series)


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", "cuda:999"])
def test_a_device_that_is_not_there_is_refused_before_training(device):
    with pytest.raises(ConfigError, match=device):
        plan(make_series(), device=device)


@pytest.mark.parametrize(
    "changes",
    [
        {"season": 1, "differencing": "difference"},
        {"season": 12, "differencing": "seasonal"},
        {"season": 12, "differencing": "seasonal+difference", "context": 1},
    ],
)
def test_every_window_is_whole(changes):
    found = plan(make_series(columns=1), **changes)
    assert found.split.reach >= found.bare.reach
    assert found.split.blocks[0][0] == found.split.reach
