"""Tables as people have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnkit.data.assemble import read_panel, season_of
from rnnkit.data.columns import Columns
from rnnkit.data.joining import join_panels
from rnnkit.data.panel import Panel

pytestmark = pytest.mark.shared


@pytest.fixture
def folder(shared: Path) -> Path:
    return shared / "data" / "forecasting"


def notes(panel: Panel) -> list[str]:
    return [str(note) for note in panel.notes]


def test_four_time_columns_missing_values_and_labels(folder: Path) -> None:
    columns = Columns(
        time=("year", "month", "day", "hour"),
        targets=("pm2.5",),
        covariates=("DEWP", "cbwd"),
    )
    panel = read_panel(folder / "beijing_pm25.csv.xz", columns)
    assert len(panel.values) == 43_824 - 24
    assert int(np.isnan(panel.values).sum()) == 2_067 - 24
    assert panel.values[:3, 0].tolist() == [129, 148, 159]
    assert panel.covariates[1].labels == ("NE", "NW", "SE", "cv")
    assert panel.times is not None
    assert panel.times[0] == np.datetime64("2010-01-02")
    assert panel.times[-1] == np.datetime64("2014-12-31T23")
    assert season_of(columns, panel) == 24
    assert notes(panel) == [
        "Cells without a value: 2,067 of 43,824 in pm2.5.",
        "Read as labels, not as numbers: cbwd (4 different).",
        "The time is put together from year, month, day, hour.",
        "Left out at the start, before each target has a value: 24 of 43,824 rows.",
    ]


def test_newest_first(folder: Path) -> None:
    panel = read_panel(folder / "goog_daily_ohlcv.csv", Columns(targets=("Close",)))
    assert panel.values[[0, -1], 0].tolist() == [558.462551, 831.659973]
    assert "they are taken newest first, since in 562 of 730 rows Open" in notes(panel)[-1]


def test_series_in_columns_without_names(folder: Path) -> None:
    panel = read_panel(folder / "exchange_rate.txt.xz", Columns(layout="columns"))
    assert len(panel.ids) == 8
    assert panel.known.tolist() == [7_588] * 8
    assert panel.values[panel.starts[:-1], 0].tolist() == [
        0.7855,
        1.611,
        0.861698,
        0.634196,
        0.211242,
        0.006838,
        0.593,
        0.525486,
    ]


def test_series_in_rows_and_what_came_since(folder: Path) -> None:
    columns = Columns(layout="rows", series_id="V1")
    known = read_panel(folder / "m4_hourly_train.csv.xz", columns)
    assert (len(known.ids), known.ids[413]) == (414, "H414")
    assert sorted(set(known.known.tolist())) == [700, 960]
    new = read_panel(folder / "m4_hourly_test.csv.xz", columns, like=known)
    joined = join_panels(known, new)
    assert joined.known.tolist() == (known.known + 48).tolist()
    assert joined.ticks.tolist() == known.ticks.tolist()
    assert joined.values[joined.rows(0)][[0, 699, 700, 747], 0].tolist() == [605, 684, 619, 659]


@pytest.mark.parametrize(
    ("name", "options", "rows", "missing", "step"),
    [
        ("airline-passengers.csv", {"time": ("Month",)}, 144, 0, "month"),
        ("monthly-sunspots.csv", {"time": ("Month",)}, 2_820, 0, "month"),
        ("daily-min-temperatures.csv", {"time": ("Date",)}, 3_652, 2, "day"),
        (
            "sp500_daily_ohlcv.csv.xz",
            {"time": ("Date",), "targets": ("Close",)},
            5_216,
            185,
            "business day",
        ),
        ("ETTh1.csv.xz", {"time": ("date",), "targets": ("OT",)}, 17_420, 0, "hour"),
    ],
)
def test_one_time_column(
    folder: Path, name: str, options: dict[str, Any], rows: int, missing: int, step: str
) -> None:
    panel = read_panel(folder / name, Columns(**options))
    assert panel.known.tolist() == [rows]
    assert int(np.isnan(panel.values).sum()) == missing
    assert panel.step_name == step
