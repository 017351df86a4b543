"""Sections that more than one page has: opening, pictures, scores, baselines, training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnkit.messages import Message
from rnnkit.report.language import Language
from rnnkit.report.lettering import NO_KOREAN_FONT, can_draw
from rnnkit.report.markup import Markup, Picture, Table, Text, join
from rnnkit.report.scores import (
    FORECAST,
    Measures,
    format_percent,
    format_score,
    score_rows,
)


@dataclass(frozen=True, kw_only=True)
class PageReport:
    """What every page shows.

    Args:
        title: of the page.
        verdict: one sentence, shown first.
        command: the command line that does it all again; may be empty.
        version: of rnnkit.
        warnings: sentences shown below the verdict.
        notes: what reading found and did about it.
        facts: names and values about model and training.
        language: of all words that do not come from data.
    """

    title: Text
    verdict: Text
    command: str
    version: str
    warnings: Sequence[Text] = ()
    notes: Sequence[Text] = ()
    facts: Sequence[tuple[Text, Text]] = ()
    language: Language = "en"


@dataclass(frozen=True, kw_only=True)
class ModelReport(PageReport):
    """What the page of every model shows beside that.

    Args:
        model: the name of the model, as in `scores`.
        metric: the measure that ranks, a key of the measures of the scores.
        pictures: such as the forecast, or confusions.
        scores: metrics by name of model or baseline; empty when there is no test part.
        skipped: why a baseline is not among the scores, by its name.
        training: the picture of the losses.
    """

    model: str
    metric: str
    pictures: Sequence[Picture] = ()
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skipped: Mapping[str, Text] = field(default_factory=dict)
    training: Picture | None = None


@dataclass(frozen=True)
class Interval:
    """How a prediction interval did on rows that were forecast.

    Args:
        level: the percentage of values that it should hold, its nominal coverage.
        coverage: the share of values in 0..1 that it held; NaN where it is unknown.
        width: its mean width in the data's units; NaN where units differ.
    """

    level: int
    coverage: float
    width: float


def opening(markup: Markup, report: PageReport) -> str:
    """Return the verdict and the warnings below it."""
    verdict = markup.paragraph(report.verdict, kind="verdict")
    return join((verdict, markup.paragraphs(report.warnings, "warning")))


def pictures(markup: Markup, pictures: Sequence[Picture]) -> str:
    """Return the pictures, and why their words are English where the page is not."""
    note = "" if can_draw(markup.language) else markup.paragraph(NO_KOREAN_FONT, kind="small")
    return join((*map(markup.picture, pictures), note)) if pictures else ""


def scores_on_test_part(markup: Markup, report: ModelReport, measures: Measures = FORECAST) -> str:
    """Return the table of scores, or that there is none."""
    if not report.scores:
        return markup.paragraph(Message("No test part was kept, so nothing was scored."))
    return scores(markup, report, _about(measures), measures)


def _about(measures: Measures) -> Message:
    """Return the sentence that says which way the measures go."""
    ways = {measure.larger_is_better for measure in measures}
    if ways == {False}:
        return Message("On the test part; smaller is better.")
    if ways == {True}:
        return Message("On the test part; larger is better.")
    larger = ", ".join(str(measure.heading) for measure in measures if measure.larger_is_better)
    return Message("On the test part; smaller is better, for {larger} larger.", {"larger": larger})


def scores(markup: Markup, report: ModelReport, about: Text, measures: Measures = FORECAST) -> str:
    """Return the table of scores with its legend, which begins with the sentence `about`."""
    rows = score_rows(report.scores, model=report.model, metric=report.metric, measures=measures)
    table = Table(
        head=("", *(measure.heading for measure in measures)),
        rows=[(markup.name(row.name) + " ★" * row.is_best, *row.cells) for row in rows],
        numbers=range(1, len(measures) + 1),
        marked=[k for k, row in enumerate(rows) if row.is_model],
    )
    ranking = measures[report.metric]
    star = "★ largest {metric}." if ranking.larger_is_better else "★ smallest {metric}."
    legend = [about, Message(star, {"metric": ranking.heading})]
    if any("–" in row.cells for row in rows):
        legend.append(measures.undefined)
    return join(
        (
            markup.heading(Message("Scores")),
            markup.table(table),
            markup.paragraph(*legend, kind="small"),
        )
    )


def intervals(markup: Markup, intervals: Sequence[Interval]) -> str:
    """Return the table of nominal and measured coverage; empty without intervals."""
    if not intervals:
        return ""
    legend = [
        Message(
            "Measured: the share of actual values that lay within the interval; it should be close"
            " to the nominal one."
        )
    ]
    head: list[Text] = [Message("nominal"), Message("measured")]
    rows = [[f"{i.level} %", format_percent(i.coverage, 1)] for i in intervals]
    if any(math.isfinite(i.width) for i in intervals):
        head.append(Message("mean width"))
        rows = [[*row, format_score(i.width)] for row, i in zip(rows, intervals, strict=True)]
        legend.append(Message("The width is in the units of the data."))
    return join(
        (
            markup.heading(Message("Prediction intervals")),
            markup.table(Table(head, rows, numbers=(1, 2))),
            markup.paragraph(*legend, kind="small"),
        )
    )


def left_out(markup: Markup, skipped: Mapping[str, Text]) -> str:
    """Return the baselines that were not scored, with the reasons; empty if there are none."""
    if not skipped:
        return ""
    facts = markup.facts((markup.name(name), reason) for name, reason in skipped.items())
    return join((markup.heading(Message("Baselines left out")), facts))


def training(markup: Markup, report: ModelReport) -> str:
    """Return what is to be said of model and training; empty if there is nothing."""
    if not report.facts and report.training is None:
        return ""
    return join(
        (
            markup.heading(Message("Model and training")),
            markup.facts(report.facts),
            markup.picture(report.training) if report.training else "",
        )
    )
