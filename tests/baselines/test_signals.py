"""The nearest neighbour: scaled, filled, warped; beside a slow form and published accuracies."""

import lzma

import numpy as np
import pytest

from rnnkit.baselines import SkipBaseline, warping
from rnnkit.baselines.signals import (
    ColumnScale,
    EuclideanNeighbour,
    WarpedNeighbour,
    carried_forward,
    frequent,
)
from rnnkit.baselines.warping import nearest
from rnnkit.data.ragged import Ragged
from rnnkit.errors import ShapeError

from . import toys

NAN = np.nan


def slow(x, y, band=None):
    """The recursion as it is written."""
    table = np.full((len(x) + 1, len(y) + 1), np.inf)
    table[0, 0] = 0
    for i in range(len(x)):
        for j in range(len(y)):
            if band is None or abs(i - j) <= band:
                came = min(table[i, j + 1], table[i + 1, j], table[i, j])
                table[i + 1, j + 1] = ((x[i] - y[j]) ** 2).sum() + came
    return table[-1, -1]


def drawn(generator, count, low, high, channels):
    lengths = generator.integers(low, high + 1, count)
    return Ragged.join([generator.normal(size=(steps, channels)) for steps in lengths])


class TestWarping:
    @pytest.mark.parametrize(
        ("steps", "band", "channels"),
        [((1, 9), None, 2), ((7, 7), None, 1), ((7, 7), 0, 1), ((7, 7), 1, 3), ((6, 6), 2, 1)],
    )
    @pytest.mark.parametrize("together", [1, 40, 10_000])
    def test_distances_are_those_of_the_recursion(
        self, steps, band, channels, together, monkeypatch
    ):
        monkeypatch.setattr(warping, "_TOGETHER", together)
        generator = np.random.default_rng(channels)
        known = drawn(generator, 11, *steps, channels)
        queries = drawn(generator, 6, *steps, channels)
        table = [[slow(q, k, band) for k in map(known.__getitem__, range(11))] for q in queries]
        assert nearest(queries, known, band).tolist() == np.argmin(table, axis=1).tolist()
        for members in warping._together(known):
            block, ends = warping._side_by_side(known, members)
            for number, row in enumerate(table):
                found = warping._distances(queries[number], block, ends, band)
                np.testing.assert_allclose(found, np.array(row)[members], rtol=1e-12)

    @pytest.mark.parametrize("together", [1, 40])
    def test_every_known_sequence_is_in_one_group_of_like_length(self, together, monkeypatch):
        monkeypatch.setattr(warping, "_TOGETHER", together)
        known = drawn(np.random.default_rng(0), 50, 1, 9, 2)
        groups = warping._together(known)
        assert sorted(np.concatenate(groups).tolist()) == list(range(50))
        for members in groups:
            assert len(members) == 1 or len(members) * known.lengths[members].max() * 2 <= together

    def test_time_may_run_faster(self):
        slowly = np.repeat([0.0, 1.0, 5.0, 1.0], 4)[:, None]
        quickly = np.array([0.0, 1.0, 5.0, 1.0])[:, None]
        other = np.array([0.0, 1.0, 4.0, 1.0])[:, None]
        assert nearest(Ragged.join([slowly]), Ragged.join([other, quickly])).tolist() == [1]

    @pytest.mark.parametrize("together", [1, 1000])
    def test_the_first_of_equals_is_taken(self, together, monkeypatch):
        monkeypatch.setattr(warping, "_TOGETHER", together)
        known = Ragged.join([np.array(one)[:, None] for one in ([3.0], [1.0, 1.0], [1.0], [1.0])])
        assert nearest(Ragged.join([np.array([[1.0]])]), known).tolist() == [1]

    def test_what_cannot_be_warped_is_refused(self):
        one = Ragged.join([np.ones((2, 1))])
        for queries, known, band, said in (
            (one, one.take([]), None, "got 0 known"),
            (Ragged.join([np.ones((0, 1))]), one, None, "the shortest of 0 steps"),
            (Ragged.join([np.ones((2, 3))]), one, None, r"\(2, 3\) beside \(2, 1\)"),
            (Ragged.join([np.ones((3, 1))]), one, 1, "one length, got 2 to 3 steps"),
        ):
            with pytest.raises(ShapeError, match=said):
                nearest(queries, known, band)


class TestScaling:
    def test_each_column_has_its_mean_and_spread(self):
        rows = np.array([[1.0, 50.0, 4.0], [3.0, NAN, 4.0], [8.0, 10.0, 4.0]])
        scaled = ColumnScale(rows)(rows)
        spread = np.sqrt((9 + 1 + 16) / 3)
        np.testing.assert_allclose(scaled[:, 0], [-3 / spread, -1 / spread, 4 / spread])
        np.testing.assert_allclose(scaled[:, 1], [1, NAN, -1])
        assert scaled[:, 2].tolist() == [0, 0, 0]

    def test_numbers_of_any_size_stay_finite(self):
        scale = ColumnScale(np.array([[1e300, 1e-300, 5e9], [-1e300, 3e-300, 5e9]]))
        found = scale(np.array([[1e300, 3e-300, 5e9 + 1], [-1e308, 1.0, 0.0]]))
        np.testing.assert_allclose(found[0], [1, 1, 0])
        assert found[1, 0] == pytest.approx(-1e6)
        assert found[1].tolist() == [-1e6, 1e6, 0]

    def test_nothing_known_is_no_warning(self):
        assert np.isnan(ColumnScale(np.full((2, 1), NAN))(np.full((2, 1), NAN))).all()
        assert ColumnScale(np.empty((0, 2)))(np.ones((1, 2))).shape == (1, 2)

    def test_a_missing_value_is_filled_by_the_past_of_its_own_sequence(self):
        values = np.array([[1.0, NAN], [NAN, 2.0], [NAN, NAN], [NAN, 5.0], [3.0, NAN]])
        filled = carried_forward(values, np.array([0, 2, 2, 5]))
        np.testing.assert_array_equal(filled, [[1, NAN], [1, 2], [NAN, NAN], [NAN, 5], [3, 5]])
        assert carried_forward(np.empty((0, 2)), np.array([0, 0])).shape == (0, 2)

    def test_the_most_frequent_words_are_known_and_missing_ones_are_none(self):
        column = np.array(["b", "a", "", "c", "b", "", "a", ""], dtype=object)
        assert frequent(column, 2) == ["a", "b"]
        assert frequent(column, 1) == ["a"]
        assert frequent(column, 9) == ["a", "b", "c"]


class TestNeighbours:
    # Unscaled, the second channel would hide the first.
    TRAIN = toys.signals([[0.0, 0.0], [1.0, 900.0]], [[5.0, 10.0], [6.0, -900.0]])
    CODES = np.array([2, 0])

    @pytest.mark.parametrize(
        "baseline", [EuclideanNeighbour(3), WarpedNeighbour(3), WarpedNeighbour(3, banded=True)]
    )
    def test_the_class_of_the_nearest_by_scaled_channels(self, baseline):
        fitted = baseline.fit(self.TRAIN, self.CODES)
        asked = toys.signals([[5.1, 0.0], [6.1, 300.0]], [[0.1, 0.0], [1.1, -300.0]])
        assert fitted.predict(asked).tolist() == [[1, 0, 0], [0, 0, 1]]

    def test_a_gap_is_filled_by_the_past_and_at_the_start_by_the_mean(self):
        train = toys.signals([[1.0], [NAN]], [[1.0], [4.0]], [[NAN], [0.0]])
        # Known are 1 1, 1 4 and the mean 1.5, 0.
        fitted = EuclideanNeighbour(3).fit(train, np.array([0, 1, 2]))
        asked = toys.signals([[1.0], [1.2]], [[1.0], [2.9]], [[1.6], [0.3]])
        assert fitted.predict(asked).argmax(axis=1).tolist() == [0, 1, 2]

    def test_words_count_as_channels(self):
        words = [[("up",), ("up",)], [("down",), ("down",)]]
        train = toys.signals([[1.0], [1.0]], [[1.0], [1.0]], words=words)
        asked = toys.signals([[1.0], [1.0]], words=[[("down",), ("new",)]])
        for baseline in (EuclideanNeighbour(2), WarpedNeighbour(2)):
            assert baseline.fit(train, np.array([0, 1])).predict(asked).tolist() == [[0, 1]]

    def test_lengths_that_differ_are_warped_alone(self):
        train = toys.signals([[0.0], [9.0]], [[9.0], [0.0]])
        asked = toys.signals([[9.0], [9.0], [0.0]])
        codes = np.array([0, 1])
        assert WarpedNeighbour(2).fit(train, codes).predict(asked).tolist() == [[0, 1]]
        for baseline in (EuclideanNeighbour(2), WarpedNeighbour(2, banded=True)):
            fitted = baseline.fit(train, codes)
            with pytest.raises(SkipBaseline, match="of one length, got 2 to 3 steps"):
                fitted.predict(asked)
            with pytest.raises(SkipBaseline, match="of one length, got 1 to 3 steps"):
                baseline.fit(toys.signals([[1.0]], [[1.0]] * 3), codes)

    def test_what_would_take_too_long_is_skipped_before_it_begins(self):
        for baseline in (
            EuclideanNeighbour(2, seconds=1e-12),
            WarpedNeighbour(2, seconds=1e-6),
            WarpedNeighbour(2, banded=True, seconds=1e-6),
        ):
            fitted = baseline.fit(self.TRAIN, np.array([0, 1]))
            with pytest.raises(SkipBaseline, match=r"would take about 0 s, more than 1e-"):
                fitted.predict(self.TRAIN)

    def test_the_estimate_grows_with_steps_of_both_sides_and_shrinks_in_a_band(self, monkeypatch):
        estimates = []
        monkeypatch.setattr(WarpedNeighbour, "_afford", lambda _, asked: estimates.append(asked))
        long = toys.signals(*np.random.default_rng(0).normal(size=(30, 200, 1)))
        codes = np.arange(30) % 2
        for banded in (False, True):
            WarpedNeighbour(2, banded=banded).fit(long, codes).predict(long.take(range(3)))
        full = 1e-8 * 3 * 30 * 200**2 + 1e-6 * 3 * 400 * 11
        assert estimates[0] == pytest.approx(full)
        assert estimates[1] < 0.5 * full

    @pytest.mark.parametrize("baseline", [EuclideanNeighbour(2), WarpedNeighbour(2)])
    @pytest.mark.parametrize(
        ("train", "codes", "said"),
        [
            (toys.texts("a", "b"), [0, 1], "needs sequences of numbers"),
            (toys.signals([[1.0]], [[2.0]]), [1, 1], "needs two classes"),
            (toys.signals(*[np.empty((0, 1))] * 2), [0, 1], "at least one step"),
            (toys.signals(*[np.empty((1, 0))] * 2), [0, 1], "and a channel"),
        ],
    )
    def test_what_they_cannot_serve_is_said(self, baseline, train, codes, said):
        with pytest.raises(SkipBaseline, match=said):
            baseline.fit(train, np.array(codes))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "euclidean", "warped"),
    # As published at timeseriesclassification.com; of the vowels with normalised channels.
    [("ItalyPowerDemand", 0.955, 0.950), ("JapaneseVowels", None, 0.959)],
)
def test_the_accuracies_are_those_published(shared, name, euclidean, warped):
    parts = []
    for part in ("TRAIN", "TEST"):
        path = shared / "data" / "seqclass" / f"{name}_{part}.ts.xz"
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            rows = [line.strip().split(":") for line in lines if line[0] not in "@#\n"]
        sequences = [
            np.array([channel.split(",") for channel in row[:-1]], dtype=float).T for row in rows
        ]
        parts += [toys.signals(*sequences), [row[-1] for row in rows]]
    train, labels, test, actual = parts
    codes, known = np.unique(labels, return_inverse=True)[::-1]
    for baseline, expected in (
        (EuclideanNeighbour(len(known)), euclidean),
        (WarpedNeighbour(len(known)), warped),
    ):
        if expected is not None:
            said = baseline.fit(train, codes).predict(test).argmax(axis=1)
            assert np.mean(known[said] == actual) == pytest.approx(expected, abs=0.001)
