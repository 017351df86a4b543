"""Airline passengers, 12 months ahead, refitted at the four December origins 1956-1959.

    python benchmarks/airline.py [--seeds 3] [--out benchmarks/airline.json]

Each origin is what `rnnkit forecast --horizon 12` does at defaults on the rows up to twelve months
after it: the twelve are its test part. Prints RMSE in thousands of passengers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from rnnkit import Forecaster
from rnnkit.data.airline import airline_passengers
from rnnkit.tasks.forecasting.verdict import MODEL

ORIGINS = {96: "1956", 108: "1957", 120: "1958", 132: "1959"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    frame = airline_passengers()
    rmse: dict[str, dict[str, list[float]]] = {}
    seconds: list[float] = []
    for origin, year in ORIGINS.items():
        for seed in range(arguments.seeds):
            start = time.perf_counter()
            model = Forecaster(horizon=12, cell=arguments.cell, seed=seed)
            model.fit(frame.iloc[: origin + 12], time="Month", target="Passengers")
            seconds.append(time.perf_counter() - start)
            for name, scores in model.fitted.test.scores.items():
                shown = arguments.cell.upper() if name == MODEL else name
                rmse.setdefault(shown, {}).setdefault(year, []).append(scores["rmse"])
    table = Table(title=f"RMSE, mean of {arguments.seeds} seeds", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in (*(f"Dec {year}" for year in ORIGINS.values()), "mean"):
        table.add_column(heading, justify="right")
    means = {
        name: {year: statistics.mean(values) for year, values in years.items()}
        for name, years in rmse.items()
    }
    for name, years in sorted(means.items(), key=lambda item: statistics.mean(item[1].values())):
        cells = [f"{years[year]:.1f}" if year in years else "-" for year in ORIGINS.values()]
        table.add_row(name, *cells, f"{statistics.mean(years.values()):.1f}")
    Console().print(table)
    print(f"one origin, baselines included: {statistics.median(seconds):.1f} s (median),", end=" ")
    print(f"{max(seconds):.1f} s (longest)")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps({"rmse": rmse, "seconds": seconds}, indent=2) + "\n")


if __name__ == "__main__":
    main()
