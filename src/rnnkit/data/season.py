"""The season of series without times, found from the values alone.

A season is a pattern that repeats after the same number of rows, so in the spectrum it is a line at
a frequency of `1/m` cycles a row and at its multiples, the harmonics. An irregular cycle, such as
that of the sunspots or of an autoregression, is a hump instead, and a random walk a slope. A line
is told from both by the power beside it: under the hypothesis of no season, a harmonic and the
frequencies around it have equal power, whatever the colour of the noise (the F test for a line,
Thomson 1982, "Spectrum estimation and harmonic analysis", section XIII, here on the averaged
periodogram of all series).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnkit.messages import Message

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SERIES = 64
_VALUES = 1 << 16
_FEWEST = 8  # values of a series, below which it says nothing
_WALK = 0.9  # an autocorrelation above it is taken for a random walk's
_CLIP = 5.0  # times the mean size of a change: single shocks should not hide a season
_WIDTH = 8  # frequencies to each side of a harmonic that tell the power of the noise
_NEAR = 2  # those nearest to it, into which the line of an irregular cycle is smeared
# Scores are standard normal where there is no season. A season is believed from the first on; one
# that is a multiple of a season already found, and that its harmonics are lines, from the second.
_SURE = 4.7
_PLAUSIBLE = 3.5
_GAIN = 0.12  # what a row more in the season must explain, relative to a row of the shorter season


@dataclass(frozen=True, eq=False)
class _Lines:
    """The harmonics of a season of `m` rows.

    Args:
        scores: `(m // 2,)` of each harmonic, standard normal where there is no season.
        share: of the variance explained by the harmonics that stand out, the mean of all series in
            square roots, so that a few strong series do not outvote the others.
    """

    scores: FloatArray
    share: float


def find_season(series: Sequence[FloatArray], *, longest: int) -> tuple[int, Message]:
    """Return the rows of the season that series share, and why it is that.

    Of several seasons, such as 24 and 168 hours, the shorter is taken unless each row more of the
    longer explains at least 12 % of what a row of the shorter does. Three repetitions are needed;
    fewer than five or six must be clear to be believed. An irregular cycle that keeps its pace over
    most of the rows cannot be told from a season.

    At most 64 series are looked at, spread evenly over those given, and 65,536 values in all: the
    last rows of each, as many as the length that keeps most values; shorter series are left out.
    That takes about a millisecond for each number of rows up to `longest`.

    Args:
        series: `(N,)` float64 each, oldest first, NaN where a value is missing.
        longest: rows of the longest season to look for.

    Returns:
        The rows of a season, 1 where there is none; the reason.

    Example:
        >>> week = np.array([5.0, 3.0, 2.0, 2.0, 4.0, 9.0, 8.0])
        >>> noise = np.random.default_rng(0).normal(size=70)
        >>> rows, why = find_season([np.tile(week, 10) + noise], longest=30)
        >>> rows, str(why)
        (7, 'season of 7 rows: the values repeat after 7 rows (autocorrelation 0.88)')
    """
    values = _sample(series)
    changes = [whitened for x in values if (whitened := _whiten(x)) is not None]
    if not changes:
        return 1, Message("no season: there are too few values, or they do not change")
    spectra = _Spectra(np.stack(changes))
    longest = min(longest, spectra.changes.shape[1] // 3)
    if longest < 2:
        return 1, Message("no season: there are too few rows to see one repeat three times")
    season = 1
    for rows in range(2, longest + 1):
        is_multiple = season > 1 and rows % season == 0
        if spectra.extends(rows, season, _PLAUSIBLE if is_multiple else _SURE):
            season = spectra.reduced(rows)
    if season == 1:
        return 1, Message(
            "no season: no number of rows up to {longest:,} after which the values repeat",
            {"longest": longest},
        )
    return season, Message(
        "season of {rows:,} rows: the values repeat after {rows:,} rows (autocorrelation"
        " {correlation:.2f})",
        {"rows": season, "correlation": _autocorrelation(values, season)},
    )


class _Spectra:
    """The periodograms of all series; keeps the lines of seasons once looked at."""

    def __init__(self, changes: FloatArray) -> None:
        self.changes = changes  # (S, N), of variance 1
        self._lines: dict[int, _Lines] = {}

    def lines(self, rows: int) -> _Lines:
        """Return the harmonics of a season."""
        if rows not in self._lines:
            self._lines[rows] = _find_lines(self.changes, rows)
        return self._lines[rows]

    def extends(self, rows: int, season: int, sure: float) -> bool:
        """Tell whether a season of `rows` is one, and explains more than a shorter one."""
        lines = self.lines(rows)
        own = np.arange(1, len(lines.scores) + 1) * season % rows != 0
        if _joint_score(lines.scores[own]) < sure:
            return False
        if season == 1:
            return True
        known = self.lines(season).share
        return (lines.share - known) / (rows - season) >= _GAIN * known / (season - 1)

    def reduced(self, season: int) -> int:
        """Return the shortest part of a season that explains it as well."""
        for rows in range(2, season // 2 + 1):
            if (
                season % rows == 0
                and self.extends(rows, 1, _PLAUSIBLE)
                and not self.extends(season, rows, _PLAUSIBLE)
            ):
                return rows
        return season


def _sample(series: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the series to look at, cut to one length at their beginnings."""
    lengths = np.sort([len(x) for x in series])[::-1]
    if not len(lengths):
        return []
    rows = int(lengths[np.argmax(lengths * np.arange(1, len(lengths) + 1))])
    long = [x for x in series if len(x) >= rows]
    picked = np.unique(np.linspace(0, len(long) - 1, _SERIES).astype(int))
    rows = min(rows, _VALUES // len(picked))
    return [_scaled(long[i][len(long[i]) - rows :]) for i in picked]


def _scaled(x: FloatArray) -> FloatArray:
    """Return a series of values up to 1, so that their squares are numbers in any unit."""
    known = np.abs(x[np.isfinite(x)])
    return x / known.max() if known.any() else x


def _whiten(x: FloatArray) -> FloatArray | None:
    """Return `(N - 1,)` the changes from row to row, of variance 1, 0 where missing.

    Less than the whole value before is taken off where the autocorrelation is lower, since changes
    of noise have a spectrum of their own. Clipping keeps what repeats. `None` where nothing is
    left.
    """
    known = np.isfinite(x)
    if known.sum() < _FEWEST:
        return None
    time = np.arange(len(x)) - np.flatnonzero(known).mean()
    level = np.where(known, x - x[known].mean(), 0.0)
    level -= np.where(known, time * (level @ time) / (time[known] @ time[known]), 0.0)
    if level.std() <= 1e-9 * np.abs(x[known]).max():
        return None
    both = known[1:] & known[:-1]
    before, after = level[:-1][both], level[1:][both]
    if not before.any():
        return None
    correlation = float(before @ after / (before @ before))
    factor = 1.0 if correlation > _WALK else max(correlation, 0.0)
    change = after - factor * before
    change -= np.median(change)
    for _ in range(3):  # the first means are those of the shocks
        limit = _CLIP * np.abs(change).mean()
        change = np.clip(change, -limit, limit)
    change -= change.mean()
    whole = np.zeros(len(both))
    whole[both] = change
    size = np.sqrt(np.mean(whole**2))
    return whole / size if size > 0 else None


def _find_lines(changes: FloatArray, rows: int) -> _Lines:
    """Return the harmonics of a season of `rows`, from a whole number of seasons."""
    seasons = changes.shape[1] // rows
    N = seasons * rows
    power = np.abs(np.fft.rfft(changes[:, -N:], axis=1)) ** 2 * (2 / N**2)  # (S, N // 2 + 1)
    harmonics = seasons * np.arange(1, rows // 2 + 1)
    width = min(_WIDTH, seasons - 1)
    offsets = np.delete(np.arange(-width, width + 1), width)
    beside = harmonics[:, None] + offsets  # (H, 2 width)
    beside = np.where(beside > N // 2, N - beside, beside)  # the spectrum is even
    near = np.abs(offsets) <= _NEAR

    mean = power.mean(axis=0)
    around = mean[beside]
    # Rounding noise is no power that a line could stand out from.
    noise = np.maximum(around.mean(axis=1), around[:, near].mean(axis=1)) + 1e-9 / N
    counts = np.full(len(harmonics), float(len(offsets)))
    weights = np.ones(len(harmonics))
    if rows % 2 == 0:  # at the highest frequency there is a cosine but no sine
        counts[-1] /= 2
        weights[-1] = 0.5
    freedom = _freedom(mean, seasons, len(changes))
    scores = _normal_scores(mean[harmonics] / noise, freedom * weights, freedom * counts)

    lines = scores > _PLAUSIBLE
    found = harmonics[lines]
    excess = power[:, found] - power[:, beside[lines]].mean(axis=2)  # (S, lines)
    shares = np.maximum((excess * weights[lines]).sum(axis=1), 0.0)
    return _Lines(scores, float(np.mean(np.sqrt(shares)) ** 2))


def _freedom(power: FloatArray, seasons: int, series: int) -> float:
    """Return the degrees of freedom of the mean power of series, as its scatter tells them.

    One series has 2; independent ones have 2 each, but series of one kind move together. The
    multiples of the frequency `seasons` are left out, since they may hold lines.
    """
    if series == 1:
        return 2.0
    noise = (np.arange(len(power)) % seasons != 0).astype(np.float64)
    window = np.ones(2 * _WIDTH + 1)
    counts = np.convolve(noise, window)[_WIDTH:-_WIDTH]
    around = np.convolve(power * noise, window)[_WIDTH:-_WIDTH] / np.maximum(counts, 1)
    told = (noise > 0) & (around > 0)
    scatter = np.mean((power[told] / around[told] - 1) ** 2 / (1 - 1 / counts[told]))
    return float(np.clip(2 / max(scatter, 1e-9), 2, 2 * series))


def _normal_scores(ratios: FloatArray, above: FloatArray, below: FloatArray) -> FloatArray:
    """Return F ratios as standard normal scores (Paulson 1942, after Wilson and Hilferty)."""
    a, b = 2 / (9 * above), 2 / (9 * below)
    root = np.cbrt(ratios)
    return np.asarray(((1 - b) * root - (1 - a)) / np.sqrt(b * root**2 + a))


def _joint_score(scores: FloatArray) -> float:
    """Return the highest score of the first 1, 2, 4, ... harmonics together, and of all."""
    if not len(scores):
        return -np.inf
    together = np.cumsum(scores) / np.sqrt(np.arange(1, len(scores) + 1))
    counts = [2**power for power in range(len(scores).bit_length())] + [len(scores)]
    return float(max(together[count - 1] for count in counts))


def _autocorrelation(values: Sequence[FloatArray], season: int) -> float:
    """Return the mean autocorrelation over a season of the values less their moving average."""
    correlations = []
    for x in values:
        known = np.isfinite(x)
        window = np.ones(season)
        counts = np.convolve(known, window, "same")
        sums = np.convolve(np.where(known, x, 0.0), window, "same")
        level = np.where(known, x - sums / np.maximum(counts, 1), 0.0)
        before, after = level[:-season], level[season:]
        both = known[:-season] & known[season:]
        size = np.sqrt((before[both] @ before[both]) * (after[both] @ after[both]))
        if size > 0:
            correlations.append(float(before[both] @ after[both]) / size)
    return float(np.mean(correlations)) if correlations else 0.0
