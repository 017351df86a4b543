import numpy as np
import pytest

from rnnkit.errors import ShapeError
from rnnkit.report.coverage_plot import coverage_plot

BLUE, VERMILION = "#0072b2", "#d55e00"
BY_STEP = np.array([[0.8, 0.7, 0.6], [1.0, 0.9, 0.95]])


def test_measured_coverage_stands_beside_the_nominal_one(drawn, texts, render):
    figure = coverage_plot([80, 95], BY_STEP, np.array([0.7, 0.95]))
    (panel,) = figure.axes
    for k, (colour, level) in enumerate(((BLUE, 80), (VERMILION, 95))):
        measured, nominal = drawn(panel, colour)
        np.testing.assert_allclose(measured, [[1, 2, 3], 100 * BY_STEP[k]])
        assert nominal[1].tolist() == [level, level]
    bottom, top = panel.get_ylim()
    assert bottom == pytest.approx(50)
    assert top > 100
    assert texts(figure)[-3:] == [
        "80 % interval: measured 70.0 %",
        "95 % interval: measured 95.0 %",
        "nominal",
    ]
    render(figure)


def test_one_step_is_a_dot_above_a_whole_number(drawn, render):
    figure = coverage_plot([80], np.array([[0.71]]), np.array([0.71]))
    render(figure)
    assert any(x.tolist() == [1] for x, _ in drawn(figure.axes[0], BLUE))
    low, high = figure.axes[0].get_xlim()
    assert [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high] == [1]


def test_a_step_that_was_not_measured_is_a_gap(render):
    render(coverage_plot([80], np.array([[0.5, np.nan]]), np.array([np.nan])))


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"shapes \(1, H\) and \(1,\), got \(2, 3\) and \(1,\)"):
        coverage_plot([80], BY_STEP, np.ones(1))
    with pytest.raises(ShapeError, match=r"got \(2, 3\) and \(3,\)"):
        coverage_plot([80, 95], BY_STEP, np.ones(3))


@pytest.mark.usefixtures("with_korean_font")
def test_the_words_are_korean_when_asked(texts):
    written = texts(coverage_plot([80, 95], BY_STEP, np.array([0.7, 0.95]), "ko"))
    assert "80 % 예측구간: 실제 70.0 %" in written
