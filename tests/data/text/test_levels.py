import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnnkit.data.text.jamo import compose, decompose
from rnnkit.data.text.levels import HANGUL_LEVEL, LEVELS, join, level_for, spans, split
from rnnkit.errors import ConfigError

SPLIT = [level for level in LEVELS if level != "bpe"]

# Letters that grow in lower case, compose, decompose or stand beside marks, and signs of markup.
AWKWARD = (
    "aİΣßΩKé한각ᄒ\u1161\u11a8ㅋ\u0301\u0327\u0344\u0f73\u093e\u0939ア漢9.,'’\"<br />-_ \n🙂\u200d"
)
texts = st.text() | st.text(alphabet=AWKWARD)
plain = st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(alphabet=AWKWARD)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("Don't STOP!!", ["don't", "stop", "!", "!"]),
            ("rock’n’roll 'tis dogs'", ["rock'n'roll", "'", "tis", "dogs", "'"]),
            ("1,000.5 is 3. 10/10", ["1,000.5", "is", "3", ".", "10", "/", "10"]),
            ("a,b 3,b 4a.5", ["a", ",", "b", "3", ",", "b", "4a", ".", "5"]),
            ("one<br />two<BR/>three<br>", ["one", "two", "three"]),
            ("_so_ <brr>", ["_", "so", "_", "<", "brr", ">"]),
            ("정말 재밌다ㅋㅋ.", ["정말", "재밌다ㅋㅋ", "."]),
            ("हिन्दी में", ["हिन्दी", "में"]),
            ("wow🙂🙂", ["wow", "🙂", "🙂"]),
            ("next\x85line", ["next", "line"]),
            ("CAFE\u0301", ["café"]),
            ("İstanbul", ["i\u0307stanbul"]),
            ("ΣΑΣ", ["σας"]),
            ("", []),
        ],
    )
    def test_of_a_text(self, text, tokens):
        assert split(text, "word") == tokens

    @pytest.mark.parametrize(
        "text",
        [
            'He said, "don\'t go" (twice); why?',
            "It cost $3.50 - no, 10/10!",
            '"A" and "b"',
        ],
    )
    def test_come_back_as_english_is_printed(self, text):
        assert join(split(text, "word"), "word") == text.lower().replace(" - ", "-")

    @given(plain)
    def test_are_the_same_words_again(self, text):
        words = split(text, "word")
        assert split(join(words, "word"), "word") == words

    def test_of_a_long_text_take_little_time(self):
        started = time.process_time()
        assert len(split("it's <br " * 100_000, "word")) == 300_000
        assert len(split("a\u0301\u0327x'" * 100_000, "word")) == 2
        assert time.process_time() - started < 5


class TestSyllables:
    def test_runs_of_other_letters_stay_whole(self):
        assert split("GPU2개 ㅋㅋ 漢字x!", "syllable") == ["GPU2", *"개 ㅋㅋ 漢字x!"]

    def test_parts_that_compose_are_one(self):
        assert split("\u1112\u1161\u11ab글", "syllable") == ["한", "글"]


class TestJamo:
    def test_are_two_or_three_a_syllable(self):
        assert split("가각é!", "jamo") == [
            "\u1100",
            "\u1161",
            "\u1100",
            "\u1161",
            "\u11a8",
            "é",
            "!",
        ]

    def test_every_syllable_comes_back(self):
        syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
        assert compose(decompose(syllables)) == syllables
        assert len(decompose(syllables)) == 2 * 399 + 3 * (11172 - 399)


@pytest.mark.parametrize("level", ["char", "syllable", "jamo"])
@given(text=texts)
@example(text="각\u11a8\u1160\u1100가")
def test_joining_undoes_splitting(level, text):
    assert join(split(text, level), level) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("level", SPLIT)
@given(text=texts)
@example(text="İİ<br />e\u0301x")
@example(text="a\u0315\u0301\u0327")
def test_spans_are_the_tokens_in_their_places(level, text):
    found = spans(text, level)
    assert [token.piece for token in found] == split(text, level)
    begun = 0
    for token in found:
        assert 0 <= token.start < token.end <= len(text)
        assert token.start >= begun
        begun = token.start
        # What stands there gives the piece, or holds it where one character became several.
        here = split(text[token.start : token.end], level)
        assert token.piece.replace("ς", "σ") in "".join(here).replace("ς", "σ")


def test_spans_point_into_the_text_as_it_was_written():
    text = "e\u0301 한글 İx"
    words = spans(text, "word")
    assert [text[t.start : t.end] for t in words] == ["e\u0301", "한글", "İx"]
    jamo = spans("x한", "jamo")
    assert [(t.start, t.end) for t in jamo] == [(0, 1), (1, 2), (1, 2), (1, 2)]


class TestLevelFor:
    @pytest.mark.parametrize(
        ("given", "level"),
        [
            (["A good film, is it not?", "Yes."], "word"),
            (["Хороший фильм", "да нет"], "word"),
            (["정말 재밌다", "진짜 movie 최고"], HANGUL_LEVEL),
            (["この映画は とても面白いです"], "char"),
            (["这部电影 很好看"], "char"),
            (["Smith", "Abandonato", "van Dyke"], "char"),
            (["", "  ", "!!!"], "char"),
            ([], "char"),
        ],
    )
    def test_by_script_and_spaces(self, given, level):
        assert level_for(given) == level

    def test_looks_at_texts_all_over(self):
        assert level_for(["one film"] * 2000 + ["정말 재밌다"] * 8000) == HANGUL_LEVEL


def test_an_unknown_level_and_one_that_must_be_learned_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'word'"):
        split("x", "words")
    for use in (split, spans, join):
        with pytest.raises(ConfigError, match="must be learned"):
            use("x", "bpe")
