"""Tables and ratios of what was measured; Markdown, for the screen as well."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.kernels.peers import OURS
from benchmarks.kernels.results import Results, Row

KERAS = "keras-tensorflow"
# Who is in the table but not the best peer of a ratio: in the tutorials, whatever is no library's
# own loop over whole networks. These have a table of ratios of their own.
BESIDE = {"tutorial": (f"{KERAS} step", "keras-jax step", "jax-scan", "onnxruntime")}


def by_case(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of each case, in order."""
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    return cases


def ours(rows: Iterable[Row]) -> Row | None:
    """Return our row of a case, if it was timed."""
    timed = [row for row in rows if row.peer == OURS and row.status == "ok" and row.seconds]
    return timed[0] if timed else None


def best_peer(rows: Iterable[Row], suite: str) -> Row | None:
    """Return the fastest row of a case that is not ours nor stands beside, if there is one."""
    out = (*BESIDE.get(suite, ()), OURS)
    timed = [r for r in rows if r.label not in out and r.status == "ok" and r.seconds]
    return min(timed, key=lambda row: row.median, default=None)


def ratio(rows: list[Row], suite: str) -> float | None:
    """Return how many times faster than the best peer we are; below 1 is a loss."""
    own, best = ours(rows), best_peer(rows, suite)
    return best.median / own.median if own is not None and best is not None else None


def ratio_to(rows: list[Row], label: str) -> float | None:
    """Return how many times faster than one label we are."""
    own = ours(rows)
    timed = [r for r in rows if r.label == label and r.status == "ok" and r.seconds]
    return timed[0].median / own.median if own is not None and timed else None


def all_cases(results: Results) -> Iterator[tuple[str, list[Row]]]:
    """Yield the name of every case, with its group's where they differ, and its rows."""
    for group, rows in results.rows.items():
        for case, own in by_case(rows).items():
            yield (case if case == group else f"{group}: {case}"), own


def markdown(results: Results, suite: str) -> str:
    """Return the whole report of a suite."""
    lines = [f"# Recurrent kernels: {suite}", "", *_setting(results), ""]
    if suite == "memory":
        lines += _memory(results)
    elif suite == "neighbour":
        lines += _neighbour(results)
    else:
        lines += [*_times(results, suite), *summary(results, suite), *beside(results, suite)]
        lines += [*_costs(results), *_epochs(results)]
    lines += _absent(results)
    return "\n".join(lines).rstrip() + "\n"


def brief(results: Results, suite: str) -> list[tuple[str, ...]]:
    """Return the rows of a table for the screen: case, our ms, the best peer's, whose, ratio."""
    table: list[tuple[str, ...]] = []
    for name, rows in all_cases(results):
        own, best, gain = ours(rows), best_peer(rows, suite), ratio(rows, suite)
        table.append(
            (
                name,
                "" if own is None else f"{1e3 * own.median:.3g}",
                "" if best is None else f"{1e3 * best.median:.3g}",
                "" if best is None else best.label,
                "" if gain is None else f"{gain:.2f}",
            )
        )
    return table


def _setting(results: Results) -> Iterator[str]:
    machine, settings = results.machine, results.settings
    versions = ", ".join(f"{name} {version}" for name, version in settings["versions"].items())
    yield f"{machine['processor']}, {settings['threads']} threads, float32. {versions}."
    if results.sgemm_gflops:
        each = ", ".join(f"{name} {value:.0f}" for name, value in results.sgemm_gflops.items())
        yield f"rnnkit's backend: {settings['backend']}. sgemm peak, GFLOP/s: {each}."


def _grid(header: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)] + [""]


def _milliseconds(row: Row) -> str:
    if len(row.seconds) == 1:
        return f"{1e3 * row.median:.3g} ±?"
    low, high = row.quartiles
    spread = 50 * (high - low) / row.median
    return f"{1e3 * row.median:.3g} ±{spread:.0f}%"


def _labels(results: Results) -> list[str]:
    """Return every label in the order of appearance, ours first."""
    rows = [row for group in results.rows.values() for row in group if row.seconds]
    return sorted(dict.fromkeys(r.label for r in rows), key=lambda label: label != OURS)


def _times(results: Results, suite: str) -> list[str]:
    labels = _labels(results)
    header = ["ms a call", *labels, "GFLOP/s", "of peak", "best peer", "ratio"]
    if suite in BESIDE:
        header.append(f"to {KERAS}")
    table = []
    for name, rows in all_cases(results):
        cells = {row.label: _cell(row) for row in rows}
        own, best = ours(rows), best_peer(rows, suite)
        line = [
            name,
            *(cells.get(label, "") for label in labels),
            "" if own is None else f"{own.gflops:.3g}",
            "" if own is None else f"{own.gflops / results.peak:.1%}",
            "" if best is None else best.label,
            _gain(ratio(rows, suite)),
            _gain(ratio_to(rows, KERAS)),
        ]
        table.append(line[: len(header)])
    return [
        *_grid(header, table),
        "Medians of rounds, ± half the distance of the quartiles, ±? of a single round. GFLOP/s",
        "and share of the sgemm peak are ours. The ratio is the best peer's time over ours.",
        "",
    ]


def _gain(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" + (" loss" if value < 1 else "")


def _cell(row: Row) -> str:
    return _milliseconds(row) if row.status == "ok" and row.seconds else row.status


def summary(results: Results, suite: str) -> list[str]:
    """Return the sentences about all ratios, if there are any."""
    cases = list(all_cases(results))
    gains = [(gain, name) for name, rows in cases if (gain := ratio(rows, suite))]
    lines = _sentence("ratios", gains)
    if suite in BESIDE:
        keras = [(gain, name, rows) for name, rows in cases if (gain := ratio_to(rows, KERAS))]
        lines += _sentence(f"ratios to {KERAS}", [(gain, name) for gain, name, _ in keras])
        simple = [(gain, name) for gain, name, rows in keras if rows[0].cell == "rnn"]
        lines += _sentence(f"ratios to {KERAS} of SimpleRNN", simple)
    return lines


def _sentence(what: str, gains: Sequence[tuple[float, str]]) -> list[str]:
    if not gains:
        return []
    losses = sum(gain < 1 for gain, _ in gains)
    worst, where = min(gains)
    return [
        f"{len(gains)} cases: geometric mean of the {what} {_mean(g for g, _ in gains):.2f}, "
        f"median {statistics.median(g for g, _ in gains):.2f}, losses {losses}, "
        f"lowest {worst:.2f} ({where}).",
        "",
    ]


def _mean(gains: Iterable[float]) -> float:
    return math.exp(statistics.fmean(math.log(gain) for gain in gains))


def beside(results: Results, suite: str) -> list[str]:
    """Return our ratios to those that are in no ratio above, losses and their mean included."""
    labels = [label for label in _labels(results) if label in BESIDE.get(suite, ())]
    cases = list(all_cases(results))
    gains = {label: [ratio_to(rows, label) for _, rows in cases] for label in labels}
    table = [
        [name, *(_gain(gains[label][at]) for label in labels)] for at, (name, _) in enumerate(cases)
    ]
    known = {label: [gain for gain in gains[label] if gain] for label in labels}
    if not any(known.values()):
        return []
    means = [_gain(_mean(values)) if values else "" for values in known.values()]
    lost = [f"{sum(gain < 1 for gain in values)} of {len(values)}" for values in known.values()]
    table += [["geometric mean", *means], ["losses", *lost]]
    return _grid(["ratio beside the compiled step alone", *labels], table)


def _costs(results: Results) -> list[str]:
    """Return what variations cost over the first case of their group, for each label."""
    table = []
    for group, rows in results.rows.items():
        cases = by_case(row for row in rows if row.status == "ok" and row.seconds)
        if len(cases) < 2:
            continue
        base, *others = cases
        for case in others:
            costs = relative_costs(cases[base], cases[case])
            table.append([f"{group}: {case}", *(costs.get(k, "") for k in _labels(results))])
    if not table:
        return []
    header = ["time over the group's first case", *_labels(results)]
    return _grid(header, table)


def relative_costs(base: list[Row], other: list[Row]) -> dict[str, str]:
    """Return the medians of `other` over those of `base`, by label; a variant may lack one."""
    medians = {row.label: row.median for row in base}
    return {r.label: f"{r.median / medians[r.label]:.2f}" for r in other if r.label in medians}


def _epochs(results: Results) -> Iterator[str]:
    for name, rows in all_cases(results):
        if rows[0].batches > 1:
            timed = [row for row in rows if row.status == "ok" and row.seconds]
            each = ", ".join(f"{row.label} {row.median * row.batches:.2f} s" for row in timed)
            yield f"{name}: {each}."
            yield ""


def _neighbour(results: Results) -> list[str]:
    labels = _labels(results)
    table = []
    for name, rows in all_cases(results):
        cells = {
            row.label: f"{1e3 * row.median:.3g} → ×{row.slowdown:.2f}"
            for row in rows
            if row.status == "ok" and row.busy_seconds
        }
        table.append([name, *(cells.get(label, "") for label in labels)])
    return [
        *_grid(["ms alone → times as long beside a busy process", *labels], table),
        "Another process computes on one of the cores in every second round. Medians.",
        "",
    ]


def _memory(results: Results) -> list[str]:
    rows = [row for group in results.rows.values() for row in group if row.bytes]
    labels = sorted(dict.fromkeys(row.label for row in rows), key=lambda label: label != OURS)
    table = []
    for name, own in all_cases(results):
        peaks = {row.label: statistics.median(row.bytes) for row in own if row.bytes}
        others = [value for label, value in peaks.items() if label != OURS]
        share = f"{peaks[OURS] / min(others):.2f}" if OURS in peaks and others else ""
        cells = (f"{peaks[label] / 2**20:.1f}" if label in peaks else "" for label in labels)
        table.append([name, *cells, share])
    return [
        *_grid(["MiB that training steps add at their peak", *labels, "over the least"], table),
        "Growth of resident memory over that with weights and inputs in place, in fresh processes;",
        "medians.",
        "",
    ]


def _absent(results: Results) -> Iterator[str]:
    """Yield why entries have no numbers, once a reason."""
    reasons: dict[str, int] = {}
    for rows in results.rows.values():
        for row in rows:
            if row.status != "ok":
                reason = f"{row.label}: {row.status}: {row.note}"
                reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        yield f"- {reason}" + (f" ({count} cases)" if count > 1 else "")
