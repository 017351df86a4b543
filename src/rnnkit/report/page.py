"""`report.html`: one file that says what was done, how well it went and how to do it again.

The page needs no network and runs no script: pictures are embedded, and its own security policy
forbids anything else. Every text that came from data is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rnnkit.report.scores import COLUMNS, score_rows


@dataclass(frozen=True)
class SplitPart:
    """A part of the series, in order of time.

    Args:
        name: such as `"training"`.
        rows: how many.
        first: the time of its first row, as it should be read.
        last: the time of its last row.
    """

    name: str
    rows: int
    first: str
    last: str


@dataclass(frozen=True)
class Report:
    """What `report_page` shows: texts and numbers only.

    Args:
        title: of the page.
        verdict: one sentence, shown first; may be empty.
        warnings: sentences shown below it.
        forecast_png: the picture of the forecast.
        forecast_text: what the picture shows, for those who cannot see it.
        training_png: the picture of the losses.
        scores: metrics by name of model or baseline; empty when there is no test part.
        model: the name of the model among them.
        metric: the metric that ranks, a key of `rnnkit.report.scores.COLUMNS`.
        skipped: why a baseline is not among the scores, by its name.
        split: the parts of the series.
        transform: what was done to the values before training, and why, in a sentence or two.
        facts: names and values about model and training.
        command: the command line that does it all again.
        version: of rnnkit.
    """

    title: str
    verdict: str
    warnings: Sequence[str]
    forecast_png: bytes
    forecast_text: str
    training_png: bytes
    scores: Mapping[str, Mapping[str, Any]]
    model: str
    metric: str
    skipped: Mapping[str, str]
    split: Sequence[SplitPart]
    transform: str
    facts: Mapping[str, str]
    command: str
    version: str


def report_page(report: Report) -> str:
    """Return the page as one HTML text, the same for equal reports.

    Args:
        report: what to show.

    Example:
        >>> page = report_page(Report(
        ...     title="a < b", verdict="", warnings=(), forecast_png=b"", forecast_text="",
        ...     training_png=b"", scores={}, model="GRU", metric="rmse", skipped={}, split=(),
        ...     transform="None.", facts={}, command="rnnkit demo", version="1",
        ... ))
        >>> "<h1>a &lt; b</h1>" in page
        True
    """
    sections = [
        _paragraph(report.verdict, "verdict"),
        *(_paragraph(warning, "warning") for warning in report.warnings),
        _picture(report.forecast_png, report.forecast_text),
        _scores(report),
        _skipped(report.skipped),
        "<h2>Data</h2>",
        _table(
            ("part", "rows", "from", "to"),
            [(part.name, f"{part.rows:,}", part.first, part.last) for part in report.split],
            numbers=(1,),
        ),
        _paragraph(report.transform),
        "<h2>Model and training</h2>",
        _facts(report.facts),
        _picture(report.training_png, "Training and validation loss by epoch."),
        "<h2>Do it again</h2>",
        f"<pre><code>{escape(report.command)}</code></pre>",
        _paragraph(f"Written by rnnkit {report.version}.", "small"),
    ]
    body = "\n".join(section for section in sections if section)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(report.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(report.title)}</h1>
{body}
</main>
</body>
</html>
"""


_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { --text: #1b1b1b; --faint: #5c5c5c; --page: #ffffff; --line: #d9d9d9; --mark: #e3f0fa;
  --edge: #0072b2; --alarm: #d55e00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #ececec; --faint: #a8a8a8; --page: #17191c; --line: #3b3f45; --mark: #17354a;
    --edge: #56b4e9; --alarm: #e69f00; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans KR", "Malgun Gothic", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
p { margin: 0.5rem 0; overflow-wrap: anywhere; }
.verdict { font-size: 1.1rem; border-left: 0.25rem solid var(--edge); padding-left: 0.75rem; }
.warning { border-left: 0.25rem solid var(--alarm); padding-left: 0.75rem; }
.small { color: var(--faint); font-size: 0.875rem; }
img { display: block; width: 100%; height: auto; margin: 1rem 0; background: #ffffff;
  border-radius: 0.25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 50%; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0.4rem; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
tbody th { font-weight: 400; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.model { background: var(--mark); }
.model th, .model td { font-weight: 700; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: 0.2rem 1rem;
  margin: 0.5rem 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--mark); padding: 0.75rem; border-radius: 0.25rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
"""


def _paragraph(text: str, kind: str = "") -> str:
    if not text:
        return ""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def _picture(png: bytes, text: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(text)}">'


def _scores(report: Report) -> str:
    if not report.scores:
        return _paragraph("No test part was kept, so nothing was scored.")
    rows = score_rows(report.scores, model=report.model, metric=report.metric)
    table = _table(
        ("", *COLUMNS.values()),
        [(f"{row.name} ★" if row.is_best else row.name, *row.cells) for row in rows],
        numbers=range(1, len(COLUMNS) + 1),
        marked=[k for k, row in enumerate(rows) if row.is_model],
    )
    legend = f"On the test part; smaller is better. ★ smallest {COLUMNS[report.metric]}."
    if any("–" in row.cells for row in rows):
        legend += (
            " – is undefined: MAPE where an actual value is 0, MASE where the rows before the test"
            " part do not change."
        )
    return f"<h2>Scores</h2>\n{table}\n{_paragraph(legend, 'small')}"


def _skipped(skipped: Mapping[str, str]) -> str:
    if not skipped:
        return ""
    return f"<h2>Baselines left out</h2>\n{_facts(skipped)}"


def _facts(facts: Mapping[str, str]) -> str:
    items = "\n".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()
    )
    return f"<dl>\n{items}\n</dl>" if items else ""


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Iterable[int],
    marked: Iterable[int] = (),
) -> str:
    right = dict.fromkeys(numbers, ' class="number"')
    marks = dict.fromkeys(marked, ' class="model"')
    titles = "".join(
        f'<th scope="col"{right.get(c, "")}>{escape(title)}</th>' for c, title in enumerate(head)
    )
    lines = "\n".join(
        f'<tr{marks.get(r, "")}><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{right.get(c, '')}>{escape(cell)}</td>" for c, cell in enumerate(row[1:], 1))
        + "</tr>"
        for r, row in enumerate(rows)
    )
    return (
        f'<div class="scroll"><table>\n<thead><tr>{titles}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody>\n</table></div>"
    )
