"""The picture of a forecast: the data, the test part's forecasts and what follows the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import (
    ACTUAL,
    BASELINE,
    LINE,
    MODEL,
    Axis,
    FloatArray,
    IntArray,
    Style,
    add_legend,
    band,
    few_markers,
    line,
    mark_axis,
    name_panel,
    positions,
    sheet,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering, shorten

_MOST_STRIPS = 6
_MOST_TEST_ROWS = 300  # about as many as can be told apart in a picture
_MOST_ROWS = 1000  # where forecasts are long: about as many as there are pixels
_MOST_DOTS = 24  # more would merge beside the rows before them
_TEST_PART = "#EEEEEE"
_FUTURE: Style = {**MODEL, "linestyle": (0, (1, 1))}
_BANDS = ("#8FC1E3", "#C3DFF2")  # of the narrowest interval, and of wider ones


@dataclass(frozen=True, eq=False)
class Strip:
    """One target of one series: `N` rows, `M` forecasts of `H` rows each.

    Args:
        label: what the strip shows, such as `"Passengers"`.
        times: `(N,)` datetime64 or int64 row numbers, increasing.
        values: `(N,)` float64, in the data's units, NaN where missing.
        split: the first row of the test part; N when there is none.
        origins: `(M,)` int64, increasing: the first row of each forecast of the test part.
        forecast: `(M, H)` float64, the model's forecasts from `origins`.
        baseline: `(M, H)` float64, the best baseline's; `None` draws none.
        bands: lower and upper limits, `(M, H)` float64 each, by the percentage of values that
            should lie between them, such as 80.
        future_times: `(H,)`, the rows after the last, of the kind of `times`.
        future: `(H,)` float64, the model's forecast of them; NaN where there is none.
        future_bands: their limits, `(H,)` float64 each, by percentage.

    Raises:
        ShapeError: if an array does not have its shape.
    """

    label: str
    times: Axis
    values: FloatArray
    split: int
    origins: IntArray
    forecast: FloatArray
    baseline: FloatArray | None
    bands: Mapping[int, tuple[FloatArray, FloatArray]]
    future_times: Axis
    future: FloatArray
    future_bands: Mapping[int, tuple[FloatArray, FloatArray]]

    def __post_init__(self) -> None:
        rows, future = (len(self.times),), (len(self.future_times),)
        forecasts = (len(self.origins), *future)
        expected: list[tuple[str, FloatArray, tuple[int, ...]]] = [
            ("values", self.values, rows),
            ("forecast", self.forecast, forecasts),
            ("future", self.future, future),
        ]
        if self.baseline is not None:
            expected.append(("baseline", self.baseline, forecasts))
        for level, sides in self.bands.items():
            expected += [(f"bands[{level}]", side, forecasts) for side in sides]
        for level, sides in self.future_bands.items():
            expected += [(f"future_bands[{level}]", side, future) for side in sides]
        for name, array, shape in expected:
            if array.shape != shape:
                raise ShapeError(f"{name} must have shape {shape}, got {array.shape}")

    @property
    def horizon(self) -> int:
        """Rows of one forecast."""
        return len(self.future_times)


@dataclass(frozen=True, eq=False)
class ForecastPicture:
    """All that `forecast_plot` draws.

    Args:
        strips: one or more; the first six are drawn.
        time_name: the name of the time column; `""` for row numbers.
        season: rows in a season, 1 for none.
        model: what the network is called, such as `"GRU"`.
        baseline: what the best baseline is called; `None` for none.
        title: such as the name of the data.
        verdict: one sentence, drawn below the title; may be empty.
        remarks: sentences drawn below the verdict.
        language: of all words that do not come from data.
    """

    strips: tuple[Strip, ...]
    time_name: str
    season: int
    model: str
    baseline: str | None
    title: str | Message
    verdict: str | Message
    remarks: tuple[str | Message, ...] = ()
    language: Language = "en"


def forecast_plot(picture: ForecastPicture) -> Figure:
    """Draw the end of each series, the test part's forecasts and the forecast beyond the data.

    Of a test part of more than about 300 rows the last are drawn. With a horizon above 1 the
    forecasts drawn are the last and those that end before it begins, and so on back, so that none
    hides another. What is left out is said below the title. Limits and a baseline may leave the
    picture where they would flatten the rest; that is said too.

    Args:
        picture: the arrays and words.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> import numpy as np
        >>> strip = Strip(
        ...     label="y", times=np.arange("2020-01", "2020-07", dtype="M8[M]"), values=np.ones(6),
        ...     split=5, origins=np.array([5]), forecast=np.ones((1, 1)), baseline=None, bands={},
        ...     future_times=np.array(["2020-07"], dtype="M8[M]"), future=np.ones(1),
        ...     future_bands={},
        ... )
        >>> picture = ForecastPicture(
        ...     strips=(strip,), time_name="t", season=1, model="GRU", baseline=None, title="demo",
        ...     verdict="",
        ... )
        >>> len(forecast_plot(picture).axes)
        1
    """
    lettering = Lettering(picture.language)
    say = lettering.say
    views = [_View.of(strip, picture.season) for strip in picture.strips[:_MOST_STRIPS]]
    title = lettering.render(picture.title) or say("forecast")
    lines = [lettering.render(picture.verdict), *map(lettering.render, picture.remarks)]
    labels = [
        lettering.text(view.strip.label, lettering.render(Message("panel {number}", {"number": k})))
        for k, view in enumerate(views, 1)
    ]
    time_name = lettering.text(picture.time_name, lettering.say("time")) or lettering.say(
        "row number"
    )
    entries = _entries(picture, views, lettering)
    lines.append(" ".join(map(lettering.render, _remarks(picture, views, lettering))))
    shared = all(np.array_equal(views[0].axis, view.axis) for view in views)
    figure, panels = sheet(title, lines, _heights(len(views), shared), lettering, entries)
    for panel, view, label in zip(panels, views, labels, strict=True):
        _draw(panel, view)
        name_panel(panel, label, lettering)
        panel.tick_params(labelbottom=not shared or panel is panels[-1])
    panels[-1].set_xlabel(shorten(time_name, LINE), **lettering.style)
    add_legend(figure, entries, lettering)
    return figure


@dataclass(frozen=True, eq=False)
class _View:
    """What is drawn of a strip: rows from `first` on, values between `bottom` and `top`."""

    strip: Strip
    first: int
    bottom: float
    top: float
    clipped: bool

    @classmethod
    def of(cls, strip: Strip, season: int) -> _View:
        first = _first_row(strip, season)
        return cls(strip, first, *_limits(strip, first))

    @property
    def axis(self) -> Axis:
        """The times drawn, those beyond the data included."""
        return np.concatenate([self.strip.times[self.first :], self.strip.future_times])

    @property
    def rows_left_out(self) -> int:
        """How many rows of the test part are not drawn."""
        return max(0, self.first - self.strip.split)


def _first_row(strip: Strip, season: int) -> int:
    """The first row drawn: a useful stretch of history, or the last of a long test part."""
    rows, horizon = len(strip.times), strip.horizon
    test = rows - strip.split
    most = max(_MOST_TEST_ROWS, min(12 * horizon, _MOST_ROWS), 2 * horizon)
    if test > most:
        return rows - most // horizon * horizon  # so that a forecast begins at the left edge
    history = max(min(max(8 * horizon, 4 * season), _MOST_ROWS // 2), horizon, test // 2, 24)
    return max(0, strip.split - history)


def _limits(strip: Strip, first: int) -> tuple[float, float, bool]:
    """The lowest and highest value drawn, and whether an interval or a baseline goes beyond them.

    The data and the model's forecasts are always in full view. An interval or a baseline may take
    as much room again on either side, so that neither can press all the rest flat.
    """
    shown = strip.origins >= first
    lowest, highest = _extent([strip.values[first:], strip.forecast[shown], strip.future])
    wider = [side[shown] for sides in strip.bands.values() for side in sides]
    wider += [side for sides in strip.future_bands.values() for side in sides]
    if strip.baseline is not None:
        wider.append(strip.baseline[shown])
    low, high = _extent([np.array([lowest, highest]), *wider])
    room = (highest - lowest) or abs(highest) or 1.0
    bottom, top = max(low, lowest - room), min(high, highest + room)
    edge = 0.04 * ((top - bottom) or room)
    return bottom - edge, top + edge, low < bottom or high > top


def _extent(arrays: Sequence[FloatArray]) -> tuple[float, float]:
    values = np.concatenate([array.ravel() for array in arrays])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _heights(panels: int, shared: bool) -> list[float]:
    """The height of each panel in inches; labels of times take room below a panel."""
    height = 4.3 if panels == 1 else 2.4 if panels <= 3 else 1.7
    labels = 0.25
    return [height + (0 if shared else labels)] * (panels - 1) + [height + 2 * labels]


def _draw(panel: Axes, view: _View) -> None:
    strip, first, rows = view.strip, view.first, len(view.strip.times)
    x = positions(np.concatenate([strip.times, strip.future_times]))
    if strip.split < rows:
        edge = x[strip.split - 1 : strip.split + 1].mean() if strip.split else x[0]
        panel.axvspan(max(edge, x[first]), x[rows - 1], color=_TEST_PART, zorder=0)
        if strip.split > first:
            panel.axvline(edge, color="#888888", linewidth=1.0, zorder=1.2)
    for level, (lower, upper) in sorted(strip.bands.items(), reverse=True):
        colour = _band_colour(level, strip.bands)
        for (at, low), (_, high) in zip(
            _pieces(strip, lower, first), _pieces(strip, upper, first), strict=True
        ):
            band(panel, x[at], low, high, colour)
    for level, (lower, upper) in sorted(strip.future_bands.items(), reverse=True):
        band(panel, x[rows:], lower, upper, _band_colour(level, strip.future_bands))
    for forecasts, style in ((strip.forecast, MODEL), (strip.baseline, BASELINE)):
        if forecasts is not None:
            for at, forecast in _pieces(strip, forecasts, first):
                line(panel, x[at], forecast, style)
    line(panel, x[first:rows], strip.values[first:], ACTUAL)
    dots = few_markers(1) if strip.horizon <= _MOST_DOTS else {}
    line(panel, x[rows:], strip.future, {**_FUTURE, **dots})
    mark_axis(panel, strip.times)
    panel.margins(x=0.01)
    panel.set_ylim(view.bottom, view.top)


def _pieces(
    strip: Strip, forecasts: FloatArray, first: int
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield rows and values of the pieces of forecasts (M, H) that are drawn."""
    if strip.horizon > 1:
        for m in _apart(strip.origins, strip.horizon, first):
            yield strip.origins[m] + np.arange(strip.horizon), forecasts[m]
        return
    shown = strip.origins >= first
    if shown.any():
        origins = strip.origins[shown]
        rows = np.arange(origins[0], origins[-1] + 1)
        values = np.full(len(rows), np.nan)  # a row without a forecast breaks the line
        values[origins - origins[0]] = forecasts[shown, 0]
        yield rows, values


def _apart(origins: IntArray, horizon: int, first: int) -> list[int]:
    """The positions of the last origin and of those before it whose forecasts do not overlap."""
    chosen: list[int] = []
    for m in range(len(origins) - 1, -1, -1):
        if origins[m] >= first and (not chosen or origins[m] + horizon <= origins[chosen[-1]]):
            chosen.append(m)
    return chosen[::-1]


def _band_colour(level: int, bands: Mapping[int, object]) -> str:
    return _BANDS[0] if level == min(bands) and len(bands) > 1 else _BANDS[1]


def _remarks(
    picture: ForecastPicture, views: Sequence[_View], lettering: Lettering
) -> Iterator[Message]:
    """Yield what the picture leaves out, for texts that `lettering` has seen."""
    if len(views) < len(picture.strips):
        numbers = {"shown": len(views), "all": len(picture.strips)}
        yield Message("Drawn: the first {shown} of {all} panels.", numbers)
    cut = [view for view in views if view.rows_left_out]
    tests = {(len(v.strip.times) - v.first, len(v.strip.times) - v.strip.split) for v in cut}
    if len(tests) == 1 and len(cut) == len(views):
        ((shown, rows),) = tests
        yield Message(
            "Drawn: the last {shown:,} of {rows:,} test rows.", {"shown": shown, "rows": rows}
        )
    elif cut:
        yield Message("Drawn: of long test parts, the last rows.")
    elif any(_some_overlap(view.strip) for view in views):
        yield Message("Drawn: forecasts that do not overlap.")
    if any(view.clipped for view in views):
        yield Message("An interval or the baseline goes on beyond the picture.")
    if not lettering.complete:
        yield Message("No font on this machine has all letters of the names; the report has them.")


def _some_overlap(strip: Strip) -> bool:
    return strip.horizon > 1 and bool((np.diff(strip.origins) < strip.horizon).any())


def _entries(
    picture: ForecastPicture, views: Sequence[_View], lettering: Lettering
) -> dict[str, Artist]:
    """Return the entries of the legend for what is drawn."""
    say, strips = lettering.say, [view.strip for view in views]
    model = {"model": picture.model}
    entries: dict[str, Artist] = {say("actual"): Line2D([], [], **ACTUAL)}
    if any(len(strip.origins) for strip in strips):
        label = Message("{model}, forecast of the test part", model)
        entries[lettering.render(label)] = Line2D([], [], **MODEL)
    if any(np.isfinite(strip.future).any() for strip in strips):
        label = Message("{model}, forecast beyond the data", model)
        entries[lettering.render(label)] = Line2D([], [], **_FUTURE, **few_markers(1))
    if picture.baseline is not None and any(strip.baseline is not None for strip in strips):
        label = Message("best baseline: {name}", {"name": say(picture.baseline)})
        entries[lettering.render(label)] = Line2D([], [], **BASELINE)
    levels = {level for strip in strips for level in (*strip.bands, *strip.future_bands)}
    for level in sorted(levels):
        label = Message("{level} % prediction interval", {"level": level})
        entries[lettering.render(label)] = Patch(color=_band_colour(level, dict.fromkeys(levels)))
    if any(strip.split < len(strip.times) for strip in strips):
        entries[say("test part, kept from training")] = Patch(color=_TEST_PART)
    return entries
