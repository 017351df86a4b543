"""What lies after an origin changes nothing at it: every layout, everything switched on."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel, season_of
from rnnkit.data.columns import Columns
from rnnkit.tasks.forecasting.artifact import _config
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.forecasting.evaluation import Fitted, evaluate_fit
from rnnkit.tasks.forecasting.fitting import fit_pipeline
from rnnkit.tasks.forecasting.planning import plan_fit

ROWS, TEST, HORIZON = 150, 30, 4
SMALL = {"horizon": HORIZON, "hidden_size": 3, "epochs": 2, "patience": 2, "season": 6}


def waves(columns, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(ROWS)[:, None]
    phase = rng.uniform(0, 6, columns)
    level = rng.uniform(20, 40, columns)
    return level + 5 * np.sin(2 * np.pi * t / 6 + phase) + rng.normal(size=(ROWS, columns))


def long_table(values, rng):
    """Two series of unequal length with gaps, and covariates of every role and kind."""
    days = pd.date_range("2020-01-01", periods=ROWS, freq="D").strftime("%Y-%m-%d").to_numpy()
    promo = rng.integers(0, 2, ROWS).astype(float)  # known beforehand, and it matters
    parts = []
    for s, name in enumerate(("north", "south")):
        begin = 20 * s
        parts.append(
            pd.DataFrame(
                {
                    "day": days[begin:],
                    "shop": name,
                    "sold": values[begin:, s] + 9 * promo[begin:],
                    "rain": rng.normal(size=ROWS - begin),
                    "wind": rng.choice(["NE", "SW", "calm"], ROWS - begin),
                    "promo": promo[begin:],
                    "holiday": rng.choice(["yes", "no"], ROWS - begin),
                    "region": "coast" if s else "hill",
                    "area": 3.5 + s,
                }
            ).drop(index=[30, 31, 77])
        )
    return pd.concat(parts, ignore_index=True)


LONG = Columns(
    time=("day",),
    targets=("sold",),
    series_id="shop",
    covariates=("rain", "wind"),
    future_covariates=("promo", "holiday"),
    statics=("region", "area"),
)


def layouts():
    """Yield a table, its columns, and what changes every cell that is not known at a row."""
    days = pd.date_range("2020-01-01", periods=ROWS, freq="D").strftime("%Y-%m-%d")

    def spoil_long(table, first, rng):
        after = (table["day"] >= days[first]).to_numpy()
        table.loc[after, "sold"] = rng.uniform(-500, 900, after.sum())
        table.loc[after, "rain"] = rng.uniform(-500, 900, after.sum())
        table.loc[after, "wind"] = rng.choice(["storm", "NE", None], after.sum())
        return table

    def spoil_wide(table, first, rng):
        numbers = table.columns[table.columns != "day"]
        spoiled = rng.uniform(-500, 900, (ROWS - first, len(numbers)))
        spoiled[3, 0] = np.nan
        table.loc[table.index[first:], numbers] = spoiled
        return table

    def spoil_rows(table, first, rng):
        table.iloc[:, 1 + first :] = rng.uniform(-500, 900, (len(table), ROWS - first))
        return table

    rng = np.random.default_rng(1)
    values = waves(3)
    wide = pd.DataFrame(values, columns=["a", "b", "c"]).assign(day=days)
    wide.loc[40:42, "b"] = np.nan
    across = pd.DataFrame(values.T, columns=[f"t{i}" for i in range(ROWS)])
    across.insert(0, "name", ["a", "b", "c"])
    return {
        "long": (long_table(values, rng), LONG, spoil_long),
        "targets": (wide, Columns(time=("day",), targets=("a", "b", "c")), spoil_wide),
        "columns": (wide, Columns(layout="columns", time=("day",)), spoil_wide),
        "columns without times": (
            wide.drop(columns="day"),
            Columns(layout="columns", order="oldest-first"),
            spoil_wide,
        ),
        "rows": (across, Columns(layout="rows", series_id="name"), spoil_rows),
        "single": (wide[["day", "a"]], Columns(time=("day",), targets=("a",)), spoil_wide),
    }


OPTIONS = {
    "one network": {"ensemble": 1, "linear": True},
    "ensemble": {"ensemble": 3},
    "recursive": {"ensemble": 1, "strategy": "recursive"},
    "quantiles": {"ensemble": 1, "intervals": "quantile"},
}


def fitted(table, columns, options):
    panel = read_panel(table, columns)
    config = ForecastConfig(**SMALL, test_size=TEST, **options)
    fit = fit_pipeline(plan_fit(panel, config, season_of(columns, panel)), config)
    return panel, config, fit


def evaluated(panel, config, fit):
    return evaluate_fit(
        fit, panel, panel, first=fit.split.known, end=fit.split.rows, cell=config.cell
    )


def weights(fit):
    parts = [
        parameter.detach().numpy().ravel()
        for network in fit.pipeline.networks
        for parameter in network.parameters()
    ]
    parts += [fit.pipeline.weights, fit.pipeline.levels.loc, fit.pipeline.levels.scale]
    parts += [fit.pipeline.levels.floor, fit.pipeline.typical, fit.calibration.errors]
    parts += [path.weights for path in (fit.pipeline.linear, fit.ridge) if path is not None]
    return np.concatenate([part.ravel() for part in parts])


@pytest.mark.parametrize("layout", layouts())
@pytest.mark.parametrize("option", OPTIONS)
def test_rows_after_the_known_ones_change_nothing_that_is_fitted(layout, option):
    table, columns, spoil = layouts()[layout]
    options = OPTIONS[option]
    if layout == "long" and option == "recursive":
        pytest.skip("the recursive strategy takes no past covariates")
    panel, config, fit = fitted(table.copy(), columns, options)
    spoiled = spoil(table.copy(), ROWS - TEST, np.random.default_rng(2))
    other, _, again = fitted(spoiled, columns, options)
    assert not np.array_equal(panel.values, other.values, equal_nan=True)
    np.testing.assert_array_equal(weights(fit), weights(again))
    one, two = (
        json.dumps({k: _config(Fitted(p, columns, f, None, None, 0), config)[k] for k in KEYS})
        for p, f in ((panel, fit), (other, again))
    )
    assert one == two
    first, second = evaluated(panel, config, fit), evaluated(other, config, again)
    earliest = first.origins[first.series == 0].min()
    for name in ("model", "without network", "ridge", "last value", "seasonal naive"):
        before, after = (
            e.forecasts[name][(e.series == 0) & (e.origins == earliest)] for e in (first, second)
        )
        np.testing.assert_array_equal(before, after)
    for side in ("lower", "upper"):
        before, after = (
            getattr(e.intervals, side)[:, (e.series == 0) & (e.origins == earliest)]
            for e in (first, second)
        )
        np.testing.assert_array_equal(before, after)


KEYS = ("sizes", "split", "transform", "typical", "features", "linear", "ridge", "weights")


@pytest.mark.parametrize("layout", layouts())
def test_rows_after_an_origin_change_no_forecast_or_interval_before_it(layout):
    table, columns, spoil = layouts()[layout]
    panel, config, fit = fitted(table.copy(), columns, OPTIONS["one network"])
    cut = ROWS - TEST + 13
    other = read_panel(spoil(table.copy(), cut, np.random.default_rng(3)), columns)
    first, second = evaluated(panel, config, fit), evaluated(other, config, fit)

    def early(evaluation):
        ticks = evaluation.origins + panel.ticks[evaluation.series]
        return ticks <= cut

    np.testing.assert_array_equal(
        first.forecasts["model"][early(first)], second.forecasts["model"][early(second)]
    )
    # The ends of intervals are drawn anew once a horizon, from what is known at its start.
    assert early(first).sum() >= 13
    np.testing.assert_array_equal(
        first.intervals.lower[:, early(first)], second.intervals.lower[:, early(second)]
    )
    np.testing.assert_array_equal(
        first.intervals.upper[:, early(first)], second.intervals.upper[:, early(second)]
    )


def test_what_is_known_of_the_future_does_reach_the_forecast():
    """The same comparison the other way round, so that it can fail."""
    table, columns, _ = layouts()["long"]
    panel, config, fit = fitted(table.copy(), columns, {"ensemble": 1, "linear": True})
    changed = table.copy()
    changed.loc[changed["day"] >= "2020-05-20", "promo"] += 50.0
    other = read_panel(changed, columns)
    first, second = evaluated(panel, config, fit), evaluated(other, config, fit)
    assert (first.forecasts["model"] != second.forecasts["model"]).any()


def test_a_huge_value_after_an_origin_widens_no_interval_before_it():
    """What is rounding is judged by the rows before an origin alone."""
    rng = np.random.default_rng(5)
    values = 10 + np.sin(np.arange(160)) + 0.1 * rng.normal(size=160)
    frame = pd.DataFrame({"y": values})
    columns = Columns(order="oldest-first")
    panel = read_panel(frame, columns)
    config = ForecastConfig(
        horizon=2, epochs=1, ensemble=1, hidden_size=3, season=6, test_size=20, validation_size=30
    )
    fit = fit_pipeline(plan_fit(panel, config, 1), config)
    frame.loc[150, "y"] = 1e14
    other = read_panel(frame, columns)
    first, second = evaluated(panel, config, fit), evaluated(other, config, fit)
    early = first.origins <= 150
    assert early.sum() >= 10
    for side in ("lower", "upper"):
        np.testing.assert_array_equal(
            getattr(first.intervals, side)[:, early], getattr(second.intervals, side)[:, early]
        )
