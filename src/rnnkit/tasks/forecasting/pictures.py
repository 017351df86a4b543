"""What a person sees of a forecast: the figures, the page and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnkit import __version__
from rnnkit.data.panel import IntArray, Panel
from rnnkit.data.rows import with_room
from rnnkit.data.times import show_time
from rnnkit.messages import Message, Value
from rnnkit.metrics import coverage
from rnnkit.report.coverage_plot import coverage_plot
from rnnkit.report.diagnosis_page import Finding
from rnnkit.report.drawing import Axis
from rnnkit.report.forecast_plot import ForecastPicture, Strip, forecast_plot
from rnnkit.report.language import Language, render
from rnnkit.report.markup import Picture
from rnnkit.report.page import Report, SeriesScore, SplitPart
from rnnkit.report.sections import Interval
from rnnkit.tasks.forecasting.config import ForecastConfig, batch_size
from rnnkit.tasks.forecasting.evaluation import Fitted, forecast_ahead, local_times, missing_future
from rnnkit.tasks.forecasting.scoring import Evaluation
from rnnkit.tasks.forecasting.verdict import JUDGED, apart
from rnnkit.tasks.scores import MODEL, named, network_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRIPS = 6  # series or targets in a picture
_NO_TEST = "No test part was kept, so nothing is known of the error."


def forecast_figure(fitted: Fitted, config: ForecastConfig, language: Language = "en") -> Figure:
    """Draw the history, the test part's forecasts beside the best baseline's, and what follows.

    Of many series the best, the median and the worst are drawn.
    """
    panel, test = fitted.panel, fitted.test
    series, remarks = _shown(fitted)
    strips = _strips(fitted, series)
    title = Message(
        "{name}: {targets}, horizon {horizon}",
        {"name": panel.name, "targets": ", ".join(panel.targets), "horizon": config.horizon},
    )
    return forecast_plot(
        ForecastPicture(
            strips=tuple(strips),
            time_name="" if panel.clock is None else " ".join(panel.clock.names),
            season=fitted.fit.sizes.season,
            model=network_name(config.cell),
            baseline=None if test is None else test.best_baseline,
            title=title,
            verdict="" if test is None else test.verdict,
            remarks=tuple(remarks),
            language=language,
        )
    )


def coverage_figure(test: Evaluation | None, language: Language = "en") -> Figure | None:
    """Draw how many outcomes the intervals held so many steps ahead; `None` of too few to judge."""
    if (
        test is None
        or test.intervals is None
        or apart(test.series, test.origins, test.actual) < JUDGED
    ):
        return None
    sides = list(zip(test.intervals.lower, test.intervals.upper, strict=True))
    by_step = [
        [coverage(test.actual[:, h], lower[:, h], upper[:, h]) for h in range(test.actual.shape[1])]
        for lower, upper in sides
    ]
    overall = [coverage(test.actual, lower, upper) for lower, upper in sides]
    return coverage_plot(test.intervals.levels, np.array(by_step), np.array(overall), language)


def report(
    fitted: Fitted,
    config: ForecastConfig,
    *,
    pictures: Sequence[Picture],
    training: Picture,
    command: str,
    language: Language,
    diagnosis: Sequence[Finding] = (),
) -> Report:
    """Return what the page shows."""
    test, panel = fitted.test, fitted.panel
    network = network_name(config.cell)
    return Report(
        title=Message(
            "Forecast of {targets} ({name})",
            {"targets": ", ".join(panel.targets), "name": panel.name},
        ),
        verdict=Message(_NO_TEST) if test is None else test.verdict,
        model=network,
        command=command,
        version=__version__,
        warnings=[] if test is None else [m for m in (test.warning, test.remark) if m is not None],
        pictures=pictures,
        scores={} if test is None else named(test.scores, network),
        metric="rmse" if test is None else test.metric,
        intervals=interval_rows(test),
        series=series_rows(fitted),
        skipped={} if test is None else test.skipped,
        diagnosis=diagnosis,
        split=split_parts(fitted),
        notes=panel.notes,
        transform=transform_sentences(fitted),
        facts=facts(fitted, config),
        training=training,
        language=language,
    )


def interval_rows(test: Evaluation | None) -> list[Interval]:
    """Return nominal and measured coverage and mean width of each interval."""
    if test is None or test.intervals is None:
        return []
    scores = test.scores[MODEL]
    return [
        Interval(
            level,
            scores["coverage"][str(level)],
            # Widths in different units have no mean.
            scores["width"][str(level)] if test.metric == "rmse" else float("nan"),
        )
        for level in test.intervals.levels
    ]


def series_rows(fitted: Fitted) -> list[SeriesScore]:
    """Return how the best, the median and the worst of many series were forecast."""
    test, panel = fitted.test, fitted.panel
    if test is None or len(panel.ids) == 1:
        return []
    model = test.series_scores(MODEL)
    baseline = test.series_scores(test.best_baseline)
    return [
        SeriesScore(Message(place), panel.ids[s], model[s], baseline[s])
        for place, s in _extremes(model).items()
    ]


def split_parts(fitted: Fitted) -> list[SplitPart]:
    """Return the parts of the data with their dates; an empty test part is left out."""
    split, panel = fitted.fit.split, fitted.panel
    parts = [("training", 0, split.known)]
    if len(split.blocks) == 1:
        start = split.blocks[0][0]
        parts = [("training", 0, start), ("validation", start, split.known)]
    parts += [
        ("test", split.known, split.rows),
        ("left out, after the test part", split.rows, panel.last_tick),
    ]
    shown = []
    for name, low, high in parts:
        rows = _rows_between(panel, low, high)
        if len(rows):
            shown.append(SplitPart(Message(name), len(rows), *_bounds(panel, rows)))
    return shown


def transform_sentences(fitted: Fitted) -> list[Message]:
    """Return what was done to each column and why."""
    pipeline = fitted.fit.pipeline
    sentences = []
    if fitted.fit.season is not None:
        sentences.append(Message("Without times: {why}.", {"why": fitted.fit.season}))
    for k, name in enumerate(fitted.panel.targets):
        log, anchor = pipeline.transform.columns[k].why
        values: dict[str, str | Message] = {"name": name, "log": log, "anchor": anchor}
        template = "{name}: {log}; {anchor}."
        if pipeline.linear is not None and pipeline.linear.weights[k].any():
            template = "{name}: {log}; {anchor}; the network adds to a linear path of {path}."
            values["path"] = pipeline.linear.why
        sentences.append(Message(template, values))
    return sentences


def facts(fitted: Fitted, config: ForecastConfig) -> list[tuple[Message, Message]]:
    """Return names and values about model and training."""
    fit, panel = fitted.fit, fitted.panel
    epochs = ", ".join(str(len(history)) for history in fit.histories)
    best = ", ".join(str(history.best_epoch) for history in fit.histories)
    weights = ", ".join(f"{weight:.2f}" for weight in fit.pipeline.weights)
    blocks = len(fit.split.blocks)
    size: dict[str, Value] = {
        "cell": network_name(config.cell),
        "layers": config.layers,
        "units": config.hidden_size,
    }
    rows: list[tuple[str, str, dict[str, Value]]] = [
        (
            "Network",
            "{cell}, layers: {layers}, units: {units}, both directions"
            if config.bidirectional
            else "{cell}, layers: {layers}, units: {units}",
            size,
        ),
        ("Ensemble", "{count:,}", {"count": len(fit.pipeline.networks)}),
        ("Parameters", "{count:,}", {"count": fit.pipeline.parameters}),
        ("Series", "{count:,}", {"count": len(panel.ids)}),
        (
            "Step",
            "{step}, season of {season} rows",
            {"step": Message(panel.step_name), "season": fit.sizes.season},
        ),
        ("Context", "{rows:,} rows", {"rows": fit.sizes.context}),
        ("Horizon", "{rows:,} rows", {"rows": config.horizon}),
        (
            "Strategy",
            "one row at a time" if config.strategy == "recursive" else "the whole horizon at once",
            {},
        ),
        (
            "Windows",
            "{count:,}, {size} a batch",
            {"count": fit.windows, "size": batch_size(config, fit.windows)},
        ),
        (
            "Validation",
            "last rows before the test part"
            if blocks == 1
            else "each network leaves out one of {blocks} blocks of the training part",
            {"blocks": blocks},
        ),
        ("Epochs", "{epochs}; best {best}", {"epochs": epochs, "best": best}),
        (
            "Weight of the networks",
            "{weights} (what their output was worth on rows left out)",
            {"weights": weights},
        ),
        ("Seed", "{seed}", {"seed": config.seed}),
        ("Time", "{seconds:.1f} s, baselines included", {"seconds": fitted.seconds}),
    ]
    return [(Message(name), Message(value, values)) for name, value, values in rows]


def summary(fitted: Fitted, config: ForecastConfig, language: Language = "en") -> str:
    """Return in a few lines what was fitted, on what, and how good it is."""
    title = Message(
        "Forecast of {targets} ({name})",
        {"targets": ", ".join(fitted.panel.targets), "name": fitted.panel.name},
    )
    lines = [render(title, language)]
    lines += [
        f"{render(part.name, language):<11} {part.rows} × {part.first} – {part.last}"
        for part in split_parts(fitted)
    ]
    lines += [render(sentence, language) for sentence in transform_sentences(fitted)]
    lines += [
        f"{render(name, language)}: {render(value, language)}"
        for name, value in facts(fitted, config)
    ]
    test = fitted.test
    if test is not None:
        sentences = (test.verdict, test.warning, test.remark)
        lines += [render(sentence, language) for sentence in sentences if sentence is not None]
    return "\n".join(lines)


def _shown(fitted: Fitted) -> tuple[list[int], list[Message]]:
    """Return the series to draw, and a remark where they are not all."""
    panel, test = fitted.panel, fitted.test
    count = len(panel.ids)
    most = max(1, _STRIPS // len(panel.targets))
    if count <= most:
        return list(range(count)), []
    if test is None:
        return list(range(most)), []
    drawn = list(_extremes(test.series_scores(MODEL)).values())[:most]
    return drawn, [
        Message(
            "Drawn: of {count} series those that were forecast best, at the median and worst.",
            {"count": count},
        )
    ]


def _extremes(scores: dict[int, float]) -> dict[str, int]:
    """Return the best, median and worst series of `scores` by number of series."""
    ranked = sorted((s for s in scores if np.isfinite(scores[s])), key=lambda s: scores[s])
    if not ranked:
        return {}
    return {"best": ranked[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}


def _strips(fitted: Fitted, series: Sequence[int]) -> list[Strip]:
    panel, test, H = fitted.panel, fitted.test, fitted.fit.pipeline.horizon
    drawn = panel.take(series)
    beyond = None if missing_future(drawn, H) is not None else forecast_ahead(fitted, drawn)
    strips = []
    for number, s in enumerate(series):
        alone = drawn.take([number])
        known = panel.known_rows(s)
        rows = np.arange(known.start, known.stop)
        times = _axis(alone, np.arange(alone.known[0]))
        for k, target in enumerate(panel.targets):
            label = target if panel.is_single else panel.ids[s]
            if not panel.is_single and len(panel.targets) > 1:
                label = f"{panel.ids[s]}: {target}"
            at: IntArray = np.empty(0, dtype=np.int64)
            forecast = np.empty((0, H))
            baseline, bands = None, {}
            split = len(rows)
            if test is not None:
                mine = np.flatnonzero(test.series == s)
                at = test.origins[mine]
                forecast = test.forecasts[MODEL][mine][..., k]
                baseline = test.forecasts[test.best_baseline][mine][..., k]
                split = int(np.clip(fitted.fit.split.known - panel.ticks[s], 0, len(rows)))
                if test.intervals is not None:
                    bands = {
                        level: (
                            test.intervals.lower[number, mine][..., k],
                            test.intervals.upper[number, mine][..., k],
                        )
                        for number, level in enumerate(test.intervals.levels)
                    }
            strips.append(
                Strip(
                    label=label,
                    times=times,
                    values=panel.values[known, k],
                    split=split,
                    origins=at,
                    forecast=forecast,
                    baseline=baseline,
                    bands=bands,
                    future_times=_times_after(alone, H) if beyond is None else beyond.times[number],
                    future=np.full(H, np.nan) if beyond is None else beyond.value[number, :, k],
                    future_bands={}
                    if beyond is None or beyond.intervals is None
                    else {
                        level: (
                            beyond.intervals.lower[n, number, :, k],
                            beyond.intervals.upper[n, number, :, k],
                        )
                        for n, level in enumerate(beyond.intervals.levels)
                    },
                )
            )
    return strips


def _times_after(panel: Panel, horizon: int) -> Axis:
    """Return the times of the rows after a single series, or their numbers."""
    roomy = with_room(panel, horizon)
    return _axis(roomy, panel.known[0] + np.arange(horizon))


def _axis(panel: Panel, rows: IntArray) -> Axis:
    """Return the times of `rows`, or their numbers counted from 1."""
    return rows + 1 if panel.times is None else np.asarray(local_times(panel, rows))


def _rows_between(panel: Panel, low: int, high: int) -> IntArray:
    first = np.clip(low - panel.ticks, 0, panel.known)
    last = np.clip(high - panel.ticks, 0, panel.known)
    counts = np.maximum(0, last - first)
    numbers = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(np.repeat(panel.starts[:-1] + first, counts) + numbers)


def _bounds(panel: Panel, rows: IntArray) -> tuple[str, str]:
    """Return the first and last time of `rows`, or the numbers of the steps counted from 1."""
    if panel.times is None:
        series = panel.series_of(rows)
        ticks = panel.ticks[series] + rows - panel.starts[series]
        return str(int(ticks.min()) + 1), str(int(ticks.max()) + 1)
    times = local_times(panel, rows)
    return show_time(times.min()), show_time(times.max())
