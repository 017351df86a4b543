"""The command tag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.fields import given_options, options_of
from rnnkit.cli.options import Config, Language, Out, Quiet, Resume, check_language, with_options
from rnnkit.cli.training import (
    announcer,
    command_line,
    default_folder,
    progress_of,
    resumable,
    say_folder,
)
from rnnkit.tasks.tagging.config import TagConfig

Sentences = Annotated[
    Path,
    typer.Argument(help="CoNLL-U file, or one of a word and its tag a line.", metavar="DATA"),
]
_FILES = ("report.html", "test.png", "predictions.csv", "metrics.json")


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
        str, typer.Option(help="Field of CoNLL-U that holds the tags.", metavar="FIELD")
    ] = "upos",
    out: Out = None,
    config: Config = None,
    language: Language = "en",
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Give each word of a sentence a tag, beside baselines."""
    words = check_language(language)
    options = given_options(TagConfig, given, config)
    from rnnkit.cli.label_screen import print_notes
    from rnnkit.cli.tables import print_card
    from rnnkit.tasks import SequenceTagger, run_tagger

    model = SequenceTagger(**options)
    folder = out or default_folder(data)
    with resumable(folder, resume):
        run_tagger(
            model,
            data,
            out=folder,
            validation=validation,
            test=test,
            field=field,
            resume=resume,
            progress=progress_of(quiet, words),
            command=command_line(),
            language=words,
            announce=announcer(quiet, words, lambda parts: print_notes(parts.notes, words)),
        )
    if not quiet:
        if model.fitted.test is not None:
            print_card(model.score_card(model.fitted.test), words)
        say_folder(folder, _FILES, words)
