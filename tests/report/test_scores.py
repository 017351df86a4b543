import pytest

from rnnkit.report.scores import (
    CLASSIFY,
    FORECAST,
    LANGUAGE,
    REGRESS,
    TAG,
    format_score,
    score_rows,
)

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


def test_where_larger_is_better_the_largest_is_first_and_best():
    scores = {
        "TF-IDF": {"accuracy": 0.875, "macro_f1": 0.5, "roc_auc": 0.75},
        "majority": {"accuracy": 0.25, "macro_f1": 0.125},
        "GRU": {"accuracy": 0.90625, "macro_f1": 1.0, "roc_auc": NAN},
    }
    rows = score_rows(scores, model="GRU", metric="accuracy", measures=CLASSIFY)
    assert [(row.name, row.is_best) for row in rows] == [
        ("GRU", True), ("TF-IDF", False), ("majority", False),
    ]  # fmt: skip
    assert rows[0].cells == ("90.62 %", "1.0000", "–")
    assert rows[2].cells == ("25.00 %", "0.1250", "–")


def test_a_line_without_the_ranking_metric_is_last():
    scores = {"a": {"mae": 1.0}, "b": {"rmse": 7.0, "r2": -3.0}, "c": {"rmse": 6.0}}
    rows = score_rows(scores, model="a", measures=REGRESS)
    assert [row.name for row in rows] == ["c", "b", "a"]
    assert [row.cells for row in rows] == [
        ("6.000", "–", "–"), ("7.000", "–", "-3.000"), ("–", "1.000", "–"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measures", "keys"),
    [
        (FORECAST, "rmse mae mape smape mase"),
        (CLASSIFY, "accuracy macro_f1 roc_auc"),
        (REGRESS, "rmse mae r2"),
        (TAG, "accuracy accuracy_known accuracy_unknown macro_f1"),
        (LANGUAGE, "nats_per_token perplexity bits_per_character"),
    ],
)
def test_the_measures_of_a_task_are_those_of_its_metrics(measures, keys):
    assert [measure.key for measure in measures] == keys.split()
    assert measures[keys.split()[-1]] is measures.columns[-1]
    with pytest.raises(KeyError):
        measures["loss"]
    larger = {m.key for m in measures if m.larger_is_better}
    assert larger == set(keys.split()) & {
        "accuracy", "accuracy_known", "accuracy_unknown", "macro_f1", "roc_auc", "r2",
    }  # fmt: skip
    assert all(measure.format(NAN) == "–" for measure in measures)
