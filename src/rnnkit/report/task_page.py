"""The page of the tasks classify, regress, tag and lm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnkit.messages import Message
from rnnkit.report import sections
from rnnkit.report.examples import ExampleGroup, examples_section
from rnnkit.report.language import Language
from rnnkit.report.markup import Markup, Picture, Table, Text, join
from rnnkit.report.saliency import LEVELS
from rnnkit.report.samples import Sample, samples_section
from rnnkit.report.scores import Measures, format_share

_MOST_CLASSES = 100  # rows of the table of classes


@dataclass(frozen=True)
class DataPart:
    """A part of the data.

    Args:
        name: such as `Message("training")`.
        counts: how many it has of each of `TaskReport.units`.
    """

    name: Text
    counts: Sequence[int]


@dataclass(frozen=True)
class ClassRow:
    """A class or tag.

    Args:
        name: as it was written in the data.
        counts: of its examples, one a part of the data.
        precision: on the test part, in 0..1; NaN where it is undefined or unknown.
        recall: the same.
        f1: the same.
    """

    name: str
    counts: Sequence[int]
    precision: float = math.nan
    recall: float = math.nan
    f1: float = math.nan


@dataclass(frozen=True)
class TaskReport:
    """What `task_page` shows: texts, numbers and pictures. What is empty is left out.

    Args:
        title: of the page.
        verdict: one sentence, shown first.
        model: the name of the model, as in `scores`.
        command: the command line that does it all again; may be empty.
        version: of rnnkit.
        measures: the columns of the scores.
        metric: the measure that ranks.
        warnings: sentences shown below the verdict.
        scores: metrics by name of model or baseline; empty when there is no test part.
        skipped: why a baseline is not among the scores, by its name.
        pictures: such as confusions, or predicted against actual numbers.
        examples: texts or sentences that were predicted.
        legend: what the shades of the examples mean, such as `rnnkit.report.saliency.ATTENTION`.
        samples: texts that were generated, by epoch.
        units: what the parts are counted in, such as sentences and words.
        parts: of the data.
        classes: of the labels.
        notes: what reading found and did about it.
        lengths: the picture of the sequences' lengths.
        text: names and values about how texts become numbers.
        facts: names and values about model and training.
        training: the picture of the losses.
        language: of all words that do not come from data.
    """

    title: Text
    verdict: Text
    model: str
    command: str
    version: str
    measures: Measures
    metric: str
    warnings: Sequence[Text] = ()
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skipped: Mapping[str, Text] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    examples: Sequence[ExampleGroup] = ()
    legend: Text = ""
    samples: Sequence[Sample] = ()
    units: Sequence[Text] = ()
    parts: Sequence[DataPart] = ()
    classes: Sequence[ClassRow] = ()
    notes: Sequence[Text] = ()
    lengths: Picture | None = None
    text: Sequence[tuple[Text, Text]] = ()
    facts: Sequence[tuple[Text, Text]] = ()
    training: Picture | None = None
    language: Language = "en"


def task_page(report: TaskReport) -> str:
    """Return the page as one HTML text, the same for equal reports.

    Args:
        report: what to show.

    Example:
        >>> from rnnkit.report.scores import CLASSIFY
        >>> page = task_page(TaskReport(
        ...     title="reviews", verdict="", model="GRU", command="", version="1",
        ...     measures=CLASSIFY, metric="accuracy", scores={"GRU": {"accuracy": 0.875}},
        ... ))
        >>> ">87.50 %</td>" in page
        True
    """
    markup = Markup(report.language)
    return markup.page(
        report.title,
        _body(markup, report),
        command=report.command,
        version=report.version,
        style=_STYLE,
    )


def _body(markup: Markup, report: TaskReport) -> Iterator[str]:
    yield sections.opening(markup, report.verdict, report.warnings)
    yield _scores(markup, report)
    yield sections.left_out(markup, report.skipped)
    yield sections.pictures(markup, report.pictures)
    yield samples_section(markup, report.samples)
    yield examples_section(markup, report.examples, report.legend)
    if report.parts or report.notes or report.classes or report.lengths:
        yield markup.heading(Message("Data"))
        yield markup.table(_parts(report))
        yield markup.sentences(report.notes)
        yield sections.pictures(markup, [report.lengths] if report.lengths else [])
        yield _classes(markup, report)
    if report.text:
        yield markup.heading(Message("From text to numbers"))
        yield markup.facts(report.text)
    yield sections.training(markup, report.facts, report.training)


def _scores(markup: Markup, report: TaskReport) -> str:
    if not report.scores:
        return markup.paragraph(Message("No test part was kept, so nothing was scored."))
    return sections.scores(
        markup,
        report.scores,
        model=report.model,
        metric=report.metric,
        about=_about(report.measures),
        measures=report.measures,
    )


def _about(measures: Measures) -> Message:
    """Return the sentence that says which way the measures go."""
    ways = {measure.larger_is_better for measure in measures}
    if ways == {False}:
        return Message("On the test part; smaller is better.")
    if ways == {True}:
        return Message("On the test part; larger is better.")
    larger = ", ".join(str(measure.heading) for measure in measures if measure.larger_is_better)
    return Message("On the test part; smaller is better, for {larger} larger.", {"larger": larger})


def _parts(report: TaskReport) -> Table:
    return Table(
        head=(Message("part"), *report.units),
        rows=[(part.name, *(f"{count:,}" for count in part.counts)) for part in report.parts],
        numbers=range(1, len(report.units) + 1),
    )


def _classes(markup: Markup, report: TaskReport) -> str:
    """Return the table of classes, in their order; of very many the most frequent."""
    rows = report.classes
    note: Text = ""
    if len(rows) > _MOST_CLASSES:
        order = sorted(range(len(rows)), key=lambda k: -sum(rows[k].counts))[:_MOST_CLASSES]
        values = {"shown": _MOST_CLASSES, "all": len(rows)}
        note = Message("Shown: the {shown} most frequent of {all:,} classes.", values)
        rows = [rows[k] for k in sorted(order)]
    head: list[Text] = [Message("class"), *(part.name for part in report.parts)]
    cells: list[list[Text]] = [[row.name, *(f"{count:,}" for count in row.counts)] for row in rows]
    if any(math.isfinite(row.recall) for row in rows):
        head += [Message("precision"), Message("recall"), "F1"]
        for row, line in zip(rows, cells, strict=True):
            line += map(format_share, (row.precision, row.recall, row.f1))
    table = markup.table(Table(head, cells, numbers=range(1, len(head))))
    return join((table, markup.paragraph(note, kind="small")))


_STYLE = """
:root { --shade: 0, 114, 178; }
@media (prefers-color-scheme: dark) { :root { --shade: 86, 180, 233; } }
.scroll + .scroll { margin-top: 1rem; }
.caption { margin: 0.75rem 0 0.25rem; }
.given, .sample { margin: 0.25rem 0 1rem; padding: 0.5rem 0.75rem; overflow-wrap: anywhere;
  white-space: pre-wrap; border: 1px solid var(--line); border-radius: 0.25rem; }
.sample { font: 0.875rem/1.5 ui-monospace, "DejaVu Sans Mono", "Noto Sans Mono", NanumGothicCoding,
  Consolas, monospace; }
.tagged { white-space: normal; }
.given mark { color: inherit; border-radius: 0.15rem; }
.unread, .absent { color: var(--faint); font-style: italic; }
.wrong { color: var(--alarm); font-weight: 700; }
.word { display: inline-block; max-width: 100%; vertical-align: top; text-align: center;
  margin: 0 0.2rem 0.4rem 0; padding: 0 0.2rem; border: 1px solid transparent; }
.word small { display: block; color: var(--faint); font-size: 0.75rem; }
.missed { border-color: var(--alarm); border-radius: 0.25rem; }
.missed small { color: inherit; font-weight: 600; }
.new { text-decoration: underline dotted; text-underline-offset: 0.2em; }
""" + "".join(
    f".w{level} {{ background: rgba(var(--shade), {0.06 * level:.2f}); }}\n"
    for level in range(1, LEVELS + 1)
)
