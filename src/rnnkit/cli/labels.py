"""The commands classify and regress."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.fields import given_options, options_of
from rnnkit.cli.options import (
    Config,
    Language,
    Option,
    Out,
    Quiet,
    Resume,
    check_language,
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
    out: Out = None,
    config: Config = None,
    language: Language = "en",
    stream: Stream = False,
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Classify texts or sequences of numbers, beside baselines."""
    options = given_options(ClassifyConfig, given, config)
    _train("classify", data, validation, test, out, language, stream, resume, quiet, given, options)


@with_options(_NUMBERS, options_of(RegressConfig))
def regress(
    data: Examples,
    validation: Validation = None,
    test: Test = None,
    out: Out = None,
    config: Config = None,
    language: Language = "en",
    stream: Stream = False,
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Predict numbers from texts or sequences of numbers, beside baselines."""
    options = given_options(RegressConfig, given, config)
    _train("regress", data, validation, test, out, language, stream, resume, quiet, given, options)


def _train(
    task: str,
    data: Path,
    validation: Path | None,
    test: Path | None,
    out: Path | None,
    language: str,
    stream: bool,
    resume: bool,
    quiet: bool,
    given: Mapping[str, Any],
    options: dict[str, Any],
) -> None:
    from rnnkit.data.examples.sources import check_examples

    words = check_language(language)
    columns = example_columns(given)
    wants: Any = "class" if task == "classify" else "numbers"
    for path in filter(None, (data, validation, test)):
        check_examples(path, columns, wants=wants)

    from rnnkit.cli.label_screen import print_labels, print_parts
    from rnnkit.tasks import SequenceClassifier, SequenceRegressor, run_labels

    kind: Any = SequenceClassifier if task == "classify" else SequenceRegressor
    model = kind(**options)
    folder = out or default_folder(data)
    with resumable(folder, resume):
        run_labels(
            model,
            data,
            columns=columns,
            out=folder,
            validation=validation,
            test=test,
            stream=stream,
            resume=resume,
            progress=progress_of(quiet, words),
            command=command_line(),
            language=words,
            announce=announcer(quiet, words, lambda parts: print_parts(parts, words)),
        )
    if not quiet:
        print_labels(model, words)
        say_folder(folder, ("report.html", "test.png", "predictions.csv", "metrics.json"), words)


def example_columns(given: Mapping[str, Any]) -> Any:
    """Return the `ExampleColumns` that options say; imports nothing heavy."""
    from rnnkit.data.examples.columns import ExampleColumns

    plural = {"target": "targets", "feature": "features", "word": "words"}
    values: dict[str, Any] = {}
    for name in ("text", "label", "target", "id", "time", "feature", "word", "layout", "header"):
        if name in given:
            value = given[name]
            values[plural.get(name, name)] = tuple(value) if isinstance(value, list) else value
    return ExampleColumns(**values)
