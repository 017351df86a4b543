"""Rows of numbers a sequence, worked by hand, and what is learned from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.baselines import SkipBaseline, rows
from rnnkit.baselines.rows import (
    BoostedClasses,
    BoostedNumbers,
    LogisticRows,
    RidgeRows,
    RowForm,
)

from . import toys

NAN = np.nan
TWO = [[1.0, 2.0], [NAN, 4.0], [5.0, NAN]]
WORDS = [[("a", "x"), ("b", ""), ("a", "z")], [("c", "x")]]


def test_sequences_of_one_length_are_written_step_after_step():
    form = RowForm(toys.signals(TWO, np.ones((3, 2))).signals)
    written = form.rows(toys.signals(TWO).signals)
    np.testing.assert_array_equal(written, [[1, 2, NAN, 4, 5, NAN]])


def test_of_a_longer_sequence_the_last_steps_count_and_a_shorter_one_lacks_the_first():
    form = RowForm(toys.signals([[1.0], [2.0]], [[3.0], [4.0]]).signals)
    others = toys.signals([[5.0], [6.0], [7.0]], [[8.0]], np.empty((0, 1))).signals
    np.testing.assert_array_equal(form.rows(others), [[6, 7], [NAN, 8], [NAN, NAN]])


def test_others_are_told_by_six_numbers_a_channel_and_their_length():
    sequences = toys.signals(TWO, [[NAN, -3.0]], np.empty((0, 2))).signals
    told = RowForm(sequences).rows(sequences)
    #      mean (channels)  spread          least   greatest  first     last      length
    np.testing.assert_allclose(
        told,
        [
            [3, 3, 2, 1, 1, 2, 5, 4, 1, 2, 5, 4, 3],
            [NAN, -3, NAN, 0, NAN, -3, NAN, -3, NAN, -3, NAN, -3, 1],
            [NAN] * 12 + [0],
        ],
    )


def test_long_sequences_are_told_so_too(monkeypatch):
    monkeypatch.setattr(rows, "_WIDEST", 5)
    sequences = toys.signals(TWO, TWO).signals
    assert RowForm(sequences).rows(sequences).shape == (2, 13)


def test_words_become_the_share_of_steps_that_hold_them():
    train = toys.signals([[1.0]] * 3, [[2.0]], words=WORDS).signals
    form = RowForm(train, coded=True)
    # After the seven numbers: a, b, c of the first column, x, z of the second.
    np.testing.assert_allclose(
        form.rows(train)[:, 7:], [[2 / 3, 1 / 3, 0, 1 / 3, 1 / 3], [0, 0, 1, 1, 0]]
    )
    assert form.coded.tolist() == [False] * 12
    other = toys.signals([[1.0], [1.0]], words=[[("new", ""), ("c", "z")]]).signals
    np.testing.assert_allclose(form.rows(other)[:, 7:], [[0, 0, 0.5, 0, 0.5]])


def test_the_words_of_single_steps_are_numbered_for_trees():
    words = [[("b", "x")], [("a", "")], [("b", "y")]]
    train = toys.signals(toys.row(1), toys.row(2), toys.row(3), words=words).signals
    form = RowForm(train, coded=True)
    np.testing.assert_array_equal(form.rows(train), [[1, 1, 0], [2, 0, NAN], [3, 1, 1]])
    assert form.coded.tolist() == [False, True, True]
    others = toys.signals(
        toys.row(4),
        np.empty((0, 1)),
        [[5], [6]],
        words=[[("new", "y")], [], [("b", "x"), ("a", "y")]],
    ).signals
    np.testing.assert_array_equal(form.rows(others), [[4, NAN, 1], [NAN, NAN, NAN], [6, 0, 1]])
    np.testing.assert_array_equal(RowForm(train).rows(train)[1], [2, 1, 0, 0, 0])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.floats(-1e308, 1e308) | st.just(NAN), max_size=5), min_size=1, max_size=6)
)
def test_any_numbers_become_rows(sequences):
    train = toys.signals(*[np.array(one, dtype=float).reshape(-1, 1) for one in sequences])
    told = RowForm(train.signals).rows(train.signals)
    assert len(told) == len(sequences)
    assert not np.isinf(told).any()


def grown(kind, answers, **options):
    """Return a baseline fitted to 200 rows: a number, and a word of which "red" counts for 10."""
    generator = np.random.default_rng(3)
    numbers = generator.normal(size=(200, 1))
    words = generator.choice(["red", "blue", "green"], 200)
    train = toys.signals(*numbers[:, None], words=[[(word,)] for word in words])
    target = 3 * numbers[:, 0] + 10 * (words == "red")
    return kind(**options).fit(train, answers(target)), train, target


def test_ridge_is_linear_regression_where_there_is_no_noise():
    fitted, train, target = grown(RidgeRows, lambda y: np.stack([y, -y], axis=1))
    said = fitted.predict(train)
    np.testing.assert_allclose(said, np.stack([target, -target], axis=1), atol=1e-3)
    beyond = toys.signals(toys.row(100.0), words=[[("red",)]])
    assert fitted.predict(beyond)[0, 0] == pytest.approx(310, abs=0.1)
    unknown = toys.signals(toys.row(NAN), words=[[("new",)]])
    assert fitted.predict(unknown).shape == (1, 2)


def test_boosting_takes_words_and_missing_numbers():
    fitted, train, target = grown(BoostedNumbers, lambda y: np.stack([y, -y], axis=1))
    said = fitted.predict(train)
    assert np.corrcoef(said[:, 0], target)[0, 1] > 0.99
    assert np.corrcoef(said[:, 1], target)[0, 1] < -0.99
    red, blue = (
        fitted.predict(toys.signals(toys.row(NAN), words=[[(word,)]]))[0, 0]
        for word in ("red", "blue")
    )
    assert red - blue > 5


@pytest.mark.parametrize("kind", [LogisticRows, BoostedClasses])
def test_classes_are_learned_and_one_that_is_absent_gets_nothing(kind):
    fitted, train, target = grown(kind, lambda y: np.where(y > 5, 3, 1), classes=4)
    p = fitted.predict(train)
    assert np.mean(p.argmax(axis=1) == np.where(target > 5, 3, 1)) > 0.9
    assert not p[:, [0, 2]].any()


def test_too_many_numbers_are_cut_to_a_part_that_is_said(monkeypatch):
    monkeypatch.setattr(rows, "_MOST_ENTRIES", 150)
    linear, *_ = grown(RidgeRows, lambda y: y[:, None])  # a number and three words a row
    assert [str(note) for note in linear.notes] == ["fitted to 37 of 200 examples, drawn at random"]
    trees, *_ = grown(BoostedClasses, lambda y: (y > 5).astype(int), classes=3)
    assert [str(note) for note in trees.notes] == ["fitted to 25 of 200 examples, drawn at random"]


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (toys.texts("a", "b"), "needs sequences of numbers"),
        (toys.signals(toys.row(NAN), toys.row(NAN)), "finds no value in the training part"),
    ],
)
def test_what_they_cannot_serve_is_said(train, said):
    for kind in (LogisticRows, BoostedClasses):
        with pytest.raises(SkipBaseline, match=said):
            kind(2).fit(train, np.array([0, 1]))
    for kind in (RidgeRows, BoostedNumbers):
        with pytest.raises(SkipBaseline, match=said):
            kind().fit(train, np.array([[0.0], [1.0]]))


@pytest.mark.parametrize("kind", [LogisticRows, BoostedClasses])
def test_one_class_cannot_be_told_from_another(kind):
    with pytest.raises(SkipBaseline, match="needs two classes in the training part, got one"):
        kind(2).fit(toys.signals(toys.row(1), toys.row(2)), np.array([1, 1]))
