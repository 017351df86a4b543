from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from rnnkit.data.columns import Columns
from rnnkit.errors import ConfigError

ROLES: dict[str, Any] = {
    "time": ("x",),
    "targets": ("x",),
    "series_id": "x",
    "covariates": ("x",),
    "future_covariates": ("x",),
    "statics": ("x",),
}
WORDS = {
    "time": "the time",
    "targets": "a target",
    "series_id": "the series",
    "covariates": "a covariate",
    "future_covariates": "a future covariate",
    "statics": "a static covariate",
}
PAIRS = [(a, b) for a in ROLES for b in ROLES if a < b]


def refusal(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        Columns(**options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_column_has_one_role(one: str, other: str) -> None:
    message = refusal(**{one: ROLES[one], other: ROLES[other]})
    assert message.startswith("column 'x' cannot be both ")
    assert {WORDS[one], WORDS[other]} == set(message.split("both ")[1].split(" and "))


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"series_id"}))
def test_a_column_is_named_once(role: str) -> None:
    assert refusal(**{role: ("a", "x", "b", "x")}) == (
        f"column 'x' is named twice as {WORDS[role]}; name each column once"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"layout": "column"}, "long, columns, rows, got 'column'; did you mean 'columns'?"),
        ({"layout": None}, "layout must be one of long, columns, rows, got None"),
        ({"layout": 3}, "layout must be one of long, columns, rows, got 3"),
        ({"order": "newest"}, "oldest-first, newest-first, got 'newest'; did you mean"),
        ({"order": ""}, "order must be one of oldest-first, newest-first, got ''"),
    ],
)
def test_words_are_those_there_are(options: dict[str, Any], says: str) -> None:
    assert says in refusal(**options)


@pytest.mark.parametrize("role", ["time", "covariates", "future_covariates"])
def test_a_series_a_row_has_no_such_columns(role: str) -> None:
    assert refusal(layout="rows", **{role: ("x",)}).startswith(
        "layout rows has a series a row and no column of times or covariates"
    )
    Columns(layout="rows", series_id="id", statics=("town",), targets=("1", "2"))


@pytest.mark.parametrize("role", ["series_id", "statics"])
def test_a_series_a_column_has_no_such_columns(role: str) -> None:
    assert refusal(layout="columns", **{role: ROLES[role]}).startswith(
        "layout columns has a series a column: leave series_id and statics out"
    )
    Columns(layout="columns", time=("t",), covariates=("rain",), future_covariates=("price",))


def test_the_columns_that_must_be_there() -> None:
    columns = Columns(
        time=("year", "month"),
        targets=("sold", "kept"),
        series_id="shop",
        covariates=("rain",),
        future_covariates=("price", "easter"),
        statics=("town",),
    )
    assert columns.named == (
        *("year", "month", "shop", "sold", "kept"),
        *("rain", "price", "easter", "town"),
    )
    assert Columns().named == ()


def test_all_is_a_column_where_it_stands_beside_others() -> None:
    assert Columns(time=("t",), targets=("all",)).named == ("t",)
    assert Columns(targets=("all", "sold")).named == ("all", "sold")
    assert Columns(time=("all",), targets=("sold",)).named == ("all", "sold")


def test_json_brings_back_the_same_columns() -> None:
    plain = Columns()
    full = Columns(
        layout="long",
        time=("year", "month"),
        targets=("sold",),
        series_id="shop",
        covariates=("rain",),
        future_covariates=("price",),
        statics=("town",),
        order="newest-first",
        step="15 minutes",
        time_zone="Europe/Berlin",
        header=False,
    )
    for columns in (plain, full):
        assert Columns.from_json(json.loads(json.dumps(columns.to_json()))) == columns
    # Every field of the second differs from its default, but for the layout.
    same = {f.name for f in fields(Columns) if getattr(full, f.name) == getattr(plain, f.name)}
    assert same == {"layout"}
    rows = Columns(layout="rows")
    assert Columns.from_json(rows.to_json()) == rows


def test_columns_that_contradict_each_other_are_no_json() -> None:
    with pytest.raises(ConfigError, match="cannot be both"):
        Columns.from_json({**Columns(time=("x",)).to_json(), "targets": ["x"]})
