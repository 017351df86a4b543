"""What is forecast, and how often, where a baseline cannot go on with the later rows."""

import math

import numpy as np
import pytest

from rnnkit.baselines import ETS, LastValue, SkipBaseline, Track, forecast_tracks
from rnnkit.messages import Message

KNOWN, H = 5, 3


class Halts(LastValue):
    """The mean of all rows and the step; the last row of 0 or less before an origin forbids it.

    It keeps what it was asked: the number of rows, and the origins.
    """

    name = "halts"

    def __init__(self):
        self.asked = []

    def forecast(self, values, origins):
        self.asked.append((len(values), origins.tolist()))
        bad = np.flatnonzero((values[: origins.max()] <= 0).any(axis=1))
        if len(bad):
            raise SkipBaseline(Message("row {row} is not above 0", {"row": int(bad[-1])}))
        return super().forecast(values, origins)

    def _formula(self, values, origins, steps):
        means = np.stack([values[: o[0]].mean(axis=0) for o in origins])
        return means[:, None] + steps[:, None]


def series(rows, *bad):
    """Two columns of which no two rows are alike; the rows `bad` hold a 0 in the second."""
    values = np.arange(1.0, rows + 1)[:, None] ** 2 * np.array([1.0, 10.0])
    values[list(bad), 1] = 0.0
    return values


def run(*tracks):
    """Return the forecasts, why there are none, the notes, and the baseline that was asked."""
    baseline = Halts()
    found, skipped, notes = forecast_tracks([lambda: baseline], tracks, season=1, horizon=H)
    said = {name: str(reason) for name, reason in skipped.items()}
    return found.get("halts"), said, [str(note) for note in notes.get("halts", ())], baseline


def expected(track, refused):
    """By hand: the mean before each origin and the step, or the last value where it is refused."""
    rows = []
    for number, o in enumerate(track.origins):
        last, mean = track.values[o - 1], track.values[:o].mean(axis=0)
        rows.append([last if refused[number] else mean + step for step in (1, 2, 3)])
    return np.array(rows)


@pytest.mark.parametrize("count", range(1, 12))
def test_wherever_the_first_bad_row_lies_just_the_origins_behind_it_are_refused(count):
    # Out of order, with gaps, and one of them twice.
    origins = KNOWN + 2 * np.random.default_rng(count).permutation(count)
    origins = np.append(origins, origins[0])
    rows = int(origins.max()) + 1
    whole = run(Track(series(rows), KNOWN, origins))
    assert whole[1:3] == ({}, [])
    for row in range(KNOWN - 1, rows):
        track = Track(series(rows, row), KNOWN, origins)
        refused = origins > row
        forecast, skipped, notes, _ = run(track)
        if refused.all():
            assert forecast is None
            assert skipped == {"halts": f"row {row} is not above 0"}
            assert notes == []
            continue
        assert skipped == {}
        np.testing.assert_array_equal(forecast[~refused], whole[0][~refused])
        np.testing.assert_allclose(forecast, expected(track, refused), rtol=1e-15)
        note = (
            f"last value for {refused.sum()} of {len(origins)} forecasts of the series that it"
            f" serves; the reason for the first: row {row} is not above 0"
        )
        assert notes == ([note] if refused.any() else [])


def test_the_reason_is_that_of_the_first_origin_that_is_refused():
    for row in range(KNOWN, 19):
        track = Track(series(20, row, 19), KNOWN, np.arange(KNOWN, 21))
        _, _, (note,), _ = run(track)
        assert f"last value for {20 - row} of 16 forecasts" in note
        assert note.endswith(f"the reason for the first: row {row} is not above 0")


def test_a_series_that_is_refused_at_every_origin_is_one_of_which_the_others_know_nothing():
    origins = np.arange(KNOWN, 30)
    tracks = [Track(series(30, *bad), KNOWN, origins) for bad in ((4,), (), (20,))]
    forecast, skipped, notes, _ = run(*tracks)
    assert skipped == {}
    wanted = [expected(t, origins > row) for t, row in zip(tracks, (4, 99, 20), strict=True)]
    np.testing.assert_allclose(forecast, np.concatenate(wanted), rtol=1e-15)
    assert notes == [
        "last value for 1 of 3 series; the reason for the first: row 4 is not above 0",
        "last value for 9 of 50 forecasts of the series that it serves; the reason for the first:"
        " row 20 is not above 0",
    ]


@pytest.mark.parametrize("count", [2, 97, 730])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 1.0])
def test_what_is_asked_again_takes_no_longer_than_what_was_planned(count, place):
    # Each call begins from the first row, which takes 0.16 s where a series is long: one for each
    # of 730 origins are two minutes. What a refused call has done until then is lost.
    rows = KNOWN + count
    row = KNOWN + round(place * (count - 2))
    _, _, _, baseline = run(Track(series(rows, row), KNOWN, np.arange(KNOWN, rows)))
    first, *again = baseline.asked
    assert first == (rows, list(range(KNOWN, rows)))
    assert len(again) <= math.ceil(math.log2(count))
    assert sum(len(origins) for _, origins in again) < count
    # Nor is a later row shown to it than the last that its origins may know.
    assert all(seen == max(origins) for seen, origins in again)


@pytest.mark.parametrize("late", [1, 40, 79])
def test_ets_stays_within_its_seconds_though_it_cannot_go_on(late, monkeypatch):
    known, count, season = 40, 80, 4
    t = np.arange(known + count)[:, None]
    noise = np.random.default_rng(8).normal(size=t.shape)
    # A season that grows with its level: its exponential smoothing is multiplicative.
    values = 50 * np.exp(t / 60) * (1 + 0.3 * np.sin(np.pi * t / 2) + 0.02 * noise)
    origins = np.arange(known, known + count)
    tracks = [Track(values.copy(), known, origins)]
    values[-late - 1] = 0.0
    tracks.append(Track(values, known, origins))
    planned = count * ETS()._forecast_seconds(len(values), season)
    calls, spent = 0, 0.0
    whole = ETS._forecast_column

    def counted(self, model, y, origins):
        nonlocal calls, spent
        calls += 1
        forecast = whole(self, model, y, origins)  # what it cannot serve, it refuses at once
        spent += len(origins) * self._forecast_seconds(len(y), season)
        return forecast

    monkeypatch.setattr(ETS, "_forecast_column", counted)
    found = []
    for track in tracks:
        calls, spent = 0, 0.0
        budget = ETS()._seconds([track], season)
        forecasts, skipped, notes = forecast_tracks(
            [ETS], [track], season=season, horizon=H, seconds=budget
        )
        assert skipped == {}
        found.append(forecasts["ETS"])
        assert 0 < spent <= planned * (1 + 1e-9)
        assert calls <= 1 + math.ceil(math.log2(count))
    assert calls > 2
    early = count - late
    np.testing.assert_array_equal(found[1][:early], found[0][:early])
    np.testing.assert_array_equal(found[1][early:, :, 0], values[origins[early:] - 1].repeat(H, 1))
    assert f"last value for {late} of {count} forecasts" in str(notes["ETS"][0])
