"""Is a series stationary, and which differences make it so: ADF and KPSS judged together.

ADF (S. E. Said and D. A. Dickey, Biometrika 71, 1984; lags by AIC, constant) has the unit root as
its hypothesis and speaks at 1 %. KPSS (D. Kwiatkowski, P. C. B. Phillips, P. Schmidt and Y. Shin,
Journal of Econometrics 54, 1992; lags after Hobijn and others 1998) has the steady level as its
hypothesis and speaks at 5 %; where ADF rejects the unit root, it must reject at 0.1 % to be heard
against it, since alone it would call one steady series in twenty wandering.

Where ADF does not reject, it is made again with the fewer lags of BIC, since AIC's may take its
power. Where neither it nor KPSS rejects, the unit root is not ruled out and the series counts as
not stationary, unless it has fewer than 50 rows, too few for ADF to see anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rnnkit.diagnosis.contract import FloatArray, load, no_warnings, spoken_p
from rnnkit.diagnosis.lags import difference
from rnnkit.messages import Message, Value

FEWEST_ROWS = 20
_ENOUGH_ROWS = 50
_MOST_DIFFERENCES = 2
_ADF_LEVEL, _KPSS_LEVEL = 0.01, 0.05
_KPSS_ALONE = 1.168  # of the statistic: its level of 0.1 %, that of the Cramér-von Mises statistic

_ROUNDING = 1e-14  # of the variance of x: an ADF regression that leaves less leaves no noise

Verdict = Literal["stationary", "unit root", "disagree", "unclear"]


@dataclass(frozen=True)
class StationarityTest:
    """Both tests of one series.

    Args:
        d: differences of one row that it is after.
        D: seasonal differences that it is after.
        adf: statistic of ADF.
        adf_p: its p-value.
        kpss: statistic of KPSS.
        kpss_p: its p-value, known within 0.01..0.1 only.
        verdict: `"unit root"` where both find one, `"disagree"` where both reject, `"unclear"`
            where neither does.
        holds: whether the series is stationary; `None` where it is too short to tell.
        sentence: the verdict.
    """

    d: int
    D: int
    adf: float
    adf_p: float
    kpss: float
    kpss_p: float
    verdict: Verdict
    holds: bool | None
    sentence: Message

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "sentence": self.sentence.to_json()}


@dataclass(frozen=True)
class Stationarity:
    """The tests of a series and of its differences.

    Args:
        tests: the first of the series itself; the last of the series after all `d` and `D`.
        d: differences of one row that make it stationary, 0..2.
        D: seasonal differences, 0 or 1.
        about_line: whether the series is stationary about a straight line, by the same tests.
    """

    tests: tuple[StationarityTest, ...]
    d: int
    D: int
    about_line: bool

    @property
    def holds(self) -> bool | None:
        """Whether the series itself is stationary; `None` where it is too short to tell."""
        return False if self.D else self.tests[0].holds

    @property
    def sentences(self) -> tuple[Message, ...]:
        """What was found, in the order in which it was."""
        found = [test.sentence for test in self.tests]
        if self.about_line:
            found.insert(1, Message("About a straight line the series is stationary."))
        if self.D:
            found.insert(
                1,
                Message(
                    "The strong season alone makes the series not stationary, whatever ADF and KPSS"
                    " say of it: the mean depends on the row within the season."
                ),
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "tests": [test.to_json() for test in self.tests],
            "d": self.d,
            "D": self.D,
            "about_line": self.about_line,
        }


def judge_stationarity(z: FloatArray, *, season: int, strong_season: bool) -> Stationarity:
    """Test `z (n,)` and, where it is not stationary, its differences.

    A strong season is taken out by one seasonal difference first; then differences of one row
    follow, two at most, until the tests find the rest stationary.

    Args:
        z: 20 rows or more, not constant.
        season: rows in a season; 1 for none.
        strong_season: whether its means differ too much for a stationary series.

    Raises:
        MissingExtraError: if statsmodels is not installed.
    """
    tests = [_test(z, z, 0, 0)]
    D = 1 if strong_season and len(z) - season >= FEWEST_ROWS else 0
    d = 0
    if D:
        tests.append(_test(difference(z, 0, 1, season), z, 0, 1))
    while tests[-1].holds is False and d < _MOST_DIFFERENCES:
        following = difference(z, d + 1, D, season)
        if len(following) < FEWEST_ROWS:
            break
        d += 1
        tests.append(_test(following, z, d, D))
    return Stationarity(tuple(tests), d, D, about_line=d > 0 and D == 0 and _about_line(z))


def _about_line(z: FloatArray) -> bool:
    return _adf(z, "ct", penalty=2.0)[1] < _ADF_LEVEL and _kpss(z, "ct")[1] > _KPSS_LEVEL


def _test(x: FloatArray, z: FloatArray, d: int, D: int) -> StationarityTest:
    if float(x.std()) <= 1e-9 * float(z.std()):
        sentence = Message("{series}: constant.", {"series": series_name(d, D)})
        return StationarityTest(d, D, 0.0, 0.0, 0.0, 0.1, "stationary", True, sentence)
    adf, adf_p = _adf(x, "c", penalty=2.0)
    kpss, kpss_p = _kpss(x, "c")
    if adf_p >= _ADF_LEVEL:
        adf, adf_p = _adf(x, "c", penalty=np.log(len(x)))
    verdict = _verdict(adf_p, kpss, kpss_p)
    holds: bool | None = verdict == "stationary"
    if verdict == "unclear" and len(x) < _ENOUGH_ROWS:
        holds = None
    values: dict[str, Value] = {
        "series": series_name(d, D),
        "adf": spoken_p(adf_p),
        "kpss": _spoken_kpss(kpss_p),
    }
    sentence = Message(_SENTENCES["too short" if holds is None else verdict], values)
    return StationarityTest(d, D, adf, adf_p, kpss, kpss_p, verdict, holds, sentence)


_SENTENCES = {
    "stationary": "{series}: stationary; ADF (p {adf}) and KPSS (p {kpss}) agree.",
    "unit root": "{series}: not stationary but wandering (a unit root); ADF (p {adf}) and KPSS"
    " (p {kpss}) agree.",
    "disagree": "{series}: not stationary, yet no random walk; ADF (p {adf}) rejects the unit root,"
    " KPSS (p {kpss}) the steady level, as with a trend, a break of the level or a long memory.",
    "unclear": "{series}: not stationary, as far as can be told; ADF (p {adf}) cannot rule out a"
    " unit root, though KPSS (p {kpss}) does not reject a steady level, as near a unit root.",
    "too short": "{series}: too short to tell; neither ADF (p {adf}) nor KPSS (p {kpss}) rejects"
    " anything.",
}


def series_name(d: int, D: int) -> Message:
    """Return what a series is called after its differences."""
    if D:
        return Message("Seasonal differences" if d == 0 else "Differences of seasonal differences")
    return Message(("Series", "Differences", "Second differences")[d])


def _spoken_kpss(p_value: float) -> str:
    bounds = {0.01: "≤ 0.01", 0.1: "≥ 0.1"}
    return bounds.get(round(p_value, 6), spoken_p(p_value))


def _verdict(adf_p: float, kpss: float, kpss_p: float) -> Verdict:
    if adf_p < _ADF_LEVEL:
        return "disagree" if kpss > _KPSS_ALONE else "stationary"
    return "unit root" if kpss_p <= _KPSS_LEVEL else "unclear"


def _kpss(x: FloatArray, trend: str) -> tuple[float, float]:
    stattools = load("statsmodels.tsa.stattools")
    with no_warnings():
        statistic, p_value, *_ = stattools.kpss(
            (x - x.mean()) / x.std(), regression=trend, nlags="auto"
        )
    return float(statistic), float(p_value)


def _adf(x: FloatArray, trend: str, penalty: float) -> tuple[float, float]:
    adfvalues = load("statsmodels.tsa.adfvalues")
    x = (x - x.mean()) / x.std()
    statistic, _ = adf_statistic(x, with_line=trend == "ct", penalty=penalty)
    with no_warnings():
        return statistic, float(adfvalues.mackinnonp(statistic, regression=trend))


def adf_statistic(x: FloatArray, *, with_line: bool, penalty: float = 2.0) -> tuple[float, int]:
    """Return the statistic of ADF and its lags, those with the smallest information criterion.

    It is that of statsmodels' `adfuller(x, autolag="AIC")`, which inverts a matrix for every number
    of lags and takes seconds on 5,000 rows; one QR decomposition gives all their sums of squares.

    Args:
        x: `(n,)` float64, 20 rows or more, of variance 1.
        with_line: whether a straight line is fitted beside the constant.
        penalty: of a lag: 2 for AIC, log n for BIC.
    """
    n = len(x)
    most = int(min(np.ceil(12 * (n / 100) ** 0.25), n // 2 - 2 - (2 if with_line else 1)))
    columns, y = _adf_regression(x, most, with_line)
    q, _ = np.linalg.qr(np.column_stack(columns))
    left = float(y @ y) - np.cumsum((q.T @ y) ** 2)[len(columns) - most - 1 :]
    left = np.maximum(left, len(y) * _ROUNDING)
    lags = int(np.argmin(len(y) * np.log(left) + penalty * np.arange(most + 1)))
    # The last column of a regression has t = q'y / s, with the sign of its place in R.
    (level, *others), y = _adf_regression(x, lags, with_line)
    q, r = np.linalg.qr(np.column_stack([*others, level]))
    fitted = q.T @ y
    variance = (float(y @ y) - float(fitted @ fitted)) / (len(y) - len(fitted))
    deviation = np.sqrt(max(variance, _ROUNDING))
    return float(np.sign(r[-1, -1]) * fitted[-1] / deviation), lags


def _adf_regression(
    x: FloatArray, lags: int, with_line: bool
) -> tuple[list[FloatArray], FloatArray]:
    """Return the regressors, the level first and the lagged changes last, and the changes."""
    change = np.diff(x)
    rows = np.arange(lags, len(x) - 1)
    columns = [x[rows], np.ones(len(rows))]
    if with_line:
        columns.append(np.linspace(-1.0, 1.0, len(rows)))
    columns += [change[rows - lag] for lag in range(1, lags + 1)]
    return columns, change[rows]
