"""All baselines over all series of a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnkit.baselines.contract import Baseline, FloatArray, SkipBaseline, Track
from rnnkit.errors import ShapeError
from rnnkit.messages import Message, Value


def forecast_tracks(
    baselines: Sequence[Callable[[], Baseline]],
    tracks: Sequence[Track],
    *,
    season: int,
    horizon: int,
    seconds: float = 30.0,
) -> tuple[dict[str, FloatArray], dict[str, Message], dict[str, tuple[Message, ...]]]:
    """Fit every baseline on every series and forecast from every origin.

    Where a baseline cannot serve one of the series (a season too long for it, say), the last known
    value stands in; where the rows before an origin forbid a forecast from it, it stands in for
    this forecast alone. A baseline that can serve none of them, or not in time, is left out.

    Args:
        baselines: from `series_baselines`.
        tracks: the series; those without an origin are passed over.
        season: rows in a season; 1 when the series have none or it is unknown.
        horizon: rows to forecast at each origin, `H`, 1 or more.
        seconds: the longest that one baseline may take for all series together, estimated before
            it begins for one core of 2023.

    Returns:
        Forecasts `(M, H, K)` by name, `M` origins in the order of the tracks and of their origins;
        why others were skipped, by name; and, by name of forecast, what was done otherwise for
        some of the series.

    Raises:
        ShapeError: if shapes, origins, season or horizon do not fit one another, a value is
            missing, or there is no origin at all.

    Example:
        >>> import numpy as np
        >>> from rnnkit.baselines import LastValue, SeasonalNaive
        >>> y = np.array([[1.0], [2.0], [3.0]])
        >>> tracks = [Track(y, 2, np.array([2, 3])), Track(10 * y, 1, np.array([1]))]
        >>> forecasts, skipped, notes = forecast_tracks(
        ...     [LastValue, SeasonalNaive], tracks, season=2, horizon=2
        ... )
        >>> forecasts["seasonal naive"][..., 0].tolist()
        [[1.0, 2.0], [2.0, 3.0], [10.0, 10.0]]
        >>> str(notes["seasonal naive"][0]).split(";")[0]
        'last value for 1 of 2 series'
    """
    served = [track for track in tracks if len(track.origins)]
    if not served:
        raise ShapeError("tracks must hold at least one origin to forecast from, got none")
    for number, track in enumerate(served):
        if np.isnan(track.values).any():
            raise ShapeError(
                f"tracks must hold no missing value, got one in track {number}: carry the value"
                " before it forward"
            )
    forecasts: dict[str, FloatArray] = {}
    skipped: dict[str, Message] = {}
    notes: dict[str, tuple[Message, ...]] = {}
    for make in baselines:
        baseline = make()
        try:
            remarks = baseline.plan(served, season=season, seconds=seconds)
            forecasts[baseline.name], stand_ins = _forecast(baseline, served, season, horizon)
        except SkipBaseline as skip:
            skipped[baseline.name] = skip.reason
            continue
        if remarks or stand_ins:
            notes[baseline.name] = (*remarks, *stand_ins)
    return forecasts, skipped, notes


def _forecast(
    baseline: Baseline, tracks: Sequence[Track], season: int, horizon: int
) -> tuple[FloatArray, tuple[Message, ...]]:
    """Return the forecasts `(M, H, K)`, and where and why the last value stands in.

    Raises:
        SkipBaseline: if it would stand in everywhere.
    """
    parts: list[FloatArray] = []
    whole: list[Message] = []  # the reasons of series that have no forecast of their own
    single: list[Message] = []  # and of single origins of the others
    origins = 0
    for track in tracks:
        part = np.repeat(track.values[track.origins - 1][:, None], horizon, axis=1)
        parts.append(part)
        try:
            baseline.fit(track.values[: track.known], season=season, horizon=horizon)
        except SkipBaseline as skip:
            whole.append(skip.reason)
            continue
        forecast, failures = _from_origins(baseline, track, horizon)
        if len(failures) == len(track.origins):
            whole.append(next(iter(failures.values())))
            continue
        origins += len(track.origins)
        single += failures.values()
        own = np.setdiff1d(np.arange(len(part)), list(failures))
        part[own] = forecast[own]
    if len(whole) < len(tracks):
        return np.concatenate(parts), _stand_ins(whole, len(tracks), single, origins)
    if all(reason == whole[0] for reason in whole):
        raise SkipBaseline(whole[0])
    raise SkipBaseline(
        Message(
            "can serve none of {all:,} series; the reason for the first: {reason}",
            {"all": len(tracks), "reason": whole[0]},
        )
    )


def _from_origins(
    baseline: Baseline, track: Track, horizon: int
) -> tuple[FloatArray, dict[int, Message]]:
    """Return the forecasts `(m, H, K)` of a fitted baseline, and the origins it has none from.

    What forbids a forecast from one origin must not change those from the origins before it, so
    the baseline is then asked for as many of the first origins as it can serve.
    """
    try:
        forecast = baseline.forecast(track.values, track.origins)
        failures: dict[int, Message] = {}
    except SkipBaseline as skip:
        forecast, failures = _while_it_goes(baseline, track, horizon, skip.reason)
    for number in np.flatnonzero(~np.isfinite(forecast).all(axis=(1, 2))).tolist():
        failures.setdefault(number, Message("its forecast is not finite"))
    return forecast, failures


def _while_it_goes(
    baseline: Baseline, track: Track, horizon: int, reason: Message
) -> tuple[FloatArray, dict[int, Message]]:
    """Return what `_from_origins` does, NaN from the first origin that it cannot serve.

    That origin is found by halving what is left: a series has hundreds of origins, and asked for
    one at a time a baseline would begin each from the first row. None is forecast twice, so that
    the whole takes little longer than the forecasts that were planned for.
    """
    order = np.argsort(track.origins, kind="stable")
    forecast = np.full((len(order), horizon, track.values.shape[1]), np.nan)
    served, refused = 0, len(order)
    while refused - served > 1:
        middle = (served + refused) // 2
        numbers = order[served:middle]
        origins = track.origins[numbers]
        try:
            forecast[numbers] = baseline.forecast(track.values[: origins[-1]], origins)
            served = middle
        except SkipBaseline as skip:
            refused, reason = middle, skip.reason
    return forecast, dict.fromkeys(order[served:].tolist(), reason)


def _stand_ins(
    whole: Sequence[Message], tracks: int, single: Sequence[Message], origins: int
) -> tuple[Message, ...]:
    """Return for how many series, and forecasts of the others, the last value stands in."""
    notes = []
    if whole:
        template = "last value for {count:,} of {all:,} series; the reason for the first: {reason}"
        values: dict[str, Value] = {"count": len(whole), "all": tracks, "reason": whole[0]}
        notes.append(Message(template, values))
    if single:
        template = (
            "last value for {count:,} of {all:,} forecasts of the series that it serves; the "
            "reason for the first: {reason}"
        )
        values = {"count": len(single), "all": origins, "reason": single[0]}
        notes.append(Message(template, values))
    return tuple(notes)
