"""What all baselines of examples share: fitted once, aligned with the classes, skipped in words."""

import subprocess
import sys

import numpy as np
import pytest

from rnnkit.baselines import SkipBaseline
from rnnkit.baselines.examples import label_baselines, number_baselines
from rnnkit.baselines.labels import (
    FittedBaseline,
    MajorityClass,
    MeanNumber,
    fit_all,
    part_of,
    predict_all,
    spread_out,
)
from rnnkit.errors import ShapeError
from rnnkit.messages import Message

from . import toys

KOREAN = "재미있는 영화"
RAGGED = toys.signals([[1.0], [2.0]], [[3.0]], [[5.0], [1.0], [4.0]])
EVEN = toys.signals([[1.0], [2.0]], [[3.0], [9.0]], [[5.0], [1.0]])
ROWS = toys.signals(toys.row(1, 2), toys.row(3, 9), toys.row(5, 1))
TEXTS = toys.texts("a very good film", "a very bad film", "the film was good")


class Halting:
    """Skipped when it is fitted, or only when it is asked."""

    def __init__(self, when):
        self.name = f"halts at {when}"
        self._when = when

    def fit(self, train, answers):
        if self._when == "fit":
            raise SkipBaseline(Message("cannot be fitted"))
        return FittedBaseline(self._predict)

    def _predict(self, examples):
        raise SkipBaseline(Message("cannot be asked"))


def test_the_majority_is_the_share_of_each_class_also_of_one_that_does_not_occur():
    fitted = MajorityClass(4).fit(RAGGED, np.array([2, 0, 2]))
    expected = [[1 / 3, 0, 2 / 3, 0]] * 2
    np.testing.assert_allclose(fitted.predict(RAGGED.take([0, 1])), expected)
    assert fitted.predict(RAGGED.take([])).shape == (0, 4)


def test_the_mean_is_that_of_each_target():
    fitted = MeanNumber().fit(RAGGED, np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 0.0]]))
    np.testing.assert_allclose(fitted.predict(RAGGED.take([1])), [[3.0, 10.0]])
    assert fitted.predict(RAGGED.take([])).shape == (0, 2)


def test_those_that_cannot_serve_are_skipped_with_their_reason():
    baselines = [Halting("fit"), MajorityClass(2), Halting("prediction")]
    fitted, skipped = fit_all(baselines, RAGGED, np.array([0, 1, 1]))
    assert list(fitted) == ["majority class", "halts at prediction"]
    assert {name: str(reason) for name, reason in skipped.items()} == {
        "halts at fit": "cannot be fitted"
    }
    predictions, skipped = predict_all(fitted, RAGGED)
    assert list(predictions) == ["majority class"]
    assert str(skipped["halts at prediction"]) == "cannot be asked"


@pytest.mark.parametrize("answers", [[], [0, 1], [0, 1, 1, 0]])
def test_there_must_be_an_answer_for_each_example(answers):
    with pytest.raises(ShapeError, match=rf"got {len(answers)} answers for 3 examples"):
        fit_all([MajorityClass(2)], RAGGED, np.array(answers, dtype=np.int64))


def test_nothing_can_be_learned_from_no_example():
    with pytest.raises(ShapeError, match="at least one example"):
        fit_all([MajorityClass(2)], RAGGED.take([]), np.array([], dtype=np.int64))


def test_a_part_is_drawn_with_its_answers_and_said():
    train = toys.texts(*map(str, range(100)))
    part, answers, notes = part_of(train, np.arange(100), 7)
    assert len(part) == 7
    assert list(part.texts) == [str(answer) for answer in answers]
    assert answers.max() > 50
    assert [str(note) for note in notes] == ["fitted to 7 of 100 examples, drawn at random"]
    assert part_of(train, np.arange(100), 100) == (train, pytest.approx(np.arange(100)), ())


def test_columns_go_where_their_class_is():
    given = np.array([[0.1, 0.9], [0.4, 0.6]], dtype=np.float32)
    spread = spread_out(given, [1, 3], 4)
    np.testing.assert_allclose(spread, [[0, 0.1, 0, 0.9], [0, 0.4, 0, 0.6]], rtol=1e-6)
    assert spread.dtype == np.float64


def test_what_the_data_are_decides_what_stands_beside_the_network():
    def labels(train):
        return [baseline.name for baseline in label_baselines(train, 2)]

    def numbers(train):
        return [baseline.name for baseline in number_baselines(train)]

    assert labels(TEXTS) == ["majority class", "TF-IDF words + logistic regression"]
    assert labels(toys.texts(KOREAN))[1] == "TF-IDF characters + logistic regression"
    assert labels(ROWS) == ["majority class", "logistic regression", "gradient boosting"]
    neighbour = "1-nearest neighbour, "
    assert labels(EVEN) == [
        "majority class",
        "logistic regression",
        *(neighbour + kind for kind in ("Euclidean", "DTW within 10 %", "DTW")),
    ]
    assert f"{neighbour}DTW within 10 %" not in labels(RAGGED)
    assert numbers(TEXTS) == ["mean", "TF-IDF words + ridge"]
    assert numbers(ROWS) == numbers(RAGGED) == ["mean", "ridge", "gradient boosting"]


ODD = {
    "two rows": toys.signals(toys.row(1.0), toys.row(2.0)),
    "two texts": toys.texts("good", "bad"),
    "empty texts": toys.texts("", "", " \n"),
    "one empty text": toys.texts("", "a good one of many words", "a bad one of many words"),
    "emoji": toys.texts("😀😀", "🤬", "😀"),
    "a constant": toys.signals([[7.0], [7.0]], [[7.0], [7.0]], [[7.0], [7.0]]),
    "nothing known": toys.signals([[np.nan]], [[np.nan], [np.nan]]),
    "enormous": toys.signals(toys.row(1e300, -1e-300), toys.row(-1e300, 2e-300), toys.row(0, 0)),
    "an empty sequence": toys.signals(np.empty((0, 1)), [[1.0]], [[2.0], [3.0]]),
    "words alone": toys.signals(np.empty((1, 0)), np.empty((1, 0)), words=[[("red",)], [("",)]]),
    "of any length": RAGGED,
    "of one length": EVEN,
}


@pytest.mark.parametrize("train", ODD.values(), ids=ODD)
@pytest.mark.parametrize("single", [False, True])
def test_odd_data_are_served_or_skipped_in_words(train, single):
    classes = np.zeros(len(train), dtype=np.int64) if single else np.arange(len(train)) % 2
    fitted, skipped = fit_all(label_baselines(train, 3), train, classes)
    predictions, more = predict_all(fitted, train)
    assert "majority class" in predictions
    for p in predictions.values():
        assert p.shape == (len(train), 3)
        assert p.dtype == np.float64
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert not p[:, 2].any()
    assert all(str(reason) for reason in [*skipped.values(), *more.values()])
    targets = np.stack([classes, 3.0 - classes], axis=1)
    fitted, _ = fit_all(number_baselines(train), train, targets)
    predictions, _ = predict_all(fitted, train)
    assert "mean" in predictions
    for numbers in predictions.values():
        assert numbers.shape == (len(train), 2)
        assert np.isfinite(numbers).all()


@pytest.mark.parametrize("train", [TEXTS, ROWS, EVEN, RAGGED])
def test_no_example_at_all_gets_no_prediction(train):
    nobody = train.take([])
    for baselines, answers, outputs in (
        (label_baselines(train, 3), np.array([0, 1, 1]), 3),
        (number_baselines(train), np.array([[1.0], [2.0], [3.0]]), 1),
    ):
        fitted, _ = fit_all(baselines, train, answers)
        predictions, skipped = predict_all(fitted, nobody)
        assert not skipped
        assert {p.shape for p in predictions.values()} == {(0, outputs)}


@pytest.mark.parametrize("train", [TEXTS, ROWS, EVEN, RAGGED])
def test_a_prediction_does_not_depend_on_those_beside_it(train):
    fitted, _ = fit_all(label_baselines(train, 3), train, np.array([0, 2, 2]))
    together, _ = predict_all(fitted, train)
    for number in range(len(train)):
        alone, _ = predict_all(fitted, train.take([number]))
        for name, p in alone.items():
            np.testing.assert_allclose(p[0], together[name][number], rtol=1e-12)


def test_scikit_learn_is_loaded_by_those_alone_that_fit_with_it():
    code = "import sys, rnnkit.baselines.examples; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
