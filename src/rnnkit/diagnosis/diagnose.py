"""What a series is made of, what a linear model makes of it, and what that model leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnnkit.diagnosis.advice import advise, describe_models, describe_parts, describe_spread
from rnnkit.diagnosis.assumptions import ORDER, Name
from rnnkit.diagnosis.contract import FloatArray
from rnnkit.diagnosis.decomposition import FEWEST_SEASONS, Decomposition, decompose
from rnnkit.diagnosis.linear_fit import FEWEST_ROWS, LinearFit, fit_linear
from rnnkit.diagnosis.sample import take_sample
from rnnkit.diagnosis.spread import SpreadTest, spread_test
from rnnkit.errors import DataError
from rnnkit.messages import Message


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The diagnosis of one series; of what is `None`, the notes say why.

    Args:
        name: of the series.
        rows: of the series.
        season: rows in a season, as given.
        first: the first row tested.
        stop: the row after the last one tested.
        log: whether decomposition and models are those of the logarithm.
        spread: spread against level; `None` where it cannot be told or not all values are positive.
        decomposition: trend, cycle, season and remainder; `None` for equal values.
        linear: the linear models; `None` for equal values and for fewer than 20 rows.
        violated: the names of the assumptions that do not hold, in the order of judgement:
            stationarity, linearity, equal variance, independence, normality.
        notes: what was left out of the data or of the tests, and why.
        findings: what was found, a sentence each.
        advice: what that means for the choice of a model.
    """

    name: str
    rows: int
    season: int
    first: int
    stop: int
    log: bool
    spread: SpreadTest | None
    decomposition: Decomposition | None
    linear: LinearFit | None
    violated: tuple[Name, ...]
    notes: tuple[Message, ...]
    findings: tuple[Message, ...]
    advice: tuple[Message, ...]

    @property
    def headline(self) -> Message:
        """The assumptions that do not hold, in one sentence."""
        if self.violated:
            names = tuple(Message(name) for name in self.violated)
            return Message(
                "These assumptions of a linear model do not hold, the most basic first: {names}.",
                {"names": names},
            )
        if self.linear is None:
            return Message("No assumption of a linear model could be tested.")
        return Message("Every assumption of a linear model holds, as far as it could be tested.")

    @property
    def main(self) -> Name | None:
        """The first assumption that does not hold; each may bring those after it with it."""
        return self.violated[0] if self.violated else None

    def to_json(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {
            "name": self.name,
            "rows": self.rows,
            "season": self.season,
            "first": self.first,
            "stop": self.stop,
            "log": self.log,
            "spread": self.spread and self.spread.to_json(),
            "decomposition": self.decomposition and self.decomposition.to_json(),
            "linear": self.linear and self.linear.to_json(),
            "violated": list(self.violated),
            "main": self.main,
            "notes": [message.to_json() for message in self.notes],
            "findings": [message.to_json() for message in self.findings],
            "advice": [message.to_json() for message in self.advice],
        }


def diagnose(values: FloatArray, *, season: int, name: str) -> Diagnosis:
    """Diagnose one series.

    Args:
        values: `(N,)` float64, NaN where missing, in the order of time at equal steps.
        season: rows in a season; 1 for none.
        name: of the series, for messages.

    Returns:
        All findings. The tests look at the longest stretch without a gap, of a long one at its last
        5,000 rows.

    Raises:
        DataError: if the series is not one of finite numbers with 8 rows in succession, or the
            season is below 1.
        MissingExtraError: if statsmodels is not installed.

    Example:
        >>> import numpy as np
        >>> steps = np.random.default_rng(0).normal(size=300)
        >>> found = diagnose(np.cumsum(steps), season=1, name="walk")
        >>> found.violated, found.linear.best.orders.name
        (('stationarity',), 'ARIMA(0,1,0)')
    """
    if season < 1:
        raise DataError(f"{name}: the season must be at least 1 row (1 for none), got {season}")
    sample = take_sample(values, name)
    if sample.constant:
        return Diagnosis(
            name, len(sample.values), season, sample.first, sample.stop, log=False, spread=None,
            decomposition=None, linear=None, violated=(), notes=sample.notes,
            findings=(Message("All values tested are equal."),),
            advice=(Message("Forecast the same value again; there is nothing to learn."),),
        )  # fmt: skip
    examined = sample.examined
    spread = spread_test(examined, season)
    log = spread is not None and spread.log
    parts = decompose(sample, season, log=log)
    notes = list(sample.notes)
    findings = [*describe_parts(parts), describe_spread(spread, positive=examined.min() > 0)]
    if season > 1 and parts.season_strength is None:
        needed = FEWEST_SEASONS * season
        notes.append(
            Message(
                "The season of {season} rows is not judged: that takes {needed:,} rows.",
                {"season": season, "needed": needed},
            )
        )
    linear: LinearFit | None = None
    advice: tuple[Message, ...] = ()
    violated: set[Name] = set()
    if len(examined) < FEWEST_ROWS:
        notes.append(
            Message(
                "No test and no model: they need {needed} rows, and there are {rows}.",
                {"needed": FEWEST_ROWS, "rows": len(examined)},
            )
        )
    else:
        linear = fit_linear(sample, parts, spread if log else None)
        findings.append(describe_models(linear, log=log))
        violated = {test.name for test in linear.assumptions if test.holds is False}
        if linear.stationarity.holds is False:
            violated.add("stationarity")
        advice = advise(linear, log=log, season=season)
    return Diagnosis(
        name, len(sample.values), season, sample.first, sample.stop, log, spread, parts, linear,
        tuple(assumption for assumption in ORDER if assumption in violated),
        tuple(notes), tuple(findings), advice,
    )  # fmt: skip
