"""What the commands that forecast say: what was read, the parts, the scores and the verdict."""

from __future__ import annotations

from typing import Any

from rnnkit.cli.endings import say
from rnnkit.cli.tables import print_card
from rnnkit.messages import Message
from rnnkit.report.language import Language, render, words
from rnnkit.tasks import Forecaster
from rnnkit.tasks.forecasting.evaluation import missing_future
from rnnkit.tasks.forecasting.pictures import split_parts, transform_sentences
from rnnkit.tasks.scores import MODEL


def print_panel(panel: Any, language: Language) -> None:
    """Say what was read, and what was found and done about it."""
    rows = int(panel.known.sum())
    step = words(language)(panel.step_name)
    template = (
        "{name}: {rows:,} rows, one a {step}"
        if len(panel.ids) == 1
        else "{name}: {rows:,} rows of {series:,} series, one a {step}"
    )
    values = {"name": panel.name, "rows": rows, "series": len(panel.ids), "step": step}
    say(render(Message(template, values), language))
    for note in panel.notes:
        say(f"- {render(note, language)}")


def print_fit(model: Forecaster, language: Language) -> None:
    """Say how the data were divided, what was done to them, and how good the forecast is."""
    fitted = model.fitted
    for part in split_parts(fitted):
        line = Message(
            "{part} {rows:>8,} rows  {first} to {last}",
            {
                "part": f"{render(part.name, language):<10}",
                "rows": part.rows,
                "first": part.first,
                "last": part.last,
            },
        )
        say(render(line, language))
    for sentence in transform_sentences(fitted):
        say(render(sentence, language))
    lacking = missing_future(fitted.panel, model.config.horizon)
    if lacking is not None:
        say(render(Message("No forecast beyond the data: {why}.", {"why": lacking}), language))
    if fitted.test is None:
        sentence = Message("No test part was kept, so nothing is known of the error.")
        say(render(sentence, language))
    else:
        print_card(model.score_card(fitted.test), language)


def print_fold(number: int, folds: int, fold: Any, language: Language) -> None:
    """Say how one fold of a backtest went."""
    evaluation = fold.evaluation
    metric, best = evaluation.metric, evaluation.best_baseline
    line = Message(
        "fold {number}/{folds}: {known:,} rows before it, {measure} {model:.4g}, {baseline}"
        " {other:.4g}",
        {
            "number": number,
            "folds": folds,
            "known": fold.known,
            "measure": metric.upper(),
            "model": evaluation.scores[MODEL][metric],
            "baseline": Message(best),
            "other": evaluation.scores[best][metric],
        },
    )
    say(render(line, language))
