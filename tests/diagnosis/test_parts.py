"""Sample, decomposition and spread."""

import numpy as np
import pytest

from rnnkit.data.airline import airline_passengers
from rnnkit.diagnosis.decomposition import decompose
from rnnkit.diagnosis.sample import take_sample
from rnnkit.diagnosis.spread import spread_test
from rnnkit.errors import DataError

from . import processes

NAN = np.nan


def airline():
    return airline_passengers()["Passengers"].to_numpy(float)


def parts_of(values, season, *, log=False):
    return decompose(take_sample(values, "y"), season, log=log)


class TestSample:
    def test_the_longest_stretch_without_a_gap_is_examined_the_last_of_equal_ones(self):
        values = np.array([NAN, *range(8), NAN, *range(10, 19), NAN, *range(20, 29), NAN])
        sample = take_sample(values, "y")
        assert (sample.first, sample.stop) == (20, 29)
        np.testing.assert_allclose(sample.examined * sample.unit, range(20, 29))
        assert "4 of 30 rows have no value" in str(sample.notes[0])
        assert "9 rows" in str(sample.notes[0])

    def test_of_a_long_series_the_end_is_examined(self):
        sample = take_sample(np.arange(6001.0), "y")
        assert (sample.first, sample.stop) == (1001, 6001)
        assert str(sample.notes[0]) == "Of 6,001 rows the last 5,000 are tested."

    @pytest.mark.parametrize(
        ("values", "constant"),
        [
            (np.full(9, -3.0), True),
            (np.zeros(9), True),
            (1e9 + 1e-5 * np.arange(9), True),
            (1e9 + np.arange(9), False),
            (np.r_[np.arange(4.0), NAN, np.full(20, 2.0)], True),
        ],
    )
    def test_values_that_differ_by_rounding_alone_are_constant(self, values, constant):
        assert take_sample(values, "y").constant is constant

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (np.ones(7), "sales: a diagnosis needs at least 8 rows in succession with a value, got"
             " 7 of 7 rows; give more rows, or fill the gaps"),
            (np.full(9, NAN), "got 0 of 9 rows"),
            (np.empty(0), "got 0 of 0 rows"),
            (np.tile([1.0, NAN], 50), "got 1 of 100 rows"),
            (np.ones((30, 2)), r"one series of shape \(N,\), got the shape \(30, 2\)"),
            (np.r_[np.ones(20), -np.inf], "sales: row 20 is infinite"),
            (np.r_[np.ones(20), 1e301], r"up to 1e\+300 in size, got 1e\+301"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_diagnosed_is_one_sentence(self, values, message):
        with pytest.raises(DataError, match=message):
            take_sample(values, "sales")


class TestDecomposition:
    @pytest.mark.parametrize("season", [1, 7])
    @pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
    def test_parts_add_up_and_only_a_missing_value_has_no_remainder(self, season, unit):
        values = unit * (5 + processes.white_noise(0, 100).cumsum())
        values[[0, 40, 41, 99]] = NAN
        parts = parts_of(values, season)
        assert (parts.first, len(parts.observed)) == (1, 98)
        total = parts.trend + parts.cycle + parts.seasonal + parts.remainder
        np.testing.assert_allclose(total, parts.observed, atol=1e-12 * unit)
        assert np.isnan(parts.remainder).sum() == 2
        assert np.isfinite(parts.trend + parts.cycle + parts.seasonal).all()
        np.testing.assert_array_equal(parts.observed, values[1:99])

    def test_parts_of_the_logarithm_add_up_to_it(self):
        parts = parts_of(airline(), 12, log=True)
        total = parts.trend + parts.cycle + parts.seasonal + parts.remainder
        np.testing.assert_allclose(np.exp(total), airline())
        assert parts.trend_strength > 0.98
        assert parts.season_strength > 0.9
        assert parts.strong_season
        peaks = parts.seasonal.reshape(12, 12).argmax(axis=1)
        assert set(peaks) <= {6, 7}  # July and August

    def test_strengths_are_those_of_hyndman(self):
        parts = parts_of(processes.random_walk(0, 200), 8)

        def strength(part):
            return 1 - np.var(parts.remainder) / np.var(part + parts.remainder)

        assert parts.trend_strength == pytest.approx(strength(parts.trend + parts.cycle))
        assert parts.season_strength == pytest.approx(strength(parts.seasonal))

    @pytest.mark.parametrize("seed", range(4))
    def test_noise_has_no_strength(self, seed):
        parts = parts_of(processes.white_noise(seed, 300), 12)
        assert parts.trend_strength < 0.2
        assert parts.season_strength < 0.3
        assert not parts.strong_season
        assert parts_of(processes.white_noise(seed, 300), 1).season_strength is None

    def test_the_swings_of_the_cycle_are_measured(self):
        rows = np.arange(900)
        values = 0.01 * rows + np.sin(2 * np.pi * rows / 90) + 0.2 * processes.white_noise(0, 900)
        assert parts_of(values, 7).cycle_rows == pytest.approx(90, rel=0.05)
        assert parts_of(values, 1).cycle_rows == pytest.approx(90, rel=0.05)
        assert parts_of(rows + processes.white_noise(0, 900), 7).trend_strength > 0.99

    @pytest.mark.parametrize(("rows", "taken", "judged"), [(23, 1, 0), (24, 12, 0), (48, 12, 1)])
    def test_a_season_takes_two_seasons_and_its_strength_four(self, rows, taken, judged):
        parts = parts_of(processes.white_noise(0, rows), 12)
        assert parts.season == taken
        assert (parts.season_strength is not None) == judged
        assert parts.seasonal.any() == (taken > 1)

    def test_of_a_very_long_series_the_end_is_taken_apart(self):
        parts = parts_of(np.arange(20_003.0), 1)
        assert (parts.first, len(parts.trend)) == (3, 20_000)


class TestSpread:
    def test_the_airline_passengers_want_the_logarithm(self):
        test = spread_test(airline(), 12)
        assert test.log
        assert test.slope == pytest.approx(1, abs=0.3)
        assert len(test.levels) == 12
        np.testing.assert_allclose(test.levels[-1], airline()[-12:].mean())
        np.testing.assert_allclose(test.spreads[-1], np.diff(airline()[-12:]).std())

    def test_the_first_rows_that_fill_no_block_are_left_out(self):
        test = spread_test(airline()[5:], 12)
        assert len(test.levels) == 11
        np.testing.assert_allclose(test.levels[0], airline()[12:24].mean())

    @pytest.mark.parametrize("seed", range(8))
    def test_steady_noise_and_random_walks_do_not(self, seed):
        assert not spread_test(50 + processes.white_noise(seed, 400), 1).log
        assert not spread_test(200 + processes.random_walk(seed, 400), 12).log

    @pytest.mark.parametrize("seed", range(8))
    def test_a_walk_in_percent_does(self, seed):
        walk = np.exp(0.1 * processes.random_walk(seed, 600))
        assert spread_test(walk, 1).log

    @pytest.mark.parametrize(
        "values",
        [np.r_[0.0, np.arange(1, 200.0)], -airline(), np.full(200, 3.0), airline()[:60],
         np.repeat(np.arange(1, 21.0), 24)],
    )  # fmt: skip
    def test_what_cannot_be_told_is_left_out(self, values):
        assert spread_test(values, 12) is None

    def test_short_seasons_are_joined_to_blocks_of_eight_rows(self):
        assert len(spread_test(5 + processes.white_noise(0, 100), 5).levels) == 10
