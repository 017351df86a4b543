"""The options of the commands, each declared once: what the data are, the model, the training."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.errors import ConfigError

Data = Annotated[Path, typer.Argument(help="CSV, TSV or Parquet file.", metavar="DATA")]
RunFolder = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]
Out = Annotated[Path | None, typer.Option(help="Run folder (default: runs/NAME OF THE DATA).")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Language = Annotated[
    str, typer.Option(help="Language of screen, report and pictures: en or ko.", metavar="en|ko")
]
Config = Annotated[
    Path | None, typer.Option(help="JSON file of these options, or a run's config.json.")
]


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Args:
        name: in Python; the command line has dashes.
        type: of its value; every option may be left out.
        help: one line.
        metavar: what stands for the value in the help.
        flags: other spellings than the name's.
        panel: the heading in the help.
    """

    name: str
    type: Any
    help: str
    metavar: str | None = None
    flags: tuple[str, ...] = ()
    panel: str = ""

    def parameter(self) -> inspect.Parameter:
        """Return the option as a parameter of a function that typer reads."""
        option = typer.Option(
            *self.flags, help=self.help, metavar=self.metavar, rich_help_panel=self.panel
        )
        kind = inspect.Parameter.KEYWORD_ONLY
        annotation = Annotated[self.type | None, option]  # type: ignore[name-defined]
        return inspect.Parameter(self.name, kind, default=None, annotation=annotation)


def _panel(panel: str, *options: Option) -> tuple[Option, ...]:
    return tuple(Option(o.name, o.type, o.help, o.metavar, o.flags, panel=panel) for o in options)


DATA = _panel(
    "What the columns are",
    Option("time", list[str], "Column of times; repeated: year, month, day, hour…", "COLUMN"),
    Option(
        "target", list[str], "Column to forecast; may be repeated; all for every one.", "COLUMN"
    ),
    Option("series_id", str, "Column that names the series of a row.", "COLUMN"),
    Option("covariate", list[str], "Column known up to a forecast's start.", "COLUMN"),
    Option("future_covariate", list[str], "Column known beyond it as well.", "COLUMN"),
    Option("static", list[str], "Column that never changes within a series.", "COLUMN"),
    Option("layout", str, "A row a time, a series a column, or a row.", "long|columns|rows"),
    Option("order", str, "Of rows without times.", "oldest-first|newest-first"),
    Option("step", str, "Distance between rows, such as hour (default: found).", "STEP"),
    Option("time_zone", str, "Zone of the clock, such as Europe/Berlin.", "ZONE"),
    Option(
        "header",
        bool,
        "Whether there is a line of names (default: found).",
        flags=("--header/--no-header",),
    ),
)
SPLIT = _panel(
    "Split and forecast",
    Option("horizon", int, "Rows to forecast; required."),
    Option("train_size", str, "Rows, or share, to learn from (default: by rule).", "SIZE"),
    Option("validation_size", str, "Rows for early stopping (default: by rule).", "SIZE"),
    Option("test_size", str, "Rows kept for scoring (default: by rule).", "SIZE"),
    Option("stride", int, "Score every so many-th start of a forecast (default: 1)."),
    Option("strategy", str, "(default: direct)", "direct|recursive"),
    Option("intervals", str, "(default: conformal)", "conformal|quantile|none"),
    Option("level", list[int], "Percent of an interval (default: 80 and 95).", "PERCENT"),
)
MODEL = _panel(
    "Model",
    Option("cell", str, "(default: gru)", "rnn|lstm|gru"),
    Option("context", int, "Rows read before a forecast (default: by rule)."),
    Option("season", int, "Rows in a season (default: by the times' step)."),
    Option("log", bool, "Take logarithms (default: by rule).", flags=("--log/--no-log",)),
    Option(
        "differencing",
        str,
        "none, difference, seasonal or seasonal+difference (default: by rule).",
        "KIND",
    ),
    Option(
        "linear",
        bool,
        "Add the network to a linear autoregression (default: by rule).",
        flags=("--linear/--no-linear",),
    ),
    Option("ensemble", int, "Networks averaged (default: 5 for small data, else 1)."),
    Option("hidden_size", int, "Units (default: 32)."),
    Option("layers", int, "Stacked layers (default: 1)."),
    Option(
        "bidirectional",
        bool,
        "Read the context both ways.",
        flags=("--bidirectional/--no-bidirectional",),
    ),
    Option("dropout", float, "Share of units (default: 0)."),
    Option("recurrent_dropout", float, "Share of the state (default: 0)."),
)
TRAINING = _panel(
    "Training",
    Option("loss", str, "(default: squared; absolute for many series)", "squared|absolute"),
    Option("epochs", int, "At the most (default: 300)."),
    Option("batch_size", int, "Windows a step (default: by rule)."),
    Option("learning_rate", float, "(default: 0.003)"),
    Option("weight_decay", float, "(default: 0)"),
    Option("schedule", str, "(default: constant)", "constant|cosine|plateau"),
    Option("patience", int, "Epochs without gain before stopping (default: by rule)."),
    Option("clip_norm", float, "Largest gradient (default: 1)."),
    Option("time_limit", float, "Seconds of training."),
    Option("seed", int, "(default: 0)"),
    Option("device", str, "cpu or cuda (default: cpu)."),
)
_SIZES = ("train_size", "validation_size", "test_size")


def with_options(
    *groups: tuple[Option, ...],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `groups`: those that are set reach it as the dict `given`.

    The command's own parameters come first in its help. One that is a dataclass, such as `Training`
    of `rnnkit.cli.training`, is asked for field by field.
    """
    options = [option for group in groups for option in group]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own: list[inspect.Parameter] = []
        made: dict[str, tuple[Callable[..., Any], list[inspect.Parameter]]] = {}
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            kind = parameter.annotation
            if isinstance(kind, type) and dataclasses.is_dataclass(kind):
                fields = inspect.signature(kind, eval_str=True).parameters.values()
                made[parameter.name] = (kind, list(fields))
                own += fields
            elif parameter.name != "given":
                own.append(parameter)

        @functools.wraps(command)
        def run(*args: Any, **values: Any) -> None:
            given = {option.name: values.pop(option.name) for option in options}
            given = {name: value for name, value in given.items() if value not in (None, [])}
            for name, (kind, fields) in made.items():
                values[name] = kind(**{field.name: values.pop(field.name) for field in fields})
            command(*args, given=given, **values)

        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [*own, *(option.parameter() for option in options)]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [parameter.replace(kind=kind) for parameter in parameters]
        )
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        del run.__wrapped__  # typer would read its annotations
        return run

    return decorate


def data_columns(given: Mapping[str, Any]) -> Any:
    """Return the `Columns` that the options of `DATA` say; imports nothing heavy."""
    from rnnkit.data.columns import Columns

    return Columns(**column_values(given, DATA))


def column_values(given: Mapping[str, Any], options: tuple[Option, ...]) -> dict[str, Any]:
    """Return what `options` say of columns: those that may be repeated as tuples, in the plural."""
    values: dict[str, Any] = {}
    for option in options:
        if option.name in given:
            value, name = given[option.name], option.name
            if isinstance(value, list):
                value, name = tuple(value), name if name == "time" else f"{name}s"
            values[name] = value
    return values


def model_options(given: Mapping[str, Any], config: Path | None) -> dict[str, Any]:
    """Return the options of a `ForecastConfig`: those of the file, then those given.

    Raises:
        ConfigError: if one is wrong, or there is no horizon.
    """
    from rnnkit.tasks.forecasting.config import (
        ForecastConfig,
        levels_without_intervals,
    )

    names = {option.name for group in (SPLIT, MODEL, TRAINING) for option in group}
    options: dict[str, Any] = {} if config is None else ForecastConfig.read(config)
    for name, value in given.items():
        if name == "level":
            options["levels"] = tuple(sorted(set(value)))
        elif name in names:
            options[name] = parse_size(name, value) if name in _SIZES else value
    if options.get("horizon") is None:
        raise ConfigError("say with --horizon how many rows to forecast")
    made = ForecastConfig.from_options(options)
    if "level" in given and made.intervals == "none":  # the usual levels too
        raise levels_without_intervals(made.levels)
    return options


def parse_size(name: str, text: str) -> int | float:
    """Return a size: a number of rows, or a share such as 0.2 or 20%.

    Raises:
        ConfigError: if it is neither.
    """
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
        return float(text) if "." in text else int(text)
    except ValueError:
        raise ConfigError(
            f"--{name.replace('_', '-')} must be a number of rows, or a share such as 0.2 or 20%,"
            f" got {text!r}"
        ) from None


def check_language(language: str) -> Any:
    """Return the language, if there is such a one.

    Raises:
        ConfigError: if not.
    """
    if language not in ("en", "ko"):
        raise ConfigError(f"--language must be en or ko, got {language!r}")
    return language
