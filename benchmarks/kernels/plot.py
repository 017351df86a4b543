"""The picture of a suite: every case a line of points, one for each peer, in times of ours."""

from __future__ import annotations

import statistics
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.kernels.peers import OURS
from benchmarks.kernels.results import Results, Row
from benchmarks.kernels.table import all_cases, ours


def draw(results: Results, suite: str, path: Path) -> bool:
    """Write the picture; return whether there was anything to draw."""
    cases = [
        (name, values) for name, rows in all_cases(results) if (values := relative(suite, rows))
    ]
    if not cases:
        return False
    labels = list(dict.fromkeys(label for _, values in cases for label in values))
    figure = Figure(figsize=(9, 1.5 + 0.22 * len(cases)), layout="constrained")
    axes = figure.subplots()
    for label in labels:
        points = [(values[label], at) for at, (_, values) in enumerate(cases) if label in values]
        axes.plot(*zip(*points, strict=True), "o", markersize=4, label=label)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), [name for name, _ in cases], fontsize=7)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.set_xlabel(XLABELS.get(suite, "time over rnnkit's (right of the line: rnnkit is faster)"))
    axes.grid(axis="x", which="both", linewidth=0.3)
    axes.legend(fontsize=7, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return True


XLABELS = {
    "neighbour": "time beside a busy process over time alone",
    "memory": "peak over rnnkit's (right of the line: rnnkit takes less)",
}


def relative(suite: str, rows: list[Row]) -> dict[str, float]:
    """Return what is drawn of a case, by label."""
    if suite == "neighbour":
        return {row.label: row.slowdown for row in rows if row.status == "ok" and row.busy_seconds}
    if suite == "memory":
        peaks = {row.label: statistics.median(row.bytes) for row in rows if row.bytes}
        own = peaks.pop(OURS, None)
        return {label: peak / own for label, peak in peaks.items()} if own else {}
    mine = ours(rows)
    if mine is None:
        return {}
    others = [row for row in rows if row.peer != OURS and row.status == "ok" and row.seconds]
    return {row.label: row.median / mine.median for row in others}
