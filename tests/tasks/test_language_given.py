"""Texts and prompts, however they are written: composed or not, line ends, blanks, folders."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.examples import lines
from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.jamo import compose, decompose
from rnnkit.data.text.options import TextOptions
from rnnkit.data.text.vocabulary import EOS
from rnnkit.errors import DataError
from rnnkit.tasks.language import texts
from rnnkit.tasks.language.corpus import (
    Corpus,
    as_source,
    encode_text,
    read_corpus,
    read_text,
    split_corpus,
)
from rnnkit.tasks.language.language_model import LanguageModel
from rnnkit.tasks.language.prompts import continued, joining
from rnnkit.tasks.language.texts import StoredText, composed, plain_text

FOLDER = Path(tempfile.gettempdir())
LEVELS = ["char", "syllable", "jamo", "word", "bpe"]
LINES = [
    "고양이가 매트 위에 앉았다.",
    "닭은 통나무 밑에 있었다!",
    "Café, naïve: the cat sat",
    "짜다 짤막한 말",
]
TEXT = "".join(LINES[(7 * k * k + k // 3) % 4] + f" {k % 5}\n" for k in range(150))
OPTIONS = {
    "epochs": 1,
    "hidden_size": 6,
    "embedding_size": 5,
    "steps": 16,
    "batch_size": 4,
    "dropout": 0.0,
}


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def fitted(text: str | Path = TEXT, stream: bool = False, **options) -> LanguageModel:
    return LanguageModel(**{**OPTIONS, **options}).fit(text, stream=stream)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return fitted()


@pytest.mark.parametrize("level", LEVELS)
def test_a_decomposed_text_has_the_results_of_its_twin(tmp_path: Path, level: str) -> None:
    options = {"level": level, "vocabulary_size": 320 if level == "bpe" else None}
    twin = fitted(**options)
    path = tmp_path / "text.txt"
    path.write_bytes(nfd(TEXT).replace("\n", "\r\n").encode())
    for other in (fitted(nfd(TEXT), **options), fitted(path, True, **options)):
        assert other.fitted.characters == twin.fitted.characters
        assert sum(other.fitted.characters.values()) == len(TEXT)
        assert other.fitted.model.codec == twin.fitted.model.codec
        assert other.fitted.test == twin.fitted.test
        for name, tensor in other.fitted.model.network.state_dict().items():
            assert torch.equal(tensor, twin.fitted.model.network.state_dict()[name]), name
    assert twin.scored(nfd(TEXT[:500])) == twin.scored(TEXT[:500])
    assert twin.scored(path) == twin.scored(TEXT)


@pytest.mark.parametrize("drop", [0, 1, 2])
def test_no_part_begins_inside_a_syllable(tmp_path: Path, drop: int) -> None:
    text = "".join("가나다각난닫랄한국"[k * k % 9] for k in range(1003))  # no line ends
    raw = nfd(text)[drop:]
    path = tmp_path / "text.txt"
    path.write_text(raw, encoding="utf-8")
    whole = unicodedata.normalize("NFC", raw)
    for corpus in (read_corpus(raw), read_corpus(path), read_corpus(path, scratch=tmp_path)):
        parts = split_corpus(corpus, validation_size=0.05, test_size=0.1)
        assert parts.test is not None
        assert len(parts.test) == round(0.1 * len(whole))
        pieces = [parts.train[0], *parts.validation, *parts.train[1:], parts.test]
        read = [part.read(0, 2000) if isinstance(part, StoredText) else part for part in pieces]
        assert "".join(read) == whole
        assert not [part[0] for part in read[1:] if not "가" <= part[0] <= "힣"]


MIXED = st.text("a e\u0301\u0323\u1100\u1161\u11a8가漢\u0344\r\n", max_size=40)


@settings(max_examples=400, deadline=None)
@given(text=MIXED, cut=st.integers(1, 5))
def test_the_normal_form_of_pieces_is_that_of_the_whole(text: str, cut: int) -> None:
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    assert "".join(composed(iter(pieces))) == unicodedata.normalize("NFC", text)


@settings(max_examples=150, deadline=None)
@given(text=MIXED.filter(lambda text: bool(text.strip())))
def test_a_text_is_read_as_its_file_whole_or_in_pieces(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "text.txt"
    path.write_bytes(text.encode())
    expected = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert read_text(text, "text") == read_text(path, "text") == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_LONGEST", 8)
        patch.setattr(texts, "_BLOCK", 5)
        stored = read_corpus(path, scratch=FOLDER).text
    assert isinstance(stored, StoredText)
    assert len(stored) == len(expected)


def test_line_ends_of_python_texts_are_those_of_files(model: LanguageModel) -> None:
    for end in ("\r\n", "\r"):
        other = fitted(TEXT.replace("\n", end))
        assert other.fitted.model.codec == model.fitted.model.codec
        assert other.fitted.test == model.fitted.test
    test = model.evaluate("고양이\r\n닭")["test"]
    assert (test["tokens"], test["characters"], test["unknown_tokens"]) == (5, 5, 0)
    assert model.generate("고양이\r\n닭", 4) == model.generate("고양이\n닭", 4)
    assert model.generate("고양이\r", 0) == "고양이\n"
    assert model.next_token("고양이\r") == model.next_token("고양이\n")
    assert model.unknown("닭\r\n") == []
    vectors = model.encode(["닭\r\n고", "닭\n고"])
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_what_no_text_file_holds_is_refused_by_its_name(model: LanguageModel) -> None:
    with pytest.raises(DataError, match="the text holds a NUL character at position 3, which no"):
        fitted("ab\n\0" + TEXT)
    with pytest.raises(DataError, match="the prompt holds a NUL character at position 1"):
        model.generate("닭\0")
    with pytest.raises(DataError, match="the prompt holds half a character"):
        model.generate("닭\ud800")
    with pytest.raises(DataError, match=r"texts\[1\] must be a text, got NoneType"):
        model.encode(["a", None])
    with pytest.raises(DataError, match="the text must be a text, got int"):
        model.unknown(5)
    assert as_source("a\0b.txt") == "a\0b.txt"  # no file has such a name


def test_files_of_which_each_line_has_a_vector(model: LanguageModel, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    for content, expected in (
        (b"a\n\nb\n\n", ["a", "", "b", ""]),
        (b"\n", [""]),
        (b"a\r\n\r\nt", ["a", "", "t"]),
        (b"  \n", ["  "]),
        (nfd("닭\n").encode(), ["닭"]),
    ):
        path.write_bytes(content)
        np.testing.assert_array_equal(model.encode(path), model.encode(expected))
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"lines.txt is empty: give a file with a text a line"):
        model.encode(path)


def test_scores_of_words_are_said_to_stand_alone(model: LanguageModel) -> None:
    said = "an unknown word no more than one token: its bits per character cannot be compared"
    words = fitted(level="word")
    assert said in " ".join(map(str, words.fitted.notes))
    evaluation = words.scored(TEXT[:300])
    assert evaluation is not None
    assert said in " ".join(map(str, words.score_card(evaluation).remarks))
    assert said not in " ".join(map(str, model.fitted.notes))


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("the cat ", "the cat sat,"),
        ("The  CAT\t", "The  CAT\tsat,"),
        ("the cat", "the cat sat,"),
        ("the cat\n", "the cat\nsat,"),
        ("", "sat,"),
        (" ", " sat,"),
    ],
)
def test_a_prompt_that_ends_in_a_space_gets_no_other(prompt: str, expected: str) -> None:
    options = TextOptions(level="word", max_length=None, min_count=1)
    codec = TextCodec.fit(["the cat sat, on the mat"], options)
    before = encode_text(codec, prompt).tolist()
    added = codec.encode(["sat,"]).values.tolist()
    assert continued(codec, prompt, before, added) == expected
    assert continued(codec, prompt, before, []) == prompt
    assert continued(codec, prompt, before, [EOS, *added]) == prompt + "\nsat,"


def test_words_go_on_after_a_space() -> None:
    model = fitted(level="word")
    for seed in range(5):
        out = model.generate("the cat ", 3, seed=seed)
        assert out.startswith("the cat ")
        assert not out.startswith("the cat  ")


def test_texts_of_letters_begin_with_their_prompt() -> None:
    model = fitted("짤짤짤막 짜\n한국 각각\n" * 80, level="jamo", epochs=5, learning_rate=0.05)
    for prompt in ("짜", "하", "각", "각가", "한국 ", decompose("짜"), "ᄒ"):
        start = unicodedata.normalize("NFC", prompt)
        for seed in range(3):
            out = model.generate(prompt, 12, seed=seed)
            assert out.startswith(start)
            assert len(decompose(out)) == len(decompose(start)) + 12
            assert compose(out) == out  # the letters that were added are syllables, too
    # Without the bar the likeliest is what the text has.
    assert next(iter(model.next_token("한국 가"))) == "\u11a8"


def test_letters_that_join_are_those_of_the_same_syllable() -> None:
    letters = "\u1100\u1161\u11a8\u11af e\u0301"
    codec = TextCodec.fit(
        [" ".join(letters)], TextOptions(level="jamo", max_length=None, min_count=1)
    )

    def barred(prompt: str) -> set[str]:
        return set(codec.vocabulary.decode(sorted(joining(codec, prompt))))

    assert barred("가") == {"\u11a8", "\u11af"}
    assert barred("각") == barred("") == barred(" ") == set()
    assert barred("a\u1100") == {"\u1161"}
    assert barred("e") == {"\u0301"}
    whole = TextCodec.fit(["가각e"], TextOptions(level="char", max_length=None))
    assert joining(whole, "가") == frozenset()


@pytest.mark.parametrize("sizes", [(0.5, 0.5), (0.9, 0.1), (500, 525), (0.5, 900)])
def test_sizes_that_leave_nothing_to_learn_from_are_refused(sizes) -> None:
    text = "fifteen letters" * 5 + "\n"
    text = text * 13 + text[:36]  # 1,024 characters; cuts move to ends of lines
    with pytest.raises(DataError, match="leave none of the 1,024 characters to learn from: give"):
        split_corpus(Corpus("c", text), validation_size=sizes[0], test_size=sizes[1])
    parts = split_corpus(Corpus("c", text), validation_size=0.3, test_size=0.3)
    assert parts.characters["train"] > 300


@pytest.mark.parametrize("scratch", [None, FOLDER])
def test_what_is_no_text_file_is_refused_as_such(tmp_path: Path, scratch: Path | None) -> None:
    def refusal(path: Path) -> str:
        with pytest.raises(DataError) as found:
            read_corpus(path, scratch=scratch)
        return str(found.value)

    assert refusal(tmp_path).endswith("is a folder; a text file was expected")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert refusal(pipe).endswith("is not a regular file; save the text as a file")
    path = tmp_path / "text.txt"
    for encoding, said in (
        ("utf-32", "is UTF-32 text; save the file as UTF-8"),
        ("utf-16", "is UTF-16 text; save the file as UTF-8"),
    ):
        for content in (TEXT.encode(encoding), b"\0\0\xfe\xff" + TEXT.encode("utf-32-be")):
            path.write_bytes(content)
            expected = said if content[0] else "is UTF-32 text; save the file as UTF-8"
            assert refusal(path).endswith(expected)
    path.write_bytes(b" " * 2000)
    assert "text.txt holds nothing but spaces and ends of lines: give one that" in refusal(path)
    path.write_bytes(b"")
    assert "text.txt is empty: give one that" in refusal(path)


def test_plain_text_is_kept_where_there_is_nothing_to_change() -> None:
    text = "각\u2028é\x85\n"
    assert plain_text(text, "the text") == text
