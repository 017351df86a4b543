from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.data.calendar import Step, calendar_features
from rnnkit.data.grid import common_step
from rnnkit.errors import ArtifactError, DataError

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

STEPS = [
    (Step("nanosecond", 10**7), "10 milliseconds", 1),
    (Step("nanosecond", SECOND), "second", 1),
    (Step("nanosecond", MINUTE), "minute", 1440),
    (Step("nanosecond", 7 * MINUTE), "7 minutes", 1),
    (Step("nanosecond", 15 * MINUTE), "15 minutes", 96),
    (Step("nanosecond", HOUR), "hour", 24),
    (Step("nanosecond", 3 * HOUR), "3 hours", 8),
    (Step("nanosecond", DAY), "day", 7),
    (Step("nanosecond", 2 * DAY), "2 days", 1),
    (Step("nanosecond", 7 * DAY), "week", 52),
    (Step("nanosecond", 14 * DAY), "2 weeks", 26),
    (Step("business day", 1), "business day", 5),
    (Step("month", 1, day=1), "month", 12),
    (Step("month", 1, day=15), "month", 12),
    (Step("month", 1, day=30), "month", 12),
    (Step("month", 1, day=31), "month", 12),
    (Step("month", 2, day=1), "2 months", 6),
    (Step("month", 3, day=31), "quarter", 4),
    (Step("month", 5, day=1), "5 months", 1),
    (Step("month", 12, day=1), "year", 1),
    (Step("month", 24, day=1), "2 years", 1),
]


def infer(times: Any) -> Step:
    return common_step(times, np.array([0, len(times)]))


@pytest.mark.parametrize(("step", "name", "season"), STEPS)
def test_name_and_season(step: Step, name: str, season: int) -> None:
    assert (step.name, step.season) == (name, season)


@pytest.mark.parametrize(
    ("step", "freq"),
    [
        (Step("nanosecond", 15 * MINUTE), "15min"),
        (Step("nanosecond", 7 * DAY), "7D"),
        (Step("business day", 1), "B"),
        (Step("month", 1, day=1), "MS"),
        (Step("month", 1, day=31), "ME"),
        (Step("month", 3, day=1), "QS"),
        (Step("month", 3, day=31), "QE"),
        (Step("month", 12, day=31), "YE"),
        (Step("month", 12, day=1), "YS"),
    ],
)
def test_steps_are_those_of_pandas(step: Step, freq: str) -> None:
    times = pd.date_range("1999-12-31 06:30", periods=100, freq=freq).to_numpy("M8[ns]")
    assert infer(times) == step
    np.testing.assert_array_equal(step.advance(times[0], 99), times[1:])


@given(
    step=st.sampled_from([step for step, _, _ in STEPS]),
    start=st.datetimes(
        min_value=pd.Timestamp("1700").to_pydatetime(),
        max_value=pd.Timestamp("2200").to_pydatetime(),
    ),
)
def test_advancing_is_regular_and_inferred(step: Step, start: Any) -> None:
    first = step.advance(np.datetime64(start, "ns"), 1)
    times = np.concatenate([first, step.advance(first[0], 29)])
    assert not len(step.breaks(times)[0])
    inferred = infer(times)
    # A month of 30 days and its end may be the same days; the times are what counts.
    np.testing.assert_array_equal(inferred.advance(times[0], 29), times[1:])
    assert inferred.name == step.name


@pytest.mark.parametrize(
    ("times", "step"),
    [
        (["2021-07-01", "2021-08-01", "2021-09-01"], Step("month", 1, day=1)),
        (["2021-01-01", "2022-01-01", "2023-01-01"], Step("month", 12, day=1)),
        (["2020-01-15", "2020-02-15", "2020-03-15"], Step("month", 1, day=15)),
        (["2020-01-30", "2020-02-29", "2020-03-30"], Step("month", 1, day=30)),
        (["2020-04-30", "2020-05-31", "2020-06-30"], Step("month", 1, day=31)),
        (["2021-02-28", "2021-03-28", "2021-04-28"], Step("month", 1, day=28)),
        (["2021-02-01", "2021-03-01", "2021-03-29"], Step("nanosecond", 28 * DAY)),
        (["2024-01-01", "2024-01-02", "2024-01-03"], Step("nanosecond", DAY)),
        (["2024-01-04", "2024-01-05", "2024-01-08"], Step("business day", 1)),
    ],
)
def test_inference_of_few_rows(times: list[str], step: Step) -> None:
    assert infer(np.array(times, "M8[ns]")) == step


@pytest.mark.parametrize("freq", ["h", "D", "W", "B", "MS", "ME", "QE", "YS"])
@pytest.mark.parametrize("missing", [1, 20, 38])
def test_one_missing_row_is_one_break(freq: str, missing: int) -> None:
    whole = pd.date_range("2001-01-01", periods=40, freq=freq).to_numpy("M8[ns]")
    times = np.delete(whole, missing)
    rows, expected = infer(times).breaks(times)
    assert rows.tolist() == [missing]
    assert expected[0] == whole[missing]


def test_first_row_off_the_calendar_is_a_break() -> None:
    times = np.array(["2024-01-06", "2024-01-08", "2024-01-09"], "M8[ns]")  # from a Saturday on
    rows, expected = Step("business day", 1).breaks(times)
    assert rows.tolist() == [0]
    assert expected[0] == np.datetime64("2024-01-05")


def test_breaks_of_no_rows() -> None:
    rows, expected = Step("month", 1, day=1).breaks(np.array([], "M8[ns]"))
    assert len(rows) == len(expected) == 0


@pytest.mark.parametrize("step", [Step("month", 12, day=1), Step("nanosecond", 365 * DAY)])
def test_advance_stops_where_times_end(step: Step) -> None:
    assert len(step.advance(np.datetime64("2250-01-01"), 11)) == 11
    with pytest.raises(DataError, match="beyond the year 2261"):
        step.advance(np.datetime64("2250-01-01"), 13)


@pytest.mark.parametrize("step", [step for step, _, _ in STEPS])
def test_json_round_trip(step: Step) -> None:
    assert Step.from_json(json.loads(json.dumps(step.to_json()))) == step


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        "month",
        {},
        {"kind": "month", "count": 1},
        {"kind": "month", "count": 1, "day": 0},
        {"kind": "month", "count": 1, "day": 32},
        {"kind": "month", "count": 1, "day": True},
        {"kind": "month", "count": 1, "day": 1, "hour": 1},
        {"kind": "nanosecond", "count": 1, "day": 1},
        {"kind": "nanosecond", "count": 0},
        {"kind": "nanosecond", "count": 1.0},
        {"kind": "nanosecond", "count": True},
        {"kind": "fortnight", "count": 1},
        {"kind": [], "count": 1},
    ],
)
def test_from_json_is_strict(plain: object) -> None:
    with pytest.raises(ArtifactError, match="a step must look like"):
        Step.from_json(plain)


@pytest.mark.parametrize(
    ("step", "cycles"),
    [
        (Step("nanosecond", 10**7), []),
        (Step("nanosecond", MINUTE), ["time_of_day", "day_of_week", "day_of_year"]),
        (Step("nanosecond", HOUR), ["time_of_day", "day_of_week", "day_of_year"]),
        (Step("nanosecond", DAY), ["day_of_week", "day_of_year"]),
        (Step("business day", 1), ["day_of_week", "day_of_year"]),
        (Step("nanosecond", 7 * DAY), ["day_of_year"]),
        (Step("nanosecond", 364 * DAY), []),
        (Step("month", 1, day=31), ["month_of_year"]),
        (Step("month", 3, day=1), ["month_of_year"]),
        (Step("month", 12, day=1), []),
    ],
)
def test_features_tell_the_cycles_longer_than_the_step(step: Step, cycles: list[str]) -> None:
    times = step.advance(np.datetime64("2019-12-30T05:00"), 500 if step.count < 12 else 50)
    features, names = calendar_features(times, step)
    assert names == tuple(f"{cycle}_{wave}" for cycle in cycles for wave in ("sin", "cos"))
    assert features.shape == (len(times), len(names))
    assert features.dtype == np.float32
    assert (np.abs(features) <= 1).all()
    # A function of the time alone: any part gives the same numbers.
    np.testing.assert_array_equal(calendar_features(times[7:20], step)[0], features[7:20])


def test_features_by_hand() -> None:
    times = np.array(["2024-01-01T06:00", "2023-01-02T18:00"], "M8[ns]")  # both are Mondays
    features, names = calendar_features(times, Step("nanosecond", HOUR))
    by_name = dict(zip(names, features.T, strict=True))
    np.testing.assert_allclose(by_name["time_of_day_sin"], [1, -1], atol=1e-6)
    np.testing.assert_allclose(by_name["day_of_week_cos"], [1, 1], atol=1e-6)
    angles = 2 * np.pi * np.array([0, 1 / 365])
    np.testing.assert_allclose(by_name["day_of_year_sin"], np.sin(angles), atol=1e-6)


def test_features_before_1970_know_the_weekday() -> None:
    times = np.array(["1960-02-29"], "M8[ns]")  # a Monday
    features, names = calendar_features(times, Step("nanosecond", DAY))
    assert features[0, names.index("day_of_week_cos")] == 1
