"""What a person sees of a forecast: the figure, the page and the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnkit import __version__
from rnnkit.data.times import show_time
from rnnkit.report.page import Report, SplitPart
from rnnkit.report.plots import ForecastPicture, forecast_plot
from rnnkit.tasks.forecasting.config import ForecastConfig, batch_size
from rnnkit.tasks.forecasting.evaluation import Fitted
from rnnkit.tasks.forecasting.scoring import MODEL, network_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forecast_figure(fitted: Fitted, config: ForecastConfig) -> Figure:
    """Draw the history, the test part's forecasts beside the best baseline's, and what follows."""
    series, pipeline, test = fitted.series, fitted.fit.pipeline, fitted.test
    rows = len(series.times)
    none = np.empty((0, pipeline.horizon, len(series.targets)))
    return forecast_plot(
        ForecastPicture(
            times=series.times,
            values=series.values,
            targets=series.targets,
            time_name=series.time_name,
            season=fitted.fit.sizes.season,
            split=fitted.fit.split.known if test is not None else rows,
            origins=np.empty(0, dtype=np.int64) if test is None else test.origins,
            model=network_name(config.cell),
            forecast=none if test is None else test.forecasts[MODEL],
            baseline=None if test is None else test.best_baseline,
            baseline_forecast=None if test is None else test.forecasts[test.best_baseline],
            future_times=series.step.advance(series.times[-1], pipeline.horizon),
            future=pipeline.forecast(series.times, series.values, np.array([rows]))[0],
            title=f"{series.name}: {', '.join(series.targets)}, {config.horizon} rows ahead",
            verdict="" if test is None else test.verdict,
        )
    )


def report(
    fitted: Fitted, config: ForecastConfig, forecast_png: bytes, training_png: bytes, command: str
) -> Report:
    """Return what the page shows."""
    test, series = fitted.test, fitted.series
    network = network_name(config.cell)
    return Report(
        title=f"Forecast of {', '.join(series.targets)} ({series.name})",
        verdict="No test part was kept, so nothing is known of the error."
        if test is None
        else test.verdict,
        warnings=[test.warning] if test is not None and test.warning else [],
        forecast_png=forecast_png,
        forecast_text=f"{', '.join(series.targets)}: history, test part and forecast",
        training_png=training_png,
        scores={}
        if test is None
        else {(network if n == MODEL else n): s for n, s in test.scores.items()},
        model=network,
        metric="rmse" if test is None else test.metric,
        skipped={} if test is None else test.skipped,
        split=split_parts(fitted),
        transform=" ".join(transform_sentences(fitted)),
        facts=facts(fitted, config),
        command=command,
        version=__version__,
    )


def split_parts(fitted: Fitted) -> list[SplitPart]:
    """Return the parts of the series with their dates; an empty test part is left out."""
    split, times = fitted.fit.split, fitted.series.times
    parts = [("training", 0, split.known)]
    if len(split.blocks) == 1:
        start = split.blocks[0][0]
        parts = [("training", 0, start), ("validation", start, split.known)]
    parts += [("test", split.known, split.rows)]
    return [
        SplitPart(name, hi - lo, show_time(times[lo]), show_time(times[hi - 1]))
        for name, lo, hi in parts
        if hi > lo
    ]


def transform_sentences(fitted: Fitted) -> list[str]:
    """Return what was done to each column and why."""
    return [
        f"{name}: {'; '.join(column.why)}."
        for name, column in zip(
            fitted.series.targets, fitted.fit.pipeline.transform.columns, strict=True
        )
    ]


def facts(fitted: Fitted, config: ForecastConfig) -> dict[str, str]:
    """Return names and values about model and training."""
    fit = fitted.fit
    epochs = [len(history) for history in fit.histories]
    best = [history.best_epoch for history in fit.histories]
    windows = len(fit.split.train_origins(0))
    weights = ", ".join(f"{weight:.2f}" for weight in fit.pipeline.weights)
    return {
        "Network": f"{network_name(config.cell)}, {config.layers} layer"
        f"{'s' if config.layers > 1 else ''} of {config.hidden_size}"
        f"{', both directions' if config.bidirectional else ''}",
        "Ensemble": str(len(fit.pipeline.networks)),
        "Parameters": f"{fit.pipeline.parameters:,}",
        "Step": f"{fitted.series.step.name}, season of {fit.sizes.season}",
        "Context": f"{fit.sizes.context} rows",
        "Horizon": f"{config.horizon} rows",
        "Windows": f"{len(fit.split.all_origins()):,}, {batch_size(config, windows)} a batch",
        "Validation": "last rows of the training part"
        if len(fit.split.blocks) == 1
        else f"each network leaves out one of {len(fit.split.blocks)} blocks of the training part",
        "Epochs": f"{', '.join(map(str, epochs))}; best {', '.join(map(str, best))}",
        "Weight of the networks": f"{weights} (what their output was worth on rows left out)",
        "Seed": str(config.seed),
        "Time": f"{fitted.seconds:.1f} s, baselines included",
    }


def summary(fitted: Fitted, config: ForecastConfig) -> str:
    """Return in a few lines what was fitted, on what, and how good it is."""
    lines = [f"Forecast of {', '.join(fitted.series.targets)} from {fitted.series.name}"]
    lines += [
        f"{part.name:<11} {part.rows} rows, {part.first} to {part.last}"
        for part in split_parts(fitted)
    ]
    lines += transform_sentences(fitted)
    lines += [f"{name}: {value}" for name, value in facts(fitted, config).items()]
    if fitted.test is not None:
        lines += [fitted.test.verdict, *filter(None, [fitted.test.warning])]
    return "\n".join(lines)
