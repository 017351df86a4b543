"""The table of scores on the screen, and what is said below it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text  # names of columns are no markup

from rnnkit.cli.endings import say, visible
from rnnkit.messages import Message
from rnnkit.report.language import Language, render, words
from rnnkit.report.scores import score_rows
from rnnkit.tasks.scores import ScoreCard


def print_scores(model: Any, language: Language) -> None:
    """Print the scores of what was fitted, if a test part was kept."""
    if model.fitted.test is not None:
        print_card(model.score_card(model.fitted.test), language)


def print_card(card: ScoreCard, language: Language) -> None:
    """Print the table of scores, what became of baselines, and what the scores mean."""
    table = Table(title=Text(visible(render(card.title, language))), title_justify="left")
    table.add_column("", no_wrap=True)
    for measure in card.measures:
        table.add_column(Text(render(measure.heading, language)), justify="right")
    in_words = words(language)
    rows = score_rows(card.named, model=card.network, metric=card.metric, measures=card.measures)
    for row in rows:
        table.add_row(Text(in_words(row.name)), *row.cells, style="bold" if row.is_model else "")
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # nobody narrowed it: a file is as wide as its lines
    console.print(table)
    for name, reason in card.skipped.items():
        line = Message("{name}: skipped, {reason}", {"name": in_words(name), "reason": reason})
        say(render(line, language))
    for name, notes in card.notes.items():
        for note in notes:
            line = Message("{name}: {reason}", {"name": in_words(name), "reason": note})
            say(render(line, language))
    for sentence in (card.verdict, *card.remarks):
        say(render(sentence, language))
    for warning in card.warnings:
        say(render(Message("Warning: {text}", {"text": warning}), language))
