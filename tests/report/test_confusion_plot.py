import numpy as np
import pytest
from matplotlib.patches import Rectangle

from rnnkit.errors import ShapeError
from rnnkit.report.confusion_plot import confusion_plot

COUNTS = np.array([[6, 2, 0], [0, 0, 0], [1, 3, 12]])
LONG = "the name of a class that goes on and on and on "
NAMES = ["ham", "eggs", "spam"]


def numbers(figure):
    """What is written in the cells, by row and column."""
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text().split("\n")
        for text in figure.axes[0].texts
    }


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_each_cell_has_its_number_and_its_share_of_the_row(stays_within):
    figure = confusion_plot(COUNTS, NAMES)
    assert numbers(figure) == {
        (0, 0): ["6", "75.0 %"],
        (0, 1): ["2", "25.0 %"],
        (2, 0): ["1", "6.2 %"],
        (2, 1): ["3", "18.8 %"],
        (2, 2): ["12", "75.0 %"],
    }
    panel = figure.axes[0]
    assert labels(panel.yaxis) == ["ham  8", "eggs  0", "spam  16"]
    assert labels(panel.xaxis) == NAMES
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("predicted", "actual")
    drawn = np.ma.filled(panel.images[0].get_array(), np.nan)
    np.testing.assert_allclose(drawn[2], [1 / 16, 3 / 16, 12 / 16])
    assert np.isnan(drawn[1]).all()
    stays_within(figure)


def test_an_empty_row_is_hatched_and_explained(texts):
    figure = confusion_plot(COUNTS, NAMES)
    hatched = [
        patch
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_hatch()
    ]
    assert [patch.get_y() for patch in hatched] == [0.5]
    assert "A hatched row has no example in the test part." in texts(figure)[1]
    assert "hatched" not in texts(confusion_plot(COUNTS + 1, NAMES))[1]


def test_the_most_frequent_confusions_are_named_in_order(texts):
    sentence = texts(confusion_plot(COUNTS, NAMES))[1]
    assert (
        "Most often confused: spam taken for eggs (3), ham taken for eggs (2), spam taken for ham"
        " (1)." in sentence
    )
    assert "confused" not in texts(confusion_plot(np.diag([1, 2, 3]), NAMES))[1]


def test_labels_never_seen_have_a_row_below_a_line(texts, stays_within):
    figure = confusion_plot(COUNTS, NAMES, unseen=np.array([0, 5, 0]), language="en")
    panel = figure.axes[0]
    assert labels(panel.yaxis)[3] == "not in training  5"
    assert numbers(figure)[3, 1] == ["5", "100.0 %"]
    assert [line.get_ydata()[0] for line in panel.lines] == [2.5]
    assert "Below the line: labels that training never saw." in texts(figure)[1]
    stays_within(figure)
    without = confusion_plot(COUNTS, NAMES, unseen=np.zeros(3, np.int64))
    assert len(labels(without.axes[0].yaxis)) == 3
    assert not without.axes[0].lines


@pytest.mark.parametrize(
    ("size", "name"),
    [(1, "k"), (2, LONG), (8, LONG), (9, "k"), (18, LONG), (60, "k"), (60, LONG)],
)
def test_any_number_of_classes_fits(size, name, stays_within):
    counts = 1234 * np.eye(size, dtype=np.int64) + 1
    figure = confusion_plot(counts, [f"{name}{k}" for k in range(size)], np.arange(size))
    stays_within(figure)
    written = labels(figure.axes[0].xaxis)
    assert len(set(written)) == size  # names that begin alike can still be told apart
    for label in [*figure.axes[0].get_xticklabels(), *figure.axes[0].get_yticklabels()]:
        box = label.get_window_extent()
        assert box.x0 >= 0
        assert box.y1 <= figure.canvas.get_width_height()[1]


def test_of_very_many_classes_the_rare_ones_are_drawn_together(texts):
    totals = np.arange(100) + 1
    counts = np.diag(totals)
    counts[99, 0] = 7  # into the group
    counts[99, 98] = 5
    counts[2, 3] = 900  # within the group, which is thereby frequent: rows 2 and 41..98 and 99
    figure = confusion_plot(counts, [f"k{k}" for k in range(100)], unseen=np.ones(100, np.int64))
    panel = figure.axes[0]
    assert len(labels(panel.yaxis)) == 61
    assert labels(panel.xaxis)[-1] == "all others"
    assert labels(panel.xaxis)[0] == "k2"
    assert labels(panel.yaxis)[-1] == "not in training  100"
    shares = np.asarray(panel.images[0].get_array())
    np.testing.assert_allclose(shares[58, 57:], [5 / 112, 100 / 112, 7 / 112])
    np.testing.assert_allclose(shares[60, -1], 41 / 100)
    sentence = texts(figure)[1]
    assert "Drawn: the 59 most frequent of 100 classes, the others together." in sentence
    assert "k99 taken for k98 (5)" in sentence
    assert "all others" not in sentence


def test_a_name_without_a_font_or_of_blanks_is_a_number(texts, without_korean_font):
    figure = confusion_plot(np.diag([1, 2, 3]), ["긍정", "  ", "$x$"], language="ko")
    assert labels(figure.axes[0].xaxis) == ["class 1", "class 2", "$x$"]
    assert "No font on this machine has all letters" in texts(figure)[1]


def test_the_words_are_korean(with_korean_font, texts):
    figure = confusion_plot(COUNTS, NAMES, language="ko")
    assert texts(figure)[0] == "혼동 행렬"
    assert figure.axes[0].get_xlabel() == "예측 값"


@pytest.mark.parametrize(
    ("counts", "names", "unseen"),
    [
        (np.zeros((2, 3), np.int64), ["a", "b"], None),
        (np.zeros((0, 0), np.int64), [], None),
        (np.eye(2, dtype=np.int64), ["a", "b"], np.zeros(3, np.int64)),
    ],
)
def test_wrong_shapes_are_errors(counts, names, unseen):
    with pytest.raises(ShapeError, match=r"must have shapes \(K, K\) and \(K,\)"):
        confusion_plot(counts, names, unseen)
