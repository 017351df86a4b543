"""The commands that forecast from data: forecast, backtest, diagnose, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.options import (
    DATA,
    MODEL,
    SPLIT,
    TRAINING,
    Config,
    Data,
    Language,
    Out,
    Quiet,
    Resume,
    check_language,
    data_columns,
    model_options,
    with_options,
)
from rnnkit.cli.training import (
    announcer,
    command_line,
    default_folder,
    progress_of,
    resumable,
    say_folder,
)
from rnnkit.errors import ConfigError


@with_options(DATA, SPLIT, MODEL, TRAINING)
def forecast(
    data: Data,
    test: Annotated[
        Path | None, typer.Option(help="Later rows to score on.", metavar="FILE")
    ] = None,
    out: Out = None,
    config: Config = None,
    language: Language = "en",
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Forecast columns of one or many series, beside baselines."""
    from rnnkit.data.header import check_table

    words = check_language(language)
    columns = data_columns(given)
    for path in (data, *filter(None, [test])):
        check_table(path, columns)
    options = model_options(given, config)
    _forecast(data, columns, options, out or default_folder(data), resume, quiet, words, test=test)


@with_options(DATA, SPLIT, MODEL, TRAINING)
def backtest(
    data: Data,
    folds: Annotated[int, typer.Option(help="Origins to forecast from.")] = 5,
    fold_size: Annotated[
        int | None, typer.Option(help="Rows of a fold (default: the horizon).", metavar="ROWS")
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit/--no-refit", help="Train anew at every origin.")
    ] = True,
    out: Out = None,
    config: Config = None,
    language: Language = "en",
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Forecast from several origins in the past, and score each on the rows that followed."""
    from rnnkit.data.header import check_table

    words = check_language(language)
    columns = data_columns(given)
    check_table(data, columns)
    options = model_options(given, config)
    for name in ("test_size", "train_size"):
        if options.get(name) is not None:
            raise ConfigError(f"a backtest's parts are its folds: leave {name} out")
    from rnnkit.cli.screen import print_fold, print_panel
    from rnnkit.cli.tables import print_card
    from rnnkit.tasks.forecasting.backtest_run import run_backtest_folder
    from rnnkit.tasks.forecasting.card import forecast_card

    folder = out or default_folder(data).with_name(f"{default_folder(data).name}-backtest")
    with resumable(folder, resume):
        result = run_backtest_folder(
            data,
            columns=columns,
            options=options,
            folds=folds,
            size=fold_size,
            refit=refit,
            out=folder,
            resume=resume,
            progress=progress_of(quiet, words),
            command=command_line(),
            language=words,
            announce=(lambda panel: None) if quiet else (lambda p: print_panel(p, words)),
            each=(lambda n, fold: None)
            if quiet
            else (lambda n, fold: print_fold(n, folds, fold, words)),
        )
    if not quiet:
        print_card(forecast_card(result.config, result.panel, result.evaluation), words)
        say_folder(folder, _BACKTEST_FILES, words)


def demo(
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/airline"),
    language: Language = "en",
    resume: Resume = False,
    quiet: Quiet = False,
) -> None:
    """Forecast the airline passengers (Box & Jenkins) 12 months ahead."""
    from rnnkit.data.airline import airline_passengers
    from rnnkit.data.columns import Columns

    words = check_language(language)
    columns = Columns(time=("Month",), targets=("Passengers",))
    options = {"horizon": 12}
    name = "airline passengers"
    _forecast(airline_passengers(), columns, options, out, resume, quiet, words, name=name)


def _forecast(
    source: Any,
    columns: Any,
    options: dict[str, Any],
    out: Path,
    resume: bool,
    quiet: bool,
    language: Any,
    *,
    test: Path | None = None,
    name: str | None = None,
) -> None:
    from rnnkit.cli.screen import print_fit, print_panel
    from rnnkit.tasks import run_forecast

    with resumable(out, resume):
        model = run_forecast(
            source,
            columns=columns,
            options=options,
            out=out,
            test=test,
            resume=resume,
            progress=progress_of(quiet, language),
            command=command_line(),
            name=name,
            language=language,
            announce=announcer(quiet, language, lambda panel: print_panel(panel, language)),
        )
    if not quiet:
        print_fit(model, language)
        say_folder(out, _FILES, language)


_BACKTEST_FILES = ("backtest.png", "report.html", "backtest.csv", "metrics.json")
_FILES = ("forecast.png", "report.html", "forecast.csv", "metrics.json")
