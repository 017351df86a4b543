import numpy as np
import pytest

from rnnkit.errors import ShapeError
from rnnkit.report.scatter_plot import scatter_plot

BLUE, VERMILION = "#0072b2", "#d55e00"
NAN = float("nan")


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def test_actual_numbers_lie_across_and_predicted_ones_up(drawn, texts, stays_within):
    figure = scatter_plot(column(1, 2, NAN, 4), column(1.5, 2.5, 3.5, NAN), ["price"])
    (panel,) = figure.axes
    ((x, y),) = drawn(panel, BLUE)
    assert (x.tolist(), y.tolist()) == ([1, 2], [1.5, 2.5])
    ((x, y),) = drawn(panel, VERMILION)
    assert x.tolist() == y.tolist()
    assert panel.get_xlim() == panel.get_ylim() == tuple(x)
    assert texts(figure)[1:4] == ["price", "actual", "predicted"]
    stays_within(figure)


def test_each_target_has_a_panel_up_to_four(drawn, texts, render):
    actual = np.arange(30.0).reshape(6, 5)
    figure = scatter_plot(actual, -actual, list("abcde"))
    assert [panel.get_title(loc="left") for panel in figure.axes] == list("abcd")
    ((x, y),) = drawn(figure.axes[3], BLUE)
    assert (x[0], y[0]) == (3.0, -3.0)
    assert "Drawn: the first 4 of 5 targets." in texts(figure)[1]
    render(figure)


def test_dots_far_out_do_not_press_the_others_together_and_are_counted(texts):
    actual = np.linspace(0, 1, 400)
    predicted = actual.copy()
    predicted[7] = 1e9
    figure = scatter_plot(column(*actual), column(*predicted), ["y"])
    low, high = figure.axes[0].get_xlim()
    assert -1 < low < 0
    assert 1 < high < 2
    assert "Outside the picture: 1 dots far out." in texts(figure)[1]
    few = scatter_plot(column(0, 1), column(0, 50), ["y"])
    assert few.axes[0].get_ylim()[1] > 50


def test_of_very_many_dots_a_part_is_drawn_and_that_is_said(drawn, texts):
    actual = column(*np.linspace(0, 1, 45_001))
    figure = scatter_plot(actual, actual, ["y"])
    ((x, _),) = drawn(figure.axes[0], BLUE)
    assert len(x) == 15_001
    assert (x[0], x[-1]) == (0, 1)
    assert "Drawn: 15,001 of 45,001 examples." in texts(figure)[1]


@pytest.mark.parametrize("value", [0.0, 5.0, NAN, 1e300])
def test_equal_or_no_numbers_can_be_drawn(value, render):
    render(scatter_plot(column(value), column(value), [""]))


@pytest.mark.parametrize(
    ("actual", "predicted", "names"),
    [
        (np.ones(3), np.ones(3), ["y"]),
        (np.ones((3, 1)), np.ones((3, 2)), ["y"]),
        (np.ones((3, 2)), np.ones((3, 2)), ["y"]),
        (np.ones((0, 1)), np.ones((0, 1)), ["y"]),
    ],
)
def test_wrong_shapes_are_errors(actual, predicted, names):
    with pytest.raises(ShapeError):
        scatter_plot(actual, predicted, names)
