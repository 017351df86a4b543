from dataclasses import replace
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import date2num
from scipy import stats
from statsmodels.tsa.stattools import acf

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report import lettering as lettering_module
from rnnkit.report.diagnosis_plots import (
    ErrorsPicture,
    PartsPicture,
    Remark,
    errors_plot,
    parts_plot,
)
from rnnkit.report.drawing import save
from rnnkit.report.error_panels import normal_scores

BLACK, BLUE, VERMILION, PURPLE = "#222222", "#0072b2", "#d55e00", "#cc79a7"
WEEKS = (np.datetime64("2001-01-01") + 7 * np.arange(103)).astype("M8[ns]")


def parts(**changes):
    rng = np.random.default_rng(0)
    picture = PartsPicture(
        times=WEEKS,
        observed=100 + rng.normal(size=103),
        trend=np.linspace(90, 110, 103),
        season=np.tile(np.arange(10.0), 11)[:103],
        cycle=rng.normal(size=103),
        remainder=rng.normal(size=103),
        season_rows=10,
        log=False,
        time_name="week",
        title="demo",
        lines=[Message("Trend: {degree}.", {"degree": Message("strong")})],
    )
    return replace(picture, **changes)


def errors(rows=250, **changes):
    rng = np.random.default_rng(1)
    picture = ErrorsPicture(
        times=np.arange(5, rows + 5),
        errors=rng.normal(size=rows),
        fitted=rng.normal(50, 3, size=rows),
        lagged=np.r_[np.nan, rng.normal(size=rows - 1)],
        delay=2,
        threshold=0.25,
        season_rows=7,
        log=False,
        time_name="",
        title="demo",
        remarks={"linearity": Remark(False, "Not linear."), "normality": Remark(True, "Normal.")},
    )
    return replace(picture, **changes)


def lines(panel, colour):
    return [line for line in panel.lines if to_hex(line.get_color()) == colour]


def names(figure):
    return [panel.get_title(loc="left") for panel in figure.axes]


def legend(figure):
    return [text.get_text() for box in figure.legends for text in box.get_texts()]


def render(figure, tmp_path):
    save(figure, tmp_path / "picture.png")
    return (tmp_path / "picture.png").read_bytes()


class TestParts:
    def test_each_part_is_drawn_at_its_times(self):
        p = parts()
        figure = parts_plot(p)
        top, season, shape, cycle, remainder = figure.axes
        x = date2num(p.times)
        for panel, colour, expected in (
            (top, BLACK, p.observed),
            (top, BLUE, p.trend),
            (season, BLACK, p.season),
            (cycle, BLACK, p.cycle),
            (remainder, BLACK, p.remainder),
        ):
            line = lines(panel, colour)[0]
            np.testing.assert_array_equal(line.get_ydata(), expected)
            np.testing.assert_allclose(line.get_xdata(), x)
        assert names(figure)[1:3] == ["season", "rows of one season"]
        assert remainder.get_xlabel() == "week"
        assert shape.get_ylim() == season.get_ylim() == cycle.get_ylim() == remainder.get_ylim()

    def test_the_shape_is_that_of_the_first_middle_and_last_whole_season(self):
        season = np.arange(103.0)
        figure = parts_plot(parts(season=season))
        first, middle, last = figure.axes[2].lines[:3]
        np.testing.assert_array_equal(first.get_ydata(), season[3:13])
        np.testing.assert_array_equal(middle.get_ydata(), season[53:63])
        np.testing.assert_array_equal(last.get_ydata(), season[93:103])
        np.testing.assert_array_equal(last.get_xdata(), np.arange(1, 11))
        assert legend(figure)[2:] == ["first season", "middle season", "last season"]

    @pytest.mark.parametrize(("rows", "seasons"), [(20, 2), (19, 1)])
    def test_few_seasons_are_named_once(self, rows, seasons, tmp_path):
        p = parts()
        cut = {
            part: getattr(p, part)[:rows]
            for part in ("times", "observed", "trend", "season", "cycle", "remainder")
        }
        figure = parts_plot(replace(p, **cut))
        assert len(legend(figure)) == 2 + seasons
        render(figure, tmp_path)

    def test_parts_of_the_logarithm_are_changes_in_percent(self):
        p = parts(log=True, trend=np.full(103, np.log(90)), cycle=np.full(103, np.log(1.25)))
        figure = parts_plot(p)
        figure.draw_without_rendering()
        top, season, _, cycle, _ = figure.axes
        np.testing.assert_allclose(lines(top, BLUE)[0].get_ydata(), 90)
        np.testing.assert_allclose(lines(cycle, BLACK)[0].get_ydata(), 25)
        np.testing.assert_allclose(lines(season, BLACK)[0].get_ydata(), 100 * np.expm1(p.season))
        texts = [text.get_text() for text in season.get_yticklabels()]
        assert "0 %" in texts
        assert all(text.endswith(" %") and text[0] in "0+-" for text in texts)

    def test_without_a_season_three_panels_are_left(self, tmp_path):
        figure = parts_plot(parts(season=None, season_rows=1))
        assert len(figure.axes) == 3
        assert legend(figure) == ["observed", "trend"]
        render(figure, tmp_path)

    def test_missing_values_leave_a_gap(self, tmp_path):
        p = parts()
        p.observed[4], p.remainder[4] = np.nan, np.nan
        figure = parts_plot(p)
        assert np.isnan(lines(figure.axes[0], BLACK)[0].get_ydata()[4])
        assert np.isfinite(figure.axes[4].get_ylim()).all()
        render(figure, tmp_path)

    def test_zeros_and_huge_values_are_drawn(self, tmp_path):
        zeros = np.zeros(103)
        render(parts_plot(parts(season=zeros, cycle=zeros, remainder=zeros)), tmp_path)
        huge = np.full(103, 1e290)
        render(parts_plot(parts(observed=huge, trend=huge, cycle=huge)), tmp_path)

    def test_an_array_of_another_length_is_refused(self):
        with pytest.raises(ShapeError, match=r"cycle must have shape \(103,\), got \(102,\)"):
            parts(cycle=np.zeros(102))


class TestErrors:
    def test_the_errors_and_their_spread_over_time(self):
        p = errors()
        panel = errors_plot(p).axes[0]
        (line,) = lines(panel, BLACK)
        np.testing.assert_array_equal(line.get_ydata(), p.errors)
        np.testing.assert_array_equal(line.get_xdata(), p.times)
        below, above = lines(panel, BLUE)
        window = p.errors[100 - 5 : 100 + 5]  # 10 rows, as many as 250 rows have
        assert above.get_ydata()[100] == pytest.approx(2 * np.sqrt(np.mean(window**2)))
        np.testing.assert_allclose(below.get_ydata(), -above.get_ydata())
        assert above.get_ydata()[0] == pytest.approx(2 * np.sqrt(np.mean(p.errors[:5] ** 2)))
        overall = 2 * np.sqrt(np.mean(p.errors**2))
        assert [line.get_ydata()[0] for line in lines(panel, VERMILION)] == pytest.approx(
            [-overall, overall]
        )
        assert panel.get_xlabel() == "row number"

    def test_errors_against_the_past_value_with_the_means_of_neighbours(self):
        p = errors(rows=260)
        panel = errors_plot(p).axes[1]
        dots = lines(panel, BLACK)[0]
        np.testing.assert_array_equal(dots.get_xdata(), p.lagged[1:])
        np.testing.assert_array_equal(dots.get_ydata(), p.errors[1:])
        order = np.argsort(p.lagged[1:])
        groups = np.array_split(order, 10)
        means = lines(panel, BLUE)
        assert len(means) == 10
        for mean, group in zip(means, groups, strict=True):
            assert mean.get_xdata()[0] == pytest.approx(p.lagged[1:][group].mean())
            assert mean.get_ydata()[0] == pytest.approx(p.errors[1:][group].mean())
        bar = panel.collections[0].get_segments()[0]
        values = p.errors[1:][groups[0]]
        expected = 4 * values.std(ddof=1) / np.sqrt(len(values))
        assert bar[1, 1] - bar[0, 1] == pytest.approx(expected)
        assert lines(panel, PURPLE)[0].get_xdata()[0] == 0.25

    def test_sizes_against_the_forecast(self):
        p = errors()
        panel = errors_plot(p).axes[2]
        np.testing.assert_array_equal(lines(panel, BLACK)[0].get_xdata(), p.fitted)
        np.testing.assert_array_equal(lines(panel, BLACK)[0].get_ydata(), np.abs(p.errors))
        assert lines(panel, VERMILION)[0].get_ydata()[0] == pytest.approx(np.abs(p.errors).mean())
        assert panel.get_ylim()[0] == 0

    def test_autocorrelations_and_the_range_of_chance(self):
        p = errors()
        plain, sizes = errors_plot(p).axes[3:5]
        for panel, values in ((plain, p.errors), (sizes, normal_scores(p.errors))):
            drawn = {}
            for bars in panel.collections:
                for (x, _), (_, y) in bars.get_segments():
                    drawn[x] = y, to_hex(bars.get_colors()[0])
            expected = acf(values, nlags=40)[1:]
            assert sorted(drawn) == list(range(1, 41))
            for lag, (value, colour) in drawn.items():
                assert value == pytest.approx(expected[int(lag) - 1])
                outside = abs(value) > 1.96 / np.sqrt(250)
                assert colour == (VERMILION if outside else BLACK)

    def test_normal_scores_are_those_of_a_normal_sample(self):
        p = errors()
        ranks = stats.rankdata(np.abs(p.errors))
        np.testing.assert_allclose(normal_scores(p.errors), stats.chi2.ppf(ranks / 251, 1))

    def test_the_distribution_beside_a_normal_one(self):
        p = errors(errors=np.r_[np.random.default_rng(0).normal(3, 2, size=249), 90.0])
        histogram, quantiles = errors_plot(p).axes[5:]
        normal = NormalDist(p.errors.mean(), p.errors.std())
        curve = lines(histogram, VERMILION)[0]
        x = curve.get_xdata()[77]
        assert curve.get_ydata()[77] == pytest.approx(normal.pdf(x))
        assert histogram.get_xlim()[1] < 60  # the outlier is left to the quantiles
        area = sum(bar.get_width() * bar.get_height() for bar in histogram.patches)
        assert area == pytest.approx(1)
        dots = lines(quantiles, BLACK)[0]
        np.testing.assert_array_equal(dots.get_ydata(), np.sort(p.errors))
        assert dots.get_xdata()[9] == pytest.approx(normal.inv_cdf(9.5 / 250))

    def test_what_tests_said_stands_above_their_panels_with_a_mark(self):
        figure = errors_plot(errors(remarks={
            "linearity": Remark(False, "Not linear."), "level": Remark(None, "Left out."),
            "clusters": Remark(True, Message("Steady: {p}.", {"p": "= 0.5"})),
        }))  # fmt: skip
        texts = [[text.get_text() for text in panel.texts] for panel in figure.axes]
        assert texts == [[], ["✗ Not linear."], ["– Left out."], [], ["✓ Steady: = 0.5."], [], []]
        assert "error against the value before it (lag 2)" in names(figure)

    def test_dots_far_out_are_left_out_of_many_only_and_the_legend_says_so(self):
        p = errors(rows=400)
        p.errors[7], p.lagged[7] = 80.0, 0.0
        figure = errors_plot(p)
        assert figure.axes[1].get_ylim()[1] < 10
        assert "error (of the dots, the outermost 1 % are left out)" in legend(figure)
        few = errors(rows=150, threshold=None)
        few.errors[7] = 80.0
        figure = errors_plot(few)
        assert figure.axes[1].get_ylim()[1] > 80
        assert "error" in legend(figure)
        assert "threshold" not in legend(figure)

    def test_errors_of_the_logarithm_are_named_so(self):
        assert names(errors_plot(errors(log=True)))[0] == "errors of the logarithm over time"

    @pytest.mark.parametrize("rows", [2, 3, 15, 49, 201])
    def test_any_number_of_errors_renders(self, rows, tmp_path):
        render(errors_plot(errors(rows=rows)), tmp_path)

    @pytest.mark.parametrize("scale", [0.0, 1e-290, 1e290])
    def test_any_size_of_errors_renders(self, scale, tmp_path):
        p = errors()
        render(errors_plot(replace(p, errors=scale * p.errors, lagged=scale * p.lagged)), tmp_path)

    def test_repeated_values_render(self, tmp_path):
        p = errors(rows=300)
        same = np.where(p.errors > 0, 1.0, -1.0)
        render(errors_plot(replace(p, errors=same, fitted=np.ones(300), lagged=same)), tmp_path)

    def test_an_array_of_another_length_is_refused(self):
        with pytest.raises(ShapeError, match=r"lagged must have shape \(250,\), got \(251,\)"):
            errors(lagged=np.zeros(251))


@pytest.mark.parametrize(
    "draw", [lambda **c: parts_plot(parts(**c)), lambda **c: errors_plot(errors(**c))]
)
class TestTexts:
    def test_all_text_stays_within_the_picture_and_above_no_other(self, draw, tmp_path):
        long = "a sentence that goes on and on " * 6
        figure = draw(title="many words " * 12, lines=[long, long], time_name=long)
        render(figure, tmp_path)
        width, height = figure.canvas.get_width_height()
        for text in [
            *figure.texts,
            *(t for panel in figure.axes for t in (panel._left_title, *panel.texts)),
        ]:
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= width
            assert 0 <= box.y0 <= box.y1 <= height

    def test_letters_without_a_font_are_left_out_and_the_picture_says_so(
        self, draw, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(lettering_module, "_families", lru_cache(lambda: ("DejaVu Sans",)))
        lettering_module._is_drawable.cache_clear()
        figure = draw(title="항공", time_name="날짜")
        assert any("No font on this machine" in text.get_text() for text in figure.texts)
        render(figure, tmp_path)
        lettering_module._is_drawable.cache_clear()

    def test_the_words_are_those_of_the_language(self, draw, monkeypatch, tmp_path):
        def shout(self):
            return str.upper

        monkeypatch.setattr(lettering_module.Lettering, "say", property(shout))
        figure = draw(language="ko")
        assert all(name.isupper() for name in names(figure) if "(lag" not in name)
        assert all(label.isupper() for label in legend(figure))

    def test_equal_pictures_give_equal_bytes(self, draw, tmp_path):
        assert render(draw(), tmp_path) == render(draw(), tmp_path)


def test_a_remark_is_wrapped_above_its_panel(tmp_path):
    remark = Remark(True, "a long sentence of a test that goes on for more than one line " * 3)
    figure = errors_plot(errors(remarks={"independence": remark, "clusters": remark}))
    render(figure, tmp_path)
    for panel in figure.axes[3:5]:
        (text,) = panel.texts
        below, above = text.get_window_extent(), panel._left_title.get_window_extent()
        assert below.y1 <= above.y0 + 2
        assert below.y0 >= panel.get_window_extent().y1
        assert text.get_text().count("\n") >= 2
        assert below.x1 <= figure.canvas.get_width_height()[0]
