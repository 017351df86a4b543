from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.dates import date2num

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.forecast_plot import ForecastPicture, Strip, forecast_plot

BLUE, VERMILION, BLACK, GREY = "#0072b2", "#d55e00", "#222222", "#888888"
NAN = float("nan")


def strip(*, rows=60, split=48, horizon=6, step="M", numbers=False, levels=(80, 95), **changes):
    rng = np.random.default_rng(rows)
    times = (np.datetime64("2001-01", step) + np.arange(rows + horizon)).astype("M8[ns]")
    if numbers:
        times = np.arange(500, 500 + rows + horizon)
    origins = np.arange(split, rows - horizon + 1)
    forecast = rng.normal(100, 1, (len(origins), horizon))
    future = rng.normal(100, 1, horizon)
    whole = Strip(
        label="y",
        times=times[:rows],
        values=100 + rng.normal(size=rows).cumsum(),
        split=split,
        origins=origins,
        forecast=forecast,
        baseline=forecast + 1,
        bands={level: (forecast - level / 100, forecast + level / 50) for level in levels},
        future_times=times[rows:],
        future=future,
        future_bands={level: (future - level / 100, future + level / 50) for level in levels},
    )
    return replace(whole, **changes)


def picture(*strips, **changes):
    whole = ForecastPicture(
        strips=strips,
        time_name="Month",
        season=4,
        model="GRU",
        baseline="drift",
        title="demo: 6 rows ahead",
        verdict="The GRU beats drift.",
    )
    return replace(whole, **changes)


def bands(panel):
    """The filled bands of a panel: colour, and the corners of each piece."""
    return [
        (to_hex(band.get_facecolor()[0]), [path.vertices for path in band.get_paths()])
        for band in panel.collections
        if isinstance(band, PolyCollection)
    ]


def test_lines_hold_the_data_the_forecasts_and_the_future_at_their_times(drawn):
    one, other = strip(), strip(rows=61)
    for s, panel in zip((one, other), forecast_plot(picture(one, other)).axes, strict=True):
        ((x, y),) = drawn(panel, BLACK)
        np.testing.assert_array_equal(y, s.values[-len(y) :])
        np.testing.assert_allclose(x, date2num(s.times[-len(x) :]))
        ((x, y),) = drawn(panel, BLUE, "--")
        np.testing.assert_array_equal(y, s.future)
        np.testing.assert_allclose(x, date2num(s.future_times))
        rows = len(s.values)
        for colour, forecast in ((BLUE, s.forecast), (VERMILION, s.baseline)):
            lines = drawn(panel, colour, "-" if colour == BLUE else "--")
            assert len(lines) == 2  # the last rows and the six before: the others would overlap
            for (x, y), origin in zip(lines, (rows - 12, rows - 6), strict=True):
                np.testing.assert_array_equal(y, forecast[origin - s.split])
                np.testing.assert_allclose(x, date2num(s.times[origin : origin + 6]))


def test_row_numbers_are_an_axis_too(drawn, render):
    s = strip(numbers=True)
    figure = forecast_plot(picture(s, time_name=""))
    ((x, _),) = drawn(figure.axes[0], BLACK)
    np.testing.assert_array_equal(x, s.times[-len(x) :])
    ((x, _),) = drawn(figure.axes[0], BLUE, "--")
    np.testing.assert_array_equal(x, np.arange(560, 566))
    assert figure.axes[0].get_xlabel() == "row number"
    render(figure)


def test_one_step_forecasts_are_one_line_broken_where_a_row_has_none(drawn):
    s = strip(horizon=1)
    keep = np.array([0, 1, 2, 5, 7, 8])
    s = replace(
        s,
        origins=s.origins[keep],
        forecast=s.forecast[keep],
        baseline=None,
        bands={80: tuple(side[keep] for side in s.bands[80])},
        future_bands={},
    )
    (panel,) = forecast_plot(picture(s)).axes
    line, dots = drawn(panel, BLUE, "-")[0], drawn(panel, BLUE, "None")[0]
    f = s.forecast[:, 0]
    np.testing.assert_array_equal(line[1], [f[0], f[1], f[2], NAN, NAN, f[3], NAN, f[4], f[5]])
    np.testing.assert_array_equal(dots, [date2num(s.times[[53]]), f[[3]]])
    # A band is filled where two rows follow each other, and a bar where one stands alone.
    ((_, test),) = bands(panel)
    assert [len(set(piece[:, 0].tolist())) for piece in test] == [3, 1, 2]
    bar = next(c for c in panel.collections if isinstance(c, LineCollection)).get_segments()
    low, high = (side[3, 0] for side in s.bands[80])
    np.testing.assert_allclose(bar, [[[date2num(s.times[53]), low], [date2num(s.times[53]), high]]])


def test_missing_values_are_gaps_and_a_value_between_two_gaps_is_a_dot(drawn):
    values = np.arange(60.0)
    values[[50, 52, 59]] = NAN
    (panel,) = forecast_plot(picture(strip(values=values))).axes
    (_, y), (x_dot, y_dot) = drawn(panel, BLACK)
    np.testing.assert_array_equal(y, values[-len(y) :])
    assert y_dot.tolist() == [51.0]
    np.testing.assert_allclose(x_dot, date2num(strip().times[[51]]))


def test_bands_are_drawn_the_wider_below_the_narrower(drawn):
    s = strip(split=54)
    (panel,) = forecast_plot(picture(s)).axes
    (wide, test95), (narrow, test80), (wide_too, future95), (narrow_too, future80) = bands(panel)
    assert (wide, narrow) == (wide_too, narrow_too)
    assert int(wide[1:3], 16) > int(narrow[1:3], 16)  # the wider is the paler
    for drawing, (low, high), at in (
        (test95, (s.bands[95][0][0], s.bands[95][1][0]), s.times[54:]),
        (test80, (s.bands[80][0][0], s.bands[80][1][0]), s.times[54:]),
        (future95, s.future_bands[95], s.future_times),
        (future80, s.future_bands[80], s.future_times),
    ):
        (corners,) = drawing
        for x, a, b in zip(date2num(at), low, high, strict=True):
            here = np.unique(corners[np.isclose(corners[:, 0], x), 1])
            np.testing.assert_allclose([here.min(), here.max()], [a, b])
    assert all(line.get_zorder() > 1 for line in panel.lines)


def test_a_long_history_is_cut_to_a_useful_stretch_and_the_split_is_marked(drawn):
    s = strip(rows=17_000, split=16_960, horizon=12)
    (panel,) = forecast_plot(picture(s, season=24)).axes
    ((x, _),) = drawn(panel, BLACK)
    assert len(x) == 96 + 40
    ((at, _),) = drawn(panel, GREY)
    assert x[95] < at[0] < x[96]


def test_a_long_season_does_not_fill_the_picture_with_rows(drawn):
    (panel,) = forecast_plot(
        picture(strip(rows=3650, split=3450, horizon=1, step="D"), season=365)
    ).axes
    assert len(drawn(panel, BLACK)[0][0]) == 500 + 200


def test_of_a_long_test_part_the_last_rows_are_drawn_and_the_picture_says_so(drawn, texts):
    figure = forecast_plot(picture(strip(rows=2000, split=1000, horizon=24), season=24))
    ((x, _),) = drawn(figure.axes[0], BLACK)
    assert len(x) == 288
    assert len(drawn(figure.axes[0], BLUE, "-")) == 12
    assert figure.axes[0].patches[0].get_x() == x[0]  # where the grey of the test part begins
    assert any("Drawn: the last 288 of 1,000 test rows." in text for text in texts(figure))
    both = forecast_plot(picture(strip(rows=2000, split=1000, horizon=24), strip(horizon=24)))
    assert any("Drawn: of long test parts, the last rows." in text for text in texts(both))


def test_title_verdict_labels_and_legend_name_what_is_drawn(texts):
    figure = forecast_plot(
        picture(strip(label="Passengers"), remarks=("One of 9.", Message("{n}.", {"n": 2})))
    )
    assert texts(figure) == [
        "demo: 6 rows ahead",
        "The GRU beats drift. One of 9. 2. Drawn: forecasts that do not overlap.",
        "Passengers",
        "Month",
        "actual",
        "GRU, forecast of the test part",
        "GRU, forecast beyond the data",
        "best baseline: drift",
        "80 % prediction interval",
        "95 % prediction interval",
        "test part, kept from training",
    ]


@pytest.mark.usefixtures("with_korean_font")
def test_in_korean_all_words_but_those_of_the_data_are_korean(texts):
    figure = forecast_plot(picture(strip(label="actual"), language="ko"))
    written = " ".join(texts(figure))
    for wanted in (
        "실제 값",
        "드리프트",
        "80 % 예측구간",
        "겹치지 않는 예측",
        "테스트 구간",
        "actual",
    ):
        assert wanted in written
    assert "baseline" not in written


@pytest.mark.usefixtures("without_korean_font")
def test_without_a_korean_font_the_words_are_english(texts):
    figure = forecast_plot(picture(strip(), verdict=Message("epoch"), language="ko"))
    assert "epoch" in " ".join(texts(figure))
    assert "80 % prediction interval" in texts(figure)


def test_one_panel_a_strip_six_at_most_and_the_rest_is_told(texts, stays_within):
    figure = forecast_plot(picture(*(strip(label=f"y{k}") for k in range(9))))
    assert [panel.get_title(loc="left") for panel in figure.axes] == [f"y{k}" for k in range(6)]
    assert any("Drawn: the first 6 of 9 panels." in text for text in texts(figure))
    stays_within(figure)


def test_times_are_written_once_where_they_are_alike_and_on_each_panel_where_not(render):
    alike = forecast_plot(picture(strip(), strip(label="z")))
    apart = forecast_plot(picture(strip(), strip(label="z", rows=61)))
    for figure in (alike, apart):
        render(figure)
    shown = [
        [any(t.get_visible() and t.get_text() for t in p.get_xticklabels()) for p in figure.axes]
        for figure in (alike, apart)
    ]
    assert shown == [[False, True], [True, True]]
    assert [panel.get_xlabel() for panel in apart.axes] == ["", "Month"]


def test_without_a_test_part_only_the_data_and_the_future_are_drawn(drawn, texts, render):
    nothing = np.zeros((0, 6))
    s = strip(
        split=60, origins=np.zeros(0, dtype=np.int64), forecast=nothing, baseline=None, bands={}
    )
    figure = forecast_plot(picture(s, baseline=None, verdict=""))
    assert drawn(figure.axes[0], BLUE, "-") == []
    written = " ".join(texts(figure))
    assert "test part" not in written
    assert "baseline" not in written
    assert "80 % prediction interval" in written
    render(figure)


def test_what_is_not_drawn_does_not_stretch_the_picture():
    s = strip(rows=2000, split=1000, horizon=24)
    s.forecast[0], s.baseline[1], s.bands[80][1][2] = 1e6, 1e6, 1e6
    (panel,) = forecast_plot(picture(s)).axes
    assert panel.get_ylim()[1] < 1e4


def test_without_a_forecast_beyond_the_data_the_legend_names_none(texts):
    s = strip(future=np.full(6, NAN), future_bands={})
    assert "GRU, forecast beyond the data" not in texts(forecast_plot(picture(s)))


def test_an_interval_or_baseline_far_away_does_not_press_the_data_flat(texts):
    s = strip(values=np.arange(60.0), forecast=np.full((7, 6), 30.0), future=np.full(6, 30.0))
    (panel,) = forecast_plot(picture(s)).axes
    first = 60 - 12 - 48  # all rows are drawn
    assert panel.get_ylim()[0] < first
    wild = replace(s, baseline=np.full((7, 6), 1e9))
    figure = forecast_plot(picture(wild))
    assert 59 < figure.axes[0].get_ylim()[1] < 59 * 2.2
    assert any("goes on beyond the picture" in text for text in texts(figure))
    model = forecast_plot(picture(replace(s, forecast=np.full((7, 6), 1e9))))
    assert model.axes[0].get_ylim()[1] > 1e9  # what the model says is never hidden


def test_what_is_not_finite_is_no_part_of_a_line(drawn):
    forecast = np.full((7, 6), 30.0)
    forecast[6, 2:4] = np.inf, -np.inf
    (panel,) = forecast_plot(picture(strip(forecast=forecast, baseline=None))).axes
    *_, (_, y) = drawn(panel, BLUE, "-")
    np.testing.assert_array_equal(y, [30, 30, NAN, NAN, 30, 30])


def test_values_that_are_all_missing_or_not_finite_are_no_obstacle(render):
    s = strip(values=np.full(60, NAN), forecast=np.full((7, 6), np.inf), future=np.full(6, NAN))
    render(forecast_plot(picture(replace(s, future_bands={}, bands={}, baseline=None))))


@pytest.mark.parametrize(
    ("step", "rows"),
    [
        ("Y", 200),
        ("M", 8),
        ("W", 200),
        ("D", 8),
        ("D", 45),
        ("D", 41),
        ("D", 55),
        ("h", 200),
        ("m", 8),
        ("s", 200),
    ],
)
def test_every_step_is_drawn_within_the_picture_with_labels_apart(step, rows, stays_within):
    figure = forecast_plot(
        picture(strip(rows=rows, split=rows - 2, horizon=2, step=step), season=1)
    )
    stays_within(figure)
    labels = [t.get_window_extent() for t in figure.axes[0].get_xticklabels() if t.get_text()]
    visible = [box for box in labels if box.x0 >= 0 and box.x1 <= 1400]
    assert len(visible) >= 2
    for left, right in pairwise(visible):
        assert left.x1 < right.x0


def test_no_label_of_a_month_end_meets_the_first_of_the_next_month():
    times = (np.datetime64("2010-12-30", "h") + np.arange(306)).astype("M8[ns]")
    s = replace(strip(rows=300, split=240), times=times[:300], future_times=times[300:])
    figure = forecast_plot(picture(s, season=60))
    figure.draw_without_rendering()
    gaps = np.diff(figure.axes[0].get_xticks())
    assert len(gaps) > 3
    assert gaps.min() > 0.5 * gaps.max()


def test_long_verdicts_titles_and_names_stay_within_the_picture(stays_within):
    long = "a sentence that goes on and on " * 9
    many = ", ".join(f"target {k}" for k in range(414))
    strips = [strip(label=long), strip(label="b" * 200, rows=70), strip(label="$x^$")]
    figure = forecast_plot(
        picture(*strips, title=many, verdict=long, time_name="c" * 300, baseline="d" * 300)
    )
    stays_within(figure)
    assert figure.axes[2].get_title(loc="left") == "$x^$"


@pytest.mark.usefixtures("without_korean_font")
def test_letters_without_a_font_are_replaced_and_the_picture_says_so(texts, render):
    strips = strip(label="기온"), strip(label="wind $m/s^")
    figure = forecast_plot(picture(*strips, title="날씨", verdict="", time_name="날짜"))
    assert [p.get_title(loc="left") for p in figure.axes] == ["panel 1", "wind $m/s^"]
    assert figure.texts[0].get_text() == "forecast"
    assert figure.axes[-1].get_xlabel() == "time"
    assert any("No font on this machine has all letters" in text for text in texts(figure))
    render(figure)


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["en", "ko"]))
def test_any_text_can_be_drawn_whatever_fonts_there_are(text, name, language):
    figure = forecast_plot(
        picture(strip(label=name), title=text, verdict=text, time_name=name, language=language)
    )
    figure.draw_without_rendering()


def test_equal_pictures_give_equal_bytes_of_the_promised_width(render):
    first = render(forecast_plot(picture(strip())))
    assert render(forecast_plot(picture(strip()))) == first
    assert int.from_bytes(first[16:20], "big") == 1400
    assert b"Software" not in first


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"values must have shape \(60,\), got \(60, 2\)"):
        strip(values=np.zeros((60, 2)))
    with pytest.raises(ShapeError, match=r"forecast must have shape \(7, 6\), got \(3, 6\)"):
        strip(forecast=np.zeros((3, 6)))
    with pytest.raises(ShapeError, match=r"bands\[80\] must have shape \(7, 6\), got \(6,\)"):
        strip(bands={80: (np.zeros((7, 6)), np.zeros(6))})
    with pytest.raises(ShapeError, match=r"future_bands\[95\] must have shape \(6,\), got \(5,\)"):
        strip(future_bands={95: (np.zeros(5), np.zeros(6))})
