"""From values to forecasts: transform, windows and networks together, fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, calendar_features
from rnnkit.data.readers import Series
from rnnkit.data.scaling import FloatArray, IntArray, SeriesTransform, fit_transform
from rnnkit.data.split import Split, rows_needed, split_by_time
from rnnkit.data.windows import Features, Windows, fit_features
from rnnkit.errors import DataError
from rnnkit.models.forecaster import ForecastNetwork, squared_error
from rnnkit.tasks.forecasting.config import (
    ForecastConfig,
    Sizes,
    batch_size,
    ensemble_size,
    resolve,
    validation_blocks,
)
from rnnkit.training import History, Progress, Trainer, TrainingConfig, find_device, threads_for

LARGEST = 1e100  # of the values; squares and sums of squares stay finite
_PREDICTION_BATCH = 1024


@dataclass(frozen=True)
class Pipeline:
    """All that is needed to forecast.

    Args:
        targets: names of the columns, `K`.
        step: the distance between rows.
        transform: log, differencing and scaling.
        features: what the networks see.
        networks: the ensemble, whose outputs are averaged.
        weights: `(K,)` what the average is multiplied by, from 0 to 1: see `output_weights`.
        device: where the networks are.
    """

    targets: tuple[str, ...]
    step: Step
    transform: SeriesTransform
    features: Features
    networks: tuple[ForecastNetwork, ...]
    weights: FloatArray
    device: str

    @property
    def horizon(self) -> int:
        """Rows that a forecast covers."""
        return self.transform.horizon

    @property
    def reach(self) -> int:
        """Rows before an origin for a whole context."""
        return max(self.transform.reach, self.features.reach)

    @property
    def shortest(self) -> int:
        """Rows before an origin below which there is no forecast."""
        return max(self.transform.reach, self.features.shortest)

    @property
    def inputs(self) -> int:
        """Features of a row that the networks see."""
        return self.networks[0].encoder.input_size

    @property
    def parameters(self) -> int:
        """Trained numbers in all networks together."""
        return sum(p.numel() for network in self.networks for p in network.parameters())

    def windows(
        self,
        times: NDArray[np.datetime64],
        z: FloatArray,
        origins: IntArray,
        targets: FloatArray | None = None,
    ) -> Windows:
        """Return the windows of `z (N, K)` at `origins`, with `targets (M, H, K)` if given."""
        calendar, _ = calendar_features(times, self.step)
        return Windows(z, calendar, self.features, origins, targets)

    def forecast(
        self, times: NDArray[np.datetime64], values: FloatArray, origins: IntArray
    ) -> FloatArray:
        """Return forecasts `(M, H, K)`, in the data's units, of the rows from `origins` on."""
        z = self.transform.forward(values, self.targets)
        windows = self.windows(times, z, origins)
        total = sum(_outputs(network, windows, self.device) for network in self.networks)
        with np.errstate(over="ignore"):  # looked for in the next line
            forecast = self.transform.invert(z, origins, total / len(self.networks) * self.weights)
        if not np.isfinite(forecast).all():
            raise DataError(
                f"the forecast of {', '.join(self.targets)} is not finite: the values lie too far"
                " from those that the networks were trained on"
            )
        return forecast

    def without_network(self, values: FloatArray, origins: IntArray) -> FloatArray:
        """Return what `forecast` gives when the networks' outputs are zero."""
        z = self.transform.forward(values, self.targets)
        zeros = np.zeros((len(origins), self.horizon, len(self.targets)))
        return self.transform.invert(z, origins, zeros)


@dataclass(frozen=True)
class Fit:
    """A fitted pipeline and how it came about.

    Args:
        pipeline: what forecasts.
        sizes: the sizes chosen.
        split: rows of the parts.
        histories: of the training of each network.
    """

    pipeline: Pipeline
    sizes: Sizes
    split: Split
    histories: tuple[History, ...]


@dataclass(frozen=True)
class Plan:
    """All choices of a fit, made and checked before anything is trained.

    Args:
        series: the data.
        sizes: the sizes chosen.
        members: networks to train.
        split: rows of the parts.
        bare: the pipeline, without networks.
    """

    series: Series
    sizes: Sizes
    members: int
    split: Split
    bare: Pipeline


def plan_fit(series: Series, config: ForecastConfig) -> Plan:
    """Split the rows, and choose transform and inputs on the training part.

    Raises:
        ConfigError: if an option is impossible for the data or the machine.
        DataError: if there are too few rows, or a value that the transform cannot take.
    """
    find_device(config.device)
    rows, K = series.values.shape
    for name, largest in zip(series.targets, np.abs(series.values).max(axis=0), strict=True):
        if largest != 0 and not 1 / LARGEST <= largest <= LARGEST:
            raise DataError(
                f"column {name!r} reaches {largest:.3g}, and the squares of such values cannot be"
                f" computed: give it in a unit in which it reaches {1 / LARGEST:g} to {LARGEST:g}"
            )
    sizes, members, split = _divide(config, rows, series.step.season)
    transform = fit_transform(
        series.values[: split.trained],
        season=sizes.season,
        horizon=config.horizon,
        log=config.log,
        differencing=config.differencing,
    )
    # All rows: what could not be scored after an hour of training is refused before it.
    z = transform.forward(series.values, series.targets)
    features = fit_features(z[: split.trained], transform, context=sizes.context)
    bare = Pipeline(series.targets, series.step, transform, features, (), np.ones(K), config.device)
    return Plan(series, sizes, members, split, bare)


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
    split, bare, members = plan.split, plan.bare, plan.members
    times = plan.series.times[: split.known]
    z = bare.transform.forward(plan.series.values[: split.known], bare.targets)
    networks, histories, unseen = [], [], []
    for member in range(members):
        train, validation = (
            bare.windows(times, z, at, bare.transform.targets(z, at))
            for at in (split.train_origins(member), split.validation_origins(member))
        )
        inputs = train.batch(torch.arange(1)).values.shape[-1]
        network = new_network(config, inputs, len(bare.targets), member)
        trainer = Trainer(
            _training(config, len(train), member, members),
            progress=progress,
            title=f"network {member + 1}/{members}" if members > 1 else "",
        )
        checkpoint = None if checkpoints is None else checkpoints / f"network-{member}.safetensors"
        with threads_for(network.operations(trainer.config.batch_size)):
            history = trainer.fit(
                network, squared_error, train, validation, checkpoint=checkpoint, resume=resume
            )
        histories.append(history)
        networks.append(network.eval())
        at = split.validation_origins(member)
        unseen.append((_outputs(network, validation, config.device), bare.transform.targets(z, at)))
    pipeline = replace(bare, networks=tuple(networks), weights=output_weights(unseen))
    return Fit(pipeline, plan.sizes, split, tuple(histories))


def _divide(config: ForecastConfig, rows: int, season: int) -> tuple[Sizes, int, Split]:
    """Return the sizes, the networks and the split of so many rows.

    Raises:
        DataError: if they are too few, with the number that would do.
    """
    horizon, enough = config.horizon, rows
    while True:
        sizes = resolve(config, rows=enough, season=season)
        # The longest reach that the rules could choose: what is needed must not depend on values.
        reach = sizes.context + (sizes.season if sizes.season > 1 else 0)
        members = ensemble_size(config, enough - sizes.test_size - reach - horizon + 1)
        blocks = validation_blocks(config, members)
        needed = rows_needed(horizon, reach, sizes.test_size, sizes.validation_size, blocks)
        if enough >= needed:
            break
        enough = needed  # more rows may ask for larger parts, so the rules are asked again
    if enough > rows:
        raise DataError(
            f"the data have {rows} rows, but {enough} are needed: {reach} before the first"
            f" forecast, {sizes.test_size} to test on and the others to train and validate on;"
            " give more rows, or a smaller horizon, context, season or test_size"
        )
    split = split_by_time(
        rows,
        horizon=horizon,
        reach=reach,
        test_size=sizes.test_size,
        validation_size=sizes.validation_size,
        blocks=blocks,
    )
    return sizes, members, split


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


def _outputs(network: ForecastNetwork, windows: Windows, device: str) -> FloatArray:
    """Return the network's outputs `(M, H, K)` for all windows."""
    parts = []
    operations = network.operations(min(len(windows), _PREDICTION_BATCH))
    with torch.inference_mode(), threads_for(operations):
        for index in torch.split(torch.arange(len(windows)), _PREDICTION_BATCH):
            parts.append(network(windows.batch(index).to(device)).cpu().double())
    return np.asarray(torch.cat(parts).numpy())


def new_network(config: ForecastConfig, inputs: int, targets: int, member: int) -> ForecastNetwork:
    """Return an untrained network; its weights follow from the seed and the member's number."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_member_seed(config, member))
        return ForecastNetwork(
            cell=config.cell,
            input_size=inputs,
            horizon=config.horizon,
            targets=targets,
            hidden_size=config.hidden_size,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
            recurrent_dropout=config.recurrent_dropout,
        )


def _training(config: ForecastConfig, windows: int, member: int, members: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=config.epochs,
        batch_size=batch_size(config, windows),
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        patience=config.patience,
        clip_norm=config.clip_norm,
        time_limit=None if config.time_limit is None else config.time_limit / members,
        seed=_member_seed(config, member),
        device=config.device,
    )


def _member_seed(config: ForecastConfig, member: int) -> int:
    return config.seed * 10_000 + member
