"""The two pictures of a run: the forecast on the data's own axis, and the losses of training.

Every picture is a `matplotlib.figure.Figure` of its own: no pyplot, no display, no global state.
The colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008), which stay apart for
colour-blind readers; lines differ in their dashes too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateFormatter, AutoDateLocator, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from rnnkit.errors import ShapeError
from rnnkit.report.lettering import Lettering, shorten, wrap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_Style = dict[str, Any]

_MOST_PANELS = 6
_MOST_TEST_ROWS = 300  # about as many as can be told apart in a picture
_WIDTH, _DPI = 10.0, 140  # inches, and pixels an inch: 1400 pixels
_LINE = 112  # letters on a line of that width

_BLACK, _BLUE, _VERMILION = "#222222", "#0072B2", "#D55E00"
_ACTUAL: _Style = {"color": _BLACK, "linewidth": 1.3}
_MODEL: _Style = {"color": _BLUE, "linewidth": 1.8}
_BASELINE: _Style = {"color": _VERMILION, "linewidth": 1.5, "linestyle": (0, (4, 2))}
_FUTURE: _Style = {"color": _BLUE, "linewidth": 1.8, "linestyle": (0, (1, 1))}
_TEST_PART = "#EEEEEE"


@dataclass(frozen=True, eq=False)
class ForecastPicture:
    """All that `forecast_plot` draws, N rows of K targets.

    Args:
        times: `(N,)` datetime64, increasing.
        values: `(N, K)` float64, in the data's units.
        targets: the K column names.
        time_name: the name of the time column.
        season: rows in a season, 1 for none.
        split: the first row of the test part; N when there is none.
        origins: `(M,)` int64, increasing: the first row of each forecast of the test part.
        model: what the network is called, such as `"GRU"`.
        forecast: `(M, H, K)` float64, the model's forecasts from `origins`.
        baseline: what the best baseline is called; `None` draws none.
        baseline_forecast: `(M, H, K)` float64, its forecasts from `origins`.
        future_times: `(H,)` datetime64, the rows after the last.
        future: `(H, K)` float64, the model's forecast of them.
        title: such as the name of the data.
        verdict: one sentence, drawn below the title; may be empty.

    Raises:
        ShapeError: if an array does not have its shape.
    """

    times: NDArray[np.datetime64]
    values: FloatArray
    targets: Sequence[str]
    time_name: str
    season: int
    split: int
    origins: IntArray
    model: str
    forecast: FloatArray
    baseline: str | None
    baseline_forecast: FloatArray | None
    future_times: NDArray[np.datetime64]
    future: FloatArray
    title: str
    verdict: str

    def __post_init__(self) -> None:
        rows, columns = len(self.times), len(self.targets)
        horizon = len(self.future_times)
        forecasts = (len(self.origins), horizon, columns)
        expected = {
            "values": (rows, columns),
            "future": (horizon, columns),
            "forecast": forecasts,
            "baseline_forecast": forecasts,
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ShapeError(f"{name} must have shape {shape}, got {array.shape}")


class Losses(Protocol):
    """What `training_plot` reads of one network's training; `rnnkit.training.History` has it."""

    @property
    def train_loss(self) -> Sequence[float]:
        """An entry an epoch."""

    @property
    def validation_loss(self) -> Sequence[float]:
        """An entry an epoch; empty without validation data."""

    @property
    def best_epoch(self) -> int:
        """The number, from 1, of the epoch whose weights were kept; 0 for none."""


def forecast_plot(picture: ForecastPicture) -> Figure:
    """Draw the end of the series, the test part's forecasts and the forecast beyond the data.

    One panel a target, six at most. Of a test part of more than about 300 rows the last are drawn.
    With a horizon above 1 the forecasts drawn are the last and those that end before it begins, and
    so on back, so that none hides another. What is left out is said below the title.

    Args:
        picture: the arrays and words.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> import numpy as np
        >>> picture = ForecastPicture(
        ...     times=np.arange("2020-01", "2020-07", dtype="M8[M]"), values=np.ones((6, 1)),
        ...     targets=["y"], time_name="t", season=1, split=5, origins=np.array([5]), model="GRU",
        ...     forecast=np.ones((1, 1, 1)), baseline=None, baseline_forecast=None,
        ...     future_times=np.array(["2020-07"], dtype="M8[M]"), future=np.ones((1, 1)),
        ...     title="demo", verdict="",
        ... )
        >>> len(forecast_plot(picture).axes)
        1
    """
    panels = min(len(picture.targets), _MOST_PANELS)
    lettering = Lettering()
    first = _first_row(picture)
    figure = Figure(figsize=(_WIDTH, 5.6 if panels == 1 else 2.2 + 1.9 * panels), dpi=_DPI)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    axes: list[Axes] = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0].tolist()
    for k, panel in enumerate(axes):
        _draw_panel(panel, picture, k, first)
        name = lettering.text(picture.targets[k], f"column {k + 1}")
        panel.set_ylabel(shorten(name, 40 if panels == 1 else 20), **lettering.style)
    axes[-1].set_xlabel(
        shorten(lettering.text(picture.time_name, "time"), _LINE), **lettering.style
    )
    title = lettering.text(picture.title, "forecast")
    verdict = lettering.text(picture.verdict, "")
    remarks = _remarks(picture, panels, first, lettering.complete)
    _write_title(figure, axes[0], title, [verdict, remarks], lettering)
    _write_legend(figure, picture, lettering)
    return figure


def training_plot(histories: Sequence[Losses]) -> Figure:
    """Draw the losses of every epoch, one pair of lines a network, and mark the epochs kept.

    The loss axis is logarithmic where the losses are positive and span more than a factor of 10.

    Args:
        histories: one a network of the ensemble.

    Returns:
        A figure that belongs to no display.

    Example:
        >>> from types import SimpleNamespace
        >>> history = SimpleNamespace(train_loss=[2.0, 1.0], validation_loss=[], best_epoch=2)
        >>> len(training_plot([history]).axes)
        1
    """
    figure = Figure(figsize=(_WIDTH, 4.6), dpi=_DPI)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    panel: Axes = figure.subplots()
    alpha = 1.0 if len(histories) == 1 else 0.65
    drawn: list[float] = []
    handles: dict[str, Line2D] = {}
    for history in histories:
        kept = history.train_loss
        for label, losses, style in (
            ("training loss", history.train_loss, {**_BASELINE, "linewidth": 1.2}),
            ("validation loss", history.validation_loss, {**_MODEL, "linewidth": 1.4}),
        ):
            if len(losses):
                epochs = range(1, len(losses) + 1)
                (handles[label],) = panel.plot(epochs, losses, alpha=alpha, **style)
                kept = losses
                drawn += losses
        if 1 <= history.best_epoch <= len(kept):
            (handles["epoch whose weights were kept"],) = panel.plot(
                [history.best_epoch],
                [kept[history.best_epoch - 1]],
                color=_BLACK,
                linestyle="none",
                marker="o",
                markersize=6,
                zorder=3,
            )
    finite = [loss for loss in drawn if math.isfinite(loss)]
    logarithmic = bool(finite) and min(finite) > 0 and max(finite) > 10 * min(finite)
    if logarithmic:
        panel.set_yscale("log")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlabel("epoch")
    panel.set_ylabel("loss (logarithmic axis)" if logarithmic else "loss")
    networks = "1 network" if len(histories) == 1 else f"{len(histories)} networks"
    lettering = Lettering()
    _write_title(figure, panel, f"Training of {networks}", [], lettering)
    _tidy(panel)
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False
    )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as a PNG, 1400 pixels wide; equal figures give equal bytes.

    Args:
        figure: from `forecast_plot` or `training_plot`.
        path: the file to write.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "training.png")
        ...     save(training_plot([]), path)
        ...     path.read_bytes()[1:4]
        b'PNG'
    """
    figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})


def _first_row(picture: ForecastPicture) -> int:
    """The first row drawn: a useful stretch of history, or the last of a long test part."""
    rows, horizon = len(picture.times), len(picture.future_times)
    test = rows - picture.split
    most = max(_MOST_TEST_ROWS, 12 * horizon, 4 * picture.season)
    if test > most:
        return rows - most // horizon * horizon  # so that a forecast begins at the left edge
    history = max(8 * horizon, 4 * picture.season, test // 2, 24)
    return max(0, picture.split - history)


def _draw_panel(panel: Axes, picture: ForecastPicture, k: int, first: int) -> None:
    rows, horizon = len(picture.times), len(picture.future_times)
    dates = np.concatenate([picture.times, picture.future_times])
    times: FloatArray = date2num(dates)  # type: ignore[no-untyped-call]
    before_split = (
        times[picture.split - 1 : picture.split + 1].mean() if picture.split else times[0]
    )
    if picture.split < rows:
        panel.axvspan(max(before_split, times[first]), times[rows - 1], color=_TEST_PART, zorder=0)
        if picture.split > first:
            panel.axvline(before_split, color="#888888", linewidth=1.0, zorder=1)
    panel.plot(times[first:rows], picture.values[first:, k], **_ACTUAL)
    for forecasts, style in (
        (picture.baseline_forecast, _BASELINE),
        (picture.forecast, _MODEL),
    ):
        if forecasts is None:
            continue
        if horizon == 1:
            shown = picture.origins >= first
            panel.plot(times[picture.origins[shown]], forecasts[shown, 0, k], **style)
            continue
        for m in _apart(picture.origins, horizon, first):
            origin = picture.origins[m]
            panel.plot(times[origin : origin + horizon], forecasts[m, :, k], **style)
    panel.plot(
        times[rows:],
        picture.future[:, k],
        marker="o",
        markersize=3 if horizon <= 36 else 0,
        **_FUTURE,
    )
    _tidy(panel)
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    formatter = AutoDateFormatter(locator)  # type: ignore[no-untyped-call]
    formatter.scaled[1 / 24] = "%m-%d %H:%M"
    formatter.scaled[1 / 1440] = "%m-%d %H:%M"
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(formatter)
    panel.margins(x=0.01)


def _apart(origins: IntArray, horizon: int, first: int) -> list[int]:
    """The positions of the last origin and of those before it whose forecasts do not overlap."""
    chosen: list[int] = []
    for m in range(len(origins) - 1, -1, -1):
        if origins[m] >= first and (not chosen or origins[m] + horizon <= origins[chosen[-1]]):
            chosen.append(m)
    return chosen[::-1]


def _remarks(picture: ForecastPicture, panels: int, first: int, complete: bool) -> str:
    remarks = []
    rows, horizon = len(picture.times), len(picture.future_times)
    if first > picture.split:
        remarks.append(f"Drawn: the last {rows - first} of {rows - picture.split} test rows.")
    elif horizon > 1 and len(picture.origins) > 1:
        remarks.append("Drawn: forecasts that do not overlap.")
    if panels < len(picture.targets):
        remarks.append(f"Drawn: the first {panels} of {len(picture.targets)} targets.")
    if not complete:
        remarks.append("No font on this machine has all letters of the names; the report has them.")
    return " ".join(remarks)


def _write_title(
    figure: Figure, top: Axes, title: str, below: Sequence[str], lettering: Lettering
) -> None:
    figure.suptitle(
        wrap(shorten(title, 150), 80),
        x=0.012,
        ha="left",
        fontsize=14,
        fontweight="bold",
        **lettering.style,
    )
    lines = "\n".join(wrap(text, _LINE) for text in below if text)
    if lines:
        top.set_title(lines, loc="left", fontsize=10, color="#444444", **lettering.style)


def _write_legend(figure: Figure, picture: ForecastPicture, lettering: Lettering) -> None:
    entries: dict[str, Line2D | Patch] = {"actual": Line2D([], [], **_ACTUAL)}
    if picture.split < len(picture.times):
        entries["test part, kept from training"] = Patch(color=_TEST_PART)
    if len(picture.origins):
        entries[f"{picture.model}, forecast of the test part"] = Line2D([], [], **_MODEL)
        if picture.baseline is not None:
            entries[f"best baseline: {picture.baseline}"] = Line2D([], [], **_BASELINE)
    entries[f"{picture.model}, forecast beyond the data"] = Line2D(
        [], [], marker="o", markersize=3, **_FUTURE
    )
    figure.legend(
        entries.values(), entries.keys(), loc="outside lower center", ncols=3, frameon=False
    )


def _tidy(panel: Axes) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    panel.set_axisbelow(True)
