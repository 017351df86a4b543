"""A forecast from data to run folder: what the command `forecast` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rnnkit.data.assemble import season_of
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Panel
from rnnkit.messages import Message
from rnnkit.report.language import Language
from rnnkit.report.page import report_page
from rnnkit.tasks.estimator import train_run
from rnnkit.tasks.forecasting.artifact import forecast_csv, save_run
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.diagnosis import diagnosis_section
from rnnkit.tasks.forecasting.evaluation import (
    Fitted,
    forecast_frame,
    metrics_json,
    missing_future,
)
from rnnkit.tasks.forecasting.forecaster import Forecaster
from rnnkit.tasks.forecasting.pictures import coverage_figure, forecast_figure, report
from rnnkit.tasks.forecasting.planning import plan_fit
from rnnkit.tasks.forecasting.reading import Source, fingerprint, read_to_fit
from rnnkit.tasks.pictures import drawn, training_picture
from rnnkit.training import Progress
from rnnkit.training.run_folder import RunWriter


def run_forecast(
    source: str | Path | pd.DataFrame,
    *,
    columns: Columns,
    options: Mapping[str, Any],
    out: Path,
    test: Source | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    name: str | None = None,
    language: Language = "en",
    announce: Callable[[Panel, bool], None] | None = None,
) -> Forecaster:
    """Read, fit, score and write the run folder `out`; return the fitted forecaster.

    Args:
        source: the data.
        columns: what its columns are.
        options: those of `ForecastConfig`.
        out: the run folder; it appears when all is done.
        test: later rows of the same form to score on.
        resume: go on with an interrupted training of the same data and options.
        progress: shows the epochs.
        command: the command line, for the report.
        name: what the data are called; by default the file's name.
        language: of the report and the pictures.
        announce: called before training with the panel read, and whether the checkpoints of an
            interrupted training were discarded.

    Raises:
        RnnkitError: if options, data or folder are wrong, or training diverges.
    """
    forecaster = Forecaster(**options)
    joined, columns, config = read_to_fit(source, test, columns, forecaster.config, name=name)
    plan_fit(joined, config, season_of(columns, joined))  # an impossible option costs no checkpoint
    train_run(
        forecaster,
        lambda checkpoints: forecaster.fit_panel(
            joined, columns, config, checkpoints=checkpoints, resume=resume, progress=progress
        ),
        out=out,
        data={"columns": columns.to_json(), "sha256": fingerprint(joined)},
        resume=resume,
        announce=None if announce is None else lambda discarded: announce(joined, discarded),
        command=command,
        language=language,
    )
    return forecaster


def write_run(
    writer: RunWriter,
    fitted: Fitted,
    config: ForecastConfig,
    *,
    command: str,
    language: Language = "en",
) -> None:
    """Write everything a forecast leaves behind: model, scores, forecast, pictures, page.

    Args:
        writer: of the run folder.
        fitted: what a fit has found.
        config: its options.
        command: the command line that made it, for the page; may be empty.
        language: of the page and the pictures.
    """
    save_run(writer, fitted, config)
    writer.write_json("metrics.json", metrics_json(fitted, fitted.test))
    if missing_future(fitted.panel, config.horizon) is None:
        writer.write_text("forecast.csv", forecast_csv(forecast_frame(fitted, fitted.panel)))
    pictures = [
        drawn(
            writer,
            "forecast.png",
            forecast_figure(fitted, config, language),
            Message("History, test part and forecast"),
        )
    ]
    coverage = coverage_figure(fitted.test, language)
    if coverage is not None:
        text = Message("Share of the outcomes in the interval, by step ahead")
        pictures.append(drawn(writer, "coverage.png", coverage, text))
    page = report(
        fitted,
        config,
        pictures=pictures,
        training=training_picture(writer, fitted.fit.histories, language),
        command=command,
        language=language,
        diagnosis=diagnosis_section(
            fitted.panel, fitted.fit.split.known, fitted.fit.sizes.season, language
        ),
    )
    writer.write_text("report.html", report_page(page))
