"""`report.html`: one file that says what was done, how well it went and how to do it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnkit.messages import Message
from rnnkit.report import sections
from rnnkit.report.diagnosis_page import Finding, findings
from rnnkit.report.markup import Markup, Table, Text, join
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


@dataclass(frozen=True, kw_only=True)
class Report(sections.ModelReport):
    """What `report_page` shows: texts, numbers and pictures. What is empty is left out.

    Beside the arguments of `rnnkit.report.sections.ModelReport`:

    Args:
        intervals: one a level.
        series: those of a panel to be named, in order.
        diagnosis: what the residuals and the data show.
        split: the parts of the data.
        transform: what was done to the values before training, and why.
    """

    metric: str = "rmse"
    intervals: Sequence[Interval] = ()
    series: Sequence[SeriesScore] = ()
    diagnosis: Sequence[Finding] = ()
    split: Sequence[SplitPart] = ()
    transform: Sequence[Text] = ()


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
    yield sections.opening(markup, report)
    yield sections.pictures(markup, report.pictures)
    yield sections.scores_on_test_part(markup, report)
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
    yield sections.training(markup, report)


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
