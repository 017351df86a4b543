"""The commands that forecast from data: forecast, backtest, demo."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.options import (
    DATA,
    MODEL,
    SPLIT,
    TRAINING,
    Data,
    Language,
    Quiet,
    Resume,
    data_columns,
    model_options,
    with_options,
)
from rnnkit.cli.training import Training, default_folder
from rnnkit.errors import ConfigError


@with_options(DATA, SPLIT, MODEL, TRAINING)
def forecast(
    data: Data,
    test: Annotated[
        Path | None, typer.Option(help="Later rows to score on.", metavar="FILE")
    ] = None,
    *,
    training: Training,
    given: dict[str, Any],
) -> None:
    """Forecast columns of one or many series, beside baselines."""
    from rnnkit.data.header import check_table

    columns = data_columns(given)
    for path in (data, *filter(None, [test])):
        check_table(path, columns)
    options = model_options(given, training.config)
    _forecast(data, default_folder(data), training, columns=columns, options=options, test=test)


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
    *,
    training: Training,
    given: dict[str, Any],
) -> None:
    """Forecast from several origins in the past, and score each on the rows that followed."""
    from rnnkit.data.header import check_table

    columns = data_columns(given)
    check_table(data, columns)
    options = model_options(given, training.config)
    for name in ("test_size", "train_size"):
        if options.get(name) is not None:
            raise ConfigError(f"a backtest's parts are its folds: leave {name} out")
    from rnnkit.cli.screen import print_fold, print_panel
    from rnnkit.cli.tables import print_card
    from rnnkit.tasks.forecasting.backtest_run import run_backtest_folder
    from rnnkit.tasks.forecasting.card import forecast_card

    def train(*, announce: Any, **asked: Any) -> Any:
        return run_backtest_folder(
            data,
            columns=columns,
            options=options,
            folds=folds,
            size=fold_size,
            refit=refit,
            announce=lambda panel: announce(panel, False),
            each=None
            if training.quiet
            else lambda n, fold: print_fold(n, folds, fold, asked["language"]),
            **asked,
        )

    training.run(
        train,
        folder=default_folder(data).with_name(f"{default_folder(data).name}-backtest"),
        files=("backtest.png", "report.html", "backtest.csv", "metrics.json"),
        read=print_panel,
        done=lambda made, language: print_card(
            forecast_card(made.config, made.panel, made.evaluation), language
        ),
    )


def demo(
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/airline"),
    language: Language = "en",
    resume: Resume = False,
    quiet: Quiet = False,
) -> None:
    """Forecast the airline passengers (Box & Jenkins) 12 months ahead."""
    from rnnkit.data.airline import airline_passengers
    from rnnkit.data.columns import Columns

    _forecast(
        airline_passengers(),
        out,
        Training(language=language, resume=resume, quiet=quiet),
        columns=Columns(time=("Month",), targets=("Passengers",)),
        options={"horizon": 12},
        name="airline passengers",
    )


def _forecast(source: Any, folder: Path, training: Training, **own: Any) -> None:
    from rnnkit.cli.screen import print_fit, print_panel
    from rnnkit.tasks import run_forecast

    training.run(
        partial(run_forecast, source, **own),
        folder=folder,
        files=("forecast.png", "report.html", "forecast.csv", "metrics.json"),
        read=print_panel,
        done=print_fit,
    )
