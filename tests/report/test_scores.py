import pytest

from rnnkit.report.scores import FORECAST, format_score, score_rows

NAN = float("nan")


def line(rmse, mase=1.0):
    return {"rmse": rmse, "mae": 1.0, "mape": NAN, "smape": 3.0, "mase": mase, "targets": {}}


def test_scores_of_intervals_and_targets_have_no_column():
    scores = {**line(2.0), "coverage": {"80": 0.7}, "msis": {"80": 3.0}, "targets": {"a": line(1)}}
    (row,) = score_rows({"GRU": scores}, model="GRU", metric="mae")
    assert row.cells == ("2.000", "1.000", "–", "3.000", "1.000")
    assert row.is_best


def test_rows_are_ranked_with_the_undefined_last_and_cells_follow_the_columns():
    rows = score_rows({"a": line(NAN), "b": line(12.345), "GRU": line(200.0)}, model="GRU")
    assert [row.name for row in rows] == ["b", "GRU", "a"]
    assert [row.is_best for row in rows] == [True, False, False]
    assert [row.is_model for row in rows] == [False, True, False]
    assert rows[0].cells == ("12.35", "1.000", "–", "3.000", "1.000")
    assert len(rows[0].cells) == len(FORECAST)


def test_another_metric_ranks_when_asked_and_ties_are_both_best():
    rows = score_rows(
        {"a": line(1.0, mase=2.0), "b": line(3.0, mase=0.5), "c": line(2.0, mase=0.5)},
        model="a",
        metric="mase",
    )
    assert [(row.name, row.is_best) for row in rows] == [("b", True), ("c", True), ("a", False)]


def test_nothing_is_best_when_nothing_is_defined():
    assert [row.is_best for row in score_rows({"a": line(NAN)}, model="a")] == [False]
    assert score_rows({}, model="a") == []


def test_an_unknown_metric_is_an_error():
    with pytest.raises(KeyError):
        score_rows({"a": line(1.0)}, model="a", metric="accuracy")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (17.6189, "17.62"),
        (0.001234567, "0.001235"),
        (999.96, "1,000.0"),
        (-3.0, "-3.000"),
        (1234567.0, "1,234,567"),
        (1.5e9, "1.500e+09"),
        (3.1e-6, "3.100e-06"),
        (0.0, "0"),
        (NAN, "–"),
        (float("inf"), "–"),
    ],
)
def test_numbers_keep_four_significant_digits(value, text):
    assert format_score(value) == text
