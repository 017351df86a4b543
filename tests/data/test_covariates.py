from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnkit.data.columns import Role
from rnnkit.data.covariates import Encoding, check_covariates, encode, fit_encodings
from rnnkit.data.panel import Covariate, Panel
from rnnkit.data.rows import BoolArray, Rows, prepare_rows
from rnnkit.errors import DataError

from .panels import make_panel, mixed_panel, seeded

NAMES = ("rain", "price", "size", "sky", "holiday", "town")


def before_tick(rows: Rows, tick: int) -> BoolArray:
    panel = rows.panel
    series = panel.series_of(np.arange(len(rows.values)))
    ticks = np.arange(len(rows.values)) - panel.starts[series] + panel.ticks[series]
    return np.asarray(ticks < tick)


def with_cells(role: Role, *parts: list[Any]) -> Panel:
    """A panel with one covariate, `x`."""
    lengths = [len(part) for part in parts]
    return make_panel([range(length) for length in lengths], covariates={"x": (role, parts)})


def fit_one(panel: Panel, training: list[int]) -> Encoding:
    rows = prepare_rows(panel, 1)
    mask = np.zeros(len(rows.values), dtype=bool)
    mask[training] = True
    (encoding,) = fit_encodings(rows, mask)
    return encoding


def test_numbers_are_centred_and_scaled_by_the_training_rows() -> None:
    panel = with_cells("past", [1, 3, None, 1000], [5, None, -1000])
    # Rows 0..2 and, after a row of room, 5 and 6; missing cells repeat the one before.
    encoding = fit_one(panel, [0, 1, 2, 5, 6])
    known = [1, 3, 3, 5, 5]
    assert encoding.center == pytest.approx(np.mean(known))
    assert encoding.scale == pytest.approx(np.std(known))
    numbers = encode(prepare_rows(panel, 1), (encoding,)).numbers[:, 0]
    scaled = [(x - 3.4) / np.std(known) for x in (1, 3, 3, 1000, 1000, 5, 5, -1000, -1000)]
    np.testing.assert_allclose(numbers, scaled, rtol=1e-6)
    assert numbers.dtype == np.float32


def test_what_was_never_known_is_the_mean() -> None:
    panel = with_cells("future", [None, None, 4, 8], [None, None])
    encoding = fit_one(panel, [0, 1, 2, 3])
    numbers = encode(prepare_rows(panel, 1), (encoding,)).numbers[:, 0]
    assert numbers.tolist() == [0, 0, -1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("value", [0.0, 0.1, -7.7, 1e9 + 0.1])
def test_a_constant_is_not_scaled_up(value: float) -> None:
    encoding = fit_one(with_cells("past", [value] * 50), list(range(50)))
    assert encoding.scale == 1.0
    numbers = encode(prepare_rows(with_cells("past", [value] * 4), 1), (encoding,)).numbers
    np.testing.assert_allclose(numbers, 0, atol=1e-6 * max(1, value))


@pytest.mark.parametrize("unit", [1e-20, 1e12])
def test_the_unit_changes_nothing(unit: float) -> None:
    values = seeded().normal(size=40)
    numbers = []
    for panel in (with_cells("past", list(values)), with_cells("past", list(unit * values))):
        encoding = fit_one(panel, list(range(30)))
        numbers.append(encode(prepare_rows(panel, 1), (encoding,)).numbers)
    np.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-5)


def test_a_column_without_a_number_in_training_is_no_error() -> None:
    panel = with_cells("past", [None, None, 5, 7])
    encoding = fit_one(panel, [0, 1])
    assert (encoding.center, encoding.scale) == (0.0, 1.0)
    assert encode(prepare_rows(panel, 1), (encoding,)).numbers[:, 0].tolist() == [0, 0, 5, 7, 7]


def test_labels_are_those_of_the_training_rows_and_0_is_for_all_others() -> None:
    panel = with_cells("future", ["c", "a", "b"], [None, "d", "a"])
    assert panel.covariates[0].labels == ("a", "b", "c", "d")
    encoding = fit_one(panel, [0, 4, 5])  # c, missing, d
    assert encoding.labels == ("c", "d")
    codes = encode(prepare_rows(panel, 1), (encoding,)).codes[:, 0]
    assert codes.tolist() == [1, 0, 0, 0, 0, 2, 0, 0]  # a row of room after each series
    assert codes.dtype == np.int64
    nothing = fit_one(panel, [4])
    assert nothing.labels == ()
    assert not encode(prepare_rows(panel, 1), (nothing,)).codes.any()


def test_another_panel_maps_its_labels_by_their_text() -> None:
    encoding = fit_one(with_cells("past", ["b", "d", "c"]), [0, 1, 2])
    new = with_cells("past", ["e", "d", "a", "b", None, "c"])
    assert new.covariates[0].labels == ("a", "b", "c", "d", "e")
    codes = encode(prepare_rows(new, 1), (encoding,)).codes[:, 0]
    assert codes.tolist() == [0, 3, 0, 1, 0, 2, 0]
    missing = with_cells("past", ["b"])
    missing.codes[:] = -1
    assert encode(prepare_rows(missing, 1), (encoding,)).codes[:, 0].tolist() == [0, 0]


@pytest.mark.parametrize("tick", [5, 18, 33])
def test_rows_outside_training_change_no_encoding(tick: int) -> None:
    panel = mixed_panel()
    rows = prepare_rows(panel, 2)
    before = fit_encodings(rows, before_tick(rows, tick))
    later = ~before_tick(rows, tick)
    random = seeded(3)
    numbers, codes = rows.panel.numbers.copy(), rows.panel.codes.copy()
    numbers[later] = 1e9 * random.normal(size=numbers[later].shape)
    codes[later] = random.integers(-1, 2, size=codes[later].shape)
    strange = prepare_rows(replace(rows.panel, numbers=numbers, codes=codes), 2)
    assert fit_encodings(strange, before_tick(rows, tick)) == before
    assert [e.name for e in before] == list(NAMES)
    assert [e.role for e in before] == ["past", "future", "static"] * 2


def test_order_of_numbers_and_labels_is_that_of_their_columns() -> None:
    panel = make_panel(
        [range(3)],
        covariates={
            "a": ("past", [["x", "y", "x"]]),
            "b": ("past", [[1, 2, 3]]),
            "c": ("future", [["q", "q", "p"]]),
            "d": ("past", [[10, 10, 40]]),
        },
    )
    rows = prepare_rows(panel, 1)
    encoded = encode(rows, fit_encodings(rows, np.ones(4, dtype=bool)))
    assert encoded.codes.tolist() == [[1, 2], [2, 2], [1, 1], [0, 0]]
    assert encoded.numbers[:3, 0].argsort().tolist() == [0, 1, 2]
    assert encoded.numbers[0, 1] == encoded.numbers[1, 1] < encoded.numbers[2, 1]


def test_without_covariates_there_are_no_columns() -> None:
    rows = prepare_rows(make_panel([range(4)]), 2)
    assert fit_encodings(rows, np.ones(6, dtype=bool)) == ()
    encoded = encode(rows, ())
    assert encoded.numbers.shape == encoded.codes.shape == (6, 0)


@pytest.mark.parametrize(("count", "width"), [(0, 1), (1, 1), (2, 2), (7, 4), (30, 16), (999, 16)])
def test_a_label_is_embedded_in_half_as_many_numbers_as_there_are(count: int, width: int) -> None:
    labels = tuple(str(number) for number in range(count))
    assert Encoding("x", "past", labels=labels).width == width
    assert Encoding("x", "past").width == 0


def changed(position: int, **changes: Any) -> tuple[Covariate, ...]:
    covariates = list(mixed_panel().covariates)
    covariates[position] = replace(covariates[position], **changes)
    return tuple(covariates)


@pytest.mark.parametrize(
    "covariates",
    [
        changed(0, name="snow"),
        changed(0, role="future"),
        changed(0, labels=("a",)),
        changed(3, labels=None),
        mixed_panel().covariates[:-1],
        (*mixed_panel().covariates, Covariate("more", "past")),
        mixed_panel().covariates[::-1],
        (),
    ],
)
def test_a_panel_of_another_form_is_refused(covariates: tuple[Covariate, ...]) -> None:
    rows = prepare_rows(mixed_panel(), 1)
    encodings = fit_encodings(rows, np.ones(len(rows.values), dtype=bool))
    check_covariates(rows.panel, encodings)
    with pytest.raises(DataError, match="are expected: give data of the same form") as caught:
        encode(replace(rows, panel=replace(rows.panel, covariates=covariates)), encodings)
    assert "rain (past, numbers), price (future, numbers), size (static" in str(caught.value)


def test_a_refusal_says_what_there_is() -> None:
    with pytest.raises(DataError) as caught:
        check_covariates(make_panel([[1.0]]), (Encoding("town", "static", labels=("Ulm",)),))
    assert str(caught.value) == (
        "sales has the covariates none, but town (static, labels) are expected: give data of the"
        " same form"
    )


def test_other_labels_are_no_other_form() -> None:
    rows = prepare_rows(mixed_panel(), 1)
    encodings = fit_encodings(rows, np.ones(len(rows.values), dtype=bool))
    other = replace(rows.panel, covariates=changed(3, labels=("p", "q", "r")))
    check_covariates(other, encodings)
    assert not encode(replace(rows, panel=other), encodings).codes[:, 0].any()


def test_json_brings_back_the_same_encodings() -> None:
    rows = prepare_rows(mixed_panel(), 1)
    for encoding in (
        *fit_encodings(rows, before_tick(rows, 21)),
        Encoding("x", "static", labels=()),
    ):
        assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding
