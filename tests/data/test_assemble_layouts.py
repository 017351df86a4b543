"""Tables of which the columns or the rows are series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.assemble import read_panel
from rnnkit.data.columns import Columns
from rnnkit.data.panel import Covariate, Panel
from rnnkit.errors import ConfigError, DataError

NAN = np.nan


def notes(panel: Panel) -> list[str]:
    return [str(note) for note in panel.notes]


class TestColumns:
    """Each target column is a series."""

    FRAME = pd.DataFrame(
        {
            "no": [1, 2, 3, 4, 5, 6],
            "t": ["2020-01", "2020-02", "2020-03", "2020-05", "2020-06", "2020-07"],
            "b": [NAN, 2, 3, 4, 5, NAN],
            "a": [10, 20, 30, NAN, NAN, NAN],
            "town": list("uvwxyz"),
            "open": [0, 1, 0, 1, 0, 1],
            "c": [1.5, 2.5, NAN, 4.5, 5.5, 6.5],
        }
    )

    def test_all_columns_of_numbers_by_default(self) -> None:
        columns = Columns(
            layout="columns", time=("t",), covariates=("town",), future_covariates=("open",)
        )
        panel = read_panel(self.FRAME, columns)
        assert panel.ids == ("b", "a", "c")
        assert (panel.id_name, panel.targets, panel.is_single) == ("series", ("value",), False)
        assert panel.starts.tolist() == [0, 6, 13, 20]
        assert panel.known.tolist() == [5, 3, 7]
        assert panel.ticks.tolist() == [1, 0, 0]
        np.testing.assert_array_equal(panel.values[:6, 0], [2, 3, NAN, 4, 5, NAN])
        np.testing.assert_array_equal(panel.values[6:13, 0], [10, 20, 30, NAN, NAN, NAN, NAN])
        np.testing.assert_array_equal(panel.values[13:, 0], [1.5, 2.5, NAN, NAN, 4.5, 5.5, 6.5])
        assert panel.covariates == (
            Covariate("town", "past", tuple("uvwxyz")),
            Covariate("open", "future"),
        )
        assert panel.codes[:6, 0].tolist() == [1, 2, -1, 3, 4, -1]
        assert panel.codes[6:13, 0].tolist() == [0, 1, 2, -1, -1, -1, -1]
        assert panel.codes[13:, 0].tolist() == [0, 1, 2, -1, 3, 4, 5]
        np.testing.assert_array_equal(panel.numbers[:6, 0], [1, 0, NAN, 1, 0, 1])
        assert panel.times is not None
        assert panel.times[[0, 5, 6, 12]].astype("M8[M]").astype(str).tolist() == [
            "2020-02",
            "2020-07",
            "2020-01",
            "2020-07",
        ]
        assert notes(panel)[0] == "Left out: no, which only counts the rows."

    def test_some(self) -> None:
        columns = Columns(layout="columns", time=("t",), targets=("c", "b"))
        panel = read_panel(self.FRAME, columns)
        assert panel.ids == ("c", "b")
        assert panel.known.tolist() == [7, 5]

    def test_without_times_rows_are_simultaneous(self) -> None:
        panel = read_panel(self.FRAME, Columns(layout="columns", targets=("a", "b")))
        assert panel.ticks.tolist() == [0, 1]
        assert panel.known.tolist() == [3, 4]
        assert panel.times is None

    def test_an_empty_column_is_refused_where_it_is_named(self) -> None:
        frame = self.FRAME.assign(d=NAN)
        with pytest.raises(DataError, match="column 'd' is empty"):
            read_panel(frame, Columns(layout="columns", time=("t",), targets=("a", "d")))
        panel = read_panel(frame, Columns(layout="columns", time=("t",)))
        assert "d" not in panel.ids
        assert "Left out: town, d, without numbers." in notes(panel)

    def test_no_header(self, tmp_path: Path) -> None:
        path = tmp_path / "rates.txt"
        path.write_text("0.7,1.6,0.8\n0.75,1.5,0.9\n0.72,1.55,0.8\n")
        panel = read_panel(path, Columns(layout="columns"))
        assert panel.values[:, 0].tolist() == [0.7, 0.75, 0.72, 1.6, 1.5, 1.55, 0.8, 0.9, 0.8]


class TestRows:
    """Each row is a series."""

    def test_of_different_lengths(self, tmp_path: Path) -> None:
        path = tmp_path / "hourly.csv"
        path.write_text('id,kind,V1,V2,V3,V4\n"H1",x,1,2,,\nH2,y,3,NA,5,6\nH3,x,,7,8\n')
        columns = Columns(layout="rows", series_id="id", statics=("kind",))
        panel = read_panel(path, columns)
        assert panel.ids == ("H1", "H2", "H3")
        assert (panel.id_name, panel.targets) == ("id", ("value",))
        np.testing.assert_array_equal(panel.values[:, 0], [1, 2, 3, NAN, 5, 6, 7, 8])
        assert panel.starts.tolist() == [0, 2, 6, 8]
        assert panel.known.tolist() == [2, 4, 2]
        assert panel.ticks.tolist() == [2, 0, 2]
        assert panel.last_tick == 4
        assert panel.codes[:, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
        assert notes(panel) == [
            "Read as labels, not as numbers: kind (2 different).",
            "Cells without a value before the last value of their series: 2 of 9.",
            "Left out at the start, before each target has a value: 1 of 9 rows, in 1 of 3 series.",
            "The 3 series have from 2 to 4 rows without times: their last rows are taken as of the "
            "same time.",
        ]

    def test_without_names(self) -> None:
        frame = pd.DataFrame([[1.0, 2.0, NAN], [3.0, 4.0, 5.0]], columns=["a", "b", "c"])
        panel = read_panel(frame, Columns(layout="rows"))
        assert panel.ids == ("1", "2")
        assert panel.id_name == "row"
        assert panel.values[:, 0].tolist() == [1, 2, 3, 4, 5]

    def test_some_columns(self) -> None:
        frame = pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["a", "b", "c"])
        panel = read_panel(frame, Columns(layout="rows", targets=("c", "a"), series_id="b"))
        assert panel.ids == ("2", "5")
        assert panel.values[:, 0].tolist() == [3, 1, 6, 4]

    def test_a_series_without_a_value_is_left_out(self) -> None:
        frame = pd.DataFrame([[1.0, 2.0], [NAN, NAN], [3.0, NAN]])
        panel = read_panel(frame, Columns(layout="rows"))
        assert panel.ids == ("1", "3")
        assert panel.values[:, 0].tolist() == [1, 2, 3]
        assert "Series left out, since a target has no value in them: 1 of 3, such as 2." in notes(
            panel
        )
        with pytest.raises(DataError, match="no target of data has a value"):
            read_panel(frame[1:2], Columns(layout="rows"))

    @pytest.mark.parametrize(
        ("cells", "options", "reason"),
        [
            (
                {"id": ["H1", "H2"], "V1": [1, 2]},
                {},
                "column 'id' must hold numbers, but row 0 of the frame holds 'H1'; if it names the "
                "series, give it as the series",
            ),
            (
                {"id": ["H1", "H2"], "V1": ["1", "x"]},
                {"series_id": "id"},
                "column 'V1' must hold numbers, but row 1 of the frame holds 'x'",
            ),
            (
                {"id": ["H1", "H2", "H1 "], "V1": [1, 2, 3]},
                {"series_id": "id"},
                "row 0 of the frame and row 2 of the frame both hold the series 'H1'; in layout "
                "rows each series has one row",
            ),
            ({"id": ["H1", None], "V1": [1, 2]}, {"series_id": "id"}, "no value on row 1"),
            ({"id": ["H1", "H2"]}, {"series_id": "id"}, "has no column of values besides"),
            ({"id": ["H1", "H2"], "V1": [1, np.inf]}, {"series_id": "id"}, "row 1 of the frame"),
        ],
    )
    def test_refusals(self, cells: dict[str, Any], options: dict[str, Any], reason: str) -> None:
        with pytest.raises(DataError) as caught:
            read_panel(pd.DataFrame(cells), Columns(layout="rows", **options))
        assert reason in str(caught.value)


def test_a_layout_must_fit_the_known_rows() -> None:
    frame = pd.DataFrame({"sold": [1, 2, 3]})
    known = read_panel(frame, Columns())
    with pytest.raises(ConfigError) as caught:
        read_panel(frame, Columns(layout="columns"), like=known)
    assert str(caught.value) == (
        "in layout columns the target is 'value', but the known rows have 'sold': choose the layout"
        " long"
    )
