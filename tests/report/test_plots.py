import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import date2num

from rnnkit.errors import ShapeError
from rnnkit.report import lettering as lettering_module
from rnnkit.report.lettering import Lettering, shorten, wrap
from rnnkit.report.plots import ForecastPicture, forecast_plot, save, training_plot

BLUE, VERMILION, BLACK = "#0072b2", "#d55e00", "#222222"


def picture(*, rows=60, split=48, horizon=6, columns=1, season=4, step="M", **changes):
    rng = np.random.default_rng(0)
    times = (np.datetime64("2001-01", step) + np.arange(rows + horizon)).astype("M8[ns]")
    values = 100 + rng.normal(size=(rows, columns)).cumsum(axis=0)
    origins = np.arange(split, rows - horizon + 1)
    forecast = rng.normal(100, 1, (len(origins), horizon, columns))
    whole = ForecastPicture(
        times=times[:rows],
        values=values,
        targets=[f"y{k}" for k in range(columns)],
        time_name="Month",
        season=season,
        split=split,
        origins=origins,
        model="GRU",
        forecast=forecast,
        baseline="drift",
        baseline_forecast=forecast + 1,
        future_times=times[rows:],
        future=rng.normal(100, 1, (horizon, columns)),
        title="demo: 6 rows ahead",
        verdict="The GRU beats drift.",
    )
    return replace(whole, **changes)


def drawn(panel, colour, dotted=None):
    """The lines of a colour, as (x, y); `dotted` tells the model's two kinds apart by marker."""
    return [
        line.get_xydata().T
        for line in panel.lines
        if to_hex(line.get_color()) == colour
        and (dotted is None or (line.get_marker() == "o") == dotted)
    ]


def texts(figure):
    found = [figure.get_suptitle()]
    found += [panel.get_title(loc="left") for panel in figure.axes]
    found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return "\n".join(found)


def render(figure, tmp_path):
    save(figure, tmp_path / "picture.png")
    return (tmp_path / "picture.png").read_bytes()


@pytest.mark.parametrize("k", [0, 1])
def test_lines_hold_the_data_the_forecasts_and_the_future_at_their_times(k):
    p = picture(columns=2)
    panel = forecast_plot(p).axes[k]
    ((x, y),) = drawn(panel, BLACK)
    np.testing.assert_array_equal(y, p.values[-len(y) :, k])
    np.testing.assert_allclose(x, date2num(p.times[-len(x) :]))
    ((x, y),) = drawn(panel, BLUE, dotted=True)
    np.testing.assert_array_equal(y, p.future[:, k])
    np.testing.assert_allclose(x, date2num(p.future_times))
    for colour, forecast in ((BLUE, p.forecast), (VERMILION, p.baseline_forecast)):
        lines = drawn(panel, colour, dotted=False)
        assert len(lines) == 2  # rows 48..53 and 54..59: the others would overlap
        for (x, y), origin in zip(lines, (48, 54), strict=True):
            np.testing.assert_array_equal(y, forecast[origin - p.split, :, k])
            np.testing.assert_allclose(x, date2num(p.times[origin : origin + 6]))


def test_one_step_forecasts_are_one_joined_line():
    p = picture(horizon=1)
    (panel,) = forecast_plot(p).axes
    ((_, y),) = drawn(panel, BLUE, dotted=False)
    np.testing.assert_array_equal(y, p.forecast[:, 0, 0])


def test_a_long_history_is_cut_to_a_useful_stretch_and_the_split_is_marked():
    (panel,) = forecast_plot(picture(rows=17_000, split=16_960, horizon=12, season=24)).axes
    ((x, _),) = drawn(panel, BLACK)
    assert len(x) == 96 + 40
    splits = drawn(panel, "#888888")
    assert len(splits) == 1
    assert x[95] < splits[0][0][0] < x[96]


def test_of_a_long_test_part_the_last_rows_are_drawn_and_the_picture_says_so():
    figure = forecast_plot(picture(rows=2000, split=1000, horizon=24, season=24))
    ((x, _),) = drawn(figure.axes[0], BLACK)
    assert len(x) == 288
    assert len(drawn(figure.axes[0], BLUE, dotted=False)) == 12
    assert "Drawn: the last 288 of 1000 test rows." in texts(figure)


def test_title_verdict_labels_and_legend_name_what_is_drawn():
    figure = forecast_plot(picture())
    assert figure.get_suptitle() == "demo: 6 rows ahead"
    for wanted in (
        "The GRU beats drift.",
        "actual",
        "best baseline: drift",
        "GRU, forecast beyond",
    ):
        assert wanted in texts(figure)
    assert figure.axes[0].get_ylabel() == "y0"
    assert figure.axes[0].get_xlabel() == "Month"


def test_one_panel_a_target_six_at_most_and_the_rest_is_told(tmp_path):
    figure = forecast_plot(picture(columns=9))
    assert [panel.get_ylabel() for panel in figure.axes] == [f"y{k}" for k in range(6)]
    assert "Drawn: the first 6 of 9 targets." in texts(figure)
    render(figure, tmp_path)


def test_without_a_test_part_only_the_data_and_the_future_are_drawn(tmp_path):
    nothing = np.zeros((0, 6, 1))
    figure = forecast_plot(
        picture(
            split=60,
            origins=np.zeros(0, dtype=np.int64),
            forecast=nothing,
            baseline=None,
            baseline_forecast=None,
            verdict="",
        )
    )
    assert drawn(figure.axes[0], BLUE, dotted=False) == []
    assert "test part" not in texts(figure)
    assert "baseline" not in texts(figure)
    render(figure, tmp_path)


@pytest.mark.parametrize(
    ("step", "rows"),
    [("Y", 200), ("M", 8), ("W", 200), ("D", 8), ("h", 200), ("m", 8), ("s", 200)],
)
def test_every_step_renders_without_a_warning_and_within_the_picture(step, rows, tmp_path):
    p = picture(rows=rows, split=rows - 2, horizon=2, step=step, season=1)
    figure = forecast_plot(p)
    render(figure, tmp_path)
    width, height = figure.canvas.get_width_height()
    panel = figure.axes[0]
    for text in (panel.xaxis.label, panel.yaxis.label, panel.title, *figure.texts):
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_long_verdicts_titles_and_names_stay_within_the_picture(tmp_path):
    long = "a sentence that goes on and on " * 9
    many = ", ".join(f"target {k}" for k in range(414))
    figure = forecast_plot(
        picture(columns=3, targets=[long, "b" * 200, "$x^$"], title=many, verdict=long)
    )
    render(figure, tmp_path)
    width, height = figure.canvas.get_width_height()
    for text in (figure._suptitle, figure.axes[0]._left_title, figure.axes[0].yaxis.label):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
    assert figure.axes[2].get_ylabel() == "$x^$"


def test_letters_without_a_font_are_replaced_without_a_warning_and_the_picture_says_so(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(lettering_module, "_families", lambda: ("DejaVu Sans",))
    lettering_module._is_drawable.cache_clear()
    figure = forecast_plot(
        picture(
            columns=2, targets=["기온", "wind $m/s^"], title="날씨", verdict="", time_name="날짜"
        )
    )
    assert [panel.get_ylabel() for panel in figure.axes] == ["column 1", "wind $m/s^"]
    assert figure.get_suptitle() == "forecast"
    assert figure.axes[-1].get_xlabel() == "time"
    assert "No font on this machine has all letters" in texts(figure)
    render(figure, tmp_path)
    lettering_module._is_drawable.cache_clear()


def test_hangul_renders_without_a_warning_whatever_fonts_there_are(tmp_path):
    render(forecast_plot(picture(targets=["승객 수"], title="항공", verdict="신경망")), tmp_path)


def test_equal_pictures_give_equal_bytes_of_the_promised_width(tmp_path):
    first = render(forecast_plot(picture()), tmp_path)
    assert render(forecast_plot(picture()), tmp_path) == first
    assert int.from_bytes(first[16:20], "big") == 1400
    assert b"Software" not in first


def test_drawing_needs_neither_pyplot_nor_a_display():
    code = (
        "import sys\n"
        "from rnnkit.report.plots import training_plot, save\n"
        "training_plot([])\n"
        "print('matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"values must have shape \(60, 1\), got \(60, 2\)"):
        picture(values=np.zeros((60, 2)))
    with pytest.raises(ShapeError, match=r"forecast must have shape \(7, 6, 1\)"):
        picture(forecast=np.zeros((3, 6, 1)))


def history(train, validation=(), best=1):
    return SimpleNamespace(
        train_loss=list(train), validation_loss=list(validation), best_epoch=best
    )


def test_training_plot_draws_each_network_and_marks_the_epoch_kept(tmp_path):
    figure = training_plot(
        [history([3.0, 2.0, 1.0], [3.5, 2.5, 2.8], best=2), history([3.0, 1.0], [4.0, 3.0], best=2)]
    )
    (panel,) = figure.axes
    assert [y.tolist() for _, y in drawn(panel, VERMILION)] == [[3, 2, 1], [3, 1]]
    assert [y.tolist() for _, y in drawn(panel, BLUE)] == [[3.5, 2.5, 2.8], [4, 3]]
    assert [xy.tolist() for xy in drawn(panel, BLACK)] == [[[2], [2.5]], [[2], [3.0]]]
    assert panel.get_yscale() == "linear"
    assert figure.get_suptitle() == "Training of 2 networks"
    render(figure, tmp_path)


def test_training_plot_takes_a_logarithmic_axis_only_where_it_helps(tmp_path):
    assert training_plot([history([100.0, 1.0])]).axes[0].get_yscale() == "log"
    assert training_plot([history([100.0, -1.0])]).axes[0].get_yscale() == "linear"
    assert training_plot([history([2.0, 1.0])]).axes[0].get_yscale() == "linear"
    infinite = training_plot([history([float("inf"), 1.0], [float("nan"), 0.5], best=2)])
    assert infinite.axes[0].get_yscale() == "linear"
    render(infinite, tmp_path)


def test_training_plot_without_validation_marks_the_training_loss():
    (panel,) = training_plot([history([3.0, 2.0], best=2)]).axes
    assert drawn(panel, BLUE) == []
    assert [xy.tolist() for xy in drawn(panel, BLACK)] == [[[2], [2.0]]]


def test_wide_letters_count_twice_when_text_is_broken_or_cut():
    assert wrap("가나 다라", 5).splitlines() == ["가나", "다라"]
    assert wrap("a " * 30, 9) == "\n".join(["a a a a a"] * 6)
    assert shorten("가나다라", 5) == "가나…"
    assert wrap("", 10) == ""


def test_text_is_put_on_one_line():
    assert Lettering().text(" a\n b\tc ", "x") == "a b c"
