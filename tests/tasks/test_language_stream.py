"""A corpus read in pieces: the same model as of the text in memory, in little memory."""

from __future__ import annotations

import gc
import gzip
import json
import lzma
import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnkit import cli
from rnnkit.baselines.ngram import ORDERS, NGramModel
from rnnkit.data.streams import StoredCodes, StreamBatch, TokenStreams
from rnnkit.data.text import learning
from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks.estimator import load
from rnnkit.tasks.language import evaluation, fitting, texts
from rnnkit.tasks.language.corpus import read_corpus
from rnnkit.tasks.language.language_model import LanguageModel
from rnnkit.tasks.language.run import fingerprint, run_language_model
from rnnkit.training import Progress

LINES = [
    "The cat sat on the mat,",
    "고양이가 매트 위에 앉았다.<br /> ㅋㅋ",
    "  3.5 of 10 ΟΔΟΣ,\tdon't!",
    "",
    "cafe\u0301 \U0001f642 why did the dog not sit?",
]
TEXT = "".join(LINES[(7 * k * k + k // 3) % 5] + f" {k % 7}\r\n" for k in range(700))
QUICK = {
    "epochs": 2,
    "hidden_size": 6,
    "embedding_size": 5,
    "steps": 16,
    "batch_size": 8,
    "dropout": 0.2,
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the text into many pieces, and score many."""
    for name, size in (("_BLOCK", 1000), ("_WINDOW", 600), ("_PIECE", 150)):
        monkeypatch.setattr(texts, name, size)
    monkeypatch.setattr(evaluation, "_TOGETHER", 600)
    monkeypatch.setattr(fitting, "_SCORED", 70)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT.encode())
    return path


def same(one: LanguageModel, two: LanguageModel) -> None:
    mine, theirs = one.fitted, two.fitted
    for name, tensor in mine.model.network.state_dict().items():
        assert torch.equal(tensor, theirs.model.network.state_dict()[name]), name
    assert mine.model.codec == theirs.model.codec
    np.testing.assert_array_equal(mine.model.counted, theirs.model.counted)
    assert (mine.model.order, mine.model.smoothing) == (theirs.model.order, theirs.model.smoothing)
    assert mine.model.tokens == theirs.model.tokens
    assert mine.test == theirs.test
    assert mine.samples == theirs.samples
    assert mine.characters == theirs.characters
    assert mine.name == theirs.name
    history = {"seconds": None}
    assert {**mine.history.to_json(), **history} == {**theirs.history.to_json(), **history}
    said = [str(note) for note in theirs.notes if "read in pieces" not in str(note)]
    assert [str(note) for note in mine.notes] == said
    assert len(said) == len(theirs.notes) - 1


@pytest.mark.parametrize("level", ["char", "syllable", "jamo", "word", "bpe"])
def test_a_stream_is_the_same_model(path: Path, level: str) -> None:
    options = {**QUICK, "level": level, "vocabulary_size": 290 if level == "bpe" else None}
    whole = LanguageModel(**options).fit(path)
    stream = LanguageModel(**options).fit(str(path), stream=True)
    same(whole, stream)
    assert stream.evaluate()["test"]["unknown_tokens"] == whole.evaluate()["test"]["unknown_tokens"]
    assert stream.generate("The", 20) == whole.generate("The", 20)
    again = TEXT.replace("\r\n", "\n")
    assert stream.evaluate(path)["test"] == whole.evaluate(again)["test"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("suffix", "packed"), [("xz", lzma.compress), ("gz", gzip.compress)])
def test_compressed_files_and_parts_given_apart(path: Path, suffix: str, packed) -> None:
    pressed = path.with_name(f"corpus.txt.{suffix}")
    pressed.write_bytes(packed(b"\xef\xbb\xbf" + TEXT.encode()))
    later = path.with_name("later.txt")
    later.write_text(TEXT[500:2500], encoding="utf-8")
    given = {"validation": later, "test": TEXT[:900]}
    whole = LanguageModel(**QUICK).fit(pressed, **given)
    same(whole, LanguageModel(**QUICK).fit(pressed, stream=True, **given))
    assert whole.fitted.characters["test"] == len(
        unicodedata.normalize("NFC", TEXT[:900].replace("\r\n", "\n"))
    )


@pytest.mark.parametrize("sizes", [{"validation_size": 0}, {"test_size": 0}])
def test_parts_may_be_left_out(path: Path, sizes: dict[str, int]) -> None:
    whole = LanguageModel(**QUICK, **sizes).fit(path)
    same(whole, LanguageModel(**QUICK, **sizes).fit(path, stream=True))


class Interrupt(Progress):
    """Ends a training as a user would, after its first epoch."""

    def __init__(self) -> None:
        super().__init__(quiet=True)

    def update(self, state, stopped):
        raise KeyboardInterrupt


@pytest.mark.parametrize("resumed_so", [True, False])
def test_an_interrupted_stream_goes_on_with_the_same_bits(path: Path, resumed_so: bool) -> None:
    def run(name: str, **more):
        return run_language_model(path, options=QUICK, out=path.parent / "runs" / name, **more)

    whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("cut", stream=True, progress=Interrupt())
    told = []
    resumed = run(
        "cut",
        stream=resumed_so,
        resume=True,
        announce=lambda parts, discarded: told.append((str(parts.notes()), discarded)),
    )
    assert [discarded for _, discarded in told] == [False]
    assert ("are in temporary files" in told[0][0]) == resumed_so
    assert resumed.fitted.samples == whole.fitted.samples
    runs = [path.parent / "runs" / name for name in ("whole", "cut")]
    models = [load(run).fitted.model for run in runs]
    for name, tensor in models[0].network.state_dict().items():
        assert torch.equal(tensor, models[1].network.state_dict()[name]), name
    scores = [json.loads((run / "metrics.json").read_text())["test"] for run in runs]
    assert scores[0] == scores[1]
    if not resumed_so:  # not even what is said is different
        for name in ("config.json", "model.safetensors"):
            assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()
    assert sorted(file.name for file in runs[0].parent.iterdir()) == ["cut", "whole"]


def test_equal_texts_have_one_fingerprint_however_they_are_read(path: Path) -> None:
    whole, stored = read_corpus(path, test=path), read_corpus(path, test=path, scratch=path.parent)
    assert fingerprint(whole) == fingerprint(stored)
    assert fingerprint(whole) != fingerprint(read_corpus(path, scratch=path.parent))


def test_what_n_grams_leave_out_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_KEPT", 1200)
    whole = LanguageModel(**QUICK).fit(path)
    stream = LanguageModel(**QUICK).fit(path, stream=True)
    same(whole, stream)
    notes = " ".join(map(str, stream.fitted.notes))
    tokens = stream.fitted.model.tokens
    assert f"counted in the last 1,200 of the {tokens:,} tokens of the training part" in notes


@pytest.mark.parametrize("order", [1, 2, ORDERS])
def test_n_grams_of_a_part_are_those_of_the_whole(tmp_path: Path, order: int) -> None:
    random = np.random.default_rng(order)
    ngrams = NGramModel(random.integers(0, 3, 500), 3, order, "kneser-ney")
    codes = random.integers(0, 3, 200).astype(np.int32)
    whole = ngrams.log_probabilities(codes)
    stored = StoredCodes.write([codes], tmp_path)
    for begin, end in ((1, 2), (1, 200), (5, 9), (6, 30), (150, 999)):
        found = fitting.ngram_logs(ngrams, stored, begin, end)
        np.testing.assert_array_equal(found, whole[:, begin - 1 : end - 1])


def test_wrong_files_are_refused_in_one_sentence_and_leave_nothing(path: Path) -> None:
    model = LanguageModel(**QUICK)
    with pytest.raises(ConfigError, match="this text is in memory: leave it out"):
        model.fit(TEXT, stream=True)
    for content, message in (
        (
            b"fine\nnot \xff\n",
            r"line 2 of .*corpus.txt is not UTF-8 text \(byte 0xFF at position 5",
        ),
        (b"fine\n\0", "line 2 of .* holds a NUL byte"),
        (b" \n\t\n", "the text in .*corpus.txt holds nothing but spaces and ends of"),
        (gzip.compress(TEXT.encode())[:-20], "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            run_language_model(path, options=QUICK, out=path.parent / "run", stream=True)
    with pytest.raises(DataError, match=r"missing\.txt"):
        model.fit("missing.txt", stream=True)
    assert list(path.parent.iterdir()) == [path]


def test_the_command(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(path.parent)
    small = ["--epochs", "1", "--hidden-size", "4", "--steps", "16"]
    monkeypatch.setattr("sys.argv", ["rnnkit", "lm", "corpus.txt", *small, "--stream"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    said = " ".join(capsys.readouterr().out.split())
    assert "the text is read in pieces: it (0.0 MB) and its codes are in temporary files" in said
    assert sorted(file.name for file in path.parent.iterdir()) == ["corpus.txt", "runs"]


def test_a_stream_takes_little_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_KEPT", 1000)
    monkeypatch.setattr(learning, "_TOGETHER", 2000)
    monkeypatch.setattr(texts, "_PIECE", 2000)
    line = "a bad cab, a bead, a cafe " * 4
    options = {**QUICK, "epochs": 1, "steps": 100, "batch_size": 20, "test_size": 0.05}

    batch = TokenStreams.batch

    def tidy(data: TokenStreams, index: torch.Tensor) -> StreamBatch:
        gc.collect()  # what the step before left behind is no memory in use
        return batch(data, index)

    monkeypatch.setattr(TokenStreams, "batch", tidy)

    def peak(lines: int, stream: bool) -> int:
        path.write_text((line + "\n") * lines, encoding="utf-8")
        model = LanguageModel(**options)
        gc.collect()
        gc.freeze()  # what is there before is not looked at again
        tracemalloc.start()
        try:
            model.fit(path, stream=stream)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            gc.unfreeze()

    peak(20, stream=True)  # what is imported and kept
    assert peak(2000, stream=True) < peak(2000, stream=False) / 3
