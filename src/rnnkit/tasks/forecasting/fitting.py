"""Train the networks of a plan, and weigh what they learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rnnkit.data.panel import FloatArray, IntArray
from rnnkit.data.rows import BoolArray
from rnnkit.data.split import Split
from rnnkit.data.windows import Inputs, Windows
from rnnkit.errors import DataError
from rnnkit.messages import Message
from rnnkit.models.forecaster import (
    ForecastNetwork,
    InputSizes,
    QuantileError,
    absolute_error,
    squared_error,
)
from rnnkit.models.linear_path import FittedPaths, LinearPath, fit_linear_path, lag_choices
from rnnkit.tasks.forecasting.config import (
    MANY,
    ForecastConfig,
    Sizes,
    batch_size,
    loss_name,
    patience,
)
from rnnkit.tasks.forecasting.intervals import Calibration, calibrate
from rnnkit.tasks.forecasting.pipeline import (
    Pipeline,
    input_sizes,
    network_outputs,
)
from rnnkit.tasks.forecasting.planning import Plan, plan_features, quantiles
from rnnkit.training import History, Progress, Trainer, TrainingConfig, threads_for
from rnnkit.training.epochs import Loss

MOST_WINDOWS = 40_000  # that a network learns from; of more, so many are drawn
WORTH = 0.98  # the linear path must take 2 % off the squared error to be used
_CHUNK = 4096
FARTHEST = 1e15  # of what networks learn; the sum of many squares stays finite in float32


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted pipeline and how it came about.

    Args:
        pipeline: what forecasts.
        sizes: the sizes chosen.
        split: ticks of the parts.
        windows: that the first network learned from.
        histories: of the training of each network.
        ridge: the linear path alone, the baseline that a network must beat; `None` where the data
            are too short for one.
        calibration: errors on rows left out, from which intervals are made; `None` for no
            intervals.
        season: how the season was found, where times did not tell it.
    """

    pipeline: Pipeline
    sizes: Sizes
    split: Split
    windows: int
    histories: tuple[History, ...]
    ridge: LinearPath | None
    calibration: Calibration | None
    season: Message | None


def fit_pipeline(
    plan: Plan,
    config: ForecastConfig,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Train the networks of a plan, and weigh their output.

    Each network stops by its validation block; together they forecast all blocks without having
    learned from them, and from these forecasts the weight of their output is estimated.

    Raises:
        TrainingError: if a training diverges.
    """
    split, members = plan.split, plan.members
    inputs = plan.bare.inputs(plan.panel)
    panel = inputs.rows.panel
    parts = [
        (split.train_origins(panel, member), split.validation_origins(panel, member))
        for member in range(members)
    ]
    paths = _linear_paths(inputs, parts[: len(split.blocks)], split.all_origins(panel), plan)
    used = _used(paths, config, windows=len(parts[0][0]))
    base = plan.bare
    if any(used):
        base = replace(base, features=plan_features(plan, used))
    parts = [(_sample(a, MOST_WINDOWS), _sample(b, MOST_WINDOWS // 4)) for a, b in parts]
    fitted, histories, unseen = [], [], []
    for member, (train, held) in enumerate(parts):
        path = None
        if paths is not None and any(used):
            path = paths.train[member % len(paths.train)].only(used)
        bare = replace(base, linear=path)
        inputs = bare.inputs(plan.panel)
        network = new_network(config, input_sizes(inputs), len(bare.targets), member)
        trainer = Trainer(
            _training(config, len(train), member, members),
            progress=progress,
            title=_title(member, members),
        )
        checkpoint = None if checkpoints is None else checkpoints / f"network-{member}.safetensors"
        with threads_for(network.operations(trainer.config.batch_size)):
            history = trainer.fit(
                network,
                _loss(config, int((panel.ticks < plan.split.known).sum())),
                _windows(bare, inputs, train),
                _windows(bare, inputs, held),
                checkpoint=checkpoint,
                resume=resume,
            )
        histories.append(history)
        fitted.append(replace(bare, networks=(network.eval(),)))
        targets, counts = _targets(bare, inputs, held)
        outputs = network_outputs(network, inputs, held)[..., len(bare.quantiles) // 2]
        unseen.append((np.where(counts, outputs, 0.0), np.where(counts, targets, 0.0)))
    weights = plan.bare.weights if config.intervals == "quantile" else output_weights(unseen)
    pipeline = replace(
        base,
        linear=None if paths is None or not any(used) else paths.final.only(used),
        networks=tuple(network for one in fitted for network in one.networks),
        weights=weights,
    )
    calibration = None
    if config.intervals != "none":
        calibration = calibrate(
            [replace(one, weights=weights) for one in fitted], plan.panel, split, config
        )
    return Fit(
        pipeline,
        plan.sizes,
        split,
        len(parts[0][0]),
        tuple(histories),
        None if paths is None else paths.final,
        calibration,
        plan.season,
    )


def output_weights(unseen: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Return by how much the networks' output should be trusted, `(K,)` in 0..1.

    The share that would have been best, in squared error, on rows that the networks have not
    learned from: `sum(output target) / sum(output^2)`, a least squares line through the origin. A
    network that has found only noise gets 0, and its pipeline forecasts as it would without it.

    Args:
        unseen: outputs and targets, each `(M, H, K)`, of each network on its validation block.
    """
    product = sum((outputs * targets).sum(axis=(0, 1)) for outputs, targets in unseen)
    square = sum((outputs**2).sum(axis=(0, 1)) for outputs, _ in unseen)
    safe = np.where(square > 0, square, 1.0)
    return np.asarray(np.clip(product / safe, 0.0, 1.0))


def new_network(
    config: ForecastConfig, inputs: InputSizes, targets: int, member: int
) -> ForecastNetwork:
    """Return an untrained network; its weights follow from the seed and the member's number."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_member_seed(config, member))
        return ForecastNetwork(
            cell=config.cell,
            inputs=inputs,
            horizon=1 if config.strategy == "recursive" else config.horizon,
            targets=targets,
            outputs=len(quantiles(config)),
            hidden_size=config.hidden_size,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
            recurrent_dropout=config.recurrent_dropout,
        )


def _sample(origins: IntArray, most: int) -> IntArray:
    """Return the origins, or `most` of them drawn at random: neighbours tell much the same.

    At random, since even distances might share a divisor with the season.
    """
    if len(origins) <= most:
        return origins
    drawn = np.random.default_rng(0).choice(len(origins), most, replace=False)
    return origins[np.sort(drawn)]


def _linear_paths(
    inputs: Inputs, folds: Sequence[tuple[IntArray, IntArray]], origins: IntArray, plan: Plan
) -> FittedPaths | None:
    season = plan.sizes.season
    wide = replace(inputs, reach=max(inputs.reach, 1 + max(lag_choices(season))))
    with threadpool_limits(1, user_api="blas"):  # on small matrices threads wait for each other
        return fit_linear_path(wide, folds, origins, season=season)


def _used(paths: FittedPaths | None, config: ForecastConfig, *, windows: int) -> list[bool]:
    """Return of which targets the network adds to the linear path.

    By rule of those that the path forecasts better by 2 % than zero outputs do, on the validation
    part, where there are enough windows to learn the path from.
    """
    if paths is None or config.linear is False or (config.linear is None and windows < MANY):
        return [False]
    if config.linear:
        return [True] * len(paths.errors)
    return [bool(e < WORTH * w) for e, w in zip(paths.errors, paths.without, strict=True)]


def _windows(bare: Pipeline, inputs: Inputs, origins: IntArray) -> Windows:
    return Windows(inputs, origins, *_targets(bare, inputs, origins))


def _targets(bare: Pipeline, inputs: Inputs, origins: IntArray) -> tuple[FloatArray, BoolArray]:
    """Return what a network learns at `origins`: what anchor and linear path leave.

    Raises:
        DataError: if it is too large for float32.
    """
    targets, counts = inputs.targets(origins)
    if bare.linear is not None:
        for start in range(0, len(origins), _CHUNK):
            part = slice(start, start + _CHUNK)
            at = origins[part]
            targets[part] -= bare.linear.outputs(inputs, at, inputs.z_past(at))
    sizes = np.abs(targets).max(axis=(0, 1), initial=0.0)
    if sizes.max() > FARTHEST:
        raise DataError(
            f"column {bare.targets[int(sizes.argmax())]!r} reaches {sizes.max():.0e} times what it"
            " varies by in the training part, and the squares of such values cannot be computed:"
            " leave out the rows that are so different"
        )
    return targets, counts


def _loss(config: ForecastConfig, series: int) -> Loss:
    if config.intervals == "quantile":
        return QuantileError(quantiles(config))
    return absolute_error if loss_name(config, series) == "absolute" else squared_error


def _training(config: ForecastConfig, windows: int, member: int, members: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=config.epochs,
        batch_size=batch_size(config, windows),
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        patience=patience(config, windows),
        clip_norm=config.clip_norm,
        time_limit=None if config.time_limit is None else config.time_limit / members,
        seed=_member_seed(config, member),
        device=config.device,
    )


def _title(member: int, members: int) -> str | Message:
    if members == 1:
        return ""
    return Message("network {number}/{count}", {"number": member + 1, "count": members})


def _member_seed(config: ForecastConfig, member: int) -> int:
    return config.seed * 10_000 + member
