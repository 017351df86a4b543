import base64
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.messages import Message
from rnnkit.report.diagnosis_page import Finding
from rnnkit.report.markup import Picture, Table
from rnnkit.report.page import Report, SeriesScore, SplitPart, report_page
from rnnkit.report.sections import Interval

NAN = float("nan")
EVIL = "<script>alert(\"1\")</script> & '승객' -- %s {x}"
SCORES = {"rmse": 14.2, "mae": 11.0, "mape": 2.5, "smape": 2.4, "mase": 0.4}
REPORT = Report(
    title="airline: 12 rows ahead",
    verdict="The GRU beats the best baseline by 19 %.",
    model="GRU",
    command='rnnkit forecast "air line.csv" --time Month',
    version="0.1.0",
    warnings=("It follows, it does not foresee.",),
    pictures=(
        Picture(b"\x89PNG-forecast", "The last years and the forecast."),
        Picture(b"\x89PNG-coverage", Message("How often the prediction intervals held")),
    ),
    scores={
        "drift": {**SCORES, "rmse": 92.7},
        "GRU": SCORES,
        "last value": {**SCORES, "rmse": 103.0},
    },
    intervals=(Interval(80, 0.7834, 44.25), Interval(95, NAN, NAN)),
    series=(SeriesScore(Message("best"), "H12", 0.31, 0.5), SeriesScore("worst", "H7", 3.1, 2.5)),
    skipped={"AutoARIMA": "would take too long", "seasonal naive": Message("no season")},
    diagnosis=(Finding("Residuals", ("They are noise.",)),),
    split=(SplitPart("training", 1104, "1949-01", "1957-12"),),
    notes=("3 blank lines passed over",),
    transform=("Logarithm, because the spread grows with the level.",),
    facts=(("cell", "GRU"), (Message("epoch"), Message("{n} epochs", {"n": 5}))),
    training=Picture(b"\x89PNG-training", "Losses."),
)


def texts_of(page):
    return " ".join(page.text)


def test_the_page_is_well_formed_and_holds_every_text(strict):
    page = strict(report_page(REPORT))
    for wanted in (
        REPORT.title,
        REPORT.verdict,
        REPORT.warnings[0],
        REPORT.notes[0],
        REPORT.transform[0],
        REPORT.command,
        "AutoARIMA",
        "would take too long",
        "no season",
        "5 epochs",
        "They are noise.",
        "1,104",
        "1957-12",
        "78.3 %",
        "44.25",
        "rnnkit 0.1.0",
    ):
        assert wanted in texts_of(page)
    assert page.headings == [
        "airline: 12 rows ahead", "Scores", "Prediction intervals", "Single series",
        "Baselines left out", "Diagnosis", "Residuals", "Data", "Transform", "Model and training",
        "Do it again",
    ]  # fmt: skip
    assert texts_of(page).index(REPORT.verdict) < texts_of(page).index("RMSE")


def test_the_best_row_is_marked_and_the_models_row_highlighted(strict):
    rows = strict(report_page(REPORT)).rows
    assert rows[1] == ("model", ["GRU ★", "14.20", "11.00", "2.500", "2.400", "0.4000"])
    assert [(kind, cells[0]) for kind, cells in rows[2:4]] == [
        (None, "drift"),
        (None, "last value"),
    ]
    losing = dataclasses.replace(REPORT, scores={**REPORT.scores, "GRU": {**SCORES, "rmse": 95.0}})
    rows = strict(report_page(losing)).rows
    assert (rows[1][0], rows[1][1][0]) == (None, "drift ★")
    assert (rows[2][0], rows[2][1][0]) == ("model", "GRU")


def test_tables_of_intervals_and_series_hold_their_numbers(strict):
    rows = [cells for _, cells in strict(report_page(REPORT)).rows]
    assert ["80 %", "78.3 %", "44.25"] in rows
    assert ["95 %", "–", "–"] in rows
    assert ["H12", "best", "0.3100", "0.5000"] in rows
    assert ["H7", "worst", "3.100", "2.500"] in rows


def test_a_width_that_is_never_known_is_no_column(strict):
    unknown = dataclasses.replace(
        REPORT, intervals=(Interval(80, 0.5, NAN), Interval(95, 0.9, NAN))
    )
    page = strict(report_page(unknown))
    assert ["80 %", "50.0 %"] in [cells for _, cells in page.rows]
    assert "units of the data" not in texts_of(page)


def test_pictures_are_embedded_with_a_text_and_nothing_comes_from_elsewhere(strict):
    html = report_page(REPORT)
    page = strict(html)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    prefix = "data:image/png;base64,"
    assert all(image["src"].startswith(prefix) for image in images)
    assert [base64.b64decode(image["src"].removeprefix(prefix)) for image in images] == [
        *(picture.png for picture in REPORT.pictures),
        REPORT.training.png,
    ]
    assert [image["alt"] for image in images] == [
        "The last years and the forecast.",
        "How often the prediction intervals held",
        "Losses.",
    ]
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src 'none'" in html


def test_phone_and_dark_are_declared():
    html = report_page(REPORT)
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_the_language_is_declared_and_every_fixed_word_follows_it(strict):
    assert '<html lang="en">' in report_page(REPORT)
    html = report_page(dataclasses.replace(REPORT, language="ko"))
    assert '<html lang="ko">' in html
    page = strict(html)
    assert page.headings == [
        "airline: 12 rows ahead", "점수", "예측구간", "시계열별 결과", "제외한 기준 모형",
        "진단", "Residuals", "자료", "변환", "모델과 학습", "다시 실행하기",
    ]  # fmt: skip
    assert [cells[0] for kind, cells in page.rows[1:4]] == ["GRU ★", "드리프트", "마지막 값"]
    for wanted in ("에폭", "계절 나이브", "작을수록 좋습니다", "rnnkit 0.1.0"):
        assert wanted in texts_of(page)
    # What comes from data is not translated, even where it looks like a word of the page.
    assert "1957-12" in texts_of(page)
    series = (SeriesScore("x", "rows", 1.0, 2.0),)
    named = dataclasses.replace(REPORT, series=series, language="ko")
    assert ["rows", "x", "1.000", "2.000"] in [
        cells for _, cells in strict(report_page(named)).rows
    ]


def test_a_korean_page_says_why_its_pictures_are_english(strict, without_korean_font):
    why = "한글 글꼴이 없어"
    assert why in report_page(dataclasses.replace(REPORT, language="ko"))
    assert why not in report_page(dataclasses.replace(REPORT, language="ko", pictures=()))
    assert "Korean letters" not in report_page(REPORT)


def test_where_there_is_a_korean_font_there_is_nothing_to_say(with_korean_font):
    assert "글꼴" not in report_page(dataclasses.replace(REPORT, language="ko"))


def evil(text):
    return Report(
        title=text,
        verdict=text,
        model=text,
        command=text,
        version=text,
        warnings=(text,),
        pictures=(Picture(b"", text),),
        scores={text: SCORES},
        series=(SeriesScore(text, text, 1.0, 1.0),),
        skipped={text: text},
        diagnosis=(Finding(text, (text,), Picture(b"", text), Table((text,), [(text,)])),),
        split=(SplitPart(text, 1, text, text),),
        notes=(text, Message("{x}", {"x": text})),
        transform=(text,),
        facts=((text, text),),
        training=Picture(b"", text),
    )


def test_every_text_from_data_is_escaped(strict):
    html = report_page(evil(EVIL))
    page = strict(html)
    assert "<script" not in html
    assert not any(tag == "script" for tag, _ in page.tags)
    assert "".join(page.text).count(EVIL) == 24  # title and heading both hold the title
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images == [{"alt": EVIL, "src": "data:image/png;base64,"}] * 3


def test_control_characters_and_halves_of_pairs_do_no_harm(strict):
    html = report_page(evil("a\x00b\x1b\ud800 c\n"))
    html.encode("utf-8")
    assert "".join(strict(html).text).count("a␀b␛\ufffd c\n") == 24


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])), st.sampled_from("ek"))
def test_any_text_keeps_the_page_well_formed(strict, text, first):
    report = dataclasses.replace(evil(text), language="en" if first == "e" else "ko")
    assert text in "".join(strict(report_page(report)).text)


def test_what_is_empty_is_left_out(strict):
    html = report_page(Report(title="t", verdict="", model="GRU", command="", version="1"))
    page = strict(html)
    assert "No test part was kept, so nothing was scored." in texts_of(page)
    assert page.headings == ["t"]
    assert page.rows == []
    for kind in ("verdict", "warning"):
        assert f'class="{kind}"' not in html
    assert not {tag for tag, _ in page.tags} & {"img", "ul", "dl", "pre", "h2"}


def test_an_undefined_score_is_a_dash_that_is_explained(strict):
    defined = dataclasses.replace(REPORT, intervals=())
    assert "undefined" not in report_page(defined)
    undefined = dataclasses.replace(defined, scores={"GRU": {**SCORES, "mape": NAN}})
    html = report_page(undefined)
    assert "–</td>" in html
    assert "nan" not in texts_of(strict(html))
    assert "MAPE where an actual value is 0" in html


@pytest.mark.parametrize("language", ["en", "ko"])
def test_equal_reports_give_equal_pages(language):
    report = dataclasses.replace(REPORT, language=language)
    assert report_page(report) == report_page(dataclasses.replace(report))
