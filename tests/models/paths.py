"""Panels that a linear path is fitted to, and how."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from rnnkit.data import choosing
from rnnkit.data.choosing import Past, fit_centers, fit_levels
from rnnkit.data.features import Channel
from rnnkit.data.panel import IntArray, Panel
from rnnkit.data.split import Split
from rnnkit.data.windows import Inputs
from rnnkit.models.linear_path import FittedPaths, fit_linear_path

from ..data.panels import HOUR, NAN, Column, make_inputs, make_panel, make_transform, seeded

H = 3
LEVEL = (Channel(0, "level", 1, 0.0, 1.0),)


def autoregression(rows: int, weights: dict[int, float], seed: int = 0, noise: float = 1) -> Any:
    """A series whose rows follow from those `lag` rows before."""
    random, burn = seeded(seed), 300
    z = noise * random.normal(size=rows + burn)
    for t in range(max(weights), rows + burn):
        z[t] += sum(weight * z[t - lag] for lag, weight in weights.items())
    return z[burn:]


def rich_panel() -> Panel:
    """Two series and one too short for any lags, with gaps, covariates and a calendar."""
    lengths = (130, 9, 90)
    series = [
        np.stack([autoregression(n, {1: 0.6, 4: 0.3}, 2 * n + k, 1 + 3 * k) for k in range(2)], 1)
        for n in lengths
    ]
    series[0][50:53] = NAN
    series[0][80, 1] = NAN
    series[2][[20, 40, 41], 0] = NAN
    random = seeded(9)

    def cells(room: int) -> list[list[Any]]:
        return [[*random.normal(size=n + room)] + [None] * (4 - room) for n in lengths]

    price, rain = cells(4), cells(0)
    rain[2][30] = rain[0][0] = None
    covariates: dict[str, Column] = {
        "rain": ("past", rain),
        "price": ("future", price),
        "sky": ("past", [["fog"] * n + [None] * 4 for n in lengths]),
    }
    # A good part of the second target is the price, known beforehand.
    for part, known in zip(series, price, strict=True):
        part[:, 1] += 5 * np.array(known[: len(part)], dtype=float)
    price[0][60] = None
    return make_panel(series, ticks=[0, 121, 40], room=[4] * 3, covariates=covariates, step=HOUR)


def build(panel: Panel, reach: int = 13, **changes: Any) -> Inputs:
    transform = make_transform("difference", "none", horizon=H)
    if len(panel.targets) == 1:
        transform = make_transform("none", horizon=H)
    options = {"channels": LEVEL, "context": 4, "transform": transform, "reach": reach}
    return make_inputs(panel, **{**options, **changes})


def parts(inputs: Inputs, split: Split, folds: int) -> list[tuple[IntArray, IntArray]]:
    panel = inputs.rows.panel
    return [
        (split.train_origins(panel, fold), split.validation_origins(panel, fold))
        for fold in range(folds)
    ]


def fit(inputs: Inputs, split: Split, season: int = 1) -> FittedPaths:
    folds = parts(inputs, split, len(split.blocks))
    everything = split.all_origins(inputs.rows.panel)
    return cast(FittedPaths, fit_linear_path(inputs, folds, everything, season=season))


def chosen_transform(panel: Panel, horizon: int = H) -> dict[str, Any]:
    """The transform and levels by the rules."""
    pasts = [Past.of(panel.values[panel.known_rows(s)].copy()) for s in range(len(panel.ids))]
    transform = choosing.fit_transform(pasts, season=1, horizon=horizon)
    levels, _ = fit_levels(transform, pasts, single=panel.is_single, typical=None)
    return {"transform": fit_centers(transform, pasts, levels), "levels": levels}
