"""The scores of labels, beside those worked by hand and scikit-learn's."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from rnnkit import metrics
from rnnkit.errors import ShapeError

# By hand: right are 0, 0, 1 and the last 2; one was never seen.
ACTUAL = [0, 0, 0, 1, 2, 2, -1]
PREDICTED = [0, 0, 2, 1, 1, 2, 0]


def drawn(seed, classes, rows=97, unseen=False):
    """Return codes and probabilities with ties; every class occurs."""
    generator = np.random.default_rng(seed)
    actual = np.concatenate(
        [np.arange(classes), generator.integers(-unseen, classes, rows - classes)]
    )
    raw = np.round(generator.random((rows, classes)), 1) + 0.1 + 0.2 * np.eye(classes)[actual]
    return actual, raw / raw.sum(axis=1, keepdims=True)


def test_accuracy_counts_a_label_never_seen_as_wrong():
    assert metrics.accuracy(ACTUAL, PREDICTED) == pytest.approx(4 / 7)


def test_macro_f1_is_the_mean_over_the_classes_that_occur():
    # F1: class 0: 2·2/(3+3), class 1: 2·1/(1+2), class 2: 2·1/(2+2), never seen: 0.
    assert metrics.macro_f1(ACTUAL, PREDICTED) == pytest.approx((4 / 6 + 2 / 3 + 2 / 4 + 0) / 4)


def test_macro_f1_leaves_out_what_occurs_in_neither_and_counts_what_was_only_predicted():
    assert metrics.macro_f1([0, 7], [0, 7]) == 1
    assert metrics.macro_f1([0, 0], [0, 5]) == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_and_confusion_are_scikit_learns(seed):
    actual, p = drawn(seed, 6, unseen=True)
    predicted = p.argmax(axis=1)
    expected = theirs.f1_score(actual, predicted, average="macro", zero_division=0.0)
    assert metrics.macro_f1(actual, predicted) == pytest.approx(expected, abs=1e-12)
    table = theirs.confusion_matrix(actual, predicted, labels=range(6))
    assert metrics.confusion(actual, predicted, 6).tolist() == table.tolist()


def test_confusion_has_a_row_a_class_and_leaves_out_labels_never_seen():
    table = metrics.confusion(ACTUAL, PREDICTED, 4)
    assert table.tolist() == [[2, 0, 1, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert table.dtype == np.int64


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_roc_auc_and_log_loss_are_scikit_learns(classes):
    actual, p = drawn(classes, classes)
    scores = p[:, 1] if classes == 2 else p
    expected = theirs.roc_auc_score(actual, scores, multi_class="ovr")
    assert metrics.roc_auc(actual, p) == pytest.approx(expected, abs=1e-12)
    assert metrics.log_loss(actual, p) == pytest.approx(theirs.log_loss(actual, p), abs=1e-12)


def test_roc_auc_leaves_out_a_class_that_does_not_occur():
    p = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
    # Class 0 ranks 0.7 and 0.5 of its own against 0.4 and 0.1; class 1 mirrors that.
    assert metrics.roc_auc([0, 1, 0, 1], p) == 1
    # One against three: 0.4 above 0.1 alone; 0.5 above 0.2 and 0.3 but not 0.6.
    assert metrics.roc_auc([1, 0, 1, 1], p) == pytest.approx((1 / 3 + 1 / 3) / 2)


def test_an_example_never_seen_is_one_of_the_others():
    p = np.array([[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]])
    assert metrics.roc_auc([1, 0, -1], p) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("actual", "p"),
    [([0, 0], [[0.5, 0.5], [0.2, 0.8]]), ([0, 0], [[1.0], [1.0]]), ([-1], [[0.1, 0.9, 0.0]])],
)
def test_roc_auc_is_undefined_without_an_example_and_a_counter_example(actual, p):
    assert math.isnan(metrics.roc_auc(actual, p))


def test_a_nan_probability_makes_auc_nan():
    assert math.isnan(metrics.roc_auc([0, 1], [[0.5, 0.5], [math.nan, 0.5]]))


def test_log_loss_of_what_was_given_no_probability_is_36_nats():
    assert metrics.log_loss([1], [[1.0, 0.0]]) == pytest.approx(-math.log(2**-52))
    assert metrics.log_loss([-1, 0], [[0.5, 0.5], [1.0, 0.0]]) == pytest.approx(26 * math.log(2))
    assert math.isnan(metrics.log_loss([0], [[math.nan, 0.5]]))


def test_label_scores_are_those_of_the_most_probable_class():
    actual, p = drawn(3, 4, unseen=True)
    scores = metrics.label_scores(actual, p)
    assert list(scores) == ["accuracy", "macro_f1", "roc_auc"]
    assert all(type(value) is float for value in scores.values())
    assert scores["accuracy"] == metrics.accuracy(actual, p.argmax(axis=1))
    assert scores["macro_f1"] == metrics.macro_f1(actual, p.argmax(axis=1))
    assert scores["roc_auc"] == metrics.roc_auc(actual, p)


def test_the_difference_in_accuracy_is_that_of_pairs():
    # Second alone right: 1; first alone: 4; both: 2; none: 1 (never seen).
    actual = np.array([0, 1, 2, 0, 1, 2, 1, -1])
    first = np.array([1, 1, 2, 0, 1, 2, 1, 0])
    second = np.array([0, 0, 0, 1, 2, 2, 1, 0])
    difference, low, high = metrics.difference_in_accuracy(actual, first, second)
    assert difference == pytest.approx(3 / 8)
    middle = (4.5 - 1.5) / 10
    reach = 1.959964 * math.sqrt(6 - 9 / 10) / 10
    assert (low, high) == pytest.approx((middle - reach, middle + reach), abs=1e-6)
    back = metrics.difference_in_accuracy(actual, second, first)
    assert back == pytest.approx((-difference, -high, -low))


def test_equal_predictions_leave_room_for_chance_the_less_the_more_examples():
    few = metrics.difference_in_accuracy([0] * 3, [0] * 3, [0] * 3)
    many = metrics.difference_in_accuracy([0] * 3000, [1] * 3000, [1] * 3000)
    assert few[0] == many[0] == 0
    assert few[2] == -few[1] > 0.3
    assert 0 < many[2] == -many[1] < 0.001


def test_one_example_says_nothing():
    difference, low, high = metrics.difference_in_accuracy([0], [0], [1])
    assert difference == 1
    assert low < 0 < high <= 1


def test_the_interval_holds_the_true_difference_19_times_in_20():
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(2000):
        draw = generator.random(60)
        first = (draw < 0.85).astype(int)  # right on the first 85 % of draws, the second on 70 %
        second = ((draw < 0.60) | (draw > 0.90)).astype(int)
        _, low, high = metrics.difference_in_accuracy(np.ones(60, int), first, second)
        held += low <= 0.15 <= high
    assert 0.93 < held / 2000 < 0.98


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), *[st.floats(0, 1)] * 4), min_size=1, max_size=12))
def test_scores_lie_in_their_range(rows):
    actual = [row[0] for row in rows]
    p = np.array([row[1:] for row in rows])
    for name, value in metrics.label_scores(actual, p).items():
        assert 0 <= value <= 1 or (name == "roc_auc" and math.isnan(value))
    assert metrics.log_loss(actual, p) >= 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.accuracy([], []), r"at least one, got shapes \(0,\)"),
        (lambda: metrics.accuracy([0, 1], [0]), r"shapes \(2,\) and \(1,\)"),
        (lambda: metrics.accuracy([-2, 1], [0, 1]), "actual must hold whole numbers from -1"),
        (lambda: metrics.accuracy([0, 1], [0, -1]), "predicted must hold whole numbers from 0"),
        (lambda: metrics.accuracy([0.5, 1], [0, 1]), "actual must hold .* got float64"),
        (lambda: metrics.macro_f1([[0]], [[0]]), r"codes \(S,\)"),
        (lambda: metrics.confusion([0, 2], [0, 1], 2), "below 2 classes, got 2"),
        (lambda: metrics.roc_auc([2], [[0.5, 0.5]]), "below 2 classes, got 2"),
        (lambda: metrics.roc_auc([0], [0.5]), r"probabilities must be \(S, K\)"),
        (lambda: metrics.log_loss([0, 1], [[0.5, 0.5]]), r"shapes \(2,\) and \(1,\)"),
        (lambda: metrics.difference_in_accuracy([0], [0], [0, 1]), "same examples"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(call, said):
    with pytest.raises(ShapeError, match=said):
        call()


def test_scores_wait_for_neither_scikit_learn_nor_torch():
    code = "import sys, rnnkit.metrics; print({'sklearn', 'torch', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
