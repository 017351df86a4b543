"""The most frequent tag of a word."""

from __future__ import annotations

import json

import pytest

from rnnkit.baselines.tags import TagTable
from rnnkit.errors import DataError

WORDS = [["run", "runs"], ["run", "fast"], ["run", "nuns", "guns"], ["a", "a", "a", "a"]]
TAGS = [["N", "V"], ["V", "ADV"], ["V", "N", "N"], ["D", "D", "D", "D"]]


@pytest.fixture(scope="module")
def table() -> TagTable:
    return TagTable.fit(WORDS, TAGS)


def test_a_known_word_has_its_most_frequent_tag(table) -> None:
    assert table.tag(["run", "runs", "fast", "a"]) == ["V", "V", "ADV", "D"]
    assert table.tag([]) == []


def test_an_unknown_word_has_the_most_frequent_tag_of_all(table) -> None:
    assert table.overall == "D"
    assert table.tag(["Run", "zzz", ""]) == ["D", "D", "D"]


def test_an_unknown_word_has_the_tag_of_its_longest_known_ending(table) -> None:
    # "uns": runs V, nuns N, guns N; "runs": V; "st": ADV
    unknown = ["puns", "overruns", "last", "zzz", ""]
    assert table.tag(unknown, endings=True) == ["N", "V", "ADV", "D", "D"]
    assert table.tag(["run"], endings=True) == ["V"]


def test_of_equally_frequent_tags_the_first_by_name() -> None:
    table = TagTable.fit([["x", "x"]], [["Z", "B"]])
    assert table.tag(["x", "y"]) == ["B", "B"]


def test_survives_json(table) -> None:
    assert TagTable.from_json(json.loads(json.dumps(table.to_json()))) == table


@pytest.mark.parametrize("words", [[], [[], []]])
def test_no_word(words) -> None:
    with pytest.raises(DataError, match="hold no word"):
        TagTable.fit(words, words)
