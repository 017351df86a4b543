"""From values to forecasts: transform, windows and networks together, fitted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rnnkit.data.calendar import Step, calendar_features
from rnnkit.data.readers import Series
from rnnkit.data.scaling import FloatArray, IntArray, SeriesTransform, fit_transform
from rnnkit.data.windows import Features, Split, Windows, fit_features, split_by_time
from rnnkit.models.forecaster import ForecastNetwork, squared_error
from rnnkit.tasks.forecasting.config import (
    ForecastConfig,
    Sizes,
    batch_size,
    ensemble_size,
    resolve,
)
from rnnkit.training import History, Progress, Trainer, TrainingConfig

_PREDICTION_BATCH = 1024


@dataclass(frozen=True)
class Pipeline:
    """All that is needed to forecast.

    Args:
        targets: names of the columns, `K`.
        step: the distance between rows.
        transform: log, differencing and scaling.
        features: what the networks see.
        networks: the ensemble.
        device: where the networks are.
    """

    targets: tuple[str, ...]
    step: Step
    transform: SeriesTransform
    features: Features
    networks: tuple[ForecastNetwork, ...]
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
    def parameters(self) -> int:
        """Trained numbers in all networks together."""
        return sum(p.numel() for network in self.networks for p in network.parameters())

    def windows(
        self, times: NDArray[np.datetime64], z: FloatArray, origins: IntArray, *, targets: bool
    ) -> Windows:
        """Return the windows of `z (N, K)` at `origins`, with targets where these are known."""
        calendar, _ = calendar_features(times, self.step)
        return Windows(z, calendar, self.features, origins, self.transform if targets else None)

    def forecast(
        self, times: NDArray[np.datetime64], values: FloatArray, origins: IntArray
    ) -> FloatArray:
        """Return forecasts `(M, H, K)`, in the data's units, of the rows from `origins` on."""
        z = self.transform.forward(values, self.targets)
        windows = self.windows(times, z, origins, targets=False)
        outputs = np.zeros((len(origins), self.horizon, len(self.targets)))
        for index in torch.arange(len(origins)).split(_PREDICTION_BATCH):
            batch = windows.batch(index).to(self.device)
            with torch.inference_mode():
                for network in self.networks:
                    outputs[index.numpy()] += network(batch).cpu().numpy()
        return self.transform.invert(z, origins, outputs / len(self.networks))

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


def fit_pipeline(
    series: Series,
    config: ForecastConfig,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Choose the transform on the training part, and train the networks with early stopping.

    Raises:
        DataError: if there are too few rows.
        TrainingError: if a training diverges.
    """
    rows, K = series.values.shape
    sizes = resolve(config, rows=rows, season=series.step.season)
    season = sizes.season
    # The longest reach that the rules could choose: what is needed must not depend on values.
    reach = sizes.context + (season if season > 1 else 1)
    split = split_by_time(
        rows,
        horizon=config.horizon,
        test_size=sizes.test_size,
        validation_size=sizes.validation_size,
        reach=reach,
    )
    transform = fit_transform(
        series.values[: split.train],
        season=season,
        horizon=config.horizon,
        log=config.log,
        differencing=config.differencing,
    )
    known = series.values[: split.validation]
    z = transform.forward(known, series.targets)
    features = fit_features(z[: split.train], transform, context=sizes.context)
    bare = Pipeline(series.targets, series.step, transform, features, (), config.device)
    times = series.times[: split.validation]
    train, validation = (
        bare.windows(times, z, split.origins(part, config.horizon, bare.reach), targets=True)
        for part in ("train", "validation")
    )
    inputs = train.batch(torch.arange(1)).values.shape[-1]
    networks, histories = [], []
    members = ensemble_size(config, len(train))
    for member in range(members):
        network = new_network(config, inputs, K, member)
        trainer = Trainer(
            _training(config, len(train), member),
            progress=progress,
            title=f"network {member + 1}/{members}" if members > 1 else "",
        )
        checkpoint = None if checkpoints is None else checkpoints / f"network-{member}.safetensors"
        histories.append(
            trainer.fit(
                network, squared_error, train, validation, checkpoint=checkpoint, resume=resume
            )
        )
        networks.append(network.eval())
    pipeline = Pipeline(
        series.targets, series.step, transform, features, tuple(networks), config.device
    )
    return Fit(pipeline, sizes, split, tuple(histories))


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


def _training(config: ForecastConfig, windows: int, member: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=config.epochs,
        batch_size=batch_size(config, windows),
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        schedule=config.schedule,
        patience=config.patience,
        clip_norm=config.clip_norm,
        time_limit=config.time_limit,
        seed=_member_seed(config, member),
        device=config.device,
    )


def _member_seed(config: ForecastConfig, member: int) -> int:
    return config.seed * 10_000 + member
