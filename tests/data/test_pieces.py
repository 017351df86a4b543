"""Panels read in pieces are those read at once, and need no memory for their rows."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data import series_blocks, survey
from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.data.maps import MapWriter, copied
from rnnkit.data.panel import Panel
from rnnkit.data.pieces import prepare_pieces, read_pieces
from rnnkit.data.rows import prepare_rows, with_room
from rnnkit.errors import ConfigError, DataError

pytest.importorskip("pyarrow")

COLUMNS = Columns(
    time=("t",),
    targets=("y", "z"),
    series_id="id",
    covariates=("wind",),
    future_covariates=("price", "promo"),
    statics=("size", "kind"),
)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and blocks that cut series anywhere."""
    monkeypatch.setattr(survey, "BATCH", 7)
    monkeypatch.setattr(series_blocks, "BLOCK", 23)


def table(seed: int = 0, series: int = 6) -> pd.DataFrame:
    """Hourly rows of several series in random order, with missing cells, rows and statics."""
    rng = np.random.default_rng(seed)
    parts = []
    for s in range(series):
        n = int(rng.integers(6, 30))
        begin = pd.Timestamp("2020-01-01") + pd.Timedelta(hours=int(rng.integers(0, 40)))
        part = pd.DataFrame(
            {
                "t": begin + pd.to_timedelta(np.arange(n), "h"),
                "id": f"shop {s}",
                "y": rng.normal(size=n),
                "z": rng.integers(0, 99, size=n),
                "wind": rng.choice(["NW", "cv", None], size=n),
                "price": rng.normal(size=n),
                "promo": rng.random(n) < 0.3,
                "size": 10.0 + s,
                "kind": ["big", "small"][s % 2],
            }
        )
        ahead = slice(n - 1 - int(rng.integers(0, 3)), n)  # rows to be forecast
        part.loc[part.index[ahead], "y"] = np.nan
        part["z"] = part["z"].astype(float)
        part.loc[part.index[ahead], "z"] = np.nan
        part.loc[rng.random(n) < 0.2, "y"] = np.nan
        part.loc[rng.random(n) < 0.2, "kind"] = None
        inner = (rng.random(n) > 0.1) | np.isin(np.arange(n), [0, 1, 2])
        parts.append(part[inner])
    frame = pd.concat(parts, ignore_index=True)
    frame = pd.concat([frame, frame.sample(n=3, random_state=seed)])  # rows that stand twice
    return frame.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def write(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "sales.parquet"
    frame.to_parquet(path, row_group_size=11)
    return path


def pieces(path: Path, columns: Columns, room: int = 0, like: Panel | None = None) -> Panel:
    return read_pieces(path, columns, folder=path.parent / "maps", room=room, like=like)


def assert_equal(found: Panel, expected: Panel) -> None:
    for name in ("name", "ids", "id_name", "targets", "covariates", "clock"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("starts", "known", "ticks", "values", "numbers", "codes", "times"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_array_equal(one, other, err_msg=name)
            assert one.dtype == other.dtype, name


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("room", [0, 4])
def test_a_panel_in_pieces_is_that_read_at_once(seed: int, room: int, tmp_path: Path) -> None:
    path = write(table(seed), tmp_path)
    assert_equal(pieces(path, COLUMNS, room), with_room(read_panel(path, COLUMNS), room))


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=7),
    batch=st.integers(1, 30),
    block=st.integers(1, 40),
    seed=st.integers(0, 10**6),
)
def test_any_cut_gives_the_same(
    lengths: list[int], batch: int, block: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    lengths[0] += 3  # enough rows to see the step
    frame = pd.concat(
        pd.DataFrame(
            {
                "t": pd.Timestamp("2021-03-01") + pd.to_timedelta(np.arange(n), "D"),
                "id": s,
                "y": rng.normal(size=n),
            }
        )
        for s, n in enumerate(lengths)
    ).sample(frac=1.0, random_state=seed)
    path = write(frame, tmp_path_factory.mktemp("cut"))
    columns = Columns(time=("t",), targets=("y",), series_id="id")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "BATCH", batch)
        patch.setattr(series_blocks, "BLOCK", block)
        assert_equal(pieces(path, columns, 2), with_room(read_panel(path, columns), 2))


def test_notes_say_what_was_found(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "a", "a", "a", "b", "b", "b", "c"],
            "t": pd.to_datetime([f"2020-01-0{day}" for day in (2, 1, 1, 5, 5, 2, 3, 4, 1)]),
            "y": [2.0, None, 1.0, 5.0, 5.0, 2.0, 3.0, None, None],
        }
    )
    path = write(frame, tmp_path)
    panel = pieces(path, Columns(time=("t",), series_id="id"))
    assert panel.ids == ("a", "b")
    assert [str(note) for note in panel.notes] == [
        "The target is y, the only column of numbers that is nothing else.",
        "Cells without a value: 3 of 9 in y.",
        "The rows were sorted by time; earlier than the row above them: 1 of 9.",
        "Left out, since they repeat a row of the same time in every column that is read: 1 of 9 "
        "rows.",
        "Missing times: 2 of 10, the first 2020-01-03; rows without a value stand in for them.",
        "Left out at the end, after the last value of a target: 1 of 10 rows.",
        "Left out at the start, before each target has a value: 1 of 10 rows.",
        "Series left out, since a target has no value in them: 1 of 3, such as c.",
    ]
    templates = {
        note.template for note in read_panel(path, Columns(("long"), ("t",), series_id="id")).notes
    }
    assert len(templates & {note.template for note in panel.notes}) >= 5


def test_ticks_count_from_the_earliest_row_also_of_a_series_left_out(tmp_path: Path) -> None:
    frame = table(7)
    early = frame[frame["id"] == "shop 3"].assign(id="old", z=np.nan)
    early["t"] -= pd.Timedelta(days=2)
    path = write(pd.concat([frame, early], ignore_index=True), tmp_path)
    found = pieces(path, COLUMNS)
    assert "old" not in found.ids
    assert found.ticks.min() > 0
    assert_equal(found, read_panel(path, COLUMNS))


def daily(times: Any, **columns: Any) -> pd.DataFrame:
    n = len(times)
    return pd.DataFrame({"t": times, "y": np.arange(n) ** 1.5, "id": "a", **columns})


BERLIN = pd.date_range("2021-10-30 20:00", periods=14, freq="h", tz="Europe/Berlin")
TIMES: dict[str, tuple[Callable[[], pd.DataFrame], dict[str, Any]]] = {
    "days": (lambda: daily(pd.date_range("2020-02-26", periods=9).date), {}),
    "months": (lambda: daily(pd.date_range("2020-01-31", periods=9, freq="ME")), {}),
    "business days": (lambda: daily(pd.bdate_range("2020-01-02", periods=12)), {}),
    "texts": (lambda: daily([f"{day}/3/2021" for day in range(5, 20)]), {}),
    "years": (lambda: daily([*range(1990, 2003)]), {}),
    "utc": (lambda: daily(pd.date_range("2021-01-01", periods=9, freq="h", tz="UTC")), {}),
    "offset": (
        lambda: daily(pd.date_range("2021-01-01", periods=9, freq="h", tz="Asia/Seoul")),
        {},
    ),
    "changing offset": (lambda: daily(BERLIN), {}),
    "zone of offsets": (lambda: daily(BERLIN), {"time_zone": "Europe/Berlin"}),
    "zone": (lambda: daily(BERLIN.tz_localize(None)), {"time_zone": "Europe/Berlin"}),
    "zone of texts": (
        lambda: daily(BERLIN.tz_localize(None).strftime("%Y-%m-%d %H:%M")),
        {"time_zone": "Europe/Berlin"},
    ),
    "zone of days": (
        lambda: daily(pd.date_range("2021-10-29", periods=5)),
        {"time_zone": "Europe/Berlin"},
    ),
    "parts": (
        lambda: daily([2020] * 12, month=[1] * 8 + [2] * 4, day=[*range(24, 32), 1, 2, 3, 4]),
        {"time": ("t", "month", "day")},
    ),
    "parts in a zone": (
        lambda: daily(BERLIN.strftime("%Y-%m-%d"), clock=BERLIN.strftime("%H:%M")),
        {"time": ("t", "clock"), "time_zone": "Europe/Berlin"},
    ),
    "a step in words": (
        lambda: daily(pd.date_range("2020-01-01", periods=5, freq="2h")),
        {"step": "hour"},
    ),
}


@pytest.mark.parametrize("form", TIMES)
def test_times_in_any_form(form: str, tmp_path: Path) -> None:
    frame, options = TIMES[form][0](), TIMES[form][1]
    both = pd.concat([frame, frame.iloc[2:].assign(id="b", y=frame["y"] + 1)], ignore_index=True)
    path = write(both, tmp_path)
    columns = Columns(**{"time": ("t",), "targets": ("y",), "series_id": "id", **options})
    expected = read_panel(path, columns)
    found = pieces(path, columns)
    assert_equal(found, expected)
    assert expected.times is not None
    assert len(np.unique(expected.times[: expected.starts[1]])) == expected.starts[1]


@pytest.mark.parametrize("order", [None, "oldest-first", "newest-first"])
def test_rows_without_times(order: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"id": rng.integers(0, 4, size=60), "y": rng.normal(size=60)})
    path = write(frame, tmp_path)
    columns = Columns(targets=("y",), series_id="id", order=order)
    found, expected = pieces(path, columns, 3), read_panel(path, columns)
    assert_equal(found, with_room(expected, 3))
    oldest = "The rows tell no times: they are taken oldest first."
    assert (oldest in [str(note) for note in found.notes]) == (order is None)


def test_prices_tell_the_order(tmp_path: Path) -> None:
    close = np.random.default_rng(3).normal(size=80).cumsum() + 100
    opens = np.concatenate([[100.0], close[:-1]]) + 0.01
    frame = pd.DataFrame({"open": opens[::-1], "close": close[::-1]})
    path = write(frame, tmp_path)
    columns = Columns(targets=("close",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "BATCH", 60)
        found = pieces(path, columns)
    assert_equal(found, read_panel(path, columns))
    np.testing.assert_array_equal(found.values[:, 0], close)


def test_all_targets_and_one_series(tmp_path: Path) -> None:
    frame = daily(pd.date_range("2020-01-01", periods=30), u=1.0, v=range(30, 60)).drop(
        columns="id"
    )
    path = write(frame, tmp_path)
    columns = Columns(time=("t",), targets=("all",))
    found = pieces(path, columns)
    assert found.targets == ("y", "u", "v")
    assert_equal(found, read_panel(path, columns))


@pytest.mark.parametrize("dtype", ["category", "string", "int8", "float32", "bool"])
def test_kinds_of_covariates(dtype: str, tmp_path: Path) -> None:
    frame = daily(pd.date_range("2020-01-01", periods=30))
    rng = np.random.default_rng(4)
    cells = pd.Series(rng.integers(0, 2, size=30))
    if dtype == "category":
        cells = cells.map({0: "x", 1: "y"})
    frame["c"] = cells.astype(dtype)  # type: ignore[call-overload]
    path = write(frame, tmp_path)
    columns = Columns(time=("t",), targets=("y",), covariates=("c",))
    assert_equal(pieces(path, columns), read_panel(path, columns))


def test_truth_values_of_which_some_are_missing_are_numbers(tmp_path: Path) -> None:
    frame = daily(pd.date_range("2020-01-01", periods=30))
    frame["c"] = pd.array([True, False, None] * 10, dtype="boolean")
    path = write(frame, tmp_path)
    columns = Columns(time=("t",), targets=("y",), covariates=("c",))
    found = pieces(path, columns)
    assert found.covariates[0].labels is None
    assert_equal(found, read_panel(path, columns))


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(st.sampled_from(["1", "2", "x", None]), min_size=24, max_size=24),
    later=st.integers(0, 24),
    order=st.permutations(range(24)),
    columns=st.sampled_from(
        [
            Columns(time=("t",), targets=("y",), series_id="id", covariates=("c",)),
            Columns(time=("d",), targets=("y",), series_id="id", covariates=("c",)),
            Columns(
                targets=("y",), series_id="id", covariates=("c",), order="oldest-first", step="day"
            ),
            Columns(targets=("y",), series_id="id", covariates=("c",), order="newest-first"),
        ]
    ),
)
def test_the_older_rows_in_pieces_are_those_of_the_whole_file(
    cells: list[str | None],
    later: int,
    order: list[int],
    columns: Columns,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    times = pd.date_range("2020-01-01", periods=24)
    cells = [cell if i >= later or cell is None else "7" for i, cell in enumerate(cells)]
    frame = pd.DataFrame({"t": times, "d": times.strftime("%Y-%m-%d"), "y": np.arange(24.0)})
    frame["id"], frame["c"] = ["a"] * 11 + ["b"] * 13, pd.Series(cells, dtype=object)
    path = write(frame.iloc[order] if columns.time else frame, tmp_path_factory.mktemp("ages"))
    try:
        expected = read_panel(path, columns)
    except DataError as error:
        whole = str(error).split(", but ")[0].split(" in ")[0]
        with pytest.raises(DataError, match=whole):
            pieces(path, columns)
    else:
        found = pieces(path, columns)
        assert_equal(found, expected)
        assert found.told >= expected.told  # the step is told by the longest series alone


@pytest.mark.parametrize("known", [[True, False, True], [True, False, None]], ids=str)
@pytest.mark.parametrize("later", [[False, True, False], [False, None, True]], ids=str)
def test_later_truth_values_are_read_as_the_known_ones(
    known: list[Any], later: list[Any], tmp_path: Path
) -> None:
    columns = Columns(time=("t",), targets=("y",), covariates=("c",))
    frame = daily(pd.date_range("2020-01-01", periods=60))
    frame["c"] = pd.array(known * 10 + later * 10, dtype="boolean")
    panel = read_panel(write(frame[:30], tmp_path), columns)
    path = write(frame[30:], tmp_path)
    found = pieces(path, columns, like=panel)
    assert_equal(found, read_panel(path, columns, like=panel))
    expected = [np.nan if cell is None else int(cell) for cell in later]
    np.testing.assert_array_equal(found.numbers[:3, 0], expected)


def broken(change: Callable[[pd.DataFrame], None]) -> pd.DataFrame:
    frame = table(1).drop_duplicates(["id", "t"], ignore_index=True)
    change(frame)
    return frame


def put(column: str, cell: Any, row: int = 20) -> Callable[[pd.DataFrame], None]:
    def change(frame: pd.DataFrame) -> None:
        if isinstance(cell, str) and frame[column].dtype != object:
            frame[column] = frame[column].astype(str)
        frame.loc[row, column] = cell

    return change


def double(frame: pd.DataFrame) -> None:
    twin = frame[frame["id"] == frame.loc[20, "id"]].index
    other = int(twin[twin != 20][0])
    frame.loc[other, "t"] = frame.loc[20, "t"]
    frame.loc[other, "z"] = 7_777.0


SAME = {
    "a text": put("y", "many"),
    "no finite number": put("z", np.inf),
    "no series": put("id", None),
    "an unreadable time": lambda f: put("t", "soon")(f),
    "off the grid": lambda f: put("t", pd.Timestamp("2020-01-01 13:17"))(f),
    "a static that changes": put("size", 99.0),
    "a label that changes": put("kind", "vast"),
    "labels that are mostly numbers": lambda f: f.__setitem__(
        "wind", ["calm" if row == 20 else "12" for row in range(len(f))]
    ),
    "an empty target": lambda f: f.__setitem__("z", np.nan),
    "an empty covariate": lambda f: f.__setitem__("price", np.nan),
    "an empty label": lambda f: f.__setitem__("wind", None),
}


@pytest.mark.parametrize("what", SAME)
def test_what_is_refused_is_refused_in_the_same_words(what: str, tmp_path: Path) -> None:
    path = write(broken(SAME[what]), tmp_path)
    with pytest.raises(DataError) as expected:
        read_panel(path, COLUMNS)
    with pytest.raises(DataError) as found:
        pieces(path, COLUMNS)
    # Counts, which stand in brackets, are those of a batch or block.
    words = [str(error.value).split(" (") for error in (found, expected)]
    assert words[0][0] == words[1][0]
    assert not list((tmp_path / "maps").glob("*"))


def test_doubled_times_are_refused_with_both_rows(tmp_path: Path) -> None:
    frame = broken(double)
    at = str(frame.loc[20, "t"]).removesuffix(" 00:00:00")
    path = write(frame, tmp_path)
    with pytest.raises(DataError, match="differ") as error:
        pieces(path, COLUMNS)
    text = str(error.value)
    assert "row 20 (counted from 0)" in text
    assert f"are both at {at} in series {frame.loc[20, 'id']!r} but differ; each time" in text


def test_more_gaps_than_rows_are_refused(tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=20)
    for gap, fine in ((18, True), (23, False)):
        times = [*days, days[-1] + pd.Timedelta(days=gap)]
        path = write(daily(times), tmp_path)
        columns = Columns(time=("t",), targets=("y",), series_id="id")
        if fine:
            assert_equal(pieces(path, columns), read_panel(path, columns))
            for file in (tmp_path / "maps").iterdir():
                file.unlink()
        else:
            with pytest.raises(DataError, match="more rows are missing than the 21 given"):
                pieces(path, columns)
            with pytest.raises(DataError, match="22 rows are missing where 21 are given"):
                read_panel(path, columns)


def test_gaps_of_one_block_count_against_all_rows(tmp_path: Path) -> None:
    few = daily(pd.to_datetime(["2020-01-01", "2020-01-02", "2020-02-02"]))
    many = daily(pd.date_range("2020-01-01", periods=50)).assign(id="b")
    path = write(pd.concat([few, many], ignore_index=True), tmp_path)
    columns = Columns(time=("t",), targets=("y",), series_id="id")
    assert_equal(pieces(path, columns), read_panel(path, columns))


def test_too_many_labels_are_refused(tmp_path: Path) -> None:
    frame = daily(pd.date_range("1990-01-01", periods=1200))
    frame["c"] = [f"n{number}" for number in range(1200)]
    path = write(frame, tmp_path)
    columns = Columns(time=("t",), targets=("y",), covariates=("c",))
    with pytest.raises(DataError, match=r"on row 1000 .* looks like an identifier"):
        pieces(path, columns)


def test_other_layouts_and_files_are_refused(tmp_path: Path) -> None:
    path = write(table(), tmp_path)
    with pytest.raises(ConfigError, match="layout must be long"):
        pieces(path, Columns(layout="columns", time=("t",)))
    with pytest.raises(DataError, match="has no column 'q'"):
        pieces(path, Columns(time=("q",), series_id="id"))
    with pytest.raises(ConfigError, match="needs a time column"):
        pieces(path, Columns(targets=("y",), time_zone="Europe/Berlin"))
    text = tmp_path / "sales.csv"
    text.write_text("t,y\n2020-01-01,1\n")
    with pytest.raises(DataError, match="is not Parquet"):
        pieces(text, Columns(time=("t",)))
    short = write(daily(pd.date_range("2020-01-01", periods=2)), tmp_path)
    with pytest.raises(DataError, match="at least 3 are needed to see the step"):
        pieces(short, Columns(time=("t",), targets=("y",)))


def test_new_rows_like_known_ones(tmp_path: Path) -> None:
    known = read_panel(write(table(2), tmp_path), COLUMNS)
    new = table(3, series=3)
    new["t"] += pd.Timedelta(days=3)
    new["wind"] = new["wind"].replace("cv", "storm")  # no label that is known
    ahead = new.iloc[:1].assign(id="shop 9", y=np.nan, z=np.nan)  # a future row alone
    path = write(pd.concat([new, ahead], ignore_index=True), tmp_path)
    found = pieces(path, COLUMNS, 2, like=known)
    expected = with_room(read_panel(path, COLUMNS, like=known), 2)
    assert "shop 9" in found.ids
    assert_equal(found, expected)


def test_new_rows_unlike_known_ones_are_refused(tmp_path: Path) -> None:
    path = write(table(2), tmp_path)
    known = read_panel(path, COLUMNS)
    cases: list[tuple[Columns, type[Exception]]] = [
        (replace(COLUMNS, time=(), order="oldest-first"), ConfigError),
        (replace(COLUMNS, time_zone="Europe/Berlin"), ConfigError),
        (replace(COLUMNS, step="day"), ConfigError),
        (replace(COLUMNS, targets=("z", "y")), ConfigError),
        (replace(COLUMNS, covariates=()), DataError),
    ]
    for columns, kind in cases:
        with pytest.raises(kind):
            read_panel(path, columns, like=known)
        with pytest.raises(kind):
            pieces(path, columns, like=known)


def test_the_arrays_are_maps_that_cannot_be_written(tmp_path: Path) -> None:
    panel = pieces(write(table(), tmp_path), COLUMNS)
    rows = prepare_pieces(panel, 2, tmp_path / "more")
    for array in (
        panel.values,
        panel.numbers,
        panel.codes,
        panel.times,
        rows.values,
        rows.observed,
    ):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


@pytest.mark.parametrize("horizon", [1, 4, 9])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_rows_are_prepared_in_pieces(horizon: int, zone: str | None, tmp_path: Path) -> None:
    path = write(table(5), tmp_path)
    columns = replace(COLUMNS, time_zone=zone)
    panel = pieces(path, columns, 4)
    expected = prepare_rows(read_panel(path, columns), horizon)
    if horizon <= 4:
        expected = prepare_rows(with_room(read_panel(path, columns), 4), horizon)
    found = prepare_pieces(panel, horizon, tmp_path / "maps")
    assert_equal(found.panel, expected.panel)
    for name in ("values", "observed", "numbers", "calendar"):
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert (found.panel.values is panel.values) == (horizon <= 4)


def test_panels_in_memory_and_without_times_are_prepared_too(tmp_path: Path) -> None:
    path = write(table(6), tmp_path)
    panel = read_panel(path, Columns(targets=("y",), series_id="id", order="oldest-first"))
    found, expected = prepare_pieces(panel, 3, tmp_path / "a"), prepare_rows(panel, 3)
    assert_equal(found.panel, expected.panel)
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.calendar.shape == expected.calendar.shape


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(table(), tmp_path)
    calls = []

    def stop(self: MapWriter, **arrays: Any) -> None:
        calls.append(arrays)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(MapWriter, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        pieces(path, COLUMNS)
    assert not list((tmp_path / "maps").iterdir())


def test_a_killed_process_leaves_no_finished_file(tmp_path: Path) -> None:
    path = write(table(), tmp_path)
    folder = tmp_path / "maps"
    script = f"""
        import os
        from pathlib import Path
        from rnnkit.data import maps, series_blocks
        from rnnkit.data.columns import Columns
        from rnnkit.data.pieces import read_pieces

        series_blocks.BLOCK = 23
        append = maps.MapWriter.append
        calls = []

        def stop(self, **arrays):
            append(self, **arrays)
            calls.append(1)
            if len(calls) == 2:
                os._exit(9)

        maps.MapWriter.append = stop
        columns = Columns(time=("t",), targets=("y", "z"), series_id="id")
        read_pieces(Path({str(path)!r}), columns, folder=Path({str(folder)!r}), room=1)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == 9
    left = [file.name for file in folder.iterdir()]
    assert left
    assert all(name.endswith(".partial") for name in left)
    assert_equal(pieces(path, COLUMNS), read_panel(path, COLUMNS))  # in the same folder
    assert not [name for name in os.listdir(folder) if name.endswith(".partial")]  # noqa: PTH208


def test_a_folder_that_holds_a_panel_is_refused(tmp_path: Path) -> None:
    path = write(table(), tmp_path)
    panel = pieces(path, COLUMNS)
    before = panel.values.copy()
    with pytest.raises(DataError, match=r"already holds values\.bin; give another folder"):
        pieces(path, COLUMNS)
    np.testing.assert_array_equal(panel.values, before)


def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "BATCH", 4_000)
    monkeypatch.setattr(series_blocks, "BLOCK", 4_000)
    n, series = 1_000, 200
    days = pd.date_range("1990-01-01", periods=n)
    frame = pd.DataFrame(
        {
            "t": np.repeat(days.to_numpy(), series),
            "id": np.tile(np.arange(series), n),
            "y": np.random.default_rng(0).normal(size=n * series),
        }
    )
    frame.to_parquet(tmp_path / "long.parquet", row_group_size=5_000)
    columns = Columns(time=("t",), targets=("y",), series_id="id")
    pieces(tmp_path / "long.parquet", columns)  # what is imported and cached does not count
    tracemalloc.start()
    try:
        panel = read_pieces(tmp_path / "long.parquet", columns, folder=tmp_path / "again", room=5)
        rows = prepare_pieces(panel, 5, tmp_path / "again")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = sum(file.stat().st_size for file in (tmp_path / "again").iterdir())
    assert rows.values.shape == (series * (n + 5), 1)
    assert peak < size / 4


def test_parts_of_maps_are_copied(tmp_path: Path) -> None:
    numbers = np.arange(30.0).reshape(10, 3)
    with MapWriter(tmp_path, {"x": (numbers.dtype, 3), "t": (np.dtype("M8[ns]"), None)}) as writer:
        times = np.arange(10).astype("M8[ns]")
        for part in (slice(0, 4), slice(4, 4), slice(4, 10)):
            writer.append(x=numbers[part], t=times[part])
        found = writer.finish()
    for start, stop in ((0, 10), (3, 7), (9, 10), (4, 4)):
        for array in (numbers, found["x"], np.asarray(found["x"])):
            part = copied(array, start, stop)
            np.testing.assert_array_equal(part, numbers[start:stop])
            part[:] = 0.0
        np.testing.assert_array_equal(copied(found["t"], start, stop), times[start:stop])
    np.testing.assert_array_equal(copied(found["x"][2:], 1, 3), numbers[3:5])
    later = np.memmap(tmp_path / "x.bin", dtype="f8", mode="r", offset=48, shape=(8, 3))
    np.testing.assert_array_equal(copied(later, 2, 5), numbers[4:7])
