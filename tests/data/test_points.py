from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.data.numerals import parse_numbers
from rnnkit.errors import DataError


def place(row: int) -> str:
    return f"row {row}"


def parse(cells: Any, series: list[int] | None = None) -> list[float]:
    numbers = None if series is None else np.array(series)
    return parse_numbers(cells, column="y", place=place, missing=True, series=numbers).tolist()


def refusal(cells: Any, series: list[int] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        parse(cells, series)
    return str(caught.value)


def german(values: Any) -> list[str]:
    return [f"{int(value):,}".replace(",", ".") for value in values]


GERMAN = ["948", "0", "1.020", "1.077", "", "980"]


@pytest.mark.parametrize(
    "texts",
    [
        GERMAN,
        pd.Series(GERMAN),
        pd.Series([*GERMAN[:4], None, "980"], dtype="category"),
        ["948", "1.020", "980"],
        ["1.020", "948"],
        ["500", "1.000", "800", "2.000"],  # whole as read
        ["-948", "-1.020", " +1.077 ", " 980 "],
        ["7", "95", "870", "1.020", "12.400", "310.000", "41.500"],
        ["0", "0", "1.020", "0", "407", "0", "2.350"],
        [*german(range(807, 990, 3)), "1.012"],
        ["948", "-999", "1.020", "999", "980"],  # with codes
        ["-999", "999", "1.020", "407", "-99", "2.350"],
    ],
    ids=str,
)
def test_points_that_may_separate_thousands_are_refused(texts: Any) -> None:
    assert "write numbers without thousands separators" in refusal(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["948", "0.125", "1.077", "980"],
        ["948", "1.02", "1.077", "980"],
        ["948", "1.077", "1.02", "980"],
        ["948", "1.0201", "1.077", "980"],
        ["948", "1.077", "0.000", "980"],
        ["1500", "1.020", "1.077", "980"],
        ["1234.5", "948", "1.020", "980"],
        ["948", "1.020", "1e3", "980"],
        ["948.0", "1.020", "1.077", "980"],
        ["9.8e2", "1.020", "1.077", "980"],
        ["0948", "1.020", "1.077", "980"],
        ["1.020", "1.077"],
        ["101.250", "150.000", "200.000"],
        ["1.250", "3", "2.125", "99"],
        ["100", "99.125", "101.250", "102"],  # prices
        ["120", "250.125", "85.500", "30", "7.250", "3", "1.125", "2", "4.250", "18", "60.250"],
        # Codes and limits beside a sensor's decimals.
        ["21.125", "-999", "20.870", "-998", "21.375"],
        ["-21.125", "-999", "20.870", "-99", "21.375"],
        ["1.125", "999", "9.870", "99", "1.375"],
        ["1.125", "500", "9.870", "0", "1.375"],
        ["1.125", "500", "9.870", "99", "1.375"],
        ["1.125", "50", "9.870", "999", "60", "1.375"],
        ["1.125", "255", "9.870", "1.375"],
        ["1.125", "487", "9.870", "487", "1.375"],
        # Means of three in place of missing counts.
        ["120", "153.333", "131", "260", "98.667", "144", "101"],
        pd.Series([948.0, 1.02, 980.0]),
        pd.Series([948, "1.020", "980"], dtype=object),
    ],
    ids=str,
)
def test_decimals_of_three_digits_are_read_as_they_stand(texts: Any) -> None:
    assert parse(texts) == [float(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "point", "other"),
    [
        (GERMAN, (2, "1.020"), (0, "948")),
        (["1.020", "948"], (0, "1.020"), (1, "948")),
        (["948", "1.020"], (1, "1.020"), (0, "948")),
        (["1.020", "", "-999", "948"], (0, "1.020"), (3, "948")),
    ],
)
def test_a_cell_with_a_point_and_one_beside_it_are_named(
    texts: list[str], point: tuple[int, str], other: tuple[int, str]
) -> None:
    assert refusal(texts) == (
        f"column 'y' must hold numbers, but row {point[0]} holds '{point[1]}', which may be a "
        f"thousand times as much beside '{other[1]}' on row {other[0]}; write numbers without "
        f"thousands separators, and decimals with a point in every cell"
    )


def test_decimals_that_go_on_where_whole_numbers_ended_are_read() -> None:
    # All whole numbers are above all others.
    texts = ["410", "350", "300", "260", "220", "180.125", "160.250", "140.000", "110.375"]
    assert parse(texts) == [float(text) for text in texts]
    texts[:5] = ["902", "820", "760", "640", "530"]  # 2.94 times as much
    assert parse(texts) == [float(text) for text in texts]
    texts[4] = "550"  # 3.06 times
    assert "'180.125'" in refusal(texts)


class TestNeighboursTooFarApart:
    """Cells beside one another differ by more than three times, whichever way they are read."""

    def test_numbers_up_to_999_above_the_others_are_those_below_the_thousands(self) -> None:
        # Neighbours are nearer as read. By chance four of five lie above all of four in 1 of 25.
        texts = ["120", "12.017", "132", "8", "141", "24.321", "218", "18.456", "21.875"]
        assert "'12.017'" in refusal(texts)
        assert parse(texts[:-1])[1] == 12.017  # 1 of 14
        assert parse([*texts, "140.125"])[1] == 12.017  # two above

    def test_one_far_above_all_others_is_below_the_thousands(self) -> None:
        texts = ["21.017", "28.345", "487", "29.678", "18.121"]
        assert "'28.345'" in refusal(texts)
        assert parse([*texts, "163.125"])[1] == 28.345  # a third of 487
        assert parse([*texts[:2], "490", *texts[3:]])[2] == 490  # a limit

    def test_otherwise_the_reading_with_the_nearer_neighbours_counts(self) -> None:
        texts = ["5.200", "1.500", "401", "7.300", "160.000"]
        assert "'1.500'" in refusal(texts)
        texts[1:4] = ["21.500", "401", "27.300"]
        assert parse(texts)[1] == 21.5


RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: 900 + 200 * np.sin(np.arange(60) / 6) + RNG.normal(0, 30, 60),
        lambda: RNG.integers(100, 30001, 400),
        lambda: [*RNG.lognormal(np.log(150), 1, 60), 812, 417, 1012],
        lambda: np.exp(np.linspace(4, 8.5, 40) + RNG.normal(0, 0.1, 40)),
        lambda: 10 * RNG.integers(30, 301, 40),
    ],
    ids=["a season", "uniform", "lognormal", "growth", "tens"],
)
def test_numbers_written_with_thousands_points_are_refused(draw: Any) -> None:
    for _ in range(50):
        refusal(german(np.clip(draw(), 1, 999_999)))


@pytest.mark.parametrize("code", ["-999", "999", "500", "-99"])
@pytest.mark.parametrize(("low", "high"), [(0.1, 9.999), (1.0, 9.999), (10.0, 35.0)])
@pytest.mark.parametrize("stripped", [False, True])
def test_sensors_with_a_code_are_read(code: str, low: float, high: float, stripped: bool) -> None:
    for _ in range(50):
        texts = [f"{value:.3f}" for value in RNG.uniform(low, high, 12)]
        texts = [text.rstrip("0").rstrip(".") if stripped else text for text in texts]
        for row in RNG.choice(12, 2):
            texts[row] = code
        assert parse(texts) == [float(text) for text in texts]


class TestSeries:
    """Each series is judged by itself."""

    def test_other_series_tell_nothing(self) -> None:
        # Unemployment in percent beside an index: no cell stands beside another of its series.
        texts = ["948", "1.020", "980", "1.077"]
        assert parse(texts, [3, 0, 2, 1]) == [948, 1.02, 980, 1.077]
        assert parse(texts, [0, 1, 0, 1]) == [948, 1.02, 980, 1.077]

    def test_two_cells_are_enough(self) -> None:
        assert "row 3 holds '1.020'" in refusal(["948", "948", "3.5", "1.020"], [0, 1, 0, 1])

    @pytest.mark.parametrize("form", [list, pd.Series])
    def test_a_series_is_refused_whatever_the_others_hold(self, form: Any) -> None:
        texts = ["5000", "948", "0.1", "", "1.25", "1.020", "21.125", "980", "101"]
        assert parse(form(texts[:-4]), [0, 2, 3, 2, 1]) == pytest.approx(
            [5000, 948, 0.1, np.nan, 1.25], nan_ok=True
        )
        message = refusal(form(texts), [0, 2, 3, 2, 1, 2, 0, 2, 1])
        assert "row 5 holds '1.020'" in message
        assert "beside '948' on row 1" in message

    def test_neighbours_are_rows_of_the_same_series(self) -> None:
        # Alone they are prices, and so they are beside a series of the other's numbers.
        prices = ["100", "99.125", "101.250", "102"]
        levels = ["950", "940", "960", "955"]
        mixed = [text for pair in zip(prices, levels, strict=True) for text in pair]
        assert parse(mixed, [1, 4] * 4) == [float(text) for text in mixed]
        counts = german([950, 1040, 960, 1055])
        mixed = [text for pair in zip(prices, counts, strict=True) for text in pair]
        assert (
            "row 3 holds '1.040', which may be a thousand times as much beside '950' on row 1"
            in (refusal(mixed, [1, 4] * 4))
        )

    def test_cells_that_are_no_texts_spare_their_own_series_alone(self) -> None:
        cells = pd.Series([948, "948", "1.020", "1.020", "980", "980"], dtype=object)
        assert "row 3 holds '1.020', which may" in refusal(cells, [0, 1, 0, 1, 0, 1])


class Counted(list[str]):
    """Counts how often a single cell is asked for."""

    asked = 0

    def __getitem__(self, row: Any) -> Any:
        self.asked += 1
        return super().__getitem__(row)


@pytest.mark.parametrize(
    ("form", "low", "high", "most"),
    [
        ("{:.0f}", 0, 999, 0),
        ("{:.2f}", 0, 10, 0),
        ("{:.2f}", 0, 999, 40),
        ("{:.2f}", 1, 2000, 0),
        ("{:.4f}", 100, 999, 40),
        ("{:.1f}", 100, 999, 40),
        ("{:.3f}", 100, 999, 200),
    ],
)
def test_few_cells_of_plain_columns_are_asked(
    form: str, low: float, high: float, most: int
) -> None:
    # Millions of rows must not take seconds.
    cells = Counted(map(form.format, np.random.default_rng(3).uniform(low, high, 20_000)))
    series = (np.arange(20_000) % 40).tolist()
    assert parse(cells, series) == list(map(float, cells))
    assert cells.asked <= most


class TestRowsThatAreSeries:
    """Layout `rows` is checked along each row."""

    @staticmethod
    def read(**columns: Any) -> Any:
        frame = pd.DataFrame(columns)
        statics = ("size",) if "size" in columns else ()
        return read_panel(frame, Columns(layout="rows", series_id="id", statics=statics))

    def test_the_row_and_both_columns_are_named(self) -> None:
        columns = {
            "id": ["a", "b", "c"],
            "t1": ["5", "0.5", "3.287"],
            "t2": ["7.25", "948", "3.291"],
            "t3": ["500", "", "3.305"],
            "t4": ["1.020", "1.020", "999"],
        }
        assert self.read(**columns).values[4, 0] == 0.5
        columns["t1"][1] = "5"
        with pytest.raises(DataError) as caught:
            self.read(**columns)
        assert str(caught.value) == (
            "column 't4' must hold numbers, but row 1 of the frame holds '1.020', which may be a "
            "thousand times as much beside '948' in column 't2'; write numbers without thousands "
            "separators, and decimals with a point in every cell"
        )

    def test_rows_are_not_compared_with_one_another(self) -> None:
        panel = self.read(
            id=["a", "b", "c", "d"],
            size=["948", "1.020", "980", "1.077"],
            t1=["948", "1.020", "980", "1.077"],
            t2=["950", "1.025", "975", "1.080"],
        )
        assert panel.values[:, 0].tolist() == [948, 950, 1.02, 1.025, 980, 975, 1.077, 1.08]
        assert panel.numbers[::2, 0].tolist() == [948, 1.02, 980, 1.077]

    def test_numbers_of_pandas_are_what_they_are(self) -> None:
        panel = self.read(id=["a"], t1=[948.0], t2=["1.020"], t3=["980"])
        assert panel.values[:, 0].tolist() == [948, 1.02, 980]
