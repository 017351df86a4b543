"""Real series, each forecast at defaults: the numbers of the README.

    python benchmarks/forecasting.py --data DIR [--only ETTh1] [--out benchmarks/forecasting.json]

DIR holds the public files named below (they are not part of this repository): ETTh1, daily minimum
temperatures of Melbourne, Zurich sunspots, the hourly series of the M4 competition, PM2.5 of
Beijing, daily prices of GOOG, and eight exchange rates. What `rnnkit forecast` would print, in one
table: the network, the best baseline, what intervals held, and seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rnnkit import Forecaster
from rnnkit.tasks.forecasting.verdict import MODEL, WITHOUT

SERIES: dict[str, dict[str, Any]] = {
    "ETTh1": {
        "file": "ETTh1.csv.xz",
        "options": {
            "horizon": 24,
            "train_size": 8640,
            "validation_size": 2880,
            "test_size": 2880,
        },
        "columns": {"time": "date", "target": "all"},
        "metrics": ("mse_standardised", "mae_standardised"),
    },
    "temperatures": {
        "file": "daily-min-temperatures.csv",
        "options": {"horizon": 1},
        "columns": {"time": "Date", "target": "Temp"},
        "metrics": ("rmse",),
    },
    "sunspots": {
        "file": "monthly-sunspots.csv",
        "options": {"horizon": 1},
        "columns": {"time": "Month", "target": "Sunspots"},
        "metrics": ("rmse",),
    },
    "M4 hourly": {
        "file": "m4_hourly_train.csv.xz",
        "test": "m4_hourly_test.csv.xz",
        "options": {"horizon": 48},
        "columns": {"layout": "rows", "series_id": "V1"},
        "metrics": ("mase", "smape"),
    },
    "Beijing PM2.5": {
        "file": "beijing_pm25.csv.xz",
        "options": {"horizon": 24},
        "columns": {
            "time": ["year", "month", "day", "hour"],
            "target": "pm2.5",
            "covariate": ["DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir"],
        },
        "metrics": ("rmse", "mae"),
    },
    "GOOG": {
        "file": "goog_daily_ohlcv.csv",
        "options": {"horizon": 1, "context": 5},
        "columns": {"target": "Close", "covariate": ["Open", "High", "Low", "Volume"]},
        "metrics": ("rmse",),
    },
    "exchange rates": {
        "file": "exchange_rate.txt.xz",
        "options": {"horizon": 1},
        "columns": {"target": "all"},
        "metrics": ("mase",),
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", action="append", choices=list(SERIES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    table = Table()
    for heading in (
        "",
        "metric",
        "network",
        "without",
        "best baseline",
        "held 80, 95 %",
        "seconds",
    ):
        table.add_column(heading, justify="left" if heading in ("", "metric") else "right")
    for name in arguments.only or SERIES:
        about = SERIES[name]
        start = time.perf_counter()
        model = Forecaster(seed=arguments.seed, **about["options"])
        test = arguments.data / about["test"] if "test" in about else None
        model.fit(arguments.data / about["file"], test=test, **about["columns"])
        seconds = time.perf_counter() - start
        evaluation = model.fitted.test
        scores = evaluation.scores
        shares = scores[MODEL]["coverage"]
        results[name] = {
            "scores": scores,
            "verdict": str(evaluation.verdict),
            "skipped": {baseline: str(why) for baseline, why in evaluation.skipped.items()},
            "seconds": seconds,
        }
        for number, metric in enumerate(about["metrics"]):
            baselines = {n: s[metric] for n, s in scores.items() if n not in (MODEL, WITHOUT)}
            best = min(baselines, key=lambda n: baselines[n])
            first = number == 0
            table.add_row(
                name if first else "",
                metric,
                f"{scores[MODEL][metric]:.4g}",
                f"{scores[WITHOUT][metric]:.4g}",
                f"{baselines[best]:.4g} ({best})",
                ", ".join(f"{100 * share:.1f}" for share in shares.values()) if first else "",
                f"{seconds:.0f}" if first else "",
            )
        print(f"{name}: {evaluation.verdict}")
    Console(width=120).print(table)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
