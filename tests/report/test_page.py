import base64
import dataclasses
from html.parser import HTMLParser

from rnnkit.report.page import Report, SplitPart, report_page

NAN = float("nan")
EVIL = "<script>alert(\"1\")</script> & '승객' -- %s {x}"
VOID = {"meta", "img", "link", "br", "hr", "input"}
SCORES = {"rmse": 14.2, "mae": 11.0, "mape": 2.5, "smape": 2.4, "mase": 0.4}
REPORT = Report(
    title="airline: 12 rows ahead",
    verdict="The GRU beats the best baseline by 19 %.",
    warnings=("It follows, it does not foresee.",),
    forecast_png=b"\x89PNG-forecast",
    forecast_text="The last years and the forecast.",
    training_png=b"\x89PNG-training",
    scores={
        "drift": {**SCORES, "rmse": 92.7},
        "GRU": SCORES,
        "last value": {**SCORES, "rmse": 103.0},
    },
    model="GRU",
    metric="rmse",
    skipped={"AutoARIMA": "would take too long"},
    split=(SplitPart("training", 1104, "1949-01", "1957-12"),),
    transform="Logarithm, because the spread grows with the level.",
    facts={"cell": "GRU", "networks": "5"},
    command='rnnkit forecast "air line.csv" --time Month',
    version="0.1.0",
)


class Strict(HTMLParser):
    """Fails on a tag that is not closed in order, and keeps what was met."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.rows = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append((dict(attributes).get("class"), []))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][1].append(data)


def test_the_page_is_well_formed_and_holds_every_text():
    page = Strict(report_page(REPORT))
    text = " ".join(page.text)
    for wanted in (
        REPORT.title,
        REPORT.verdict,
        REPORT.warnings[0],
        REPORT.transform,
        REPORT.command,
        "AutoARIMA",
        "would take too long",
        "networks",
        "1,104",
        "1957-12",
        "rnnkit 0.1.0",
    ):
        assert wanted in text
    assert text.index(REPORT.verdict) < text.index("RMSE")


def test_the_best_row_is_marked_and_the_models_row_highlighted():
    rows = Strict(report_page(REPORT)).rows
    assert rows[1] == ("model", ["GRU ★", "14.20", "11.00", "2.500", "2.400", "0.4000"])
    assert [(kind, cells[0]) for kind, cells in rows[2:4]] == [
        (None, "drift"),
        (None, "last value"),
    ]
    losing = dataclasses.replace(REPORT, scores={**REPORT.scores, "GRU": {**SCORES, "rmse": 95.0}})
    rows = Strict(report_page(losing)).rows
    assert (rows[1][0], rows[1][1][0]) == (None, "drift ★")
    assert (rows[2][0], rows[2][1][0]) == ("model", "GRU")


def test_pictures_are_embedded_with_a_text_and_nothing_comes_from_elsewhere():
    html = report_page(REPORT)
    images = [attributes for tag, attributes in Strict(html).tags if tag == "img"]
    prefix = "data:image/png;base64,"
    assert all(image["src"].startswith(prefix) and image["alt"] for image in images)
    assert [base64.b64decode(image["src"].removeprefix(prefix)) for image in images] == [
        REPORT.forecast_png,
        REPORT.training_png,
    ]
    tags = {tag for tag, _ in Strict(html).tags}
    assert not tags & {"script", "link", "iframe", "object"}
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src 'none'" in html


def test_language_phone_and_dark_are_declared():
    html = report_page(REPORT)
    assert '<html lang="en">' in html
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_every_text_from_data_is_escaped():
    evil = Report(
        title=EVIL,
        verdict=EVIL,
        warnings=(EVIL,),
        forecast_png=b"",
        forecast_text=EVIL,
        training_png=b"",
        scores={EVIL: SCORES},
        model=EVIL,
        metric="rmse",
        skipped={EVIL: EVIL},
        split=(SplitPart(EVIL, 1, EVIL, EVIL),),
        transform=EVIL,
        facts={EVIL: EVIL},
        command=EVIL,
        version=EVIL,
    )
    html = report_page(evil)
    page = Strict(html)
    assert "<script" not in html
    assert not any(tag == "script" for tag, _ in page.tags)
    assert "".join(page.text).count(EVIL) == 15  # title and heading both hold the title
    assert {"alt": EVIL, "src": "data:image/png;base64,"} in [a for t, a in page.tags if t == "img"]


def test_without_scores_skipped_or_verdict_the_page_says_so_or_leaves_them_out():
    bare = dataclasses.replace(REPORT, scores={}, skipped={}, verdict="", warnings=())
    html = report_page(bare)
    text = " ".join(Strict(html).text)
    assert "No test part was kept, so nothing was scored." in text
    assert "Baselines left out" not in text
    assert 'class="verdict"' not in html
    assert 'class="warning"' not in html


def test_an_undefined_score_is_a_dash_that_is_explained():
    assert "undefined" not in report_page(REPORT)
    undefined = dataclasses.replace(REPORT, scores={"GRU": {**SCORES, "mape": NAN}})
    html = report_page(undefined)
    assert "–</td>" in html
    assert "nan" not in " ".join(Strict(html).text)
    assert "MAPE where an actual value is 0" in html


def test_equal_reports_give_equal_pages():
    assert report_page(REPORT) == report_page(dataclasses.replace(REPORT))
