"""What the network reads of a past: channels of the targets, fitted on the training part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rnnkit.data.choosing import Past, usable_scale
from rnnkit.data.covariates import Encoding
from rnnkit.data.panel import FloatArray
from rnnkit.data.scaling import Levels, SeriesTransform

_CYCLE = 0.15  # autocorrelation from which a cycle of several seasons is believed
_STABLE = 0.3  # a level that moved by fewer standard deviations between two halves is an input
ChannelKind = Literal["relative", "seasonal", "level", "observed"]


@dataclass(frozen=True)
class Channel:
    """One input of the network, derived from one target column.

    Args:
        column: number of the target column.
        kind: `relative`, `z - reference` with the mean of the last `m` known rows as reference (the
            last value for `m = 1`); `seasonal`, `z[t] - z[t-m]`; `level`, `z` itself; `observed`, 1
            where there was a value and 0 where it was missing and is carried forward.
        period: `m` above.
        center: subtracted.
        scale: divided by; never 0.
    """

    column: int
    kind: ChannelKind
    period: int
    center: float
    scale: float

    @property
    def reach(self) -> int:
        """Rows before a row that its value looks at."""
        return self.period if self.kind == "seasonal" else 0


@dataclass(frozen=True)
class Features:
    """What the network sees at a context's rows: channels, then covariates, then the calendar.

    Args:
        channels: the channels, fitted on the training part.
        context: rows of a context, `T`.
        encodings: of the covariates.
        calendar: whether the network reads the calendar.
    """

    channels: tuple[Channel, ...]
    context: int
    encodings: tuple[Encoding, ...] = ()
    calendar: bool = True

    @property
    def lag(self) -> int:
        """Rows before a context's first that a channel looks at."""
        return max(channel.reach for channel in self.channels)

    @property
    def reach(self) -> int:
        """Rows before an origin that a whole context looks at."""
        return self.context + self.lag

    @property
    def shortest(self) -> int:
        """Rows before an origin below which no context of a single row is left."""
        return 1 + self.lag

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {
            "context": self.context,
            "channels": [vars(channel) for channel in self.channels],
            "covariates": [encoding.to_json() for encoding in self.encodings],
            "calendar": self.calendar,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Features:
        """Return the features that `to_json` wrote."""
        channels = tuple(Channel(**channel) for channel in values["channels"])
        encodings = tuple(map(Encoding.from_json, values["covariates"]))
        return cls(channels, int(values["context"]), encodings, bool(values["calendar"]))

    def channel_values(self, past: FloatArray, observed: FloatArray) -> FloatArray:
        """Return the channels `(M, T, C)` of `past (M, P, K)` of z, with `P >= reach`.

        `observed (M, P, K)` is 1 where `past` was not carried forward.
        """
        T, P = self.context, past.shape[1]
        columns = []
        for channel in self.channels:
            source = observed if channel.kind == "observed" else past
            values = source[:, P - T :, channel.column]
            if channel.kind == "seasonal":
                ago = slice(P - T - channel.period, P - channel.period)
                values = values - past[:, ago, channel.column]
            elif channel.kind == "relative":
                reference = past[:, P - channel.period :, channel.column].mean(axis=1)
                values = values - reference[:, None]
            columns.append((values - channel.center) / channel.scale)
        return np.stack(columns, axis=-1)


def fit_features(
    pasts: Sequence[Past],
    transform: SeriesTransform,
    levels: Levels,
    *,
    context: int,
    encodings: tuple[Encoding, ...] = (),
    linear: Sequence[bool] = (),
) -> Features:
    """Choose and fit the network's inputs on the training parts, one a series.

    Each column gives its values relative to the end of the context; a column with seasonal
    differencing also its change over a season. Its level itself is an input only where it stays
    put: where the means of the two halves of the training part lie within 0.3 standard deviations,
    so that a level never seen in training is not to be expected. A column with a cycle of several
    seasons gives its change over that, too. A column with missing values says also where they are.

    Of a column that has a linear path beneath the network (`linear`) the network reads no level and
    no calendar, and in a single series no season either: they are the path's, and what a network
    learned from them beside it did not last. Many series are windows enough to learn a season from.
    """
    channels: list[Channel] = []
    single = len(pasts) == 1
    for k, column in enumerate(transform.columns):
        zs = [_column(transform, past, levels, s, k) for s, past in enumerate(pasts)]
        pooled = np.concatenate(zs)
        spread = usable_scale(float(pooled.std()), pooled)
        moves = [_move(z) for z in zs if len(z) >= 2 and z.std() > 0]
        stable = not moves or float(np.mean(moves)) < _STABLE
        seasonal = column.differencing.startswith("seasonal")
        above = bool(linear) and linear[k]
        if not above and (column.differencing == "none" or stable):
            channels.append(Channel(k, "level", 1, float(pooled.mean()), spread))
        if above or column.differencing != "none":
            m = column.season if seasonal and not (above and single) else 1
            relative = usable_scale(_relative_spread(zs, m, context), pooled)
            channels.append(Channel(k, "relative", m, 0.0, relative))
        cycle = find_cycle(zs, column.season) if seasonal else 0
        for m in (0 if above and single else column.season, cycle) if seasonal else ():
            if m:
                change = np.concatenate([z[m:] - z[:-m] for z in zs])
                spread = usable_scale(float(change.std()) if change.size else 0.0, pooled)
                mean = float(change.mean()) if change.size else 0.0
                channels.append(Channel(k, "seasonal", m, mean, spread))
        if not all(past.observed[:, k].all() for past in pasts):
            channels.append(Channel(k, "observed", 1, 0.0, 1.0))
    return Features(tuple(channels), context, encodings, not linear or not all(linear))


def find_cycle(zs: Sequence[FloatArray], season: int) -> int:
    """Return the rows of a cycle of several seasons, such as a week of days; 0 for none.

    The multiple of the season, 2 to 14 times, after which the change over a season repeats itself
    best: with an autocorrelation of more than 0.15 in the mean of the series that hold the cycle
    four times, and of more than what the largest of 13 is by chance.
    """
    best, cycle = 0.0, 0
    for times in range(2, 15):
        m = times * season
        found: list[float] = []
        rows = 0
        for z in zs:
            if len(z) < 4 * m:
                continue
            rows += len(z) - season
            change = z[season:] - z[:-season]
            change = change - change.mean()
            power = float(change @ change)
            if power > 0:
                found.append(float(change[m:] @ change[:-m]) / power)
        if found and np.mean(found) > max(best, _CYCLE, 3.5 / np.sqrt(rows)):
            best, cycle = float(np.mean(found)), m
    return cycle


def _column(
    transform: SeriesTransform, past: Past, levels: Levels, series: int, column: int
) -> FloatArray:
    one = levels.of(np.array([series]))
    return np.asarray(transform.forward(past.values[None], one)[0, :, column])


def _move(z: FloatArray) -> float:
    """Return by how many standard deviations the mean of the second half differs."""
    half = len(z) // 2
    return float(abs(z[:half].mean() - z[half:].mean()) / usable_scale(float(z.std()), z))


def _relative_spread(zs: Sequence[FloatArray], period: int, context: int) -> float:
    """Return the root mean square of `z - reference` over the rows of all whole contexts."""
    squares = np.zeros(context)
    count = 0
    for z in zs:
        origins = np.arange(max(context, period), len(z) + 1)
        if not len(origins):
            continue
        reference = sliding_window_view(z, period).mean(axis=1)[origins - period]
        squares += [np.sum((z[origins - back] - reference) ** 2) for back in range(1, context + 1)]
        count += len(origins)
    if count:
        return float(np.sqrt(np.mean(squares / count)))
    longest = max(zs, key=len)
    return float(np.sqrt(np.mean((longest - longest[-min(period, len(longest)) :].mean()) ** 2)))
