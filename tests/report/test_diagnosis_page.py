import base64

from rnnkit.messages import Message
from rnnkit.report.diagnosis_page import DiagnosisReport, Finding, diagnosis_page
from rnnkit.report.markup import Picture, Table


def report(**changes):
    return DiagnosisReport(
        **{
            "title": "Diagnosis of airline",
            "verdict": "Nothing is left in the residuals.",
            "findings": (
                Finding("Residuals", ("No autocorrelation.", Message("{n} lags.", {"n": 24}))),
                Finding(
                    "Trend",
                    picture=Picture(b"\x89PNG-trend", "The trend"),
                    table=Table(("lag", "p"), (("12", "0.41"), ("24", "0.02")), (1,), (1,)),
                ),
            ),
            "command": "rnnkit diagnose airline.csv",
            "version": "0.1.0",
            "notes": ("3 blank lines passed over",),
            "facts": (("rows", "144"),),
            **changes,
        }
    )


def test_every_finding_is_a_section_with_its_sentences_table_and_picture(strict):
    page = strict(diagnosis_page(report()))
    assert page.headings == ["Diagnosis of airline", "Residuals", "Trend", "Data", "Do it again"]
    assert page.rows == [(None, ["lag", "p"]), (None, ["12", "0.41"]), ("model", ["24", "0.02"])]
    assert {"24 lags.", "No autocorrelation.", "3 blank lines passed over", "144"} <= set(page.text)
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert image["alt"] == "The trend"
    assert base64.b64decode(image["src"].partition(",")[2]) == b"\x89PNG-trend"
    numbers = [attributes for tag, attributes in page.tags if attributes.get("class") == "number"]
    assert len(numbers) == 3


def test_in_korean_and_without_data(strict):
    html = diagnosis_page(report(language="ko", notes=(), facts=()))
    assert '<html lang="ko">' in html
    headings = strict(html).headings
    assert headings == ["Diagnosis of airline", "Residuals", "Trend", "다시 실행하기"]


def test_warnings_stand_below_the_verdict(strict):
    page = strict(diagnosis_page(report(warnings=("<few rows>",))))
    text = " ".join(page.text)
    assert text.index("Nothing is left") < text.index("<few rows>") < text.index("No autocorr")
