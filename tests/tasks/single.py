"""Single series made by hand, and fits of them in a moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rnnkit.data.calendar import Step
from rnnkit.data.panel import Clock, Panel
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.fitting import Fit, fit_pipeline
from rnnkit.tasks.forecasting.planning import Plan, plan_fit

MONTH = Step("month", 1, day=1)
QUICK = {"epochs": 1, "patience": 5, "schedule": "constant", "hidden_size": 2, "batch_size": 64}


def make_series(rows: int = 60, columns: int = 2, step: Step = MONTH, seed: int = 0) -> Panel:
    """Return positive columns of unequal size with a trend, a year's season and noise."""
    t = np.arange(rows)[:, None]
    noise = np.random.default_rng(seed).normal(size=(rows, columns))
    wave = 8 * np.sin(np.pi * t / 6 + np.arange(columns))
    values = (60 + 0.3 * t + wave + noise) * 10.0 ** np.arange(columns)
    first = np.datetime64("2000-01-01", "ns")
    return Panel(
        name="sales",
        ids=("",),
        id_name="",
        starts=np.array([0, rows]),
        known=np.array([rows]),
        ticks=np.array([0]),
        targets=tuple("abcd"[:columns]),
        values=values,
        covariates=(),
        numbers=np.empty((rows, 0)),
        codes=np.empty((rows, 0), dtype=np.int32),
        times=np.concatenate([first[None], step.advance(first, rows - 1)]),
        clock=Clock(step, ("Month",)),
    )


def options(**changes: Any) -> ForecastConfig:
    """Return options for a fit in a moment."""
    return ForecastConfig(**{"horizon": 3, **QUICK, **changes})


def plan(series: Panel, **changes: Any) -> Plan:
    """Return the plan of a fit of a single series."""
    assert series.clock is not None
    return plan_fit(series, options(**changes), series.clock.step.season)


def fit(series: Panel, **changes: Any) -> Fit:
    """Return the fit of a single series."""
    return fit_pipeline(plan(series, **changes), options(**changes))


def cut(series: Panel, first: int, last: int) -> Panel:
    """Return rows `first .. last` of a single series, as a file of their own would be read."""
    assert series.times is not None
    return replace(
        series,
        starts=np.array([0, last - first]),
        known=np.array([last - first]),
        values=series.values[first:last],
        numbers=series.numbers[first:last],
        codes=series.codes[first:last],
        times=series.times[first:last],
    )
