"""`report.html`: one file that says what was done, how well it went and how to do it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnkit.messages import Message
from rnnkit.report import sections
from rnnkit.report.diagnosis_page import Finding, findings
from rnnkit.report.language import Language
from rnnkit.report.markup import Markup, Picture, Table, Text, join
from rnnkit.report.scores import format_score
from rnnkit.report.sections import Interval


@dataclass(frozen=True)
class SplitPart:
    """A part of the data, in order of time.

    Args:
        name: such as `Message("training")`.
        rows: how many, of all series together.
        first: the time or number of its first row, as it should be read.
        last: that of its last row.
    """

    name: Text
    rows: int
    first: str
    last: str


@dataclass(frozen=True)
class SeriesScore:
    """How one series of a panel was forecast.

    Args:
        place: where it stands among all, such as `Message("best")`.
        name: of the series.
        model: the MASE of the model.
        baseline: that of the best baseline.
    """

    place: Text
    name: str
    model: float
    baseline: float


@dataclass(frozen=True)
class Report:
    """What `report_page` shows: texts, numbers and pictures. What is empty is left out.

    Args:
        title: of the page.
        verdict: one sentence, shown first.
        model: the name of the model, as in `scores`.
        command: the command line that does it all again.
        version: of rnnkit.
        warnings: sentences shown below the verdict.
        pictures: of the forecast, shown below them.
        scores: metrics by name of model or baseline; empty when there is no test part.
        metric: the metric that ranks, a key of `rnnkit.report.scores.FORECAST`.
        intervals: one a level.
        series: those of a panel to be named, in order.
        skipped: why a baseline is not among the scores, by its name.
        diagnosis: what the residuals and the data show.
        split: the parts of the data.
        notes: what reading found and did about it.
        transform: what was done to the values before training, and why.
        facts: names and values about model and training.
        training: the picture of the losses.
        language: of all words that do not come from data.
    """

    title: Text
    verdict: Text
    model: str
    command: str
    version: str
    warnings: Sequence[Text] = ()
    pictures: Sequence[Picture] = ()
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metric: str = "rmse"
    intervals: Sequence[Interval] = ()
    series: Sequence[SeriesScore] = ()
    skipped: Mapping[str, Text] = field(default_factory=dict)
    diagnosis: Sequence[Finding] = ()
    split: Sequence[SplitPart] = ()
    notes: Sequence[Text] = ()
    transform: Sequence[Text] = ()
    facts: Sequence[tuple[Text, Text]] = ()
    training: Picture | None = None
    language: Language = "en"


def report_page(report: Report) -> str:
    """Return the page as one HTML text, the same for equal reports.

    Args:
        report: what to show.

    Example:
        >>> page = report_page(Report(
        ...     title="a < b", verdict="", model="GRU", command="rnnkit demo", version="1",
        ... ))
        >>> "<h1>a &lt; b</h1>" in page
        True
    """
    markup = Markup(report.language)
    return markup.page(
        report.title, _body(markup, report), command=report.command, version=report.version
    )


def _body(markup: Markup, report: Report) -> Iterator[str]:
    yield sections.opening(markup, report.verdict, report.warnings)
    yield sections.pictures(markup, report.pictures)
    yield _scores(markup, report)
    yield sections.intervals(markup, report.intervals)
    yield _series(markup, report)
    yield sections.left_out(markup, report.skipped)
    if report.diagnosis:
        yield markup.heading(Message("Diagnosis"))
        yield findings(markup, report.diagnosis, level=3)
    if report.split or report.notes:
        yield markup.heading(Message("Data"))
        yield markup.table(_split(report.split))
        yield markup.sentences(report.notes)
    if report.transform:
        yield markup.heading(Message("Transform"))
        yield markup.sentences(report.transform)
    yield sections.training(markup, report.facts, report.training)


def _scores(markup: Markup, report: Report) -> str:
    if not report.scores:
        return markup.paragraph(Message("No test part was kept, so nothing was scored."))
    about = Message("On the test part; smaller is better.")
    return sections.scores(
        markup, report.scores, model=report.model, metric=report.metric, about=about
    )


def _series(markup: Markup, report: Report) -> str:
    if not report.series:
        return ""
    table = Table(
        head=(Message("series"), Message("place"), report.model, Message("best baseline")),
        rows=[
            (series.name, series.place, format_score(series.model), format_score(series.baseline))
            for series in report.series
        ],
        numbers=(2, 3),
    )
    legend = Message("MASE of single series on the test part; below 1 is better than naive.")
    return join(
        (
            markup.heading(Message("Single series")),
            markup.table(table),
            markup.paragraph(legend, kind="small"),
        )
    )


def _split(parts: Sequence[SplitPart]) -> Table:
    return Table(
        head=(Message("part"), Message("rows"), Message("from"), Message("to")),
        rows=[(part.name, f"{part.rows:,}", part.first, part.last) for part in parts],
        numbers=(1,),
    )
