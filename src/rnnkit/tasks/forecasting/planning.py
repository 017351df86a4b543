"""All choices of a fit that are made before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnkit.data.choosing import Past, fit_centers, fit_levels, fit_transform
from rnnkit.data.covariates import fit_encodings
from rnnkit.data.features import Features, fit_features
from rnnkit.data.panel import IntArray, Panel
from rnnkit.data.rows import prepare_rows
from rnnkit.data.season import find_season
from rnnkit.data.split import Split, rows_needed, split_by_time
from rnnkit.data.times import show_time
from rnnkit.errors import ConfigError, DataError
from rnnkit.messages import Message
from rnnkit.tasks.forecasting.config import (
    ForecastConfig,
    Sizes,
    ensemble_size,
    resolve,
    validation_blocks,
)
from rnnkit.tasks.forecasting.pipeline import Pipeline, past_of
from rnnkit.training import find_device

MOST_ROWS = 2_000_000  # that choices are made on; of more, series at even distances
LARGEST = 1e100  # of the values; squares and sums of squares stay finite


@dataclass(frozen=True, eq=False)
class Plan:
    """All choices of a fit, made and checked before anything is trained.

    Args:
        panel: the data.
        sizes: the sizes chosen.
        members: networks to train.
        split: ticks of the parts.
        bare: the pipeline, without networks.
        season: how the season was found, where times did not tell it.
    """

    panel: Panel
    sizes: Sizes
    members: int
    split: Split
    bare: Pipeline
    season: Message | None


def plan_fit(panel: Panel, config: ForecastConfig, season: int) -> Plan:
    """Split the rows, and choose transform and inputs on the training part.

    Args:
        panel: the data.
        config: the options.
        season: rows in a season as the data tell; 1 for none.

    Raises:
        ConfigError: if an option is impossible for the data or the machine.
        DataError: if there are too few rows, or a value that cannot be computed with.
    """
    find_device(config.device)
    _check_strategy(panel, config)
    for k, name in enumerate(panel.targets):
        sizes_of = np.abs(np.nan_to_num(panel.values[:, k]))
        largest = float(sizes_of.max())
        if largest != 0 and not 1 / LARGEST <= largest <= LARGEST:
            raise DataError(
                f"column {name!r} reaches {largest:.3g}{_where(panel, int(sizes_of.argmax()))}, and"
                " the squares of such values cannot be computed: give it in a unit in which it"
                f" reaches {1 / LARGEST:g} to {LARGEST:g}"
            )
    _check_covariates(panel)
    why = None
    if season == 1 and panel.clock is None and config.season is None:
        season, why = _find_season(panel, config)
    sizes, members, split = _divide(panel, config, season)
    rows = prepare_rows(panel, config.horizon)
    begun = np.flatnonzero(panel.ticks < split.trained)
    if not len(begun):
        raise DataError(f"no series of {panel.name} begins before the validation part: give more")
    pasts = [past_of(rows, int(s), split.trained) for s in begun]
    drawn = _places(pasts, MOST_ROWS)
    sample = [pasts[place] for place in drawn]
    transform = fit_transform(
        sample,
        season=sizes.season,
        horizon=split.horizon,
        log=config.log,
        differencing=config.differencing,
    )
    levels, typical = fit_levels(transform, pasts, single=panel.is_single, typical=None)
    transform = fit_centers(transform, sample, levels.of(drawn))
    if len(begun) < len(panel.ids):
        series = range(len(panel.ids))
        everything = [past_of(rows, s, split.trained, split.known) for s in series]
        levels, _ = fit_levels(transform, everything, single=False, typical=typical)
    ticks = np.arange(len(rows.values)) - np.repeat(
        rows.panel.starts[:-1] - rows.panel.ticks, np.diff(rows.panel.starts)
    )
    features = fit_features(
        sample,
        transform,
        levels.of(begun[drawn]),
        context=sizes.context,
        encodings=fit_encodings(rows, ticks < split.trained),
    )
    bare = Pipeline(
        horizon=config.horizon,
        targets=panel.targets,
        ids=panel.ids,
        transform=transform,
        levels=levels,
        typical=typical,
        features=features,
        linear=None,
        networks=(),
        weights=np.ones(len(panel.targets)),
        quantiles=quantiles(config),
        device=config.device,
    )
    return Plan(panel, sizes, members, split, bare, why)


def first_origin(panel: Panel, config: ForecastConfig, season: int) -> int:
    """Return the tick at which the first forecast to be scored begins, as `plan_fit` divides rows.

    Args:
        panel: the data.
        config: the options.
        season: rows in a season as the data tell; 1 for none.

    Raises:
        ConfigError: if a size is impossible.
    """
    if season == 1 and panel.clock is None and config.season is None:
        season, _ = _find_season(panel, config)
    return resolve(config, rows=panel.last_tick, season=season).known


def _check_covariates(panel: Panel) -> None:
    names = [covariate.name for covariate in panel.covariates if covariate.labels is None]
    for p, name in enumerate(names):
        sizes = np.abs(np.nan_to_num(panel.numbers[:, p]))
        if sizes.size and sizes.max() > LARGEST:
            where = _where(panel, int(sizes.argmax()))
            raise DataError(
                f"column {name!r} reaches {sizes.max():.3g}{where}, and the squares of such values"
                " cannot be computed: give it in a larger unit"
            )


def _where(panel: Panel, row: int) -> str:
    """Return where a row stands, in words that follow a value."""
    s = int(panel.series_of(np.array([row]))[0])
    series = "" if panel.is_single else f" in series {panel.ids[s]!r}"
    if panel.times is None:
        return f"{series} at row {row - int(panel.starts[s]) + 1}"
    return f"{series} at {show_time(panel.times[row])}"


def quantiles(config: ForecastConfig) -> tuple[float, ...]:
    """Return what a network's outputs stand for: the median, with intervals' ends around it."""
    if config.intervals != "quantile":
        return (0.5,)
    tails = [(100 - level) / 200 for level in config.levels]
    return tuple(sorted({0.5, *tails, *(1 - tail for tail in tails)}))


def plan_features(plan: Plan, linear: Sequence[bool]) -> Features:
    """Return the network's inputs above a linear path that serves the targets `linear (K,)`."""
    rows = prepare_rows(plan.panel, plan.bare.horizon)
    begun = np.flatnonzero(plan.panel.ticks < plan.split.trained)
    pasts = [past_of(rows, int(s), plan.split.trained) for s in begun]
    drawn = _places(pasts, MOST_ROWS)
    return fit_features(
        [pasts[place] for place in drawn],
        plan.bare.transform,
        plan.bare.levels.of(begun[drawn]),
        context=plan.sizes.context,
        encodings=plan.bare.features.encodings,
        linear=linear,
    )


def _places(pasts: Sequence[Past], most: int) -> IntArray:
    """Return the numbers of the series to choose by: all, or so many that they have `most` rows."""
    rows = sum(len(past.values) for past in pasts)
    return np.arange(0, len(pasts), max(1, -(-rows // most)))


def _find_season(panel: Panel, config: ForecastConfig) -> tuple[int, Message]:
    """Look for a season in the first half of the rows before the test part.

    In half of them, since the size of the test part may grow with the season.
    """
    end = resolve(config, rows=panel.last_tick, season=1).known // 2
    parts = [
        panel.values[panel.known_rows(s)][: max(0, end - int(panel.ticks[s])), k]
        for s in range(len(panel.ids))
        for k in range(len(panel.targets))
    ]
    return find_season(parts, longest=max(1, end // 3))


def _check_strategy(panel: Panel, config: ForecastConfig) -> None:
    past = panel.of_role("past")
    if config.strategy == "recursive" and config.horizon > 1 and past:
        raise ConfigError(
            f"the recursive strategy cannot know {past[0].name!r} of the rows it goes on from:"
            " choose the strategy direct, or give it as a future covariate"
        )


def _divide(panel: Panel, config: ForecastConfig, season: int) -> tuple[Sizes, int, Split]:
    """Return the sizes, the networks and the split of a panel.

    Raises:
        DataError: if the rows are too few, with the number that would do.
    """
    rows, horizon = panel.last_tick, config.horizon
    learned = 1 if config.strategy == "recursive" else horizon
    enough = rows
    while True:
        sizes = resolve(config, rows=enough, season=season)
        # The longest reach that the rules could choose: what is needed must not depend on values.
        reach = sizes.context + (sizes.season if sizes.season > 1 else 0)
        # Among many series those too short for a whole window are learned from as they are.
        first = reach if panel.is_single else 1
        lengths = np.minimum(panel.known + enough - rows, sizes.known - panel.ticks)
        windows = int(np.maximum(0, lengths - reach - learned + 1).sum())
        members = ensemble_size(config, windows)
        blocks = validation_blocks(config, members)
        needed = rows_needed(horizon, first, sizes.test_size, sizes.validation_size, blocks)
        if config.train_size is not None:
            needed = max(needed, sizes.known + sizes.test_size)
        if enough >= needed:
            break
        enough = needed  # more rows may ask for larger parts, so the rules are asked again
    if enough > rows:
        raise DataError(
            f"the data have {rows} rows, but {enough} are needed: {first} before the first"
            f" forecast, {sizes.test_size} to test on and the others to train and validate on;"
            " give more rows, or a smaller horizon, context, season or test_size"
        )
    split = split_by_time(
        known=sizes.known,
        rows=sizes.known + sizes.test_size,
        horizon=learned,
        reach=reach,
        validation_size=sizes.validation_size,
        blocks=blocks,
        first=first,
    )
    for member in range(members):
        for part, origins in (
            ("train", split.train_origins(panel, member)),
            ("validate", split.validation_origins(panel, member)),
        ):
            if not len(origins):
                raise DataError(
                    f"no series of {panel.name} has the rows to {part} on: give more rows, or a"
                    " smaller horizon, context, season or test_size"
                )
    _check_test(panel, config, sizes, split)
    return sizes, members, split


def _check_test(panel: Panel, config: ForecastConfig, sizes: Sizes, split: Split) -> None:
    """Refuse a test part on which nothing could be scored, before anything is trained."""
    horizon, size = config.horizon, sizes.test_size
    if not size or len(replace(split, horizon=horizon).test_origins(panel, config.stride)):
        return
    if size < horizon:
        train = sizes.known - sizes.validation_size
        raise DataError(
            f"of the {panel.last_tick} rows {train} are to train on, {sizes.validation_size} to"
            f" validate on and {size} to test on, but a forecast of {horizon} rows needs as many to"
            " be scored on: give a smaller train_size or validation_size, or a smaller horizon"
        )
    raise DataError(
        f"no series of {panel.name} has a value to test on where forecasts of {horizon} rows begin"
        f" in the last {size} rows: give another stride or test_size, or test_size 0 for no test"
    )
