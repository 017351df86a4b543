"""Panels made by hand, for tests of what works on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnkit.data.calendar import Step
from rnnkit.data.columns import Role
from rnnkit.data.covariates import Encoding, encode, fit_encodings
from rnnkit.data.differencing import Differencing
from rnnkit.data.features import Channel, Features
from rnnkit.data.panel import MISSING, Clock, Covariate, Panel
from rnnkit.data.rows import prepare_rows
from rnnkit.data.scaling import ColumnTransform, Levels, SeriesTransform
from rnnkit.data.windows import Inputs

NAN = float("nan")
HOUR = Step("nanosecond", 3600 * 10**9)
Column = tuple[Role, Sequence[Any]]


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def make_panel(
    series: Sequence[ArrayLike],
    *,
    ticks: Sequence[int] | None = None,
    room: Sequence[int] | None = None,
    covariates: Mapping[str, Column] | None = None,
    step: Step | None = None,
    zone: str = "",
    start: str = "2021-03-26T20",
    ids: Sequence[str] | None = None,
) -> Panel:
    """Return a panel.

    Args:
        series: the known rows of each, `(N,)` or `(N, K)`.
        ticks: of the first rows; by default 0.
        room: rows after the known ones of each; by default none.
        covariates: role and cells of each by its name: one sequence a series, with a cell for
            every row, or a single cell where the role is static. A cell is a number or a text, and
            `None` where missing.
        step: between rows; `None` for series without times.
        zone: of the clock.
        start: the time of tick 0.
        ids: of the series; by default the letters from `a` on, and `""` for one series.
    """
    parts = [np.asarray(part, dtype=float).reshape(len(np.asarray(part)), -1) for part in series]
    S = len(parts)
    after = [0] * S if room is None else list(room)
    known = np.array([len(part) for part in parts])
    lengths = known + after
    first = np.zeros(S, dtype=np.int64) if ticks is None else np.array(ticks)
    values = [
        np.pad(part, ((0, more), (0, 0)), constant_values=NAN)
        for part, more in zip(parts, after, strict=True)
    ]
    columns, numbers, codes = [], [], []
    for name, (role, cells) in (covariates or {}).items():
        if role == "static":
            cells = [[cell] * int(length) for cell, length in zip(cells, lengths, strict=True)]
        assert [len(part) for part in cells] == lengths.tolist()
        flat = [cell for part in cells for cell in part]
        if any(isinstance(cell, str) for cell in flat):
            labels = tuple(sorted({cell for cell in flat if cell is not None}))
            columns.append(Covariate(name, role, labels))
            codes.append([MISSING if cell is None else labels.index(cell) for cell in flat])
        else:
            columns.append(Covariate(name, role))
            numbers.append([NAN if cell is None else float(cell) for cell in flat])
    R = int(lengths.sum())
    times = None
    if step is not None:
        since = np.concatenate([t + np.arange(n) for t, n in zip(first, lengths, strict=True)])
        times = np.datetime64(start, "ns") + (step.count * since).astype("m8[ns]")
    names = tuple(ids or ("abcdefghijkl"[:S] if S > 1 else ("",)))
    return Panel(
        name="sales",
        ids=names,
        id_name="shop" if names != ("",) else "",
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        known=known.astype(np.int64),
        ticks=first.astype(np.int64),
        targets=tuple("xyzuvw"[: parts[0].shape[1]]),
        values=np.concatenate(values),
        covariates=tuple(columns),
        numbers=np.array(numbers).T if numbers else np.empty((R, 0)),
        codes=np.array(codes, dtype=np.int32).T if codes else np.empty((R, 0), dtype=np.int32),
        times=times,
        clock=None if step is None else Clock(step, ("Time",), zone=zone),
    )


def mixed_panel(K: int = 2, *, step: Step | None = HOUR, plain: bool = False) -> Panel:
    """Return series of all sorts: long, of one row, with gaps, begun late, ended early.

    The first is at its end, the third has more room than any horizon here. There is a covariate of
    every role and kind, with cells missing at the start, in between and at the end; none where
    `plain`.
    """
    random = seeded(7)
    lengths, ticks, room = (23, 1, 40, 5, 12), (17, 39, 0, 30, 3), (0, 2, 9, 1, 0)
    series = [10 + np.cumsum(random.normal(size=(length, K)), axis=0) for length in lengths]
    series[0][7:10] = NAN
    series[0][15, 0] = NAN
    series[2][[3, 4, 20, 33, 34, 35, 36, 38]] = NAN
    series[2][12:17, K - 1] = NAN
    series[4][10, 0] = NAN

    def ahead(draw: Any, *missing: tuple[int, int]) -> list[list[Any]]:
        parts = [[draw() for _ in range(n + m)] for n, m in zip(lengths, room, strict=True)]
        for s, row in missing:
            parts[s][row] = None
        return parts

    def past(draw: Any, *missing: tuple[int, int]) -> list[list[Any]]:
        parts = ahead(draw, *missing)
        return [part[:n] + [None] * m for part, n, m in zip(parts, lengths, room, strict=True)]

    def texts(*choices: str) -> Any:
        return lambda: str(random.choice(choices))

    covariates: dict[str, Column] = {
        "rain": ("past", past(random.normal, (0, 0), (0, 1), (2, 5), (2, 6), (3, 4), (1, 0))),
        "price": ("future", ahead(lambda: 50 + 9 * random.normal(), (2, 41), (4, 0), (0, 22))),
        "size": ("static", [3.0, 70.5, -2.0, None, 11.0]),
        "sky": ("past", past(texts("clear", "fog", "snow"), (0, 3), (2, 0))),
        "holiday": ("future", ahead(texts("easter", "none"), (2, 40), (3, 1))),
        "town": ("static", ["Ulm", "Bonn", "Ulm", None, "Aalen"]),
    }
    return make_panel(
        series, ticks=ticks, room=room, covariates=None if plain else covariates, step=step
    )


def series_rows(panel: Panel, array: NDArray[Any] | None, series: int) -> NDArray[Any]:
    """Return the rows of an array `(R, ...)` that belong to a series."""
    assert array is not None
    return array[panel.starts[series] : panel.starts[series + 1]]


def make_transform(
    *kinds: Differencing, horizon: int, season: int = 4, logs: str = ""
) -> SeriesTransform:
    """Return a transform of a column of each kind, with distinct centers and scales.

    `logs` holds the numbers of the columns that are logged.
    """
    return SeriesTransform(
        tuple(
            ColumnTransform(
                log=str(k) in logs,
                differencing=kind,
                season=season,
                center=np.arange(horizon) / 8 + k + 0.25,
                scale=1.5 + k,
                why=(),
            )
            for k, kind in enumerate(kinds)
        )
    )


def make_levels(series: int, columns: int) -> Levels:
    """Return levels that tell every series and column apart."""
    size = np.arange(1.0, series * columns + 1).reshape(series, columns)
    return Levels(size / 4, 1 + size / 8, np.full((series, columns), 1e-3))


def make_inputs(
    panel: Panel,
    *,
    channels: Sequence[Channel],
    transform: SeriesTransform,
    context: int,
    horizon: int | None = None,
    reach: int | None = None,
    levels: Levels | None = None,
    encodings: tuple[Encoding, ...] | None = None,
) -> Inputs:
    """Return what windows are built from.

    Args:
        panel: the series.
        channels: of the features.
        transform: of the targets.
        context: rows of a context.
        horizon: rows of room; by default the transform's.
        reach: rows of a past; by default as many as are read.
        levels: of the series; by default those of `make_levels`.
        encodings: of the covariates; by default fitted on all rows.
    """
    rows = prepare_rows(panel, transform.horizon if horizon is None else horizon)
    if encodings is None:
        encodings = fit_encodings(rows, np.ones(len(rows.values), dtype=bool))
    features = Features(tuple(channels), context, encodings)
    return Inputs(
        rows,
        encode(rows, encodings),
        transform,
        make_levels(len(panel.ids), len(panel.targets)) if levels is None else levels,
        features,
        max(features.reach, transform.reach) if reach is None else reach,
    )
