"""What was found, and what it means for the choice of a model, in plain sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rnnkit.diagnosis.assumptions import Name
from rnnkit.diagnosis.contract import rounded, spoken_p
from rnnkit.diagnosis.decomposition import STRONG, Decomposition
from rnnkit.diagnosis.linear_fit import LinearFit
from rnnkit.diagnosis.spread import SpreadTest
from rnnkit.diagnosis.stationarity import Stationarity
from rnnkit.messages import Message, Value

_WEAK = 0.3  # a strength of trend or season up to which it is called weak
_LITTLE = 0.02  # of the variance of the errors: 1 % of their size
_CHANCE = 8.0  # of AICc: a gain over the mean alone that the choice of orders makes of noise
_NOISE = 0.05  # a linear model that explains less of the variance is of little use


def describe_parts(parts: Decomposition) -> Iterator[Message]:
    """Yield what the decomposition found."""
    trend: dict[str, Value] = {
        "degree": _degree(parts.trend_strength),
        "strength": parts.trend_strength,
    }
    yield Message("Trend: {degree} ({strength:.2f}, where 1 is nothing but trend).", trend)
    if parts.season_strength is not None:
        strength = parts.season_strength
        yield Message(
            "Season of {season} rows: {degree} ({strength:.2f}, where 1 is nothing but season).",
            {"season": parts.season, "degree": _degree(strength), "strength": strength},
        )
    if parts.cycle_rows is not None and parts.trend_strength > _WEAK:
        yield Message(
            "Cycle: about {rows:,.0f} rows from peak to peak; if that is a season, give it as one.",
            {"rows": parts.cycle_rows},
        )


def _degree(strength: float) -> Message:
    if strength > STRONG:
        return Message("strong")
    return Message("moderate" if strength > _WEAK else "weak")


def describe_spread(spread: SpreadTest | None, *, positive: bool) -> Message:
    """Return whether the logarithm is taken, and why."""
    if spread is None and positive:
        return Message("No logarithm: too few rows or changes to see how the spread grows.")
    if spread is None:
        return Message("No logarithm: some values are not positive.")
    values: dict[str, Value] = {"power": rounded(spread.slope), "p": spoken_p(spread.p_value)}
    if spread.log:
        return Message(
            "The spread grows with the level (with its power {power:.1f}, p {p}): all that follows"
            " is about the logarithm.",
            values,
        )
    return Message(
        "No logarithm: the spread goes with the power {power:.1f} of the level (p {p}), not clearly"
        " with the level itself.",
        values,
    )


def describe_models(linear: LinearFit, *, log: bool) -> Message:
    """Return the errors of the models, and which one's are tested."""
    models, best = linear.models, linear.best
    if linear.exact:
        return Message("{model} leaves no errors to test.", {"model": best.orders.name})
    rows = min(len(model.residuals) for model in models)
    sizes = tuple(
        Message("{model} {error:.3g}", {"model": m.orders.name, "error": m.sigma(rows)})
        for m in models
    )
    values: dict[str, Value] = {"errors": sizes, "model": best.orders.name}
    if log:
        return Message(
            "Root mean square error of the logarithm one row ahead: {errors}. Those of {model} are"
            " tested.",
            values,
        )
    return Message(
        "Root mean square error one row ahead: {errors}. Those of {model} are tested.", values
    )


def advise(linear: LinearFit, *, log: bool, season: int) -> tuple[Message, ...]:
    """Return what to do: the transform first, then the model, then its intervals.

    Args:
        linear: the models and the tests.
        log: whether they are of the logarithm.
        season: rows in a season; 1 for none.
    """
    model = linear.best
    if linear.exact:
        return (
            *_transform(linear.stationarity, log, season),
            Message(
                "{model} repeats the series without an error: there is nothing left to learn.",
                {"model": model.orders.name},
            ),
        )
    failed = {test.name for test in linear.assumptions if test.holds is False and test.of_errors}
    return (
        *_transform(linear.stationarity, log, season),
        _model(linear, failed),
        *_intervals(failed),
    )


def _transform(stationarity: Stationarity, log: bool, season: int) -> Iterator[Message]:
    if log:
        yield Message("Take the logarithm: the spread grows with the level.")
    if stationarity.D:
        yield Message(
            "Forecast the change from the last season ({season} rows back): take seasonal"
            " differences.",
            {"season": season},
        )
    if stationarity.d:
        yield Message("Forecast the change from the last value: take differences.")
    if stationarity.about_line:
        yield Message("A straight trend line serves as well as differences.")


def _model(linear: LinearFit, violated: Collection[Name]) -> Message:
    model, orders = linear.best, linear.best.orders
    values: dict[str, Value] = {"model": orders.name}
    gain = 0.0 if linear.gain is None else linear.gain
    if "linearity" in violated and gain >= _LITTLE:
        return Message(
            "A linear model misses something: a threshold alone explains {gain:.0%} of the variance"
            " of the errors of {model}. A recurrent network can learn that.",
            {**values, "gain": gain},
        )
    if "independence" in violated:
        return Message(
            "{model} leaves errors that depend on one another: a longer memory, another season or"
            " other columns may explain them, and a recurrent network is worth a try.",
            values,
        )
    if "linearity" in violated:
        return Message(
            "{model} is not all there is, but a threshold explains only {gain:.1%} of the variance"
            " of its errors: a recurrent network can gain little from that.",
            {**values, "gain": gain},
        )
    if model.explained >= _NOISE and model.evidence >= _CHANCE:
        return Message(
            "For point forecasts a linear model is enough: {model} leaves nothing that a recurrent"
            " network could use, as far as these tests can see.",
            values,
        )
    values["share"] = model.explained
    if orders.D:
        return Message(
            "The changes from season to season are noise, of which {model} explains {share:.1%}:"
            " last season is the forecast to beat, for a recurrent network too.",
            values,
        )
    if orders.d:
        return Message(
            "The changes from row to row are noise, of which {model} explains {share:.1%}: the last"
            " value is the forecast to beat, for a recurrent network too.",
            values,
        )
    return Message(
        "The rows are noise, of which {model} explains {share:.1%}: the mean is the forecast to"
        " beat, for a recurrent network too.",
        values,
    )


def _intervals(violated: Collection[Name]) -> Iterator[Message]:
    if "equal variance" in violated:
        yield Message(
            "The variance of the errors changes, so the width of the intervals must change with it"
            " (as in a GARCH model); point forecasts gain little from that."
        )
    if "normality" in violated:
        yield Message(
            "The errors are not normal: take the intervals from quantiles of past errors, not from"
            " a normal distribution."
        )
