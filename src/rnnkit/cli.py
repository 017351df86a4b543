"""The command line: options in, words out; the work is done by `rnnkit.tasks`.

Nothing heavy is imported before a command needs it, so that `--help` and a misspelt column are
answered at once.
"""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from rnnkit import __version__
from rnnkit.errors import ConfigError, RnnkitError

if TYPE_CHECKING:
    from rnnkit.tasks import Forecaster

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    help="Trains, compares and ships recurrent neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[Path, typer.Argument(help="CSV, TSV or Parquet file.", metavar="DATA")]
RunFolder = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def main() -> None:
    """Run the command line; what goes wrong ends in one line and a status that is not 0."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of few letters shows "?" for a letter it lacks, rather than an error.
            stream.reconfigure(errors="replace")
    try:
        status = app(standalone_mode=False)
    except RnnkitError as error:
        _fail(str(error), BAD_INPUT)
    except typer.TyperException as error:
        _fail(f"{error.format_message()} (rnnkit --help lists what there is)", BAD_INPUT)
    except BrokenPipeError:
        # The reader of our output has gone (`rnnkit predict RUN | head`): nothing is left to say.
        sys.stdout = None
        sys.exit(FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", FAILED)
    if status == INTERRUPTED:  # what typer makes of Ctrl-C
        _fail("interrupted", INTERRUPTED)
    sys.exit(status)


def _fail(message: str, status: int) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"rnnkit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def forecast(
    data: Data,
    time: Annotated[
        str | None, typer.Option(help="Column of times; required.", metavar="COLUMN")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Column to forecast; required, may be repeated.", metavar="COLUMN"),
    ] = None,
    horizon: Annotated[int | None, typer.Option(help="Rows to forecast; required.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: runs/NAME OF THE DATA).")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="rnn, lstm or gru (default: gru).")] = None,
    context: Annotated[
        int | None, typer.Option(help="Rows read before a forecast (default: by rule).")
    ] = None,
    season: Annotated[
        int | None, typer.Option(help="Rows in a season (default: by the times' step).")
    ] = None,
    test_size: Annotated[
        int | None, typer.Option(help="Rows kept for scoring (default: by rule).")
    ] = None,
    validation_size: Annotated[
        int | None, typer.Option(help="Rows for early stopping (default: by rule).")
    ] = None,
    log: Annotated[
        bool | None, typer.Option("--log/--no-log", help="Take logarithms (default: by rule).")
    ] = None,
    differencing: Annotated[
        str | None,
        typer.Option(
            help="none, difference, seasonal or seasonal+difference (default: by rule).",
            metavar="KIND",
        ),
    ] = None,
    ensemble: Annotated[
        int | None, typer.Option(help="Networks averaged (default: 5 for small data, else 1).")
    ] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units (default: 32).")] = None,
    layers: Annotated[int | None, typer.Option(help="Stacked layers (default: 1).")] = None,
    bidirectional: Annotated[
        bool | None,
        typer.Option("--bidirectional/--no-bidirectional", help="Read the context both ways."),
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of units (default: 0).")] = None,
    recurrent_dropout: Annotated[
        float | None, typer.Option(help="Share of the state (default: 0).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="At the most (default: 300).")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Windows a step (default: by rule).")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="(default: 0.003)")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="(default: 0)")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="constant, cosine or plateau (default: constant).")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without gain before stopping (default: 20).")
    ] = None,
    clip_norm: Annotated[float | None, typer.Option(help="Largest gradient (default: 1).")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds of training.")] = None,
    seed: Annotated[int | None, typer.Option(help="(default: 0)")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda (default: cpu).")] = None,
    config: Annotated[
        Path | None, typer.Option(help="JSON file of these options, or a run's config.json.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")] = False,
    quiet: Quiet = False,
) -> None:
    """Forecast columns of a regular series, beside baselines."""
    from rnnkit.data.header import check_columns, read_header

    if time is None or not target:
        columns = ", ".join(map(repr, read_header(data)))
        raise ConfigError(
            f"name the time column with --time and what to forecast with --target; the columns of"
            f" {data} are {columns}"
        )
    check_columns(data, [time, *target])
    given = {
        "horizon": horizon,
        "cell": cell,
        "context": context,
        "season": season,
        "test_size": test_size,
        "validation_size": validation_size,
        "log": log,
        "differencing": differencing,
        "ensemble": ensemble,
        "hidden_size": hidden_size,
        "layers": layers,
        "bidirectional": bidirectional,
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "schedule": schedule,
        "patience": patience,
        "clip_norm": clip_norm,
        "time_limit": time_limit,
        "seed": seed,
        "device": device,
    }
    from rnnkit.tasks.forecasting.config import read_options

    options = {} if config is None else read_options(config)
    options |= {name: value for name, value in given.items() if value is not None}
    from rnnkit.data.readers import table_name

    folder = out or Path("runs") / (table_name(data) or "data")
    _forecast(data, time, target, options, folder, resume, quiet)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/airline"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")] = False,
    quiet: Quiet = False,
) -> None:
    """Forecast the airline passengers (Box & Jenkins) 12 months ahead."""
    from rnnkit.data.airline import airline_passengers

    frame = airline_passengers()
    options = {"horizon": 12}
    _forecast(frame, "Month", ["Passengers"], options, out, resume, quiet, "airline passengers")


def _forecast(
    source: Any,
    time: str,
    targets: list[str],
    options: dict[str, Any],
    out: Path,
    resume: bool,
    quiet: bool,
    name: str | None = None,
) -> None:
    from rnnkit.tasks import run_forecast
    from rnnkit.training import Progress
    from rnnkit.training.run_folder import partial_folder

    command = shlex.join(["rnnkit", *sys.argv[1:]])
    say = _silent if quiet else print

    def announce(series: Any, discarded: bool) -> None:
        if discarded:
            say("An interrupted training was found and is started over; --resume goes on with one.")
        say(f"{series.name}: {len(series.times)} rows, one a {series.step.name}")

    try:
        model = run_forecast(
            source,
            time=time,
            targets=targets,
            options=options,
            out=out,
            resume=resume,
            progress=Progress(quiet=quiet),
            command=command,
            name=name,
            announce=announce,
        )
    except KeyboardInterrupt:
        if not partial_folder(out).exists():
            raise
        again = command if resume else f"{command} --resume"
        _fail(f"interrupted; nothing is lost, go on with: {again}", INTERRUPTED)
    except OSError as error:
        if not partial_folder(out).exists():
            raise
        _fail(f"{error.strerror or error}; what was trained is kept, --resume goes on", FAILED)
    if not quiet:
        _print_fit(model)
        say(f"Run folder: {out} (forecast.png, report.html, forecast.csv, metrics.json)")


@app.command()
def predict(
    run: RunFolder,
    data: Annotated[
        Path | None, typer.Argument(help="Newer rows, or another history.", metavar="[DATA]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write (default: print).")] = None,
) -> None:
    """Forecast with a run: what follows its data, or newer rows."""
    from rnnkit.tasks import load
    from rnnkit.tasks.forecasting.artifact import forecast_csv

    text = forecast_csv(load(run).predict(data))
    _write_or_print(text, out)


@app.command()
def evaluate(
    run: RunFolder,
    data: Data,
    out: Annotated[Path | None, typer.Option(help="JSON file to write the scores to.")] = None,
    quiet: Quiet = False,
) -> None:
    """Score a run on rows that it was not fitted on, beside the baselines."""
    from rnnkit.tasks import load

    model = load(run)
    evaluation = model.scored(data)
    if out is not None:
        from rnnkit.tasks.forecasting.evaluation import metrics_json
        from rnnkit.training.run_folder import finite, json_text

        _write_or_print(json_text(finite(metrics_json(model.fitted, evaluation))), out)
    if not quiet:
        _print_scores(model, evaluation)


@app.command()
def info() -> None:
    """Say what is installed, and which kernels serve."""
    from rnnkit.report.machine import machine_lines

    for line in machine_lines():
        print(line)


def _print_fit(model: Forecaster) -> None:
    from rnnkit.tasks.forecasting.pictures import split_parts, transform_sentences

    fitted = model.fitted
    for part in split_parts(fitted):
        print(f"{part.name:<10} {part.rows:>6} rows  {part.first} to {part.last}")
    for sentence in transform_sentences(fitted):
        print(sentence)
    if fitted.test is None:
        print("No test part was kept, so nothing is known of the error.")
    else:
        _print_scores(model, fitted.test)


def _print_scores(model: Forecaster, evaluation: Any) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text  # names of columns are no markup

    from rnnkit.report.scores import COLUMNS, score_rows
    from rnnkit.tasks.forecasting.scoring import MODEL, network_name

    network = network_name(model.config.cell)
    table = Table(title=Text(_table_title(model, evaluation)), title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    scores = {(network if n == MODEL else n): s for n, s in evaluation.scores.items()}
    for row in score_rows(scores, model=network, metric=evaluation.metric):
        style = "bold" if row.is_model else ""
        table.add_row(row.name, *row.cells, style=style)
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # nobody narrowed it: a file is as wide as its lines
    console.print(table)
    for name, reason in evaluation.skipped.items():
        print(f"{name}: skipped, {reason}")
    print(evaluation.verdict)
    if evaluation.warning:
        print(f"Warning: {evaluation.warning}")


def _table_title(model: Forecaster, evaluation: Any) -> str:
    targets = model.fitted.series.targets
    unit = f"in {targets[0]}" if len(targets) == 1 else f"mean of {len(targets)} targets"
    count = len(evaluation.origins)
    return f"Test: {count} forecast{'s' if count > 1 else ''} of {model.config.horizon}, {unit}"


def _write_or_print(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text.encode(), nl=False)  # bytes: data are UTF-8, whatever the terminal is
        return
    from rnnkit.training.run_folder import is_part_of_run
    from rnnkit.training.tensor_file import write_bytes

    try:
        if not out.name or out.is_dir():
            raise ConfigError(f"{str(out)!r} names a folder: give a file to write to")
        if is_part_of_run(out):
            raise ConfigError(f"{out} is part of a run, which would be lost: give another file")
        write_bytes(out, text.encode())
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from None


def _silent(_: str) -> None:
    pass
