import numpy as np
import pytest
from matplotlib.colors import to_hex

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.length_plot import length_plot

WORDS = Message("words")
BLUE, VERMILION = "#0072b2", "#d55e00"


def bars(figure, colour):
    return [b for b in figure.axes[0].patches if to_hex(b.get_facecolor()) == colour]


def counted(figure, colour):
    return sum(bar.get_height() for bar in bars(figure, colour))


@pytest.mark.parametrize("limit", [1, 7, 100, 137, 199])
def test_what_is_cut_is_counted_drawn_and_said(limit, texts, stays_within):
    lengths = np.arange(200)
    figure = length_plot(lengths, WORDS, limit)
    longer = 199 - limit
    assert counted(figure, VERMILION) == longer
    assert counted(figure, BLUE) == limit + 1
    assert figure.axes[0].lines[0].get_xdata()[0] == limit + 0.5
    share = f"{100 * longer / 200:.1f} %"
    said = (
        f"{longer:,} of them ({share}) are longer than {limit} and are cut."
        if longer
        else "None is longer than 199, so none is cut."
    )
    assert said in texts(figure)[1]
    assert texts(figure)[1].startswith("200 sequences; half have at most 99 words, the longest 199")
    assert ("cut" in texts(figure)) == (longer > 0)
    stays_within(figure)


def test_without_a_limit_there_is_no_line_and_no_legend(texts, stays_within):
    figure = length_plot(np.array([0, 0, 3]), WORDS)
    assert counted(figure, BLUE) == 3
    assert not figure.axes[0].lines
    assert not figure.legends
    assert "cut" not in " ".join(texts(figure))
    stays_within(figure)


def test_a_few_very_long_ones_do_not_press_the_others_together(texts):
    lengths = np.concatenate([np.full(995, 20), np.full(5, 100_000)])
    figure = length_plot(lengths, WORDS, limit=30)
    assert counted(figure, BLUE) == 995
    assert figure.axes[0].get_xlim()[1] < 60
    assert "5 of them (0.5 %) are longer than 30 and are cut." in texts(figure)[1]
    assert "Not drawn: 5 that are longer than 31." in texts(figure)[1]


def test_a_limit_far_beyond_all_lengths_does_not_press_them_together():
    figure = length_plot(np.arange(20), WORDS, limit=10_000)
    assert figure.axes[0].get_xlim()[1] < 60
    assert counted(figure, BLUE) == 20


@pytest.mark.parametrize("lengths", [[0], [5], [24] * 500, [1, 1_000_000]])
@pytest.mark.parametrize("limit", [None, 1, 512])
def test_odd_lengths_can_be_drawn(lengths, limit, render):
    render(length_plot(np.array(lengths), WORDS, limit))


def test_no_length_is_an_error():
    with pytest.raises(ShapeError, match="S of 1 or more"):
        length_plot(np.zeros(0, np.int64), WORDS)
