"""Files of texts read in pieces: the same model as of the whole file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rnnkit import cli
from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.stored import StoredTexts
from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks import SequenceClassifier, SequenceRegressor, load, run_labels
from rnnkit.tasks.labels.parts import find_groups, sequence_key

QUICK = {"epochs": 2, "ensemble": 1, "hidden_size": 5, "embedding_size": 6, "max_length": 7}


def reviews(count: int = 120, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for k in range(count):
        filler = " ".join(f"w{random.integers(30)}" for _ in range(random.integers(0, 9)))
        label = ("bad", "good", "fine")[k % 3]
        rows.append((f'{label} "film", {filler}', label, round(k % 3 + random.random(), 3)))
    return pd.DataFrame(rows, columns=["text", "label", "stars"])


def write(path: Path, frame: pd.DataFrame) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    elif path.suffix == ".parquet":
        frame.to_parquet(path, row_group_size=17)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def same(first: Any, second: Any) -> None:
    one, two = first.fitted, second.fitted
    assert len(one.fit.networks) == len(two.fit.networks)
    for mine, theirs in zip(one.fit.networks, two.fit.networks, strict=True):
        for name, tensor in mine.state_dict().items():
            assert torch.equal(tensor, theirs.state_dict()[name]), name
    assert one.test.scores == two.test.scores
    np.testing.assert_array_equal(one.test.outputs, two.test.outputs)
    assert [str(note) for note in one.notes] == [
        str(note) for note in two.notes if "read in pieces" not in str(note)
    ]
    for mine, theirs in zip(one.parts, two.parts, strict=True):
        assert (mine.name, mine.count, mine.classes) == (theirs.name, theirs.count, theirs.classes)
        np.testing.assert_array_equal(mine.lengths, theirs.lengths)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_classes_of_a_stream_are_those_of_the_whole(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"data.{kind}", reviews())
    columns = {"text": "text", "label": "label"}
    whole = SequenceClassifier(**QUICK).fit(path, columns=columns)
    stream = SequenceClassifier(**QUICK).fit(path, columns=columns, stream=True)
    same(whole, stream)
    assert isinstance(stream.fitted.kept.texts, StoredTexts)
    assert list(tmp_path.iterdir()) == [path]
    texts = ["a good film", ""]
    np.testing.assert_array_equal(whole.predict_proba(texts), stream.predict_proba(texts))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_numbers_of_a_stream_are_those_of_the_whole(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"data.{kind}", reviews())
    columns = {"text": "text", "targets": ["stars"]}
    whole = SequenceRegressor(**QUICK).fit(path, columns=columns)
    same(whole, SequenceRegressor(**QUICK).fit(path, columns=columns, stream=True))


@pytest.mark.parametrize(
    "options",
    [
        {"ensemble": 3, "validation_size": 0},
        {"level": "bpe", "ngrams": 4},
        {"embedding": "word2vec"},
    ],
    ids=["folds", "bpe", "word2vec"],
)
def test_folds_and_other_codes(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write(tmp_path / "data.csv", reviews(60))
    options = {**QUICK, "epochs": 1, **options}
    columns = {"label": "label", "text": "text"}
    whole = SequenceClassifier(**options).fit(path, columns=columns)
    same(whole, SequenceClassifier(**options).fit(path, columns=columns, stream=True))


def test_given_parts_are_streamed_too_and_equal_texts_are_said(tmp_path: Path) -> None:
    frame = reviews(80)
    path = write(tmp_path / "data.csv", frame[:50])
    given = {
        "validation": write(tmp_path / "val.csv", frame[50:60]),
        "test": write(tmp_path / "test.csv", frame[45:80]),
        "columns": {"text": "text", "label": "label"},
    }
    whole = SequenceClassifier(**QUICK).fit(path, **given)
    stream = SequenceClassifier(**QUICK).fit(path, stream=True, **given)
    same(whole, stream)
    assert isinstance(stream.fitted.kept.texts, StoredTexts)
    learned = {" ".join(text.split()) for text in frame["text"][:60]}
    shared = sum(" ".join(text.split()) in learned for text in frame["text"][45:])
    assert shared >= 15
    assert f"{shared} of the 35 test sequences also stand" in " ".join(
        map(str, stream.fitted.notes)
    )


def test_equal_texts_stay_on_one_side(tmp_path: Path) -> None:
    frame = reviews(40)
    blanks = frame.assign(text=[f"  {text}\t" for text in frame["text"]])
    path = write(tmp_path / "data.csv", pd.concat([frame, blanks, frame]))
    model = SequenceClassifier(**QUICK)
    model.fit(path, columns={"label": "label", "text": "text"}, stream=True)
    kept = pd.Series([" ".join(text.split()) for text in model.fitted.kept.texts])
    all_of_them = pd.Series([" ".join(text.split()) for text in frame["text"]])
    expected = 3 * all_of_them.value_counts()
    for text, count in kept.value_counts().items():
        assert count == expected[text]


def test_a_run_is_that_of_the_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path / "data.csv", reviews())
    columns = ExampleColumns(text="text", label="label")
    found = {}
    for name in ("whole", "stream"):
        out = tmp_path / "runs" / name
        model = SequenceClassifier(**QUICK)
        run_labels(model, path, columns=columns, out=out, stream=name == "stream")
        found[name] = (
            (out / "predictions.csv").read_bytes(),
            json.loads((out / "metrics.json").read_text())["test"],
            load(out).predict_proba(["good film", "bad"]).tolist(),
            sorted(file.name for file in out.iterdir()),
        )
    assert found["whole"] == found["stream"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.csv", "runs"]
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == ["stream", "whole"]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "data.jsonl", reviews(60))
    monkeypatch.chdir(tmp_path)
    columns = ["--text", "text", "--target", "stars"]
    small = ["--epochs", "1", "--ensemble", "1", "--hidden-size", "4"]
    arguments = ["regress", "data.jsonl", *columns, *small, "--stream", "--out", "new/run"]
    monkeypatch.setattr("sys.argv", ["rnnkit", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert "texts are read in pieces" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.jsonl", "new"]
    monkeypatch.setattr("sys.argv", ["rnnkit", "classify", str(tmp_path), "--stream"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "cannot be read in pieces" in capsys.readouterr().err


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "data.csv", reviews(30).assign(label="one"))
    columns = ExampleColumns(text="text", label="label")
    model = SequenceClassifier(**QUICK)
    with pytest.raises(DataError, match="single class"):
        run_labels(model, path, columns=columns, out=tmp_path / "runs" / "a", stream=True)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_what_cannot_be_streamed_is_refused_in_one_sentence(tmp_path: Path) -> None:
    model = SequenceClassifier(**QUICK)
    frame = reviews(10)
    for X, y in ((["a", "b"], ["x", "y"]), (frame, None)):
        with pytest.raises(ConfigError, match="are in memory: leave stream out"):
            model.fit(X, y, stream=True)
    with pytest.raises(DataError, match="cannot be read in pieces"):
        model.fit(tmp_path, stream=True)
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("1,2,3,label\n0.5,1.5,2.5,a\n3.5,4.5,5.5,b\n")
    with pytest.raises(ConfigError, match="texts alone are read in pieces"):
        model.fit(numbers, stream=True, columns={"layout": "wide"})
    path = write(tmp_path / "data.csv", frame)
    columns = {"text": "text", "label": "label"}
    with pytest.raises(DataError, match="cannot be read in pieces"):
        model.fit(path, stream=True, columns=columns, test=tmp_path)


def test_groups_are_numbered_as_they_are_met() -> None:
    random = np.random.default_rng(1)
    texts = tuple(f"text {random.integers(200)}" for _ in range(500))
    examples = Examples("data", texts, None, None, None, str)
    key = sequence_key(examples)
    numbers: dict[bytes, int] = {}
    group = [numbers.setdefault(key(i), len(numbers)) for i in range(500)]
    strata = random.integers(0, 9, 500)
    found = find_groups(examples, strata)
    assert found.group.tolist() == group
    assert found.strata.tolist() == [strata[group.index(g)] for g in range(len(numbers))]
