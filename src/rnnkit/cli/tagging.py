"""The command tag."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.fields import given_options, options_of
from rnnkit.cli.options import with_options
from rnnkit.cli.training import Training, default_folder
from rnnkit.tasks.tagging.config import TagConfig

Sentences = Annotated[
    Path,
    typer.Argument(help="CoNLL-U file, or one of a word and its tag a line.", metavar="DATA"),
]


@with_options(options_of(TagConfig))
def tag(
    data: Sentences,
    validation: Annotated[
        Path | None, typer.Option(help="Sentences to stop early by.", metavar="FILE")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Sentences to score on.", metavar="FILE")
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(help="Field of CoNLL-U that holds the tags (default: upos).", metavar="FIELD"),
    ] = None,
    *,
    training: Training,
    given: dict[str, Any],
) -> None:
    """Give each word of a sentence a tag, beside baselines."""
    options = given_options(TagConfig, given, training.config, beside=("field",))
    of_file = options.pop("field", "upos")
    field = of_file if field is None else field
    from rnnkit.cli.label_screen import print_notes
    from rnnkit.cli.tables import print_scores
    from rnnkit.tasks import SequenceTagger, run_tagger

    model = SequenceTagger(**options)
    training.run(
        partial(run_tagger, model, data, validation=validation, test=test, field=field),
        folder=default_folder(data),
        files=("report.html", "test.png", "predictions.csv", "metrics.json"),
        read=lambda parts, language: print_notes(parts.notes, language),
        done=lambda _, language: print_scores(model, language),
    )
