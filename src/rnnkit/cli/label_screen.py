"""What classify and regress say on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rnnkit.cli.endings import say
from rnnkit.cli.tables import print_card
from rnnkit.messages import Message
from rnnkit.report.language import Language, render
from rnnkit.tasks.labels.pictures import sentences


def print_parts(parts: Any, language: Language) -> None:
    """Say what was read, before training."""
    counts = {
        "name": parts.train.name,
        "train": len(parts.train),
        "validation": 0 if parts.validation is None else len(parts.validation),
        "test": 0 if parts.test is None else len(parts.test),
    }
    template = (
        "{name}: {train:,} examples to learn from, {validation:,} to stop early by, {test:,} to"
        " test on"
    )
    say(render(Message(template, counts), language))
    print_notes((*parts.train.notes, *parts.notes), language)


def print_notes(notes: Iterable[Message], language: Language) -> None:
    """Say what was found and done, a line each."""
    for note in notes:
        say(f"- {render(note, language)}")


def print_labels(model: Any, language: Language) -> None:
    """Say what was chosen, and how good the predictions of the test part are."""
    print_notes(model.fitted.fit.notes, language)
    if model.fitted.test is None:
        for sentence in list(sentences(model))[-1:]:
            say(render(sentence, language))
    else:
        print_card(model.score_card(model.fitted.test), language)
