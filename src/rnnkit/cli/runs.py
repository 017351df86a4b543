"""The commands that use a finished run, and `info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnkit.cli.endings import write_or_print
from rnnkit.cli.options import Data, Language, Quiet, RunFolder, check_language


def predict(
    run: RunFolder,
    data: Annotated[
        Path | None, typer.Argument(help="Newer rows, or other histories.", metavar="[DATA]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write (default: print).")] = None,
) -> None:
    """Forecast with a run: what follows its data, or newer rows."""
    from rnnkit.tasks import load
    from rnnkit.tasks.forecasting.artifact import forecast_csv

    write_or_print(forecast_csv(load(run).predict(data)), out)


def evaluate(
    run: RunFolder,
    data: Data,
    out: Annotated[Path | None, typer.Option(help="JSON file to write the scores to.")] = None,
    language: Language = "en",
    quiet: Quiet = False,
) -> None:
    """Score a run on rows that it was not fitted on, beside the baselines."""
    from rnnkit.tasks import load

    words = check_language(language)
    model = load(run)
    evaluation = model.scored(data)
    if out is not None:
        from rnnkit.tasks.forecasting.evaluation import metrics_json
        from rnnkit.training.run_folder import finite, json_text

        write_or_print(json_text(finite(metrics_json(model.fitted, evaluation))), out)
    if not quiet:
        from rnnkit.cli.screen import print_scores

        print_scores(model, evaluation, words)


def info() -> None:
    """Say what is installed, and which kernels serve."""
    from rnnkit.report.machine import machine_lines

    for line in machine_lines():
        print(line)
