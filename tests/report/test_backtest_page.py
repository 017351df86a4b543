import dataclasses

from rnnkit.report.backtest_page import BacktestReport, Fold, backtest_page
from rnnkit.report.markup import Picture
from rnnkit.report.sections import Interval


def score(rmse):
    return {"rmse": rmse, "mae": 1.0, "mape": 1.0, "smape": 1.0, "mase": 1.0}


REPORT = BacktestReport(
    title="Backtest of airline",
    verdict="It wins from 2 of 2 origins.",
    model="GRU",
    scores={
        n: score(r) for n, r in zip("fedcbaG", (6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 9.0), strict=True)
    }
    | {"GRU": score(3.5)},
    metric="rmse",
    folds=(
        Fold("1959-01", "1959-12", 1120, {"GRU": 3.25, "a": 1.5, "b": 2.5, "c": 3.5, "d": 4.5}),
        Fold("1960-01", "1960-12", 1132, {"GRU": 3.75, "a": 1.25, "c": 3.5, "d": 4.5, "f": 1.0}),
    ),
    command="rnnkit backtest airline.csv",
    version="0.1.0",
    warnings=("Few origins.",),
    pictures=(Picture(b"\x89PNG", "errors"),),
    intervals=(Interval(80, 0.5, 3.0),),
    skipped={"ETS": "too short"},
    notes=("A note.",),
    facts=(("cell", "GRU"),),
)


def test_the_page_holds_the_scores_of_every_origin_for_the_model_and_the_best_four(strict):
    page = strict(backtest_page(REPORT))
    rows = [cells for _, cells in page.rows]
    assert ["first row", "last row", "rows before", "GRU", "a", "b", "c", "d"] in rows
    assert ["1959-01", "1959-12", "1,120", "3.250", "1.500", "2.500", "3.500", "4.500"] in rows
    assert ["1960-01", "1960-12", "1,132", "3.750", "1.250", "–", "3.500", "4.500"] in rows
    assert ["80 %", "50.0 %", "3.000"] in rows
    assert page.headings == [
        "Backtest of airline", "Scores", "Origins", "Prediction intervals", "Baselines left out",
        "Data", "Model and training", "Do it again",
    ]  # fmt: skip
    text = " ".join(page.text)
    for wanted in ("It wins from 2 of 2", "Few origins.", "too short", "A note.", "RMSE of each"):
        assert wanted in text


def test_in_korean_and_without_what_is_empty(strict):
    bare = dataclasses.replace(
        REPORT, intervals=(), skipped={}, notes=(), facts=(), warnings=(), language="ko"
    )
    html = backtest_page(bare)
    assert '<html lang="ko">' in html
    assert strict(html).headings == [
        "Backtest of airline",
        "점수",
        "예측 시점별 결과",
        "다시 실행하기",
    ]


def test_texts_are_escaped(strict):
    page = strict(backtest_page(dataclasses.replace(REPORT, title="a < b", verdict="<i>")))
    assert page.headings[0] == "a < b"
    assert "<i>" in page.text
