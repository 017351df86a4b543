"""The commands classify and regress."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.fields import given_options, options_of
from rnnkit.cli.options import Option, column_values, with_options
from rnnkit.cli.training import Training, default_folder
from rnnkit.data.examples.columns import ExampleColumns, Wants
from rnnkit.tasks.labels.config import ClassifyConfig, RegressConfig

Examples = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, JSON Lines, Parquet, .ts or .npz file, or a folder a class.",
        metavar="DATA",
    ),
]
Validation = Annotated[Path | None, typer.Option(help="Data to stop early by.", metavar="FILE")]
Test = Annotated[Path | None, typer.Option(help="Data to score on.", metavar="FILE")]
Stream = Annotated[
    bool, typer.Option("--stream", help="Read texts in pieces, for files larger than memory.")
]
_PANEL = "What the columns are"


def _columns(*answer: Option) -> tuple[Option, ...]:
    return (
        Option("text", str, "Column of texts (default: found).", "COLUMN", panel=_PANEL),
        *answer,
        Option("id", str, "Column that names the sequence of a row.", "COLUMN", panel=_PANEL),
        Option("time", str, "Column that orders the rows of a sequence.", "COLUMN", panel=_PANEL),
        Option(
            "feature",
            list[str],
            "Column that sequences are made of; may be repeated (default: all others).",
            "COLUMN",
            panel=_PANEL,
        ),
        Option("word", list[str], "Of those, one that holds labels.", "COLUMN", panel=_PANEL),
        Option(
            "layout",
            str,
            "A row a sequence, a row a step, or a row a sequence of one step.",
            "wide|long|flat",
            panel=_PANEL,
        ),
        Option(
            "header",
            bool,
            "Whether there is a line of names (default: found).",
            flags=("--header/--no-header",),
            panel=_PANEL,
        ),
    )


_CLASSES = _columns(
    Option("label", str, "Column of classes (default: found).", "COLUMN", panel=_PANEL)
)
_NUMBERS = _columns(
    Option("target", list[str], "Column to predict; may be repeated.", "COLUMN", panel=_PANEL)
)


@with_options(_CLASSES, options_of(ClassifyConfig))
def classify(
    data: Examples,
    validation: Validation = None,
    test: Test = None,
    stream: Stream = False,
    *,
    training: Training,
    given: dict[str, Any],
) -> None:
    """Classify texts or sequences of numbers, beside baselines."""
    options = given_options(ClassifyConfig, given, training.config)
    columns = column_values(given, _CLASSES)
    _train("class", options, columns, data, validation, test, stream, training)


@with_options(_NUMBERS, options_of(RegressConfig))
def regress(
    data: Examples,
    validation: Validation = None,
    test: Test = None,
    stream: Stream = False,
    *,
    training: Training,
    given: dict[str, Any],
) -> None:
    """Predict numbers from texts or sequences of numbers, beside baselines."""
    options = given_options(RegressConfig, given, training.config)
    columns = column_values(given, _NUMBERS)
    _train("numbers", options, columns, data, validation, test, stream, training)


def _train(
    wants: Wants,
    options: dict[str, Any],
    said: dict[str, Any],
    data: Path,
    validation: Path | None,
    test: Path | None,
    stream: bool,
    training: Training,
) -> None:
    from rnnkit.data.examples.sources import check_examples

    columns = ExampleColumns(**said)
    for path in filter(None, (data, validation, test)):
        check_examples(path, columns, wants=wants)

    from rnnkit.cli.label_screen import print_labels, print_parts
    from rnnkit.tasks import SequenceClassifier, SequenceRegressor, run_labels

    model = SequenceClassifier(**options) if wants == "class" else SequenceRegressor(**options)
    training.run(
        partial(
            run_labels,
            model,
            data,
            columns=columns,
            validation=validation,
            test=test,
            stream=stream,
        ),
        folder=default_folder(data),
        files=("report.html", "test.png", "predictions.csv", "metrics.json"),
        read=print_parts,
        done=lambda _, language: print_labels(model, language),
    )
