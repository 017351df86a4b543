"""Texts in temporary files, and pieces of texts that have the tokens of the whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.text.bpe import BytePairs
from rnnkit.data.text.codec import TextCodec
from rnnkit.data.text.levels import LEVELS, split
from rnnkit.data.text.options import TextOptions
from rnnkit.tasks.language import texts
from rnnkit.tasks.language.corpus import encode_text, read_codes
from rnnkit.tasks.language.texts import Pieces, StoredText, pieces, windows

FOLDER = Path(tempfile.gettempdir())
# What may belong together: spaces of all kinds, marks, jamo, letters whose lower case depends on
# those beside them, numbers, tags.
TOKENS = [
    *(" ", " ", "\n", "\n", "  ", "\t", "\u2003", "\u0085", "\x1c", "\u00a0", "\r"),
    *("\u0301", "\u0323", "e", "é", "Σ", "ΟΔΟΣ", "İ", "ᄒ", "ᅡ", "ᆫ", "가", "漢", "ん\u3099"),
    *("<br", "<BR", "/>", ">", "/", "'s", "don't", "3", "3.5", ",", "...", "🙂", "\u200d", "ab"),
]
MIXED = st.lists(st.sampled_from(TOKENS), max_size=60).map("".join)
WORDS = "so it's 3.5 <br /> ΟΔΟΣ don't 한국어 漢字 éa  ab\n\n  ab\tab ab's\n" * 9


@pytest.fixture(scope="module")
def codecs() -> list[TextCodec]:
    return [
        TextCodec.fit(
            ["".join(TOKENS), WORDS],
            TextOptions(
                level=level,
                max_length=None,
                vocabulary_size=320 if level == "bpe" else None,
                min_count=None if level == "bpe" else 1,
            ),
        )
        for level in LEVELS
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    _make_small(monkeypatch)


def _make_small(patch: pytest.MonkeyPatch, piece: int = 3) -> None:
    for name, size in (("_BLOCK", 5), ("_WINDOW", 7), ("_PIECE", piece)):
        patch.setattr(texts, name, size)


@settings(max_examples=400, deadline=None)
@given(text=MIXED, piece=st.sampled_from([1, 2, 5]))
def test_pieces_have_the_tokens_of_the_whole(codecs, text, piece):
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch, piece)
        cut = list(pieces(text))
    assert "".join(cut) == text
    assert all(cut)
    for codec in codecs:
        found = [encode_text(codec, one) for one in cut] or [encode_text(codec, "")]
        np.testing.assert_array_equal(np.concatenate(found), encode_text(codec, text), codec.level)
        if codec.level != "bpe":
            tokens = [token for one in cut for token in split(one, codec.level)]
            assert tokens == split(text, codec.level)


@settings(max_examples=60, deadline=None)
@given(text=MIXED)
def test_pairs_learned_from_pieces_are_those_of_the_whole(text):
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch, 1)
        cut = Pieces((text + "\n" + WORDS, text))
        learned = BytePairs.train(cut, pieces=300)
    assert learned.merges == BytePairs.train([text + "\n" + WORDS, text], pieces=300).merges


def test_pieces_are_short_where_there_are_spaces():
    text = "여러 낱말로 된 글이다\n" * 20_000
    lengths = [len(piece) for piece in pieces(text)]
    assert max(lengths) < 4096 + 20
    assert min(lengths[:-1]) >= 4096


@settings(max_examples=200, deadline=None)
@given(
    text=st.text("a각🙂\n", max_size=40),
    cut=st.integers(1, 9),
    edges=st.lists(st.integers(-45, 45), min_size=4, max_size=4),
)
def test_a_text_in_a_file_is_read_as_one_in_memory(text, cut, edges):
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch)
        given_so = (text[at : at + cut] for at in range(0, len(text), cut))
        stored = StoredText.write(given_so, FOLDER)
        assert len(stored) == len(text)
        a, b, c, d = edges
        assert "".join(windows(stored[a:b])) == text[a:b]
        assert "".join(pieces(stored[a:b][c:d])) == text[a:b][c:d]
        c, d = abs(c), abs(d)
        assert stored[a:b].read(c, d) == text[a:b][c:d]
        assert stored[a:b].find("\n", c, d) == text[a:b].find("\n", c, d)
        assert bool(stored[a:b]) == bool(text[a:b])


@pytest.mark.usefixtures("small")
def test_codes_of_a_stored_text_are_in_a_file_and_the_same(codecs):
    text = WORDS + "".join(TOKENS)
    stored = StoredText.write([text], FOLDER)
    for codec in codecs:
        whole = read_codes(codec, [text[:200], text[230:]])
        of_file = read_codes(codec, [stored[:200], stored[230:]])
        assert isinstance(whole, np.ndarray)
        assert not isinstance(of_file, np.ndarray)
        assert len(of_file) == len(whole)
        np.testing.assert_array_equal(of_file[:], whole)
        np.testing.assert_array_equal(
            whole[1:], np.concatenate([encode_text(codec, t) for t in (text[:200], text[230:])])
        )
