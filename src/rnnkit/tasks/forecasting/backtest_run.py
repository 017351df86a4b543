"""A backtest from data to run folder: what the command `backtest` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnkit import __version__
from rnnkit.data.assemble import resolve_order
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Panel
from rnnkit.data.times import show_time
from rnnkit.messages import Message
from rnnkit.report.backtest_page import BacktestReport, backtest_page
from rnnkit.report.backtest_page import Fold as FoldRow
from rnnkit.report.backtest_plot import BacktestPicture, backtest_plot
from rnnkit.report.language import Language
from rnnkit.report.markup import Picture
from rnnkit.tasks.forecasting.backtest import (
    Backtest,
    Fold,
    check_backtest,
    fold_borders,
    metrics_json,
    run_backtest,
    save_backtest,
    settings,
)
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.evaluation import local_times
from rnnkit.tasks.forecasting.pictures import interval_rows
from rnnkit.tasks.forecasting.reading import Source, as_panel, read_before
from rnnkit.tasks.pictures import drawn
from rnnkit.tasks.scores import named, network_name
from rnnkit.training import Progress
from rnnkit.training.run_folder import RunWriter


def run_backtest_folder(
    source: Source,
    *,
    columns: Columns,
    options: Mapping[str, Any],
    folds: int,
    size: int | None,
    refit: bool,
    out: Path,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    language: Language = "en",
    announce: Callable[[Panel], None] | None = None,
    each: Callable[[int, Fold], None] | None = None,
) -> Backtest:
    """Read, forecast from every origin, and write the run folder `out`; see `run_backtest`.

    Args:
        source: the data.
        columns: what its columns are.
        options: those of `ForecastConfig`.
        folds: origins.
        size: rows of a fold; by default the horizon.
        refit: train anew at every origin.
        out: the run folder; it appears when all is done.
        resume: go on with an interrupted backtest of the same data and options.
        progress: shows the epochs.
        command: the command line, for the report.
        language: of the report and the picture.
        announce: called with the panel read.
        each: called with the number of each fold, from 1, and what it gave.

    Raises:
        RnnkitError: if options, data or folder are wrong, or training diverges.
    """
    start = time.perf_counter()
    config = ForecastConfig.from_options(options)
    if isinstance(source, Panel):
        panel = as_panel(source, columns)
    else:
        columns = resolve_order(source, columns)
        panel = read_before(
            lambda telling: as_panel(source, columns, room=config.horizon, telling=telling),
            lambda panel: fold_borders(panel, config, folds=folds, size=size)[0][0],
        )
    check_backtest(panel, columns, config, folds=folds, size=size)
    wanted = settings(panel, columns, config, folds=folds, size=size, refit=refit)
    with RunWriter(out, settings=wanted, resume=resume) as writer:
        if announce is not None:
            announce(panel)
        writer.checkpoints.mkdir(exist_ok=True)
        backtest = run_backtest(
            panel,
            columns,
            config,
            folds=folds,
            size=size,
            refit=refit,
            writer=writer,
            resume=resume,
            progress=progress,
            announce=each,
        )
        save_backtest(writer, backtest, columns)
        writer.write_json("metrics.json", metrics_json(backtest, time.perf_counter() - start))
        writer.write_text("backtest.csv", backtest_csv(backtest))
        text = Message("Error by origin and by step ahead")
        figure = backtest_plot(_picture(backtest, language))
        picture = drawn(writer, "backtest.png", figure, text)
        page = _page(backtest, picture, command, language)
        writer.write_text("report.html", backtest_page(page))
        writer.finish()
    return backtest


def backtest_csv(backtest: Backtest) -> str:
    """Return the scores of every fold as CSV, a row a fold and forecast."""
    measures = ("rmse", "mae", "mape", "smape", "mase")
    rows = []
    for number, fold in enumerate(backtest.folds, start=1):
        first, last = _bounds(backtest.panel, fold)
        for name, scores in fold.evaluation.scores.items():
            about = {"fold": number, "first": first, "last": last, "forecast": name}
            rows.append({**about, **{measure: scores[measure] for measure in measures}})
    text: str = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    return text


def _named(backtest: Backtest, by_name: Mapping[str, Any]) -> dict[str, Any]:
    return named(by_name, network_name(backtest.config.cell))


def _title(backtest: Backtest) -> Message:
    return Message(
        "Backtest of {name}: {targets}, horizon {horizon}, {folds} origins",
        {
            "name": backtest.panel.name,
            "targets": ", ".join(backtest.panel.targets),
            "horizon": backtest.config.horizon,
            "folds": len(backtest.folds),
        },
    )


def _picture(backtest: Backtest, language: Language) -> BacktestPicture:
    panel = backtest.panel
    first = [_row_at(panel, fold.first) for fold in backtest.folds]
    origins = (
        np.array([fold.first + 1 for fold in backtest.folds])
        if panel.times is None
        else local_times(panel, np.array(first))
    )
    return BacktestPicture(
        origins=origins,
        by_origin=_named(backtest, backtest.by_fold()),
        by_step=_named(backtest, backtest.by_step()),
        model=network_name(backtest.config.cell),
        metric=backtest.evaluation.metric.upper(),
        time_name="" if panel.clock is None else " ".join(panel.clock.names),
        title=_title(backtest),
        verdict=backtest.evaluation.verdict,
        language=language,
    )


def _page(backtest: Backtest, picture: Picture, command: str, language: Language) -> BacktestReport:
    evaluation, metric = backtest.evaluation, backtest.evaluation.metric
    folds = []
    for fold in backtest.folds:
        first, last = _bounds(backtest.panel, fold)
        scores = _named(backtest, fold.evaluation.scores)
        folds.append(
            FoldRow(first, last, fold.known, {name: s[metric] for name, s in scores.items()})
        )
    sentences = (evaluation.warning, evaluation.remark)
    refitted = "trained anew at every origin" if backtest.refit else "trained at the first origin"
    return BacktestReport(
        title=_title(backtest),
        verdict=evaluation.verdict,
        model=network_name(backtest.config.cell),
        scores=_named(backtest, evaluation.scores),
        metric=metric,
        folds=folds,
        command=command,
        version=__version__,
        warnings=[sentence for sentence in sentences if sentence is not None],
        pictures=[picture],
        intervals=interval_rows(evaluation),
        skipped=evaluation.skipped,
        notes=backtest.panel.notes,
        facts=[
            (Message("Networks"), Message(refitted)),
            (Message("Seed"), Message("{seed}", {"seed": backtest.config.seed})),
        ],
        language=language,
    )


def _row_at(panel: Panel, tick: int) -> int:
    """Return a row at `tick`, of the first series that has one."""
    has = (panel.ticks <= tick) & (tick < panel.ticks + panel.known)
    s = int(np.argmax(has))
    return int(panel.starts[s] + tick - panel.ticks[s])


def _bounds(panel: Panel, fold: Fold) -> tuple[str, str]:
    """Return the first and last time of a fold, or the numbers of its rows."""
    if panel.times is None:
        return str(fold.first + 1), str(fold.end)
    rows = np.array([_row_at(panel, fold.first), _row_at(panel, fold.end - 1)])
    first, last = local_times(panel, rows)
    return show_time(first), show_time(last)
