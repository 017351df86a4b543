"""Times rnnkit's recurrent layers beside their peers, in one run, after checking what they compute.

    python -m benchmarks.kernels --suite tutorial --out benchmarks/results

Writes kernels-SUITE.json, .md and .png. A run that is stopped goes on where it was when it is
started again with the same settings, unless --fresh is given.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.kernels.busy import Neighbour
from benchmarks.kernels.case import Group
from benchmarks.kernels.measure import Plan, Workers, measure
from benchmarks.kernels.peers import OURS, PEERS, REFERENCE
from benchmarks.kernels.plot import draw
from benchmarks.kernels.results import (
    Results,
    Row,
    code_digest,
    describe_machine,
    resume,
    row_of,
)
from benchmarks.kernels.suites import SUITES
from benchmarks.kernels.table import beside, brief, markdown, summary
from benchmarks.kernels.worker import WorkerError, allowed_cores, missing

SGEMM_SIZES = (512, 1024, 2048, 4096)
SGEMM_SECONDS = 4.0
MEMORY_PEERS = (OURS, "torch.nn")
MEMORY_PROCESSES = 3
# Distributions whose versions the numbers depend on.
NAMED = ("rnnkit", "torch", "keras", "tensorflow", "tensorflow-cpu", "jax", "onnxruntime", "numpy")


def main() -> None:
    arguments = parse()
    console = Console()
    peers = installed(arguments.peers, console)
    for suite in arguments.suite:
        chosen = peers
        if suite == "memory":
            chosen = [peer for peer in peers if peer in MEMORY_PEERS]
        groups = [g for g in groups_of(suite, arguments) if arguments.only in g.name]
        path = arguments.out / f"kernels-{suite}.json"
        results, differing = resume(path, settings_of(suite, chosen, arguments))
        if arguments.fresh:
            results = Results(results.settings)
        elif differing:
            kept = path.replace(path.with_suffix(".previous.json"))
            console.print(f"Other {', '.join(differing)}: measuring anew; the old is {kept}.")
        left = [group for group in groups if results.lacks(group.name, arguments.seconds)]
        if left:
            results.machine = describe_machine()
            run(suite, left, chosen, arguments, results, path, console)
        report = markdown(results, suite)
        path.with_suffix(".md").write_text(report, "utf-8")
        show(suite, results, report, console)
        drawn = draw(results, suite, path.with_suffix(".png"))
        console.print(f"{path}, .md" + (", .png" if drawn else ""))


def show(suite: str, results: Results, report: str, console: Console) -> None:
    """Print what fits a screen; the report has every peer."""
    if suite in ("memory", "neighbour"):
        console.print(Markdown(report))
        return
    table = Table(title=f"{suite}: milliseconds a call", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("rnnkit", "best peer"):
        table.add_column(heading, justify="right")
    table.add_column("which")
    table.add_column("ratio", justify="right")
    for cells in brief(results, suite):
        table.add_row(*cells)
    console.print(table)
    for line in summary(results, suite):
        console.print(line)
    if aside := beside(results, suite):
        console.print(Markdown("\n".join(aside)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "benchmarks.kernels", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--suite", nargs="+", default=["tutorial"], choices=[*SUITES, "all"])
    add("--only", default="", metavar="TEXT", help="only the groups whose name holds it")
    add("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    add("--backend", default="auto", help="of rnnkit's layers")
    add("--threads", type=int, default=2, help="of every peer")
    add("--seconds", type=float, default=20.0, help="of rounds, for a configuration at most")
    add("--round-ms", type=float, default=50.0, help="that a round lasts at least")
    add("--hidden", nargs="+", type=int, default=[16, 64, 256, 1024], help="H of the grid")
    add("--batch", nargs="+", type=int, default=[1, 32, 128], help="B of the grid")
    add("--steps", nargs="+", type=int, default=[32, 128], help="T of the grid")
    add("--shapes", type=Path, help="the file of the suite `shapes`")
    add("--fresh", action="store_true", help="measure again what was measured")
    add("--out", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    arguments = parser.parse_args()
    if "all" in arguments.suite:
        arguments.suite = [s for s in SUITES if s != "shapes" or arguments.shapes is not None]
    if "shapes" in arguments.suite and arguments.shapes is None:
        parser.error("--suite shapes needs --shapes FILE")
    return arguments


def installed(peers: Sequence[str], console: Console) -> list[str]:
    """Return the peers that can run, and say which cannot."""
    for name in peers:
        if missing(name):
            console.print(f"{name}: not installed ({', '.join(missing(name))})")
    return [name for name in peers if not missing(name)]


def groups_of(suite: str, arguments: argparse.Namespace) -> list[Group]:
    if suite == "grid":
        return SUITES[suite](arguments.hidden, arguments.batch, arguments.steps)
    return SUITES[suite](arguments.shapes) if suite == "shapes" else SUITES[suite]()


def settings_of(suite: str, peers: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what rows must have in common to stand in one table."""
    dists = ((d.metadata["Name"].replace("_", "-"), d.version) for d in metadata.distributions())
    versions = {name: version for name, version in dists if name in NAMED}
    package = importlib.util.find_spec("rnnkit")
    assert package is not None
    assert package.submodule_search_locations is not None
    return {
        "suite": suite,
        "peers": list(peers),
        "backend": arguments.backend,
        "threads": arguments.threads,
        "cores": len(allowed_cores(arguments.threads)),
        "round_ms": arguments.round_ms,
        "versions": dict(sorted(versions.items())),
        # An editable installation has its compiled module in another folder.
        "rnnkit_code": code_digest(*map(Path, package.submodule_search_locations)),
        "peers_code": code_digest(Path(__file__).parent / "peers"),
    }


def run(
    suite: str,
    groups: list[Group],
    peers: Sequence[str],
    arguments: argparse.Namespace,
    results: Results,
    path: Path,
    console: Console,
) -> None:
    """Measure the groups, writing the file after each; Ctrl-C loses the group it falls into."""
    workers = Workers(arguments.backend, arguments.threads)
    cores = allowed_cores(arguments.threads)
    neighbour = Neighbour(cores[-1] if cores else None) if suite == "neighbour" else None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            task = progress.add_task("starting", total=len(groups))

            def say(*words: str) -> None:
                progress.update(task, description=": ".join(words))

            if suite != "memory":
                measure_peak(workers, peers, results, say)
            for group in groups:
                if suite == "memory":
                    rows = [
                        replace(row, budget=arguments.seconds)
                        for row in measure_memory(group, peers, workers, say)
                    ]
                else:
                    plan = Plan(
                        peers,
                        arguments.seconds,
                        arguments.round_ms / 1e3,
                        results.peak,
                        neighbour,
                        partial(say, group.name),
                    )
                    rows = [
                        row_of(group.name, entry, arguments.seconds)
                        for entry in measure(group, workers, plan)
                    ]
                results.rows[group.name] = rows
                results.save(path)
                progress.advance(task)
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on from here.")
        raise SystemExit(130) from None
    finally:
        workers.close()
        if neighbour is not None:
            neighbour.close()


def measure_peak(workers: Workers, peers: Sequence[str], results: Results, say: Any) -> None:
    """Measure the best square product of torch and of XLA, if that was not done."""
    for name, label in ((REFERENCE, "torch"), ("jax-scan", "jax")):
        if label in results.sgemm_gflops or (name not in peers and name != REFERENCE):
            continue
        say(f"sgemm peak of {label}")
        peak = workers[name].peak(SGEMM_SIZES, SGEMM_SECONDS)
        assert peak is not None
        results.sgemm_gflops[label] = peak


def measure_memory(group: Group, peers: Sequence[str], workers: Workers, say: Any) -> list[Row]:
    """Return a row for each peer and variant, from fresh processes."""
    rows = []
    for peer in peers:
        for case in group.cases:
            with workers.fresh(peer) as worker:
                variants = worker.build(case)
            for variant in variants:
                label = f"{peer} {variant}".strip()
                say(f"{group.name}: {label}")
                grown, status, note = [], "ok", ""
                for _ in range(MEMORY_PROCESSES):
                    with workers.fresh(peer) as worker:
                        try:
                            grown.append(worker.memory(case, variant))
                        except WorkerError as error:
                            status, note = "failed", str(error)
                rows.append(Row(group.name, case.name, label, peer, status, note, bytes=grown))
    return rows


if __name__ == "__main__":
    main()
