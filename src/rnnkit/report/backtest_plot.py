"""The picture of a backtest: the error by forecast origin and by step ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rnnkit.errors import ShapeError
from rnnkit.messages import Message
from rnnkit.report.drawing import (
    BASELINE,
    GREEN,
    GREY,
    LINE,
    MODEL,
    PURPLE,
    Axis,
    FloatArray,
    Style,
    add_legend,
    few_markers,
    line,
    mark_axis,
    mark_steps,
    name_panel,
    positions,
    sheet,
)
from rnnkit.report.language import Language
from rnnkit.report.lettering import Lettering, shorten
from rnnkit.report.scores import format_score

# The best baseline first; more than these would be a tangle.
_BASELINES: tuple[Style, ...] = (
    BASELINE,
    {"color": GREEN, "linewidth": 1.3, "linestyle": (0, (1, 1.5)), "zorder": 2.4},
    {"color": PURPLE, "linewidth": 1.3, "linestyle": (0, (6, 2, 1, 2)), "zorder": 2.3},
    {"color": GREY, "linewidth": 1.3, "linestyle": (0, (2, 3)), "zorder": 2.2},
)


@dataclass(frozen=True, eq=False)
class BacktestPicture:
    """All that `backtest_plot` draws: `F` origins, `H` steps ahead.

    Args:
        origins: `(F,)` datetime64 or int64 row numbers, increasing: the first row of each forecast.
        by_origin: `(F,)` float64, the error from each origin, by name of model or baseline; NaN
            where there is none.
        by_step: `(H,)` float64, the error so many steps ahead, by the same names.
        model: the name of the model among them.
        metric: what the error is, such as `"RMSE"`.
        time_name: the name of the time column; `""` for row numbers.
        title: such as the name of the data.
        verdict: one sentence, drawn below the title; may be empty.
        remarks: sentences drawn below the verdict.
        language: of all words that do not come from data.

    Raises:
        ShapeError: if an array does not have its shape.
    """

    origins: Axis
    by_origin: Mapping[str, FloatArray]
    by_step: Mapping[str, FloatArray]
    model: str
    metric: str
    time_name: str
    title: str | Message
    verdict: str | Message
    remarks: tuple[str | Message, ...] = ()
    language: Language = "en"

    def __post_init__(self) -> None:
        steps = self.by_step[self.model].shape
        for kind, scores, shape in (
            ("by_origin", self.by_origin, self.origins.shape),
            ("by_step", self.by_step, steps),
        ):
            for name, score in scores.items():
                if score.shape != shape:
                    raise ShapeError(f"{kind}[{name!r}] must have shape {shape}, got {score.shape}")


def backtest_plot(picture: BacktestPicture) -> Figure:
    """Draw the error from every origin, and below it the error by step ahead.

    Beside the model the four baselines with the smallest mean error are drawn; the legend has each
    mean over the origins. With a horizon of one row there is no second panel.

    Args:
        picture: the arrays and words.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> import numpy as np
        >>> picture = BacktestPicture(
        ...     origins=np.array([10, 20]), by_origin={"GRU": np.array([1.0, 2.0])},
        ...     by_step={"GRU": np.array([1.0, 1.5, 2.0])}, model="GRU", metric="MAE",
        ...     time_name="", title="demo", verdict="",
        ... )
        >>> len(backtest_plot(picture).axes)
        2
    """
    lettering = Lettering(picture.language)
    say = lettering.say
    means = {name: _mean(errors) for name, errors in picture.by_origin.items()}
    styles = _styles(means, picture.model)
    title = lettering.render(picture.title) or say("backtest")
    time_name = lettering.text(picture.time_name, say("time")) or say("row number")
    lines = [lettering.render(picture.verdict), *map(lettering.render, picture.remarks)]
    left_out = len(means) - len(styles)
    if left_out:
        numbers = {"shown": len(styles) - 1, "all": len(means) - 1}
        lines.append(
            lettering.render(Message("Drawn: the {shown} best of {all} baselines.", numbers))
        )
    entries: dict[str, Artist] = {}
    for name, style in styles.items():
        values = {"name": say(name), "score": format_score(means[name])}
        entries[lettering.render(Message("{name}, mean {score}", values))] = Line2D([], [], **style)
    steps = len(picture.by_step[picture.model])
    heights = [3.0, 3.0] if steps > 1 else [3.4]
    figure, panels = sheet(title, lines, heights, lettering, entries)
    metric = {"metric": picture.metric}
    _draw(panels[0], positions(picture.origins), picture.by_origin, styles)
    mark_axis(panels[0], picture.origins)
    label = lettering.render(Message("{metric} of each forecast, by its first row", metric))
    name_panel(panels[0], label, lettering)
    panels[0].set_xlabel(shorten(time_name, LINE), **lettering.style)
    if steps > 1:
        _draw(panels[1], np.arange(1.0, steps + 1), picture.by_step, styles)
        label = lettering.render(Message("{metric} by rows ahead", metric))
        name_panel(panels[1], label, lettering)
        mark_steps(panels[1], steps, lettering)
    add_legend(figure, entries, lettering)
    return figure


def _styles(means: Mapping[str, float], model: str) -> dict[str, Style]:
    """Return the styles of what is drawn: the model, and the best baselines, the best first."""
    baselines = sorted((name for name in means if name != model), key=lambda n: means[n])
    return {model: MODEL, **dict(zip(baselines, _BASELINES, strict=False))}


def _mean(errors: FloatArray) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else np.inf


def _draw(
    panel: Axes, x: FloatArray, errors: Mapping[str, FloatArray], styles: Mapping[str, Style]
) -> None:
    for name, style in styles.items():
        line(panel, x, errors[name], {**style, **few_markers(len(x))})
    panel.set_ylim(bottom=0)
