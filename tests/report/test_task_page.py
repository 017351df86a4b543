import dataclasses

import numpy as np
import pytest

from rnnkit.messages import Message
from rnnkit.report.examples import ExampleGroup
from rnnkit.report.markup import Picture
from rnnkit.report.saliency import ATTENTION, Example
from rnnkit.report.samples import Sample
from rnnkit.report.scores import CLASSIFY, LANGUAGE, REGRESS
from rnnkit.report.tagged_text import TaggedSentence
from rnnkit.report.task_page import ClassRow, DataPart, TaskReport, task_page

EVIL = "<script>alert(\"1\")</script> & '긍정' -- %s {x}"
REPORT = TaskReport(
    title="reviews: label",
    verdict="TF-IDF is better than the GRU: use it.",
    model="GRU",
    command="rnnkit classify 'my reviews.csv'",
    version="0.1.0",
    measures=CLASSIFY,
    metric="accuracy",
    warnings=("A class has 3 examples.",),
    scores={
        "GRU": {"accuracy": 0.875, "macro_f1": 0.86, "roc_auc": 0.94},
        "TF-IDF": {"accuracy": 0.89, "macro_f1": 0.88, "roc_auc": 0.95},
        "majority": {"accuracy": 0.5, "macro_f1": 0.33},
    },
    skipped={"character n-grams": Message("no season")},
    pictures=(Picture(b"\x89PNG-confusion", "Confusions."),),
    examples=(
        ExampleGroup("Surest and wrong", [Example("so good", "neg", "pos", 0.97, "row 3")]),
        ExampleGroup("Sentences", [TaggedSentence(["runs"], ["NOUN"], ["VERB"])]),
    ),
    legend=ATTENTION,
    samples=(Sample(3, "what light"),),
    units=("texts", "tokens"),
    parts=(DataPart(Message("training"), (22500, 5300000)), DataPart("test", (25000, 123))),
    classes=(ClassRow("pos", (11250, 12500), 0.75, 0.5, 0.6), ClassRow("neg", (11251, 12499))),
    notes=("2 empty texts",),
    lengths=Picture(b"\x89PNG-lengths", "Lengths."),
    text=(("level", "words"),),
    facts=(("cell", "GRU"),),
    training=Picture(b"\x89PNG-training", "Losses."),
)


def test_the_page_holds_everything_in_order(strict):
    html = task_page(REPORT)
    page = strict(html)
    assert page.headings == [
        "reviews: label", "Scores", "Baselines left out", "Samples by epoch", "Examples",
        "Surest and wrong", "Sentences", "Data", "From text to numbers", "Model and training",
        "Do it again",
    ]  # fmt: skip
    rows = [cells for _, cells in page.rows]
    assert rows[:4] == [
        ["", "accuracy", "macro-F1", "ROC-AUC"],
        ["TF-IDF ★", "89.00 %", "0.8800", "0.9500"],
        ["GRU", "87.50 %", "0.8600", "0.9400"],
        ["majority", "50.00 %", "0.3300", "–"],
    ]
    assert page.rows[2][0] == "model"
    assert rows[4:7] == [
        ["part", "texts", "tokens"], ["training", "22,500", "5,300,000"], ["test", "25,000", "123"],
    ]  # fmt: skip
    assert rows[7:] == [
        ["class", "training", "test", "precision", "recall", "F1"],
        ["pos", "11,250", "12,500", "0.7500", "0.5000", "0.6000"],
        ["neg", "11,251", "12,499", "–", "–", "–"],
    ]
    texts = " ".join(page.text)
    for wanted in (
        *REPORT.warnings, *REPORT.notes, REPORT.command, "what light", "so good", "runs", "words",
        "On the test part; larger is better. ★ largest accuracy. – is undefined",
    ):  # fmt: skip
        assert wanted in texts
    assert texts.index(REPORT.verdict) < texts.index("89.00 %")
    assert [tags["alt"] for tag, tags in page.tags if tag == "img"] == [
        "Confusions.", "Lengths.", "Losses.",
    ]  # fmt: skip


def test_the_page_needs_no_network_and_runs_no_script():
    html = task_page(REPORT)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in html
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html


def test_the_page_is_korean_where_asked(strict):
    page = strict(task_page(dataclasses.replace(REPORT, language="ko")))
    assert page.headings[1:5] == ["점수", "제외한 기준 모형", "에폭별 생성 예시", "예시"]
    assert page.rows[0][1] == ["", "정확도", "macro-F1", "ROC-AUC"]


def test_measures_say_which_way_they_go():
    regress = dataclasses.replace(
        REPORT, measures=REGRESS, metric="rmse", scores={"GRU": {"rmse": 2, "mae": 1, "r2": 0.5}}
    )
    html = task_page(regress)
    assert "On the test part; smaller is better, for R² larger. ★ smallest RMSE." in html
    score = {"nats_per_token": 1.49, "perplexity": 4.4, "bits_per_character": 2.15}
    language = dataclasses.replace(
        REPORT, measures=LANGUAGE, metric="nats_per_token", scores={"LSTM": score}
    )
    assert "On the test part; smaller is better. ★ smallest nats per token." in task_page(language)


def test_without_scores_of_classes_their_columns_are_left_out(strict):
    classes = (ClassRow("pos", (1, 2)),)
    rows = strict(task_page(dataclasses.replace(REPORT, classes=classes))).rows
    assert [cells for _, cells in rows[7:]] == [["class", "training", "test"], ["pos", "1", "2"]]


def test_of_very_many_classes_the_most_frequent_are_listed_in_their_order(strict):
    classes = [ClassRow(f"c{k}", (k, 0)) for k in range(150)]
    html = task_page(dataclasses.replace(REPORT, classes=classes))
    names = [cells[0] for _, cells in strict(html).rows[8:]]
    assert names == [f"c{k}" for k in range(50, 150)]
    assert "Shown: the 100 most frequent of 150 classes." in html


def test_every_text_from_data_is_escaped(strict):
    weights = np.ones(len(EVIL))
    spans = [(k, k + 1) for k in range(len(EVIL))]
    html = task_page(
        dataclasses.replace(
            REPORT,
            title=EVIL, verdict=EVIL, model=EVIL, command=EVIL, version=EVIL, warnings=(EVIL,),
            scores={EVIL: {"accuracy": 0.5}}, skipped={EVIL: EVIL}, pictures=(Picture(b"", EVIL),),
            examples=[
                ExampleGroup(
                    EVIL,
                    [
                        Example(EVIL, EVIL, EVIL, 0.5, EVIL, spans, weights),
                        TaggedSentence([EVIL], [EVIL], [EVIL + "!"], EVIL),
                    ],
                )
            ],
            legend=EVIL, samples=[Sample(1, EVIL, EVIL)], units=(EVIL,),
            parts=[DataPart(EVIL, (1,))], classes=[ClassRow(EVIL, (1,))], notes=(EVIL,),
            text=((EVIL, EVIL),), facts=((EVIL, EVIL),),
        )
    )  # fmt: skip
    page = strict(html)
    assert "<script" not in html
    assert not any(tag == "script" for tag, _ in page.tags)
    assert "".join(page.text).count(EVIL) == 30


def test_what_is_empty_is_left_out(strict):
    report = TaskReport(
        title="t", verdict="", model="GRU", command="", version="1", measures=CLASSIFY,
        metric="accuracy",
    )  # fmt: skip
    page = strict(task_page(report))
    assert page.headings == ["t"]
    assert page.rows == []
    assert "No test part was kept, so nothing was scored." in " ".join(page.text)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_equal_reports_give_equal_pages(language):
    report = dataclasses.replace(REPORT, language=language)
    assert task_page(report) == task_page(dataclasses.replace(report))
