"""The whole diagnosis, on series whose nature is known and on what people may hand in."""

import builtins
import json
import time
from collections.abc import Iterator

import numpy as np
import pytest

from rnnkit.data.airline import airline_passengers
from rnnkit.diagnosis import diagnose
from rnnkit.diagnosis.assumptions import ORDER
from rnnkit.errors import DataError, MissingExtraError
from rnnkit.messages import Message

from . import processes

SEEDS = range(5)


def airline():
    return airline_passengers()["Passengers"].to_numpy(float)


def said(diagnosis) -> list[str]:
    return list(map(str, sentences(diagnosis)))


def sentences(diagnosis) -> Iterator[Message]:
    yield from (diagnosis.headline, *diagnosis.notes, *diagnosis.findings, *diagnosis.advice)
    if diagnosis.linear is not None:
        yield from diagnosis.linear.stationarity.sentences
        yield from (test.sentence for test in diagnosis.linear.assumptions)


@pytest.fixture(scope="module")
def found():
    return diagnose(airline(), season=12, name="Passengers")


class TestAirline:
    def test_it_wanders_has_a_season_and_a_growing_spread(self, found):
        assert found.violated == ("stationarity", "equal variance")
        assert found.main == "stationarity"
        assert found.log
        assert (found.linear.stationarity.d, found.linear.stationarity.D) == (1, 1)
        assert found.decomposition.strong_season
        assert found.decomposition.trend_strength > 0.95
        (level,) = [test for test in found.linear.assumptions if not test.of_errors]
        assert (level.name, level.holds) == ("equal variance", False)
        assert level.p_value < 1e-6

    def test_the_airline_model_on_the_logarithm_leaves_noise(self, found):
        assert found.linear.best.orders.name == "ARIMA(0,1,1)(0,1,1)[12]"
        assert found.linear.best.ma[0] == pytest.approx(-0.40, abs=0.05)
        assert all(test.holds for test in found.linear.assumptions if test.of_errors)

    def test_the_advice_names_each_step(self, found):
        advice = [str(message) for message in found.advice]
        assert advice[0] == "Take the logarithm: the spread grows with the level."
        assert "(12 rows back): take seasonal differences" in advice[1]
        assert "take differences" in advice[2]
        assert "a linear model is enough: ARIMA(0,1,1)(0,1,1)[12]" in advice[3]
        assert len(advice) == 4  # the logarithm has dealt with the variance

    def test_the_errors_stand_in_the_units_of_the_logarithm_and_the_forecasts_in_the_datas(
        self, found
    ):
        errors = found.linear.errors
        assert errors.first + len(errors.values) == 144
        actual = airline()[errors.first :]
        np.testing.assert_allclose(np.log(actual) - np.log(errors.fitted), errors.values)
        assert 0.03 < errors.values.std() < 0.05
        changes = np.diff(np.log(airline())[12:] - np.log(airline())[:-12])
        np.testing.assert_allclose(errors.lagged[-20:], changes[-21:-1])

    def test_a_person_may_give_it_in_any_units(self, found):
        other = diagnose(1000 * airline(), season=12, name="Passengers")
        assert other.violated == found.violated
        assert other.linear.best.orders == found.linear.best.orders
        np.testing.assert_allclose(
            other.linear.errors.values, found.linear.errors.values, atol=1e-6
        )
        np.testing.assert_allclose(
            other.decomposition.trend, found.decomposition.trend + np.log(1000)
        )

    def test_without_its_season_it_is_told_from_a_random_walk(self, found):
        other = diagnose(airline(), season=1, name="Passengers")
        assert other.main == "stationarity"
        assert other.decomposition.season_strength is None


@pytest.mark.parametrize("seed", SEEDS)
class TestProcesses:
    def test_white_noise_violates_nothing(self, seed):
        found = diagnose(processes.white_noise(seed, 400), season=12, name="y")
        assert found.violated == ()
        assert found.main is None
        assert "Every assumption" in str(found.headline)
        assert "the mean is the forecast to beat" in str(found.advice[-1])

    def test_an_autoregression_violates_nothing_and_a_linear_model_is_enough(self, seed):
        found = diagnose(processes.ar3(seed, 500), season=1, name="y")
        assert found.violated == ()
        assert "a linear model is enough" in str(found.advice[-1])
        np.testing.assert_allclose(found.linear.best.ar[:3], [0.5, -0.3, 0.3], atol=0.15)

    def test_a_random_walk_violates_stationarity_and_nothing_else(self, seed):
        found = diagnose(processes.random_walk(seed, 400), season=1, name="y")
        assert found.violated == ("stationarity",)
        assert any("the last value is the forecast to beat" in text for text in said(found))

    @pytest.mark.parametrize("process", [processes.arch, processes.garch, processes.ar_with_arch])
    def test_clusters_violate_equal_variance_and_not_linearity(self, process, seed):
        found = diagnose(process(seed, 600), season=1, name="y")
        assert found.main == "equal variance"
        assert set(found.violated) <= {"equal variance", "normality"}
        assert any("the width of the intervals must change" in text for text in said(found))
        assert not found.log

    @pytest.mark.parametrize("process", [processes.threshold, processes.switching_level])
    def test_a_threshold_violates_linearity(self, process, seed):
        found = diagnose(process(seed, 500), season=1, name="y")
        assert found.main == "linearity"
        assert "stationarity" not in found.violated
        assert found.linear.gain > 0.05
        assert any("A recurrent network can learn that" in text for text in said(found))
        errors = found.linear.errors
        assert errors.delay in (1, 2, 3)
        assert np.nanmin(errors.lagged) < errors.threshold < np.nanmax(errors.lagged)

    def test_a_season_alone_violates_stationarity(self, seed):
        y = 3 * np.sin(2 * np.pi * np.arange(360) / 12) + processes.white_noise(seed, 360)
        found = diagnose(y, season=12, name="y")
        assert found.main == "stationarity"
        assert found.linear.stationarity.D == 1
        assert any("The strong season alone" in text for text in said(found))

    def test_multiplied_noise_wants_the_logarithm_and_nothing_more(self, seed):
        walk = np.exp(0.1 * processes.random_walk(seed, 400))
        found = diagnose(walk, season=1, name="y")
        assert found.log
        assert found.violated == ("stationarity", "equal variance")
        assert not any("the width of the intervals" in text for text in said(found))


def test_violations_stand_in_the_order_of_judgement():
    y = np.where(np.arange(400) < 200, 1.0, 6.0) * processes.arch(3, 400).cumsum()
    found = diagnose(y, season=1, name="y")
    assert len(found.violated) >= 2
    assert list(found.violated) == [name for name in ORDER if name in found.violated]
    assert found.main == "stationarity"


def test_missing_values_are_counted_and_the_longest_stretch_is_tested():
    y = processes.ar3(0, 500)
    y[[100, 101, 350]] = np.nan
    found = diagnose(y, season=12, name="y")
    assert (found.first, found.stop) == (102, 350)
    assert "3 of 500 rows have no value" in str(found.notes[0])
    assert len(found.decomposition.observed) == 500
    assert found.linear.errors.first >= 102
    assert found.linear.errors.first + len(found.linear.errors.values) == 350


def test_of_a_long_series_the_end_is_tested():
    calm, wild = processes.white_noise(0, 2000), 10 * processes.arch(0, 5000)
    found = diagnose(np.r_[calm, wild], season=1, name="y")
    assert (found.first, found.stop) == (2000, 7000)
    assert found.main == "equal variance"
    assert "Of 7,000 rows the last 5,000 are tested." in said(found)


HAND_MADE = {
    "line": np.arange(300.0),
    "square": np.arange(300.0) ** 2,
    "growth": np.exp(np.arange(300) / 10),
    "sine": np.sin(2 * np.pi * np.arange(300) / 12),
    "repeated": np.tile([3.0, 1.0, 2.0], 100),
    "switch": np.random.default_rng(0).integers(0, 2, 300).astype(float),
    "two sizes": np.tile([1.0, -1.0], 150) * np.random.default_rng(1).choice([1, -1], 300),
    "step": (np.arange(300) > 150).astype(float),
    "spike": (np.arange(300) == 150).astype(float),
    "last": (np.arange(300) == 299).astype(float),
    "mostly zero": np.random.default_rng(0).poisson(0.05, 300).astype(float),
    "huge": 1e299 * np.random.default_rng(0).normal(size=300),
    "tiny": 1e-299 * np.random.default_rng(0).normal(size=300),
    "far off": 1e12 + np.random.default_rng(0).normal(size=300),
    "cauchy": np.random.default_rng(0).standard_cauchy(300),
    "explosive": 1.05 ** np.arange(300) * np.random.default_rng(0).normal(size=300),
    "calm end": np.r_[np.random.default_rng(0).normal(size=50), np.zeros(400)],
}


@pytest.mark.parametrize("season", [1, 12])
@pytest.mark.parametrize("name", HAND_MADE)
def test_whatever_the_series_there_is_a_result(name, season):
    found = diagnose(HAND_MADE[name], season=season, name=name)
    assert all(said(found))
    json.dumps(found.to_json(), allow_nan=False)
    errors = found.linear.errors
    for array in (errors.values, errors.fitted, found.decomposition.trend):
        assert np.isfinite(array).all()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("line", "ARIMA(0,1,0)"),
        ("sine", "AR(2)"),
        ("growth", "ARIMA(0,1,0)"),
        ("repeated", "AR(2)"),
    ],
)
def test_what_follows_a_rule_is_repeated_without_an_error(name, model):
    found = diagnose(HAND_MADE[name], season=1, name=name)
    assert found.linear.best.orders.name == model
    assert found.linear.exact
    assert f"{model} leaves no errors to test." in said(found)
    assert str(found.advice[-1]).startswith(f"{model} repeats the series without an error")


@pytest.mark.parametrize("rows", range(21))
@pytest.mark.parametrize("season", [1, 4])
def test_a_short_series_is_told_what_it_lacks(rows, season):
    y = processes.white_noise(0, rows)
    if rows < 8:
        with pytest.raises(DataError, match=f"at least 8 rows .* got {rows} of {rows} rows"):
            diagnose(y, season=season, name="y")
        return
    found = diagnose(y, season=season, name="y")
    assert (found.linear is None) == (rows < 20)
    if rows < 20:
        assert f"they need 20 rows, and there are {rows}" in said(found)[1 + (season > rows / 4)]
        assert found.violated == ()
        assert str(found.headline) == "No assumption of a linear model could be tested."
    if rows < 4 * season:
        assert "The season of 4 rows is not judged: that takes 16 rows." in said(found)
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("value", [0.0, -7.5, 1e-310])
def test_equal_values_are_a_result_of_their_own(value):
    found = diagnose(np.full(30, value), season=12, name="y")
    assert (found.decomposition, found.linear, found.violated) == (None, None, ())
    assert said(found)[1:] == [
        "All values tested are equal.",
        "Forecast the same value again; there is nothing to learn.",
    ]
    json.dumps(found.to_json(), allow_nan=False)


def test_a_season_below_one_is_refused():
    with pytest.raises(DataError, match=r"y: the season must be at least 1 row .* got 0"):
        diagnose(np.arange(30.0), season=0, name="y")


def test_a_message_survives_json():
    found = diagnose(airline(), season=12, name="y")
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["main"] == "stationarity"
    assert [str(Message.from_json(message)) for message in plain["advice"]] == [
        str(message) for message in found.advice
    ]
    tests = plain["linear"]["assumptions"]
    assert {test["test"] for test in tests} == {
        "threshold test", "spread against level", "ARCH LM", "Breusch–Pagan", "Ljung–Box",
        "Jarque–Bera",
    }  # fmt: skip
    assert all(isinstance(test["p_value"], float) for test in tests)


def test_the_same_series_is_diagnosed_the_same():
    y = processes.threshold(0, 300)
    first, second = (diagnose(y, season=1, name="y").to_json() for _ in range(2))
    assert first == second


def test_without_statsmodels_the_command_to_install_it_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **options):
        if name.startswith("statsmodels"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr("importlib.import_module", lambda name: missing(name))
    with pytest.raises(MissingExtraError, match=r'pip install "rnnkit\[forecast\]"'):
        diagnose(processes.white_noise(0, 100), season=4, name="y")


def test_five_thousand_rows_take_less_than_fifteen_seconds_of_one_core():
    y = processes.random_walk(0, 5000) + np.tile(np.arange(24.0), 209)[:5000]
    begin = time.process_time()
    diagnose(y, season=24, name="y")
    assert time.process_time() - begin < 15
