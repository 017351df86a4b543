"""Tagged sentences as numbers."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest
import torch

from rnnkit.data.tagged import (
    MOST_LETTERS,
    UNKNOWN_TAG,
    TagCodec,
    endings,
    folded,
    spelled,
)
from rnnkit.data.text.vocabulary import PAD, UNK

WORDS = [["The", "red", "dog"], ["the", "bed"], ["Dogs"], ["THE", "dog", "fed", "it"]]
TAGS = [["DET", "ADJ", "NOUN"], ["DET", "NOUN"], ["NOUN"], ["DET", "NOUN", "VERB", "PRON"]]


@pytest.fixture(scope="module")
def codec() -> TagCodec:
    return TagCodec.fit(WORDS, TAGS)


def test_the_vocabularies_are_those_of_the_training_part(codec) -> None:
    assert codec.words.tokens == ("the", "dog", "bed", "dogs", "fed", "it", "red")
    assert codec.first_rare == 4 + 2 == codec.words.encode(["bed"])[0]
    assert set(codec.letters.tokens) == set("TheHEDrdogbfsit")
    assert codec.endings.tokens == ("ed",)  # of three words; every other of one
    assert codec.tags == ("ADJ", "DET", "NOUN", "PRON", "VERB")


def test_words_below_the_least_count_have_no_code() -> None:
    codec = TagCodec.fit(WORDS, TAGS, min_count=2)
    assert codec.words.tokens == ("the", "dog")
    assert codec.first_rare == len(codec.words)
    assert "s" in codec.letters.tokens


def test_a_batch(codec) -> None:
    data = codec.encode([["the", "fed", "The"], [], ["fled"]], [["DET", "VERB", "DET"], [], ["X"]])
    batch = data.batch(torch.tensor([2, 0, 1]))
    the, fed = codec.words.encode(["the", "fed"]).tolist()
    assert batch.values.tolist() == [[UNK, PAD, PAD], [the, fed, the], [PAD, PAD, PAD]]
    assert batch.lengths.tolist() == [1, 3, 0]
    assert batch.targets.tolist() == [[UNKNOWN_TAG, 0, 0], [1, 4, 1], [0, 0, 0]]
    # padding, the, fed, The, fled: each spelled once
    assert batch.letters.shape == (5, 4)
    assert batch.letter_lengths.tolist() == [0, 3, 3, 3, 4]
    assert batch.spelling.tolist() == [[4, 0, 0], [1, 2, 3], [0, 0, 0]]
    letters = codec.letters.decode(batch.letters[batch.spelling[0, 0]].tolist())
    assert letters == ["f", "<unk>", "e", "d"]
    ed = codec.endings.codes["ed"]
    assert batch.endings.tolist() == [
        [PAD, PAD, PAD],
        [UNK, UNK, PAD],
        [ed, UNK, PAD],
        [UNK, UNK, PAD],
        [ed, UNK, UNK],
    ]


def test_a_batch_of_nothing_but_empty_sentences(codec) -> None:
    batch = codec.encode([[], []]).batch(torch.tensor([0, 1]))
    assert batch.values.tolist() == [[PAD], [PAD]]
    assert batch.lengths.tolist() == [0, 0]
    assert batch.targets is None
    assert batch.letter_lengths.tolist() == [0]


def test_a_word_without_letters_is_unknown(codec) -> None:
    batch = codec.encode([["", "it"]]).batch(torch.tensor([0]))
    assert batch.values[0, 0] == UNK
    assert batch.letter_lengths.tolist() == [0, 2]


def test_batches_are_of_like_length(codec) -> None:
    data = codec.encode([["it"] * n for n in (9, 1, 8, 2)])
    assert [part.tolist() for part in data.arrange(torch.arange(4), 2)] == [[2, 0], [1, 3]]


def test_every_tensor_of_a_batch_moves(codec) -> None:
    batch = codec.encode(WORDS, TAGS).batch(torch.tensor([0, 3]))
    moved = vars(batch.to("cpu"))
    assert len(moved) == 7
    for name, tensor in vars(batch).items():
        assert tensor is not None
        assert torch.equal(moved[name], tensor), name


def test_words_are_compared_composed_and_in_lower_case() -> None:
    decomposed = unicodedata.normalize("NFD", "Café값")
    assert folded(decomposed) == "café값"
    assert spelled(decomposed) == "Café값"
    assert endings(decomposed) == ["é값", "fé값", "afé값"]


def test_of_a_long_word_both_ends_are_read() -> None:
    word = "".join(chr(0x4E00 + i) for i in range(1000))
    read = spelled(word)
    assert len(read) == MOST_LETTERS
    assert read[0] == word[0]
    assert read[-1] == word[-1]
    assert spelled("x" * MOST_LETTERS) == "x" * MOST_LETTERS
    assert endings("가") == []


def test_codec_survives_json(codec) -> None:
    again = TagCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again == codec
    one, other = codec.encode(WORDS, TAGS), again.encode(WORDS, TAGS)
    assert np.array_equal(one.forms.values, other.forms.values)
    assert np.array_equal(one.letters.values, other.letters.values)
