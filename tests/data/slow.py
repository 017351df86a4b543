"""What windows hold, cell by cell: the truth that `rnnkit.data.windows` must match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnkit.data.covariates import Encoding
from rnnkit.data.features import Channel
from rnnkit.data.panel import MISSING, FloatArray
from rnnkit.data.windows import Inputs


@dataclass(frozen=True)
class SlowWindow:
    """One window: an origin `at`, counted from the first row of its series."""

    inputs: Inputs
    series: int
    at: int

    @classmethod
    def of(cls, inputs: Inputs, origin: int) -> SlowWindow:
        """Return the window at a row of the panel."""
        starts = inputs.rows.panel.starts.tolist()
        (series,) = [s for s in range(len(starts) - 1) if starts[s] <= origin < starts[s + 1]]
        return cls(inputs, series, origin - starts[series])

    @property
    def start(self) -> int:
        return int(self.inputs.rows.panel.starts[self.series])

    def last_number(self, column: FloatArray, row: int) -> float:
        """The number at a row of the series, or the last one before it."""
        for back in range(max(row, 0), -1, -1):
            if not np.isnan(column[self.start + back]):
                return float(column[self.start + back])
        return float("nan")

    def z(self, row: int, k: int) -> float:
        """The transformed target at a row; rows before the first are like the first."""
        value = self.last_number(self.inputs.rows.panel.values[:, k], row)
        levels, s = self.inputs.levels, self.series
        if self.inputs.transform.columns[k].log:
            floor = levels.floor[s, k]
            value = np.log(value) if value > floor else np.log(floor) + max(value, 0) / floor - 1
        return float((value - levels.loc[s, k]) / levels.scale[s, k])

    def observed(self, row: int, k: int) -> bool:
        return row >= 0 and not np.isnan(self.inputs.rows.panel.values[self.start + row, k])

    def channel(self, channel: Channel, row: int) -> float:
        k, m = channel.column, channel.period
        if channel.kind == "observed":
            value = float(self.observed(row, k))
        elif channel.kind == "level":
            value = self.z(row, k)
        elif channel.kind == "seasonal":
            value = self.z(row, k) - self.z(row - m, k)
        else:
            value = self.z(row, k) - float(
                np.mean([self.z(self.at - back, k) for back in range(1, m + 1)])
            )
        return (value - channel.center) / channel.scale

    def number(self, encoding: Encoding, row: int) -> float:
        """A covariate of numbers at a row, encoded."""
        names = [c.name for c in self.inputs.rows.panel.covariates if c.labels is None]
        column = self.inputs.rows.panel.numbers[:, names.index(encoding.name)]
        value = (self.last_number(column, row) - encoding.center) / encoding.scale
        return 0.0 if np.isnan(value) else value

    def code(self, encoding: Encoding, row: int) -> int:
        """A covariate of labels at a row, encoded."""
        panel = self.inputs.rows.panel
        named = [c for c in panel.covariates if c.labels is not None]
        (q,) = [q for q, covariate in enumerate(named) if covariate.name == encoding.name]
        code = panel.codes[self.start + max(row, 0), q]
        if code == MISSING:
            return 0
        label = (named[q].labels or ())[code]
        seen = encoding.labels or ()
        return seen.index(label) + 1 if label in seen else 0

    def row(self, row: int) -> list[float]:
        """What the network reads at a row: channels, covariates of numbers, calendar."""
        features = self.inputs.features
        return [
            *(self.channel(channel, row) for channel in features.channels),
            *(self.number(e, row) for e in features.encodings if e.labels is None),
            *self.inputs.rows.calendar[self.start + max(row, 0)].tolist(),
        ]

    def codes(self, row: int) -> list[int]:
        encodings = self.inputs.features.encodings
        return [self.code(encoding, row) for encoding in encodings if encoding.labels is not None]

    @property
    def length(self) -> int:
        """Rows of the context of which every channel lies in the series, at least 1."""
        features = self.inputs.features
        whole = [t for t in self.context_rows() if t - features.lag >= 0]
        return max(1, len(whole))

    def context_rows(self) -> range:
        return range(self.at - self.inputs.features.context, self.at)

    def future(self, step: int) -> list[float]:
        """The numbers known beforehand of a row to be forecast: future covariates, calendar."""
        row = self.at + step
        ahead = [e for e in self.inputs.features.encodings if e.role == "future"]
        return [
            *(self.number(encoding, row) for encoding in ahead if encoding.labels is None),
            *self.inputs.rows.calendar[self.start + row].tolist(),
        ]

    def future_codes(self, step: int) -> list[int]:
        ahead = [e for e in self.inputs.features.encodings if e.role == "future"]
        return [self.code(e, self.at + step) for e in ahead if e.labels is not None]

    def anchor(self, step: int, k: int) -> float:
        """The table of `rnnkit.data.scaling`."""
        column = self.inputs.transform.columns[k]
        m, o = column.season, self.at
        kind = column.differencing
        if kind == "none":
            return 0.0
        if kind == "difference":
            return self.z(o - 1, k)
        last_season = self.z(o - m + step % m, k)
        if kind == "seasonal":
            return last_season
        return last_season + (step // m + 1) * (self.z(o - 1, k) - self.z(o - 1 - m, k))

    def target(self, step: int, k: int) -> float:
        column = self.inputs.transform.columns[k]
        left = self.z(self.at + step, k) - self.anchor(step, k) - column.center[step]
        return float(left / column.scale)
