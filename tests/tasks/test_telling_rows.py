"""No row from the first origin on tells what a column holds, wherever the parts are cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnkit import Forecaster
from rnnkit.data.columns import Columns
from rnnkit.errors import DataError
from rnnkit.tasks.forecasting.backtest_run import run_backtest_folder


@pytest.fixture(autouse=True)
def _few_baselines(few_baselines):
    pass


ROWS = 200
QUICK = {"epochs": 1, "ensemble": 1, "hidden_size": 3, "context": 5, "season": 1}
DAYS = pd.date_range("2020-01-01", periods=ROWS, freq="D").strftime("%Y-%m-%d").to_numpy()
SIZES = {"early": (60, 20, 120), "ordinary": (None, None, 30)}
FIRST = {"early": 80, "ordinary": 170}


def table(later, sizes):
    """Text cells; what stands in the columns from the first origin on is `later`."""
    rng = np.random.default_rng(3)
    steps = np.arange(ROWS)
    values = 20 + 3 * np.sin(steps / 4) + rng.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "day": DAYS,
            "y": [f"{v:.3f}" for v in values],
            "k": [str(v) for v in rng.integers(0, 5, ROWS)],
            "silent": "",
            "b": [f"{v:.3f}" for v in rng.normal(size=ROWS)],
            "n": [str(step) for step in steps],
        }
    )
    after = steps >= FIRST[sizes]
    for name, cell in later.items():
        frame.loc[after, name] = cell
    return frame


def forecasts(frame, sizes, **columns):
    """What is forecast at the first origin, for `y`."""
    train, validation, test = SIZES[sizes]
    model = Forecaster(
        horizon=3, train_size=train, validation_size=validation, test_size=test, **QUICK
    )
    evaluation = model.fit(frame, **columns).scored()
    series = model.fitted.panel.ids.index("y") if "y" in model.fitted.panel.ids else 0
    chosen = (evaluation.series == series).nonzero()[0][0]
    return evaluation.forecasts["model"][chosen, ..., 0].tolist()


COVARIATE = {"time": "day", "target": "y"}
SILENT = {**COVARIATE, "covariate": "silent"}
ALL = {"time": "day", "target": "all"}
# What stands later in one table and in another, how they are read, and whether that is refused.
CASES = {
    "labels": ({}, {"k": "storm"}, {**COVARIATE, "covariate": "k"}, True),
    "silent numbers": (
        {"silent": "4"},
        {"silent": "5"},
        SILENT,
        False,
    ),
    "silent texts": ({"silent": "4"}, {"silent": "u"}, SILENT, True),
    "a count that breaks off": ({}, {"n": "7777"}, ALL, False),
    "a target switched off": ({}, {"b": "off"}, ALL, True),
    "a target that begins": ({}, {"silent": "5.5"}, ALL, False),
    "a series that begins": ({}, {"silent": "5.5"}, {"time": "day", "layout": "columns"}, False),
    "a series switched off": ({}, {"b": "off"}, {"time": "day", "layout": "columns"}, True),
}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("times", ["oldest first", "newest first", "none"])
def test_no_row_from_the_first_origin_on_tells_what_a_column_holds(case, sizes, times):
    one, other, columns, is_refused = CASES[case]
    tables = [table(later, sizes) for later in (one, other)]
    if times == "newest first":
        tables = [frame[::-1] for frame in tables]
    if times == "none":
        tables = [frame.drop(columns="day") for frame in tables]
        columns = {name: value for name, value in columns.items() if name != "time"}
        columns["order"] = "oldest-first"
    expected = forecasts(tables[0], sizes, **columns)
    if not is_refused:
        assert forecasts(tables[1], sizes, **columns) == expected
        return
    with pytest.raises(DataError, match=f"column '{next(iter(other))}' .* row .* holds '"):
        forecasts(tables[1], sizes, **columns)


def test_nor_do_the_rows_of_any_fold_of_a_backtest(tmp_path):
    found = []
    for later in ({}, {"n": "7777"}):
        backtest = run_backtest_folder(
            table(later, "early"),
            columns=Columns(time=("day",), targets=("all",)),
            options={"horizon": 10, **QUICK},
            folds=12,
            size=None,
            refit=False,
            out=tmp_path / f"run{len(found)}",
        )
        assert backtest.panel.told == backtest.folds[0].first == FIRST["early"]
        found.append(backtest.folds[0].evaluation.forecasts["model"].tolist())
    assert found[0] == found[1]


def at_first_origin(frame, series, first, **options):
    """What is forecast for a series at its origin `first`."""
    columns = options.pop("columns")
    model = Forecaster(horizon=3, **options, **QUICK).fit(frame, **columns)
    evaluation, panel = model.scored(), model.fitted.panel
    s = panel.find(series)
    chosen = (evaluation.series == s) & (evaluation.origins == panel.starts[s] + first)
    assert chosen.sum() == 1
    return evaluation.forecasts["model"][chosen].tolist()


def wave(rows, seed):
    rng = np.random.default_rng(seed)
    return 20 + 3 * np.sin(np.arange(rows) / 4) + rng.normal(size=rows)


@pytest.mark.parametrize("role", ["covariate", "future_covariate"])
def test_rows_to_come_do_not_make_the_known_ones_older(role):
    """Without times: 100 known rows with 100 to come are the newest 100 of a series of 200."""
    rng = np.random.default_rng(0)
    known = {"a": 100, "b": 200}
    parts = [
        pd.DataFrame({"s": name, "y": np.append(wave(n, n), [np.nan] * (200 - n)), "k": "1"})
        for name, n in known.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame["k"] = rng.integers(0, 5, len(frame)).astype(str)
    columns = {"target": "y", "series_id": "s", role: "k", "order": "oldest-first"}
    expected = at_first_origin(frame, "a", 50, columns=columns, test_size=50)
    assert len(expected) == 1
    frame.loc[70:99, "k"] = "storm"
    with pytest.raises(DataError, match=r"column 'k' .* holds 'storm'"):
        at_first_origin(frame, "a", 50, columns=columns, test_size=50)


def test_a_series_born_after_the_origin_changes_no_other():
    frame = pd.DataFrame({"day": DAYS, "s": "a", "y": wave(ROWS, 1)})
    columns = {"time": "day", "target": "y", "series_id": "s"}
    expected = at_first_origin(frame, "a", 180, columns=columns, test_size=20)
    born = pd.concat([frame, frame[185:].assign(s="b")])
    assert at_first_origin(born, "a", 180, columns=columns, test_size=20) == expected


def test_a_row_born_after_the_origin_does_not_tell_what_statics_hold():
    table = pd.DataFrame(np.stack([wave(ROWS, seed) for seed in range(5)])).astype(object)
    table.loc[5] = [*wave(15, 9), *[None] * (ROWS - 15)]
    table.insert(0, "id", list("abcdef"))
    table.insert(1, "k", list("123457"))
    columns = {"layout": "rows", "series_id": "id", "static": "k"}
    at_first_origin(table, "a", 180, columns=columns, test_size=20)
    table.loc[5, "k"] = "x"
    with pytest.raises(DataError, match=r"column 'k' .* holds 'x'"):
        at_first_origin(table, "a", 180, columns=columns, test_size=20)


@pytest.mark.parametrize("first_changed", [270, 299])
def test_a_later_offset_moves_no_earlier_clock(first_changed):
    hours = pd.date_range("2021-03-15", periods=300, freq="h")

    def frame(changed):
        ahead = [1 if row < changed else 2 for row in range(300)]
        written = [
            f"{hour + pd.Timedelta(hours=h):%Y-%m-%dT%H:%M}+0{h}:00"
            for hour, h in zip(hours, ahead, strict=True)
        ]
        return pd.DataFrame({"t": written, "y": wave(300, 4)})

    columns = {"time": "t", "target": "y"}
    expected = at_first_origin(frame(300), "", 240, columns=columns, test_size=60)
    found = at_first_origin(frame(first_changed), "", 240, columns=columns, test_size=60)
    assert found == expected


def test_later_times_do_not_tell_the_step():
    older = list(pd.bdate_range("2021-01-04", periods=80))
    columns = {"time": "t", "target": "y"}
    sizes = {"train_size": 60, "validation_size": 20}

    def frame(later):
        return pd.DataFrame({"t": [*older, *later], "y": wave(200, 5)})

    business = pd.bdate_range(older[-1], periods=121)[1:]
    at_first_origin(frame(business), "", 80, columns=columns, **sizes)
    with pytest.raises(DataError, match="one business day after"):
        at_first_origin(
            frame(pd.date_range(older[-1], periods=121)[1:]), "", 80, columns=columns, **sizes
        )
