"""The page of `rnnkit backtest`: forecasts from several origins, each after training anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnkit.messages import Message
from rnnkit.report import sections
from rnnkit.report.markup import Markup, Table, join
from rnnkit.report.scores import FORECAST, format_score, score_rows
from rnnkit.report.sections import Interval

_MOST_BASELINES = 4  # in the table of origins


@dataclass(frozen=True)
class Fold:
    """One origin of a backtest.

    Args:
        first: the time or number of its first forecast row, as it should be read.
        last: that of its last.
        known: rows before it, of all series together.
        scores: the ranking metric by name of model or baseline.
    """

    first: str
    last: str
    known: int
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class BacktestReport(sections.ModelReport):
    """What `backtest_page` shows. What is empty is left out.

    Beside the arguments of `rnnkit.report.sections.ModelReport`:

    Args:
        folds: one an origin, in order of time.
        intervals: one a level.
    """

    folds: Sequence[Fold]
    intervals: Sequence[Interval] = ()


def backtest_page(report: BacktestReport) -> str:
    """Return the page as one HTML text, the same for equal reports.

    Args:
        report: what to show.

    Example:
        >>> score = {"rmse": 2.0, "mae": 1.0, "mape": 1.0, "smape": 1.0, "mase": 0.5}
        >>> page = backtest_page(BacktestReport(
        ...     title="airline", verdict="", model="GRU", scores={"GRU": score}, metric="rmse",
        ...     folds=[Fold("1959-01", "1959-12", 120, {"GRU": 2.0})],
        ...     command="rnnkit backtest airline.csv", version="1",
        ... ))
        >>> "<td>1959-12</td>" in page
        True
    """
    markup = Markup(report.language)
    return markup.page(
        report.title, _body(markup, report), command=report.command, version=report.version
    )


def _body(markup: Markup, report: BacktestReport) -> Iterator[str]:
    yield sections.opening(markup, report)
    yield sections.pictures(markup, report.pictures)
    yield sections.scores(markup, report, Message("Over all origins; smaller is better."))
    yield _folds(markup, report)
    yield sections.intervals(markup, report.intervals)
    yield sections.left_out(markup, report.skipped)
    if report.notes:
        yield markup.heading(Message("Data"))
        yield markup.sentences(report.notes)
    yield sections.training(markup, report)


def _folds(markup: Markup, report: BacktestReport) -> str:
    """Return the scores from each origin: the model's and those of the best baselines."""
    ranked = [
        row.name for row in score_rows(report.scores, model=report.model, metric=report.metric)
    ]
    baselines = [name for name in ranked if name != report.model][:_MOST_BASELINES]
    names = [report.model, *baselines]
    table = Table(
        head=(
            Message("first row"),
            Message("last row"),
            Message("rows before"),
            *map(markup.name, names),
        ),
        rows=[
            (
                fold.first,
                fold.last,
                f"{fold.known:,}",
                *(format_score(fold.scores.get(name, float("nan"))) for name in names),
            )
            for fold in report.folds
        ],
        numbers=range(2, len(names) + 3),
    )
    legend = Message(
        "{metric} of each forecast, made from the rows before it alone.",
        {"metric": FORECAST[report.metric].heading},
    )
    return join(
        (
            markup.heading(Message("Origins")),
            markup.table(table),
            markup.paragraph(legend, kind="small"),
        )
    )
