from dataclasses import replace

import numpy as np
import pytest
from matplotlib.dates import date2num

from rnnkit.errors import ShapeError
from rnnkit.report.backtest_plot import BacktestPicture, backtest_plot

BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#767676"
ORIGINS = np.array(["2001-01", "2002-01", "2003-01"], dtype="M8[M]").astype("M8[ns]")
NAN = float("nan")


def picture(names=("GRU", "drift", "ridge"), **changes):
    whole = BacktestPicture(
        origins=ORIGINS,
        by_origin={n: np.array([1.0, 3.0, 5.0]) + k for k, n in enumerate(names)},
        by_step={n: np.array([2.0, 4.0, 7.0, 8.0]) + k for k, n in enumerate(names)},
        model="GRU",
        metric="RMSE",
        time_name="Month",
        title="Backtest of demo",
        verdict="It wins.",
    )
    return replace(whole, **changes)


def test_both_panels_hold_every_error_at_its_place(drawn, render):
    figure = backtest_plot(picture())
    by_origin, by_step = figure.axes
    for k, colour in enumerate((BLUE, VERMILION, GREEN)):
        ((x, y),) = drawn(by_origin, colour)
        np.testing.assert_allclose(x, date2num(ORIGINS))
        assert y.tolist() == [1 + k, 3 + k, 5 + k]
        ((x, y),) = drawn(by_step, colour)
        assert x.tolist() == [1, 2, 3, 4]
        assert y.tolist() == [2 + k, 4 + k, 7 + k, 8 + k]
    assert [panel.get_ylim()[0] for panel in figure.axes] == [0, 0]
    render(figure)


def test_the_legend_has_the_means_and_the_labels_say_what_is_drawn(texts):
    assert texts(backtest_plot(picture())) == [
        "Backtest of demo",
        "It wins.",
        "RMSE of each forecast, by its first row",
        "Month",
        "RMSE by rows ahead",
        "rows ahead",
        "GRU, mean 3.000",
        "drift, mean 4.000",
        "ridge, mean 5.000",
    ]


def test_the_four_best_baselines_are_drawn_the_best_first_and_the_rest_is_told(texts, drawn):
    names = ("f", "e", "GRU", "d", "c", "b", "a")
    scores = dict(zip(names, (6.0, 5.0, 9.0, 4.0, 3.0, 2.0, NAN), strict=True))
    by_origin = {n: np.full(3, s) for n, s in scores.items()}
    figure = backtest_plot(picture(names, by_origin=by_origin))
    assert [t for t in texts(figure) if "mean" in t] == [
        "GRU, mean 9.000", "b, mean 2.000", "c, mean 3.000", "d, mean 4.000", "e, mean 5.000",
    ]  # fmt: skip
    assert any("Drawn: the 4 best of 6 baselines." in text for text in texts(figure))
    assert [drawn(figure.axes[0], c)[0][1][0] for c in (VERMILION, GREEN, PURPLE, GREY)] == [
        2, 3, 4, 5,
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [NAN, np.inf])
def test_an_origin_without_a_score_is_a_gap_and_left_out_of_the_mean(wrong, drawn, texts):
    by_origin = {"GRU": np.array([2.0, wrong, 5.0])}
    figure = backtest_plot(picture(("GRU",), by_origin=by_origin))
    line, dots = drawn(figure.axes[0], BLUE)
    np.testing.assert_array_equal(line[1], [2, NAN, 5])
    assert dots[1].tolist() == [2, 5]
    assert "GRU, mean 3.500" in texts(figure)


def test_with_one_row_ahead_there_is_one_panel_and_row_numbers_are_an_axis(render, texts):
    figure = backtest_plot(
        picture(("GRU",), by_step={"GRU": np.ones(1)}, origins=np.array([10, 20, 30]), time_name="")
    )
    assert len(figure.axes) == 1
    assert "row number" in texts(figure)
    render(figure)


def test_everything_stays_within_the_picture(stays_within):
    long = "a sentence that goes on and on " * 9
    names = ("GRU", *(c * 90 for c in "bcdef"))
    stays_within(backtest_plot(picture(names, title=long, verdict=long, remarks=(long, "$x^$"))))


@pytest.mark.usefixtures("with_korean_font")
def test_the_words_are_korean_when_asked(texts):
    written = texts(backtest_plot(picture(("GRU", "drift"), language="ko")))
    assert {"GRU, 평균 3.000", "드리프트, 평균 4.000", "몇 행 앞"} <= set(written)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"by_origin\['GRU'\] must have shape \(3,\), got \(2,\)"):
        picture(("GRU",), by_origin={"GRU": np.ones(2)})
    with pytest.raises(ShapeError, match=r"by_step\['b'\] must have shape \(4,\), got \(5,\)"):
        picture(("GRU", "b"), by_step={"GRU": np.ones(4), "b": np.ones(5)})
