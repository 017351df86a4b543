"""The commands that forecast from data: forecast, backtest, diagnose, demo."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.endings import FAILED, INTERRUPTED, fail
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
    _forecast(data, columns, options, out or _folder(data), resume, quiet, words, test=test)


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
    from rnnkit.cli.screen import print_backtest, print_fold, print_panel
    from rnnkit.report.language import render
    from rnnkit.tasks.forecasting.backtest_run import run_backtest_folder
    from rnnkit.training import Progress

    folder = out or _folder(data).with_name(f"{_folder(data).name}-backtest")
    command = shlex.join(["rnnkit", *sys.argv[1:]])
    with _resumable(folder, command, resume):
        result = run_backtest_folder(
            data,
            columns=columns,
            options=options,
            folds=folds,
            size=fold_size,
            refit=refit,
            out=folder,
            resume=resume,
            progress=Progress(quiet=quiet, render=partial(render, language=words)),
            command=command,
            language=words,
            announce=(lambda panel: None) if quiet else (lambda p: print_panel(p, words)),
            each=(lambda n, fold: None)
            if quiet
            else (lambda n, fold: print_fold(n, folds, fold, words)),
        )
    if not quiet:
        print_backtest(result, words)
        _say_folder(folder, _BACKTEST_FILES, words)


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
    from rnnkit.messages import Message
    from rnnkit.report.language import render
    from rnnkit.tasks import run_forecast
    from rnnkit.training import Progress

    def announce(panel: Any, discarded: bool) -> None:
        if quiet:
            return
        if discarded:
            print(render(Message(_DISCARDED), language))
        print_panel(panel, language)

    command = shlex.join(["rnnkit", *sys.argv[1:]])
    with _resumable(out, command, resume):
        model = run_forecast(
            source,
            columns=columns,
            options=options,
            out=out,
            test=test,
            resume=resume,
            progress=Progress(quiet=quiet, render=partial(render, language=language)),
            command=command,
            name=name,
            language=language,
            announce=announce,
        )
    if not quiet:
        print_fit(model, language)
        _say_folder(out, _FILES, language)


def _say_folder(out: Path, names: tuple[str, ...], language: Any) -> None:
    from rnnkit.messages import Message
    from rnnkit.report.language import render

    files = ", ".join(name for name in names if (out / name).exists())
    said = Message("Run folder: {out} ({files})", {"out": str(out), "files": files})
    print(render(said, language))


_BACKTEST_FILES = ("backtest.png", "report.html", "backtest.csv", "metrics.json")
_FILES = ("forecast.png", "report.html", "forecast.csv", "metrics.json")
_DISCARDED = "An interrupted training was found and is started over; --resume goes on with one."


class _resumable:  # noqa: N801  (reads as a word where it is used)
    """Says how to go on where work ends early and something of it is kept."""

    def __init__(self, out: Path, command: str, resume: bool) -> None:
        self.out, self.command, self.resume = out, command, resume

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from rnnkit.training.run_folder import partial_folder

        if not isinstance(error, (KeyboardInterrupt, OSError)):
            return
        if not partial_folder(self.out).exists():
            return
        if isinstance(error, KeyboardInterrupt):
            again = self.command if self.resume else f"{self.command} --resume"
            fail(f"interrupted; nothing is lost, go on with: {again}", INTERRUPTED)
        fail(f"{error.strerror or error}; what was trained is kept, --resume goes on", FAILED)


def _folder(data: Path) -> Path:
    from rnnkit.data.files import table_name

    return Path("runs") / (table_name(data) or "data")
