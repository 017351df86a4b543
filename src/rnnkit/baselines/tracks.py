"""All baselines over all series of a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rnnkit.baselines.contract import Baseline, FloatArray, SkipBaseline, Track
from rnnkit.errors import ShapeError
from rnnkit.messages import Message


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
    value stands in. A baseline that can serve none of them, or not in time, is left out.

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
            forecast, failures = _forecast(baseline, served, season, horizon)
        except SkipBaseline as skip:
            skipped[baseline.name] = skip.reason
            continue
        forecasts[baseline.name] = forecast
        if failures:
            remarks = (*remarks, _stand_in(failures, len(served)))
        if remarks:
            notes[baseline.name] = remarks
    return forecasts, skipped, notes


def _forecast(
    baseline: Baseline, tracks: Sequence[Track], season: int, horizon: int
) -> tuple[FloatArray, list[Message]]:
    """Return the forecasts `(M, H, K)`, and why the last value stands in for some series.

    Raises:
        SkipBaseline: if it would stand in for all of them.
    """
    M, K = sum(len(track.origins) for track in tracks), tracks[0].values.shape[1]
    result = np.empty((M, horizon, K))
    failures: list[Message] = []
    start = 0
    for track in tracks:
        rows = slice(start, start + len(track.origins))
        start = rows.stop
        try:
            baseline.fit(track.values[: track.known], season=season, horizon=horizon)
            forecast = baseline.forecast(track.values, track.origins)
            if not np.isfinite(forecast).all():
                raise SkipBaseline(Message("its forecast is not finite"))
            result[rows] = forecast
        except SkipBaseline as skip:
            failures.append(skip.reason)
            result[rows] = track.values[track.origins - 1][:, None]
    if len(failures) < len(tracks):
        return result, failures
    if all(failure == failures[0] for failure in failures):
        raise SkipBaseline(failures[0])
    raise SkipBaseline(
        Message(
            "can serve none of {all:,} series; the reason for the first: {reason}",
            {"all": len(tracks), "reason": failures[0]},
        )
    )


def _stand_in(failures: Sequence[Message], tracks: int) -> Message:
    """Return for how many of the series the last value stands in."""
    return Message(
        "last value for {count:,} of {all:,} series; the reason for the first: {reason}",
        {"count": len(failures), "all": tracks, "reason": failures[0]},
    )
