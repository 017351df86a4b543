"""From values to forecasts: transform, windows, linear path and networks together, fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from rnnkit.data.choosing import Past, fit_levels
from rnnkit.data.covariates import encode
from rnnkit.data.features import Features
from rnnkit.data.panel import FloatArray, IntArray, Panel
from rnnkit.data.rows import Rows, prepare_rows
from rnnkit.data.scaling import Levels, SeriesTransform
from rnnkit.data.windows import ForecastBatch, Inputs, make_batch
from rnnkit.errors import DataError
from rnnkit.models.forecaster import ForecastNetwork, InputSizes
from rnnkit.models.linear_path import LinearPath
from rnnkit.training import threads_for

_CHUNK = 1024  # forecasts made at once


@dataclass(frozen=True, eq=False)
class Pipeline:
    """All that is needed to forecast.

    Args:
        horizon: rows that a forecast covers, `H`; a transform of fewer is applied again and again.
        targets: names of the columns, `K`.
        ids: names of the series that were fitted, in the order of `levels`.
        transform: log, differencing and scaling.
        levels: of the fitted series.
        typical: `(K,)` share of its size by which a series too short to measure errs.
        features: what the networks see.
        linear: the autoregression that the networks add to; `None` for none.
        networks: the ensemble, whose outputs are averaged.
        weights: `(K,)` what the average is multiplied by, from 0 to 1: see `output_weights`.
        quantiles: `Q` shares that the networks' outputs stand for; `(0.5,)` for one output.
        device: where the networks are.
    """

    horizon: int
    targets: tuple[str, ...]
    ids: tuple[str, ...]
    transform: SeriesTransform
    levels: Levels
    typical: FloatArray
    features: Features
    linear: LinearPath | None
    networks: tuple[ForecastNetwork, ...]
    weights: FloatArray
    quantiles: tuple[float, ...]
    device: str

    @property
    def reach(self) -> int:
        """Rows before an origin that a forecast looks at, if there are so many."""
        linear = 0 if self.linear is None else self.linear.reach
        return max(self.transform.reach, self.features.reach, linear)

    @property
    def shortest(self) -> int:
        """Rows of a single series below which there is no forecast."""
        return max(self.transform.reach, self.features.shortest)

    @property
    def parameters(self) -> int:
        """Trained numbers in all networks together."""
        return sum(p.numel() for network in self.networks for p in network.parameters())

    def inputs(self, panel: Panel, before: int | None = None) -> Inputs:
        """Return what windows of `panel` are built from.

        Args:
            panel: of the form that was fitted. A series that was not takes its levels from its own
                rows.
            before: the tick from which rows tell nothing of the levels; `None` for none.
        """
        rows = prepare_rows(panel, self.horizon)
        levels = self._levels(rows, panel.last_tick if before is None else before)
        covariates = encode(rows, self.features.encodings)
        return Inputs(rows, covariates, self.transform, levels, self.features, self.reach)

    def forecast(self, inputs: Inputs, origins: IntArray) -> FloatArray:
        """Return forecasts `(Q, M, H, K)`, in the data's units, of the rows from `origins` on.

        Raises:
            DataError: if a forecast is not finite.
        """
        parts = [self._forecast(inputs, origins[chunk]) for chunk in _chunks(len(origins))]
        forecast = np.concatenate(parts, axis=1)
        if not np.isfinite(forecast).all():
            raise DataError(
                f"the forecast of {', '.join(self.targets)} is not finite: the values lie too far"
                " from those that the networks were trained on"
            )
        return np.sort(forecast, axis=0)  # quantiles learned apart may cross

    def point(self, forecast: FloatArray) -> FloatArray:
        """Return the point forecasts `(M, H, K)` among `forecast (Q, M, H, K)`: the median."""
        return np.asarray(forecast[len(self.quantiles) // 2])

    def _forecast(self, inputs: Inputs, origins: IntArray) -> FloatArray:
        levels = inputs.levels_at(origins)
        past, observed = inputs.past(origins)
        steps = self.transform.horizon
        parts = []
        with np.errstate(over="ignore", invalid="ignore"):  # looked for by the caller
            for done in range(0, self.horizon, steps):
                z = self.transform.forward(past, levels)
                at = origins + done
                outputs = self.outputs(
                    inputs, at, z, make_batch(inputs, at, z=z, observed=observed)
                )
                values = self.transform.invert(z, outputs, levels)
                parts.append(values)
                middle = self.point(values)
                past = np.concatenate([past[:, steps:], middle], axis=1)[:, -self.reach :]
                seen = np.ones(middle.shape, dtype=bool)
                observed = np.concatenate([observed[:, steps:], seen], axis=1)[:, -self.reach :]
        return np.concatenate(parts, axis=2)[:, :, : self.horizon]

    def outputs(
        self, inputs: Inputs, origins: IntArray, z: FloatArray, batch: ForecastBatch
    ) -> FloatArray:
        """Return `(Q, M, h, K)`: linear path and weighted networks, in the transform's units."""
        total: FloatArray = np.zeros(())
        if self.networks:
            mean = np.mean([_outputs(n, batch, self.device) for n in self.networks], axis=0)
            total = np.moveaxis(mean, -1, 0) * self.weights
        if self.linear is not None:
            total = total + self.linear.outputs(inputs, origins, z)
        shape = (len(self.quantiles), len(origins), self.transform.horizon, len(self.targets))
        return np.broadcast_to(total, shape)

    def _levels(self, rows: Rows, before: int) -> Levels:
        known = {name: s for s, name in enumerate(self.ids)}
        ids = rows.panel.ids
        if list(ids) == list(self.ids):
            return self.levels
        new = [s for s, name in enumerate(ids) if name not in known]
        pasts = [past_of(rows, s, before) for s in new]
        fresh = None
        if new:
            fresh, _ = fit_levels(self.transform, pasts, single=False, typical=self.typical)
        places = {s: number for number, s in enumerate(new)}

        def join(name: str) -> FloatArray:
            fitted, added = getattr(self.levels, name), getattr(fresh, name, None)
            return np.stack(
                [
                    fitted[known[identity]]
                    if added is None or s not in places
                    else added[places[s]]
                    for s, identity in enumerate(ids)
                ]
            )

        return Levels(join("loc"), join("scale"), join("floor"))


def past_of(rows: Rows, series: int, *borders: int) -> Past:
    """Return the rows of a series before the first tick of `borders` that has any before it.

    Of a series that begins after all of them, all known rows.
    """
    panel = rows.panel
    known, tick = int(panel.known[series]), int(panel.ticks[series])
    counts = [min(known, border - tick) for border in borders]
    count = next((count for count in counts if count > 0), known)
    part = slice(int(panel.starts[series]), int(panel.starts[series]) + count)
    return Past(rows.values[part], rows.observed[part])


def input_sizes(inputs: Inputs) -> InputSizes:
    """Return what a network of these inputs reads."""
    features = inputs.features
    calendar = inputs.rows.calendar.shape[1]
    numbers = [e for e in features.encodings if e.labels is None]
    labels = [e for e in features.encodings if e.labels is not None]
    ahead = any(e.role == "future" for e in features.encodings)
    return InputSizes(
        numbers=len(features.channels) + len(numbers) + calendar * features.calendar,
        labels=tuple((len(e.labels or ()) + 1, e.width) for e in labels),
        future_numbers=sum(e.role == "future" for e in numbers) + calendar if ahead else 0,
        future_labels=tuple(
            (len(e.labels or ()) + 1, e.width) for e in labels if e.role == "future"
        ),
    )


def network_outputs(network: ForecastNetwork, inputs: Inputs, origins: IntArray) -> FloatArray:
    """Return a network's outputs `(M, h, K, Q)` at `origins`, on the device where it is."""
    device = str(next(network.parameters()).device)
    parts = [
        _outputs(network, make_batch(inputs, origins[chunk]), device)
        for chunk in _chunks(len(origins))
    ]
    return np.concatenate(parts)


def _outputs(network: ForecastNetwork, batch: ForecastBatch, device: str) -> FloatArray:
    with torch.inference_mode(), threads_for(network.operations(len(batch))):
        return np.asarray(network(batch.to(device)).cpu().double().numpy())


def _chunks(count: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]
