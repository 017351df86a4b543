"""The assumptions of a linear model, tested on its residuals.

    linearity       a threshold in the recent past explains nothing more    `linearity.py`
    equal variance  large residuals do not follow large ones                Engle's ARCH LM, 3 lags
                    squares follow neither time nor the fitted level        Breusch-Pagan (Koenker)
    independence    no autocorrelation is left                              Ljung-Box
    normality       no skewness, no heavy tails                             Jarque-Bera

Linearity, the question on which a network is chosen, is tested at 1 %. The others are tested at 1 %
together, by S. Holm's method with weights (Scandinavian Journal of Statistics 6, 1979): ARCH, the
one that matters most for intervals, has twice the weight. So of the series that keep every
assumption about 98 % are named for none.

One failing brings others with it, and the tests are made so that each names its own. The test of
linearity is robust against unequal variance. Where linearity fails, equal variance is tested on
what the threshold leaves, since residuals that depend on the level have squares that do. ARCH LM
looks at normal scores, the sizes that residuals of these ranks have in a normal sample, so that
heavy tails alone neither hide clusters nor feign them. The autocorrelations of Ljung-Box are
weighed by F. X. Diebold's factor (Proceedings of the American Statistical Association, 1986),
without which unequal variance makes them look too large.

Sources: R. F. Engle, Econometrica 50 (1982); T. S. Breusch and A. R. Pagan, Econometrica 47 (1979);
R. Koenker, Journal of Econometrics 17 (1981); G. M. Ljung and G. E. P. Box, Biometrika 65 (1978);
C. M. Jarque and A. K. Bera, International Statistical Review 55 (1987).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from rnnkit.diagnosis import linearity
from rnnkit.diagnosis.contract import FloatArray, load, plain_number, rounded, spoken_p
from rnnkit.diagnosis.lags import lag_matrix
from rnnkit.diagnosis.linear_models import LinearModel
from rnnkit.diagnosis.spread import SpreadTest
from rnnkit.messages import Message, Value

Name = Literal["stationarity", "linearity", "equal variance", "independence", "normality"]
ORDER: tuple[Name, ...] = get_args(Name)  # of judgement: each may bring those after it with it
FEWEST_ROWS = 20
LEVEL = 0.01  # of the test of linearity, and of the others together
_ARCH_LAGS = 3
_ROUNDING = 1e-20  # of a sum of squares
_MOST_LAGS = 60  # of Ljung-Box, without those for the coefficients


@dataclass(frozen=True)
class Assumption:
    """One test of one assumption.

    Args:
        name: of the assumption.
        test: what the test is called.
        statistic: of the test; `None` where it was left out.
        p_value: of the test; `None` where it was left out.
        holds: whether the assumption holds; `None` where the test was left out.
        sentence: the result, or the reason why it was left out.
        of_errors: whether the test is of the model's errors, not of the values before a logarithm.
    """

    name: Name
    test: str
    statistic: float | None
    p_value: float | None
    holds: bool | None
    sentence: Message
    of_errors: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            **vars(self),
            "statistic": plain_number(self.statistic),
            "p_value": plain_number(self.p_value),
            "sentence": self.sentence.to_json(),
        }


@dataclass(frozen=True)
class _Result:
    statistic: float
    p_value: float
    values: Mapping[str, Value]


_Key = tuple[Name, str]
_LINEARITY: _Key = ("linearity", "threshold test")
_ARCH: _Key = ("equal variance", "ARCH LM")
_LEVEL: _Key = ("equal variance", "Breusch–Pagan")
_INDEPENDENCE: _Key = ("independence", "Ljung–Box")
_NORMALITY: _Key = ("normality", "Jarque–Bera")

_ALL = (_LINEARITY, _ARCH, _LEVEL, _INDEPENDENCE, _NORMALITY)  # in the order of judgement
_WEIGHTS = {_ARCH: 2, _LEVEL: 1, _INDEPENDENCE: 1, _NORMALITY: 1}
_HOLDS = {
    _LINEARITY: "Linear: no threshold in the last {delays} values explains more (p {p}).",
    _ARCH: "Equal variance: large errors do not come in clusters (ARCH LM, p {p}).",
    _LEVEL: "Equal variance: errors grow neither with time nor with the level (Breusch–Pagan,"
    " p {p}).",
    _INDEPENDENCE: "Independent: the first {lags} autocorrelations of the errors are no larger than"
    " chance (Ljung–Box, p {p}).",
    _NORMALITY: "Normal: skewness {skew:.1f}, kurtosis {kurtosis:.1f}, near 0 and 3 (Jarque–Bera,"
    " p {p}).",
}
_FAILS = {
    _LINEARITY: "Not linear: the response to an earlier value (lag {delay}) changes at a threshold,"
    " which explains {gain:.1%} of the errors' variance (p {p}).",
    _ARCH: "Unequal variance: large errors come in clusters (ARCH LM, p {p}).",
    _LEVEL: "Unequal variance: the size of the errors changes with time or with the level"
    " (Breusch–Pagan, p {p}).",
    _INDEPENDENCE: "Not independent: the first {lags} autocorrelations of the errors are larger"
    " than chance (Ljung–Box, p {p}).",
    _NORMALITY: "Not normal: skewness {skew:.1f}, kurtosis {kurtosis:.1f}, not 0 and 3"
    " (Jarque–Bera, p {p}).",
}


def judge_level(spread: SpreadTest) -> Assumption:
    """Return what the logarithm that is taken says about the variance of the values themselves."""
    sentence = Message(
        "Unequal variance: without the logarithm, the spread grows with the level (p {p}).",
        {"p": spoken_p(spread.p_value)},
    )
    return Assumption(
        name="equal variance",
        test="spread against level",
        statistic=spread.statistic,
        p_value=spread.p_value,
        holds=False,
        sentence=sentence,
        of_errors=False,
    )


def judge_residuals(
    model: LinearModel, z: FloatArray
) -> tuple[tuple[Assumption, ...], linearity.ThresholdTest | None]:
    """Test the assumptions on a model's residuals.

    Args:
        model: of the series; its residuals are not all but zero.
        z: `(N,)` float64, the series before the differences.

    Returns:
        One assumption a test, in the order of judgement, and the threshold test, if it was made.

    Raises:
        MissingExtraError: if statsmodels is not installed.
    """
    e = model.residuals
    fitted = z[-len(e) :] - e
    left_out: dict[_Key, Message] = {}
    results: dict[_Key, _Result] = {}
    threshold = None
    if len(e) < FEWEST_ROWS:
        left_out = {key: _too_few(key, FEWEST_ROWS, len(e)) for key in _ALL}
    else:
        results = {
            _ARCH: _arch(e),
            _LEVEL: _breusch_pagan(e, fitted),
            _INDEPENDENCE: _ljung_box(e, model),
            _NORMALITY: _jarque_bera(e),
        }
        if len(e) < linearity.FEWEST_ROWS:
            left_out[_LINEARITY] = _too_few(_LINEARITY, linearity.FEWEST_ROWS, len(e))
        else:
            threshold = linearity.threshold_test(model.w, e, model.gradient)
            if threshold is None:
                left_out[_LINEARITY] = Message(
                    "{test}: left out, since the values take too few different sizes.",
                    {"test": Message(_LINEARITY[1])},
                )
            else:
                values = {
                    "delay": threshold.delay,
                    "delays": linearity.DELAYS,
                    "gain": threshold.gain,
                }
                results[_LINEARITY] = _Result(threshold.statistic, threshold.p_value, values)
    linear = threshold is None or threshold.p_value > LEVEL
    if threshold is not None and not linear:
        left = threshold.remaining
        results[_ARCH] = _arch(left)
        results[_LEVEL] = _breusch_pagan(left, fitted[-len(left) :])
    failed = _holm({key: results[key] for key in _WEIGHTS if key in results})
    if not linear:
        failed.add(_LINEARITY)
    assumptions = tuple(
        _assumption(key, results[key], key in failed)
        if key in results
        else Assumption(*key, None, None, None, left_out[key])
        for key in _ALL
    )
    return assumptions, threshold


def _assumption(key: _Key, result: _Result, failed: bool) -> Assumption:
    template = (_FAILS if failed else _HOLDS)[key]
    values = {**result.values, "p": spoken_p(result.p_value)}
    return Assumption(*key, result.statistic, result.p_value, not failed, Message(template, values))


def _too_few(key: _Key, needed: int, rows: int) -> Message:
    return Message(
        "{test}: left out, since it needs {needed} errors and there are {rows}.",
        {"test": Message(key[1]), "needed": needed, "rows": rows},
    )


def _holm(results: Mapping[_Key, _Result]) -> set[_Key]:
    """Return the tests that reject at `LEVEL` together (Holm 1979, with weights)."""
    failed: set[_Key] = set()
    open_weight = sum(_WEIGHTS[key] for key in results)
    for key in sorted(results, key=lambda k: results[k].p_value / _WEIGHTS[k]):
        if results[key].p_value > LEVEL * _WEIGHTS[key] / open_weight:
            break
        failed.add(key)
        open_weight -= _WEIGHTS[key]
    return failed


def _arch(e: FloatArray) -> _Result:
    """Engle's test on normal scores: their squares on the 3 before each."""
    stats = load("scipy.stats")
    ranks = stats.rankdata(np.abs(e - e.mean()))
    squares = stats.chi2.ppf(ranks / (len(e) + 1), 1)  # of a normal sample, in this order
    return _explained(squares[_ARCH_LAGS:], lag_matrix(squares, _ARCH_LAGS))


def _breusch_pagan(e: FloatArray, fitted: FloatArray) -> _Result:
    """Koenker's form: squares on time and on the fitted level."""
    columns = [np.ones(len(e)), np.linspace(-1.0, 1.0, len(e))]
    if float(fitted.std()) > 1e-6 * float(e.std()):  # below, the model fits but a mean
        columns.append((fitted - fitted.mean()) / fitted.std())
    return _explained((e / e.std()) ** 2, np.column_stack(columns))


def _explained(y: FloatArray, rows: FloatArray) -> _Result:
    """Return n R² of `y (n,)` on `rows (n, 1 + k)`, which begin with ones: χ² of k degrees."""
    whole = float(np.sum((y - y.mean()) ** 2))
    left = y - rows @ np.linalg.lstsq(rows, y, rcond=None)[0]
    share = 1 - float(left @ left) / whole if whole > _ROUNDING * float(y @ y) else 0.0
    statistic = len(y) * max(0.0, share)
    return _Result(statistic, float(load("scipy.stats").chi2.sf(statistic, rows.shape[1] - 1)), {})


def _ljung_box(e: FloatArray, model: LinearModel) -> _Result:
    """Ljung-Box with Diebold's factor on each squared autocorrelation.

    Q = n (n + 2) Σ_k ρ_k² / (n - k) · σ⁴ / (σ⁴ + γ_k), with γ_k the autocovariance of the squares,
    at least 0; as many degrees of freedom as lags, less the model's coefficients. The lags are two
    seasons, 10 at least and 60 at most, or fewer than a fifth of the rows, and the coefficients.
    """
    n, coefficients = len(e), model.orders.coefficients
    lags = min(max(10, 2 * model.orders.season), _MOST_LAGS, max(3, n // 5 - coefficients))
    lags += coefficients  # which take a degree of freedom each
    e = (e - e.mean()) / e.std()
    squares = e**2 - 1
    statistic = 0.0
    for k in range(1, lags + 1):
        rho = float(e[k:] @ e[:-k]) / n
        gamma = max(0.0, float(squares[k:] @ squares[:-k]) / n)
        statistic += n * (n + 2) * rho**2 / (n - k) / (1 + gamma)
    p_value = float(load("scipy.stats").chi2.sf(statistic, lags - coefficients))
    return _Result(statistic, p_value, {"lags": lags})


def _jarque_bera(e: FloatArray) -> _Result:
    """n/6 (S² + (K - 3)²/4), with S the skewness and K the kurtosis; 2 degrees of freedom."""
    e = (e - e.mean()) / e.std()
    skew, kurtosis = float(np.mean(e**3)), float(np.mean(e**4))
    statistic = len(e) / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4)
    p_value = float(load("scipy.stats").chi2.sf(statistic, 2))
    return _Result(statistic, p_value, {"skew": rounded(skew), "kurtosis": rounded(kurtosis)})
