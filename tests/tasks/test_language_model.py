"""A language model from text to run folder and back, and the texts that it writes."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from rnnkit.errors import ConfigError, DataError
from rnnkit.tasks.estimator import load
from rnnkit.tasks.language.language_model import LanguageModel
from rnnkit.tasks.language.run import run_language_model
from rnnkit.training import Progress

LINES = [
    "the cat sat on the mat",
    "the dog sat on the log",
    "a bird ate a seed, twice",
    "why did the dog not sit?",
]
TEXT = "".join(LINES[(7 * k * k + k // 3) % 4] + "\n" for k in range(120))
OPTIONS = {
    "hidden_size": 16,
    "embedding_size": 8,
    "steps": 16,
    "batch_size": 4,
    "epochs": 8,
    "learning_rate": 0.02,
    "dropout": 0.1,
}


def fitted(text: str = TEXT, **options) -> LanguageModel:
    return LanguageModel(**{**OPTIONS, **options}).fit(text)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return fitted()


def test_it_learns_and_is_scored_beside_its_baselines(model):
    scores = model.evaluate()
    assert scores["task"] == "lm"
    test = scores["test"]
    assert list(test["baselines"]) == ["n-gram", "unigram", "uniform"]
    of = {"model": test["model"], **test["baselines"]}
    nats = {name: values["nats_per_token"] for name, values in of.items()}
    assert nats["model"] < nats["unigram"] < nats["uniform"]
    codes = len(model.fitted.model.codec.vocabulary)
    assert nats["uniform"] == pytest.approx(math.log(codes))
    for values in of.values():
        assert values["perplexity"] == pytest.approx(math.exp(values["nats_per_token"]))
        # every character of the test part is a token that is predicted
        assert values["bits_per_character"] == pytest.approx(values["nats_per_token"] / math.log(2))
    assert test["tokens"] == test["characters"] == model.fitted.characters["test"]
    assert scores["parameters"] == sum(p.numel() for p in model.fitted.model.network.parameters())
    assert "The network needs" in scores["verdict"]


def test_every_character_of_a_text_is_scored_once_in_its_context(model):
    text = TEXT[:333]
    scores = model.evaluate(text)["test"]["model"]
    nats = sum(-math.log(model.next_token(text[:at])[text[at]]) for at in range(0, len(text), 1))
    # next_token shares out what the network gives to codes that no text is made of
    assert scores["nats_per_token"] * len(text) == pytest.approx(nats, rel=0.02)


def test_next_token_is_a_distribution(model):
    p = model.next_token("the ca")
    assert sum(p.values()) == pytest.approx(1)
    assert list(p.values()) == sorted(p.values(), reverse=True)
    assert next(iter(p)) == "t"
    assert set(p) == set(TEXT)


def test_generation_is_the_seeds_alone(model):
    one = model.generate("the", 60, seed=3)
    assert one == model.generate("the", 60, seed=3)
    assert one != model.generate("the", 60, seed=4)
    assert one.startswith("the")
    assert len(one) == 63
    assert model.generate("the", 30, seed=3) == one[:33]
    many = model.generate_many("the", 60, samples=3, seed=3)
    assert many[0] == one
    assert len(set(many)) == 3
    assert model.generate_many("the", 60, samples=5, seed=3)[:3] == many


def test_greedy_generation_takes_the_likeliest(model):
    text = "the dog "
    for _ in range(12):
        text += next(iter(model.next_token(text)))
    assert model.generate("the dog ", 12, temperature=0) == text
    assert model.generate("the dog ", 12, top_k=1, seed=9) == text
    assert model.generate("the dog ", 12, top_p=1e-9, seed=9) == text
    assert model.generate("the dog ", 12, temperature=1e-300, seed=9) == text


def test_generation_begins_as_a_line_does(model):
    p = model.next_token("")
    assert set(list(p)[:3]) == {"t", "a", "w"}  # how the lines begin
    assert p["s"] < 0.1 * model.next_token("the cat ")["s"]
    assert model.generate("", 0) == ""
    assert model.generate("the", 0) == "the"


def test_what_the_text_did_not_hold_is_refused_in_a_prompt(model):
    with pytest.raises(DataError, match="the prompt holds '한', 'Z', which the text"):
        model.generate("한 the Z 한")
    with pytest.raises(DataError, match="the prompt holds '🙂'"):
        model.next_token("🙂")
    assert model.unknown("a🙂b Z🙂") == ["🙂", "Z"]
    with pytest.raises(DataError, match="prompt must be a text, got int"):
        model.generate(5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature must be a number from 0, got -1.0"),
        ({"temperature": math.nan}, "temperature must be"),
        ({"top_k": 0}, "top_k must be a whole number of at least 1, got 0"),
        ({"top_p": 0.0}, "top_p must be a share above 0 and at most 1, got 0.0"),
        ({"length": -1}, "length must be a whole number of at least 0, got -1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"seed": True}, "seed must be"),
    ],
)
def test_wrong_numbers_are_refused(model, options, message):
    with pytest.raises(ConfigError, match=message):
        model.generate("the", **options)


def test_unknown_tokens_of_a_text_are_counted_and_said(model):
    scores = model.evaluate("the cat ÄÖ sat\n")
    assert scores["test"]["unknown_tokens"] == 2
    assert math.isfinite(scores["test"]["model"]["nats_per_token"])
    with pytest.raises(DataError, match="the text holds nothing but spaces and ends of lines"):
        model.evaluate(" \n")


def test_vectors_of_texts_are_the_same_alone_as_among_others(model):
    texts = ["the cat", "", "a bird ate a seed, twice\n" * 9, "🙂"]
    vectors = model.encode(texts)
    assert vectors.shape == (4, 16)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_array_equal(model.encode([text])[0], vector)
    assert not np.allclose(vectors[0], vectors[1])
    assert model.encode([]).shape == (0, 16)
    with pytest.raises(ConfigError, match="a list of texts"):
        model.encode("the cat")


def test_a_run_folder_gives_the_same_model_in_another_process(model, tmp_path):
    model.save(tmp_path / "run")
    back = load(tmp_path / "run")
    assert isinstance(back, LanguageModel)
    assert back.evaluate() == model.evaluate()
    assert back.evaluate(TEXT[:200]) == model.evaluate(TEXT[:200])
    assert back.fitted.samples == model.fitted.samples
    assert back.fitted.notes == model.fitted.notes
    assert back.config == model.config
    back.save(tmp_path / "again")
    for name in ("config.json", "model.safetensors", "report.html"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    code = (
        "import sys; from rnnkit.tasks.estimator import load;"
        "print(load(sys.argv[1]).generate('the', 50, seed=2), end='')"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, check=True
    )
    assert out.stdout.decode() == model.generate("the", 50, seed=2)


def test_the_page_shows_scores_and_samples(model, tmp_path):
    model.save(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "nats per token" in page
    assert "Samples by epoch" in page
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test"]["model"] == model.evaluate()["test"]["model"]


class Interrupt(Progress):
    """Ends a training as a user would, after an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__(quiet=True)
        self.epoch = epoch

    def update(self, state, stopped):
        if state.epoch == self.epoch:
            raise KeyboardInterrupt


def test_a_resumed_run_ends_with_the_same_bytes(tmp_path):
    def run(name: str, **more):
        return run_language_model(TEXT, options=OPTIONS, out=tmp_path / name, **more)

    run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("cut", progress=Interrupt(4))
    assert not (tmp_path / "cut").exists()
    told = []
    resumed = run("cut", resume=True, announce=lambda parts, discarded: told.append(discarded))
    assert told == [False]
    assert list(resumed.fitted.samples) == [1, 2, 3, 4, 5, 6, 7, 8]
    for name in ("config.json", "model.safetensors", "report.html"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()


def test_files_may_be_given_for_each_part(tmp_path):
    for name, text in (("a", TEXT), ("b", TEXT[:300]), ("c", TEXT[300:700])):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    paths = [tmp_path / f"{name}.txt" for name in "abc"]
    model = LanguageModel(**{**OPTIONS, "epochs": 1}).fit(
        str(paths[0]), validation=paths[1], test=str(paths[2])
    )
    assert model.fitted.name == "a"
    assert model.fitted.characters == {"train": len(TEXT), "validation": 300, "test": 400}
    assert model.evaluate(paths[2]) == model.evaluate()
    with pytest.raises(DataError, match="missing"):
        LanguageModel().fit(str(tmp_path / "missing.txt"))


def test_a_text_without_validation_and_test_is_fitted_to_its_end():
    model = fitted(validation_size=0, test_size=0, epochs=2)
    assert model.fitted.test is None
    assert model.evaluate()["test"] is None
    assert model.fitted.history.best_epoch == 2
    assert model.fitted.characters["train"] == len(TEXT)


@pytest.mark.parametrize("level", ["syllable", "jamo", "bpe"])
def test_levels_that_hold_all_of_a_text_give_it_back(level):
    text = "고양이가 매트 위에 앉았다\n개는 통나무 위에 앉았다. the end\n" * 60
    options = {"vocabulary_size": 300} if level == "bpe" else {}
    model = fitted(text, level=level, epochs=2, **options)
    assert model.generate("고양", 0) == "고양"
    out = model.generate("고양", 25, seed=1)
    assert out.startswith("고양")
    test = model.evaluate()["test"]
    assert test["characters"] < test["tokens"] or level != "jamo"
    # nats of all tokens over the characters of the text
    nats = test["model"]["nats_per_token"] * test["tokens"]
    assert test["model"]["bits_per_character"] == pytest.approx(
        nats / test["characters"] / math.log(2)
    )


def test_words_keep_their_lines_and_the_prompt_as_it_was_written():
    model = fitted(level="word", epochs=12, tied=True)
    assert model.fitted.model.network.head.weight is model.fitted.model.network.embedding.weight
    out = model.generate("The CAT sat", 40, seed=1)
    assert out.startswith("The CAT sat")
    assert "\n" in out
    assert {word for line in out.lower().split("\n") for word in line.split()} <= {
        word for line in LINES for word in line.replace(",", " ,").replace("?", " ?").split()
    } | {"seed,", "sit?"}
    assert "\n" in model.next_token("the cat sat on the mat")
    with pytest.raises(DataError, match="the prompt holds 'zebra'"):
        model.generate("the zebra")


def test_words_that_are_rare_in_training_are_known_as_unknown():
    text = TEXT + "".join(f"the cat sat on the w{k}x{k}\n" for k in range(40)) + TEXT
    model = fitted(text, level="word", epochs=1)
    assert model.generate("the zebra", 5).startswith("the zebra")
    assert "\ufffd" not in model.generate("the cat sat on the", 200, seed=2)


def test_options_that_contradict_are_refused():
    with pytest.raises(ConfigError, match="cannot read backwards"):
        LanguageModel(bidirectional=True)
    with pytest.raises(ConfigError, match="tied shares the embedding"):
        LanguageModel(tied=True, embedding_size=0)
    with pytest.raises(ConfigError, match="level must be one of"):
        LanguageModel(level="letter")


def test_too_little_text_is_refused():
    for text, what in (("", "is empty"), ("  \n", "holds nothing but spaces and ends of lines")):
        with pytest.raises(DataError, match=f"the text {what}: give one"):
            fitted(text)
    with pytest.raises(DataError, match="give more text"):
        fitted("ab")
    with pytest.raises(DataError, match="test_size of 5000 does not leave"):
        fitted(test_size=5000)


def test_one_hot_letters_and_carried_states_of_every_cell():
    for cell in ("rnn", "lstm", "gru"):
        model = fitted(TEXT[:600], cell=cell, embedding_size=0, epochs=1, layers=2)
        assert len(model.generate("the", 10)) == 13
    assert torch.get_num_threads() >= 1
