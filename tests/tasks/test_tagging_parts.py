"""How a tagger's sentences are split, and how its tags are scored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from rnnkit.baselines.tags import TagTable
from rnnkit.data.examples.conll import sentences_of
from rnnkit.data.tagged import TagCodec
from rnnkit.errors import DataError
from rnnkit.tasks.scores import MODEL
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.evaluation import (
    BY_ENDING,
    MOST_FREQUENT,
    TagEvaluation,
    evaluate_tagger,
)
from rnnkit.tasks.tagging.reading import split


def numbered(count: int, copies: int = 1):
    words = [[f"w{i // copies}"] for i in range(count)]
    return sentences_of(words, [["A"]] * count)


def test_parts_are_disjoint_and_whole() -> None:
    data = numbered(200)
    parts = split(data, None, None, TagConfig(validation_size=0.15, test_size=11))
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (159, 30, 11)
    found = [w for part in (parts.train, parts.validation, parts.test) for (w,) in part.words]
    assert sorted(found) == sorted(w for (w,) in data.words)
    place = parts.test.place(0)
    assert place.startswith(f"sentence {parts.test.words[0][0][1:]} ")


def test_equal_sentences_stay_on_one_side() -> None:
    parts = split(numbered(90, copies=3), None, None, TagConfig(validation_size=0.3, test_size=0.3))
    sides = [{w for (w,) in part.words} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 30
    assert all(len(part) % 3 == 0 for part in (parts.train, parts.validation, parts.test))


def test_the_split_follows_from_the_seed_alone() -> None:
    def held(seed: int, **sizes) -> tuple:
        return split(numbered(50), None, None, TagConfig(seed=seed, **sizes)).test.words

    assert held(1) == held(1) == held(1, validation_size=0)
    assert held(1) != held(2)


def test_no_part_where_none_is_wanted() -> None:
    parts = split(numbered(5), None, None, TagConfig(validation_size=0, test_size=0))
    assert (len(parts.train), parts.validation, parts.test) == (5, None, None)


def test_nothing_left() -> None:
    with pytest.raises(DataError, match=r"has 2 sentences, and a validation_size of 0\.1 leaves"):
        split(numbered(2), None, None, TagConfig())


@dataclass
class Fixed:
    """A tagger that says what it is told."""

    codec: TagCodec
    table: TagTable
    said: list[list[str]]

    def tag(self, words):
        assert [len(tags) for tags in self.said] == [len(sentence) for sentence in words]
        return self.said


TRAIN = [["a", "b", "b", "c"]], [["X", "Y", "Y", "Z"]]


def scored(said, given) -> TagEvaluation:
    tagger = Fixed(TagCodec.fit(*TRAIN), TagTable.fit(*TRAIN), said)
    return evaluate_tagger(tagger, given, cell="lstm")


def test_scores_by_hand() -> None:
    # right: a, b, new; wrong: c, and what has a tag never seen
    given = sentences_of([["a", "b", "new"], ["c", "odd"]], [["X", "Y", "Z"], ["Z", "Q"]])
    found = scored([["X", "Y", "Z"], ["X", "X"]], given)
    model = found.scores[MODEL]
    assert model["accuracy"] == 3 / 5
    assert model["accuracy_known"] == 2 / 3
    assert model["accuracy_unknown"] == 1 / 2
    # F1: X 2/4, Y 1, Z 2/3, Q 0
    assert model["macro_f1"] == pytest.approx((0.5 + 1 + 2 / 3 + 0) / 4)
    assert found.confusion(3).tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert found.unseen(3).tolist() == [1, 0, 0]
    # the table: a X, b Y, c Z, others Y
    assert found.scores[MOST_FREQUENT]["accuracy"] == 3 / 5
    assert found.scores[BY_ENDING]["accuracy"] == 3 / 5
    assert "differ by no more than chance does" in str(found.verdict)
    assert [str(warning) for warning in found.warnings] == [
        "Tags that training never saw (Q) count as wrong; words that have them: 1."
    ]


def test_a_warning_names_few_of_many_unseen_tags() -> None:
    tags = [["X", *[f"T{k:02}" for k in range(13)], "T12"]]
    words = [["a", *["odd"] * 14]]
    found = scored([["X"] * 15], sentences_of(words, tags))
    assert [str(warning) for warning in found.warnings] == [
        "Tags that training never saw (T00, T01, T02, T03, T04, T05, T06, T07, T08, T12 and 3 more)"
        " count as wrong; words that have them: 14."
    ]


def test_one_sentence_is_counted_as_one() -> None:
    with pytest.raises(DataError, match=r"has 1 sentence, and a validation_size"):
        split(numbered(1), None, None, TagConfig(test_size=0))


def test_verdicts() -> None:
    words, tags = [["b", "c"]] * 60, [["X", "Z"]] * 60  # the table takes b for Y
    better = scored(tags, sentences_of(words, tags))
    assert str(better.verdict) == (
        "The LSTM tags 100.0 % of the words rightly, 40.2 to 58.2 points (95 % interval) more than"
        " the best baseline, most frequent tag (50.0 %)."
    )
    worse = scored([["Y", "X"]] * 60, sentences_of(words, tags))
    assert str(worse.verdict) == (
        "The best baseline, most frequent tag, tags 50.0 % of the words rightly, more than the LSTM"
        " (0.0 %): use the baseline."
    )


def test_without_unknown_words_there_is_no_score_of_them() -> None:
    found = scored([["X"]], sentences_of([["a"]], [["X"]]))
    assert math.isnan(found.scores[MODEL]["accuracy_unknown"])
    assert found.scores[MODEL]["accuracy_known"] == 1


def test_nothing_to_score() -> None:
    with pytest.raises(DataError, match="holds no word to score on"):
        scored([], sentences_of([["a"]], [["X"]]).take([]))
