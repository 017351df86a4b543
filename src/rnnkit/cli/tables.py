"""The table of scores on the screen, and what is said below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text  # names of columns are no markup

from rnnkit.messages import Message
from rnnkit.report.language import Language, render, words
from rnnkit.report.scores import Measures, score_rows


def print_score_table(
    title: Message,
    scores: Mapping[str, Mapping[str, Any]],
    *,
    model: str,
    metric: str,
    measures: Measures,
    language: Language,
) -> None:
    """Print the scores of the model and the baselines below a title.

    Args:
        title: of the table.
        scores: metrics by name of model or baseline.
        model: the name of the model.
        metric: the key of the measure that ranks.
        measures: the columns.
        language: of all words that do not come from data.
    """
    table = Table(title=Text(render(title, language)), title_justify="left")
    table.add_column("", no_wrap=True)
    for measure in measures:
        table.add_column(Text(render(measure.heading, language)), justify="right")
    say = words(language)
    for row in score_rows(scores, model=model, metric=metric, measures=measures):
        table.add_row(Text(say(row.name)), *row.cells, style="bold" if row.is_model else "")
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # nobody narrowed it: a file is as wide as its lines
    console.print(table)


def print_findings(
    verdict: Message,
    remarks: Sequence[Message],
    warnings: Sequence[Message],
    skipped: Mapping[str, Message],
    notes: Mapping[str, Sequence[Message]],
    language: Language,
) -> None:
    """Print what the scores mean, and what became of the baselines.

    Args:
        verdict: one sentence.
        remarks: sentences after it.
        warnings: sentences that are marked as such.
        skipped: why a baseline has no scores, by its name.
        notes: what a baseline did otherwise than its name says, by its name.
        language: of all words that do not come from data.
    """
    say = words(language)
    reasons = [*skipped.items(), *((name, note) for name in notes for note in notes[name])]
    for name, reason in reasons:
        template = "{name}: skipped, {reason}" if name in skipped else "{name}: {reason}"
        print(render(Message(template, {"name": say(name), "reason": reason}), language))
    for sentence in (verdict, *remarks):
        print(render(sentence, language))
    for warning in warnings:
        print(render(Message("Warning: {text}", {"text": warning}), language))
