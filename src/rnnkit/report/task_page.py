"""The page of the tasks classify, regress, tag and lm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnkit.messages import Message
from rnnkit.report import sections
from rnnkit.report.examples import ExampleGroup, examples_section
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


@dataclass(frozen=True, kw_only=True)
class TaskReport(sections.ModelReport):
    """What `task_page` shows: texts, numbers and pictures. What is empty is left out.

    Beside the arguments of `rnnkit.report.sections.ModelReport`:

    Args:
        measures: the columns of the scores.
        examples: texts or sentences that were predicted.
        legend: what the shades of the examples mean, such as `rnnkit.report.saliency.ATTENTION`.
        samples: texts that were generated, by epoch.
        units: what the parts are counted in, such as sentences and words.
        parts: of the data.
        classes: of the labels.
        lengths: the picture of the sequences' lengths.
        text: names and values about how texts become numbers.
    """

    measures: Measures
    examples: Sequence[ExampleGroup] = ()
    legend: Text = ""
    samples: Sequence[Sample] = ()
    units: Sequence[Text] = ()
    parts: Sequence[DataPart] = ()
    classes: Sequence[ClassRow] = ()
    lengths: Picture | None = None
    text: Sequence[tuple[Text, Text]] = ()


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
    yield sections.opening(markup, report)
    yield sections.scores_on_test_part(markup, report, report.measures)
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
    yield sections.training(markup, report)


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
