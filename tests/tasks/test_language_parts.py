"""The parts of a text, its codes, the rules for options, how tokens are drawn, the scores."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.options import TextOptions
from rnnkit.data.text.vocabulary import BOS, EOS
from rnnkit.errors import DataError, RnnkitError
from rnnkit.metrics.language import bits_per_character, language_scores, perplexity
from rnnkit.models.language_model import LanguageModelNetwork
from rnnkit.tasks.language import evaluation
from rnnkit.tasks.language.config import (
    LanguageConfig,
    batch_size,
    embedding_size,
    epochs,
    is_tied,
    vocabulary_size,
)
from rnnkit.tasks.language.corpus import (
    Corpus,
    decode_text,
    encode_text,
    read_codes,
    read_corpus,
    split_corpus,
    start_code,
)
from rnnkit.tasks.language.evaluation import Evaluation, token_nats
from rnnkit.tasks.language.generation import Sampling, generate_codes


def lines(count: int) -> str:
    return "".join(f"line {number:05}\n" for number in range(count))


def test_parts_are_whole_lines_in_the_order_of_the_text():
    text = lines(10_000)  # 110,000 characters
    parts = split_corpus(Corpus("c", text), validation_size=0.05, test_size=0.1)
    assert parts.test == text[-len(parts.test) :]
    assert len(parts.test) == pytest.approx(11_000, abs=11)
    assert len(parts.validation) == 5  # blocks of at least 1,000 characters
    assert sum(map(len, parts.validation)) == pytest.approx(5500, abs=60)
    pieces = [parts.train[0]]
    for block, piece in zip(parts.validation, parts.train[1:], strict=True):
        pieces += [block, piece]
    assert "".join(pieces) + parts.test == text
    assert all(piece.endswith("\n") for piece in (*parts.train, *parts.validation))
    # Neither end of the training part is cut off.
    assert len(parts.train[0]) > 5000
    assert len(parts.train[-1]) > 5000


@settings(max_examples=300, deadline=None)
@given(
    text=st.text("ab\n", max_size=60),
    validation=st.sampled_from([0, 0.05, 0.3, 0.9, 1, 5, 40]),
    test=st.sampled_from([0, 0.1, 0.5, 0.9, 1, 30]),
)
def test_parts_share_no_character_and_lose_none(text, validation, test):
    try:
        parts = split_corpus(Corpus("c", text), validation_size=validation, test_size=test)
    except DataError:
        return
    found = sorted("".join([*parts.train, *parts.validation, parts.test or ""]))
    assert found == sorted(text)
    assert bool(validation) == bool(parts.validation)
    assert bool(test) == bool(parts.test)
    assert all((*parts.train, *parts.validation))


def test_parts_given_apart_leave_the_text_whole():
    parts = split_corpus(
        Corpus("c", "abc\n", validation="de\n", test="fg\n"), validation_size=0.5, test_size=0.5
    )
    assert parts.train == ("abc\n",)
    assert parts.validation == ("de\n",)
    assert parts.test == "fg\n"


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "wrong.txt"
    path.write_bytes(b"fine\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"line 2 of .*wrong.txt is not UTF-8"):
        read_corpus(path)
    path.write_bytes(b" \n")
    with pytest.raises(DataError, match=r"the test text in .*wrong.txt holds nothing but spaces"):
        read_corpus("a text", test=path)
    with pytest.raises(DataError, match=r"must be a text or a pathlib\.Path, got int"):
        read_corpus(5)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_file_is_read_or_refused_by_our_errors(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "corpus.txt"
    path.write_bytes(data)
    try:
        corpus = read_corpus(path)
        split_corpus(corpus, validation_size=0.2, test_size=0.2)
    except RnnkitError:
        pass


@pytest.mark.parametrize("level", ["char", "syllable", "jamo", "bpe", "word"])
def test_texts_come_back_from_their_codes(level):
    text = "a cat sat\n\non 고양이\n"
    size = 300 if level == "bpe" else None
    codec = TextCodec.fit(
        [text],
        TextOptions(
            level=level,
            vocabulary_size=size,
            max_length=None,
            min_count=None if level == "bpe" else 1,
        ),
    )
    assert decode_text(codec, encode_text(codec, text)) == text
    codes = read_codes(codec, [text, text])
    assert codes[0] == start_code(codec)
    assert decode_text(codec, codes[1:]) == text + text
    assert decode_text(codec, []) == ""
    assert len(encode_text(codec, "")) == 0


def test_what_is_read_before_a_text():
    def start(text: str, level: str) -> tuple[TextCodec, int]:
        codec = TextCodec.fit([text], TextOptions(level=level, max_length=None, min_count=1))
        return codec, start_code(codec)

    codec, code = start("ab\nc", "char")
    assert codec.decode([code]) == "\n"
    assert start("abc", "char")[1] == BOS
    assert start("a b\nc", "word")[1] == EOS


def test_rules_of_options():
    letters, words = LanguageConfig(), LanguageConfig(level="word")
    assert (vocabulary_size(letters), vocabulary_size(words)) == (None, 10_000)
    assert (is_tied(letters), is_tied(words)) == (False, True)
    assert not is_tied(LanguageConfig(level="word", embedding_size=0))
    assert embedding_size(LanguageConfig(embedding_size=0)) == 0
    T = letters.steps
    assert batch_size(letters, 10**9) == 32
    assert batch_size(letters, 200 * 16 * T) == 16
    assert batch_size(letters, 10) == 4
    assert batch_size(LanguageConfig(batch_size=7), 10) == 7
    assert epochs(letters, 10**9) == 4
    assert epochs(letters, 10) == 100
    assert epochs(letters, 230 * 32 * T) == 20
    assert epochs(LanguageConfig(epochs=3), 10) == 3


LOGITS = np.log([0.1, 0.4, 0.05, 0.3, 0.15])


def shares(sampling: Sampling, logits=LOGITS, n: int = 4000) -> list[float]:
    drawn = [sampling.draw(logits, (k + 0.5) / n) for k in range(n)]
    return (np.bincount(drawn, minlength=len(logits)) / n).tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.1, 0.4, 0.05, 0.3, 0.15]),
        ({"temperature": 0.0}, [0, 1, 0, 0, 0]),
        ({"temperature": 0.5}, (np.exp(2 * LOGITS) / np.exp(2 * LOGITS).sum()).tolist()),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7, 0]),
        ({"top_k": 9}, [0.1, 0.4, 0.05, 0.3, 0.15]),
        ({"top_p": 0.5}, [0, 4 / 7, 0, 3 / 7, 0]),
        ({"top_p": 0.3}, [0, 1, 0, 0, 0]),
        ({"top_p": 0.8}, [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85]),
        ({"top_p": 1.0}, [0.1, 0.4, 0.05, 0.3, 0.15]),
        ({"top_k": 3, "top_p": 0.6}, [0, 4 / 7, 0, 3 / 7, 0]),
    ],
)
def test_tokens_are_drawn_by_their_probability(options, expected):
    np.testing.assert_allclose(shares(Sampling(**options)), expected, atol=0.002)


def test_forbidden_tokens_and_edges_of_chance():
    logits = np.array([0.0, -np.inf, 0.0])
    assert shares(Sampling(), logits) == [0.5, 0.0, 0.5]
    for chance in (0.0, 1 - 2**-53):
        assert Sampling().draw(logits, chance) in (0, 2)
        assert Sampling(temperature=1e-308).draw(logits, chance) in (0, 2)
        assert Sampling(top_p=1.0).draw(np.array([0.0, -800.0]), chance) == 0


def test_generated_codes_are_those_of_whole_passes():
    torch.manual_seed(0)
    network = LanguageModelNetwork(
        vocabulary=9, hidden_size=7, embedding_size=4, cell="lstm", layers=2, dropout=0.5
    ).train()
    rows = generate_codes(
        network, [4, 5], 10, sampling=Sampling(), seed=6, samples=3, forbidden={0, 3}
    )
    assert network.training  # as it was
    network.eval()
    for n, row in enumerate(rows):
        chances = np.random.default_rng([6, n]).random(10)
        codes = [4, 5]
        for chance in chances:
            with torch.no_grad():
                logits = network(torch.tensor([codes]))[0][0, -1].double().numpy()
            logits[[0, 3]] = -np.inf
            codes.append(Sampling().draw(logits, chance))
        assert codes[2:] == row
    assert not {0, 3} & {code for row in rows for code in row}


def test_nats_of_a_long_text_are_those_of_one_pass(monkeypatch):
    monkeypatch.setattr(evaluation, "_TOGETHER", 600)
    torch.manual_seed(1)
    network = LanguageModelNetwork(vocabulary=9, hidden_size=7, embedding_size=4).eval()
    codes = np.random.default_rng(0).integers(0, 9, 1200).astype(np.int32)
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(codes[None, :-1].astype(np.int64)))
    p = torch.log_softmax(logits[0].double(), dim=1)
    expected = -p[torch.arange(1199), torch.from_numpy(codes[1:].astype(np.int64))]
    parts = list(token_nats(network, codes))
    assert list(map(len, parts)) == [1024, 175]
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-4)


def test_scores_by_hand():
    assert perplexity(6.0, 3) == pytest.approx(math.exp(2))
    assert perplexity(1e9, 3) == math.inf
    assert bits_per_character(6.0, 4) == pytest.approx(1.5 / math.log(2))
    assert language_scores(6.0, 3, 4) == {
        "nats_per_token": 2.0,
        "perplexity": pytest.approx(math.exp(2)),
        "bits_per_character": pytest.approx(1.5 / math.log(2)),
    }


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ((0.2, 0.1, 0.3), r"needs 1.500 nats per token, the best baseline \(n-gram\) 1.700\.$"),
        ((0.2, -0.1, 0.5), "the difference may be chance"),
        ((-0.2, -0.3, -0.1), "use that, or train longer or on more text"),
    ],
)
def test_the_verdict_says_who_predicts_better(difference, words):
    scores = {
        name: language_scores(nats * 50, 50, 50)
        for name, nats in (("model", 1.5), ("unigram", 3.0), ("n-gram", 1.7), ("uniform", 4e4))
    }
    evaluation = Evaluation(50, 50, 3, 4, "kneser-ney", scores, difference)
    assert evaluation.best_baseline == "n-gram"
    assert re.search(words, str(evaluation.verdict()))
    notes = [str(note) for note in evaluation.notes("char")]
    assert notes[0].endswith("at most 3 before it, with Kneser-Ney smoothing")
    assert "3 of the 50 tokens of the test part (6.00%)" in notes[1]
    plain = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    assert Evaluation.from_json(plain) == evaluation
