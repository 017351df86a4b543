"""The commands lm and generate."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.endings import write_or_print
from rnnkit.cli.fields import given_options, options_of
from rnnkit.cli.options import RunFolder, with_options
from rnnkit.cli.training import Training, default_folder
from rnnkit.tasks.language.config import LanguageConfig
from rnnkit.tasks.options import whole

LONGEST = 1_000_000  # tokens that are generated
MOST_SAMPLES = 10_000

Text = Annotated[Path, typer.Argument(help="Text file, plain or compressed.", metavar="DATA")]


@with_options(options_of(LanguageConfig))
def lm(
    data: Text,
    validation: Annotated[
        Path | None, typer.Option(help="Text to stop early by.", metavar="FILE")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Text to score on.", metavar="FILE")] = None,
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Read the text in pieces, for files larger than memory."),
    ] = False,
    *,
    training: Training,
    given: dict[str, Any],
) -> None:
    """Learn from a text what follows what, beside n-grams."""
    options = given_options(LanguageConfig, given, training.config)
    from rnnkit.cli.label_screen import print_notes
    from rnnkit.cli.tables import print_scores
    from rnnkit.tasks import run_language_model

    training.run(
        partial(
            run_language_model,
            data,
            options=options,
            validation=validation,
            test=test,
            stream=stream,
        ),
        folder=default_folder(data),
        files=("report.html", "metrics.json"),
        read=lambda parts, language: print_notes(parts.notes(), language),
        done=print_scores,
    )


def generate(
    run: RunFolder,
    prompt: Annotated[str, typer.Option(help="What the text begins with.")] = "",
    length: Annotated[int, typer.Option(help="Tokens to add.")] = 400,
    temperature: Annotated[
        float, typer.Option(help="Below 1 likelier tokens are drawn; 0 takes the likeliest.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(help="Draw among so many of the likeliest tokens.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw among those that have this share together.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Texts to write.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the drawing.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File to write (default: print).")] = None,
) -> None:
    """Write a text with a language model."""
    from rnnkit.tasks import LanguageModel, load
    from rnnkit.tasks.estimator import require_task

    whole(0, LONGEST)("length", length)
    whole(1, MOST_SAMPLES)("samples", samples)
    model = load(run)
    require_task(model, LanguageModel, doing="generate")
    texts = model.generate_many(
        prompt,
        length,
        samples=samples,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )
    write_or_print("\n\n".join(texts) + "\n", out)
