import json
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.text.codec import TextCodec, TextOptions
from rnnkit.data.text.levels import LEVELS
from rnnkit.data.text.vocabulary import BOS, EOS, UNK, unknown_share
from rnnkit.errors import ConfigError, DataError

TEXTS = ["The film was good, good!", "a GOOD film", "", "정말 좋은 영화 🙂 정말", "was it é?"]
EVERY = [TextOptions(level=level, vocabulary_size=400) for level in LEVELS]


def fitted(level="word", texts=TEXTS, **options):
    return TextCodec.fit(texts, TextOptions(level=level, **options))


class TestFit:
    def test_knows_the_words_that_stand_twice(self):
        assert fitted().vocabulary.tokens == ("good", "film", "was", "정말")

    def test_knows_every_character_that_stands_once(self):
        assert set(fitted("char").vocabulary.tokens) == set("".join(TEXTS))

    def test_keeps_to_the_size_and_the_count(self):
        assert fitted(vocabulary_size=6).vocabulary.tokens == ("good", "film")
        assert fitted(min_count=3).vocabulary.tokens == ("good",)
        assert len(fitted("bpe", vocabulary_size=265).vocabulary) == 265

    def test_counts_over_chunks_of_texts(self):
        # "rare" stands in the first chunk and the last, "new" only late.
        texts = ["rare one", *["one two"] * 3000, "new new rare"]
        codec, encoded = TextCodec.fit_encode(texts, TextOptions(level="word", max_length=None))
        assert codec.vocabulary.tokens == ("one", "two", "new", "rare")
        assert encoded.sequences[3001].tolist() == [6, 6, 7]

    def test_takes_the_level_by_rule(self):
        codec = TextCodec.fit(["정말 좋은 영화", "정말 좋다"])
        assert codec.level == "syllable"
        assert str(codec.notes[0]) == (
            "texts are cut into tokens of level syllable, chosen by their script and spaces"
        )
        assert str(fitted().notes[0]) == "texts are cut into tokens of level word"

    def test_takes_the_length_that_most_texts_do_not_exceed(self):
        texts = ["a" * n for n in [*[3] * 18, 7, 900]]
        assert fitted("char", texts).max_length == 7
        assert fitted("char", [*texts, "a" * 900]).max_length == 400
        assert fitted("char", ["", "", "a", *[""] * 90]).max_length == 1
        assert fitted("char", texts, max_length=None).max_length is None

    def test_says_what_it_did(self):
        texts = [*["b a a a b c"] * 3, "a"]
        codec = fitted("word", [*texts, "d e"], vocabulary_size=6, max_length=5)
        assert [str(note) for note in codec.notes[1:]] == [
            "vocabulary of 6 codes: 2 of the 5 different tokens of the training part, and 4 "
            "reserved",
            "23.81% of the tokens of the training part are not in the vocabulary",  # 5 of 21
            "the first 5 tokens of a text are kept; 60.0% of the training texts are longer",
        ]
        tail = fitted("char", ["ab", "abc"], max_length=2, truncation="tail").notes[-1]
        assert str(tail) == (
            "the last 2 tokens of a text are kept; 50.0% of the training texts are longer"
        )
        whole = fitted("bpe", ["abab"], vocabulary_size=261, max_length=None).notes
        assert [str(note) for note in whole[1:]] == [
            "vocabulary of 261 codes: 256 bytes, 1 pieces learned on the training part, and 4 "
            "reserved",
            "texts are not cut: the longest has 2 tokens",
        ]

    @pytest.mark.parametrize("options", EVERY, ids=LEVELS)
    def test_gives_the_codes_that_encoding_gives(self, options):
        codec, encoded = TextCodec.fit_encode(TEXTS, options)
        again = codec.encode_measured(TEXTS)
        assert codec == TextCodec.fit(TEXTS, options)
        assert encoded.sequences.values.tolist() == again.sequences.values.tolist()
        assert encoded.sequences.starts.tolist() == again.sequences.starts.tolist()
        assert encoded.lengths.tolist() == again.lengths.tolist()
        assert encoded.sequences.values.dtype == again.sequences.values.dtype == np.int32
        assert encoded.lengths.dtype == again.lengths.dtype == np.int64

    @pytest.mark.parametrize(
        ("texts", "says"),
        [
            ([], "there are no texts"),
            (["", "  "], "the 2 texts to learn a vocabulary from hold no token"),
            (["a b c"], "none of the 3 different tokens of the training part stands there 2 times"),
            (iter(["a a"]), "give a list, not an iterator"),
            ("a a", "got one text; put it into a list"),
            (["a a", float("nan")], r"texts\[1\] is nan, of type float; a text was expected"),
            (["a a", "b\ud83dc"], r"texts\[1\] holds half a character \(U\+D83D"),
        ],
    )
    def test_refuses(self, texts, says):
        with pytest.raises(DataError, match=says):
            fitted(texts=texts)

    def test_refuses_a_count_where_nothing_is_unknown(self):
        with pytest.raises(ConfigError, match="of no use at level bpe"):
            fitted("bpe", min_count=2)


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"level": "wrod"}, "did you mean 'word'"),
            ({"vocabulary_size": 4}, "at least 5"),
            ({"level": "bpe", "vocabulary_size": 259}, "at least 260 at level bpe, got 259"),
            ({"min_count": 0}, "at least 1"),
            ({"max_length": 0}, "at least 1, got 0"),
            ({"max_length": "long"}, "got 'long'"),
            ({"truncation": "middle"}, "'head' or 'tail', got 'middle'"),
        ],
    )
    def test_that_are_wrong_are_refused(self, options, says):
        with pytest.raises(ConfigError, match=says):
            TextOptions(**options)


class TestEncode:
    def test_gives_unknown_tokens_their_code(self):
        codes = fitted().encode(["Good bad FILM!", "<unk>"])
        assert codes.values.tolist() == [4, UNK, 5, UNK, UNK, UNK, UNK]
        assert codes.starts.tolist() == [0, 4, 7]
        assert unknown_share(codes.values) == 5 / 7

    def test_keeps_the_head_or_the_tail(self):
        texts = ["abcde", "ab", ""]
        head = fitted("char", texts, max_length=3)
        tail = fitted("char", texts, max_length=3, truncation="tail")
        assert [head.decode(codes) for codes in head.encode(texts)] == ["abc", "ab", ""]
        assert [tail.decode(codes) for codes in tail.encode(texts)] == ["cde", "ab", ""]
        measured = tail.encode_measured(texts)
        assert measured.lengths.tolist() == tail.lengths(texts).tolist() == [5, 2, 0]
        assert tail.cut_share(measured.lengths) == 1 / 3
        assert tail.cut_share(measured.lengths[:0]) == 0

    def test_puts_begin_and_end_around_what_is_kept(self):
        codec = fitted("char", ["aab"], max_length=2, truncation="tail")
        codes = codec.encode(["bab", ""], bos=True, eos=True)
        assert codes[0].tolist() == [BOS, 4, 5, EOS]
        assert codes[1].tolist() == [BOS, EOS]
        assert codes.values.dtype == np.int32
        assert codec.encode(["a"], eos=True)[0].tolist() == [4, EOS]

    def test_of_no_texts_is_empty(self):
        assert len(fitted().encode([])) == 0

    @pytest.mark.parametrize("options", EVERY, ids=LEVELS)
    def test_of_a_text_does_not_depend_on_its_neighbours(self, options):
        codec = TextCodec.fit(TEXTS, options)
        together = codec.encode([*TEXTS, "good 영화 " * 999])
        for number, text in enumerate(TEXTS):
            assert codec.encode([text])[0].tolist() == together[number].tolist()

    @pytest.mark.parametrize("options", EVERY, ids=LEVELS)
    def test_of_a_very_long_text_is_quick(self, options):
        codec = TextCodec.fit(TEXTS, options)
        started = time.process_time()
        codes = codec.encode(["wasgood영화. " * 10_000, "was good 🙂 " * 10_000])
        assert codes.lengths.tolist() == [codec.max_length] * 2
        assert time.process_time() - started < 3

    def test_names_the_text_that_it_refuses(self):
        codec = fitted()
        with pytest.raises(DataError, match=r"row 12 of reviews\.csv holds half a character"):
            codec.encode(["fine", "🙂", "\udc00"], place=lambda i: f"row {i + 10} of reviews.csv")
        with pytest.raises(DataError, match="the text holds half a character"):
            codec.tokens("\ud800")
        with pytest.raises(DataError, match="got one text"):
            codec.encode("good film")
        with pytest.raises(DataError, match="is None, of type NoneType"):
            codec.encode([None])


class TestTokens:
    @pytest.mark.parametrize("truncation", ["head", "tail"])
    @pytest.mark.parametrize("level", LEVELS)
    @settings(deadline=None)
    @given(text=st.text(alphabet="gfod 영화좋ㅋ🙂é\u0301İ.'<br />", max_size=40))
    def test_are_those_that_are_encoded(self, level, truncation, text):
        codec = CUT[level, truncation]
        tokens = codec.tokens(text)
        (codes,) = codec.encode([text])
        assert len(tokens) == len(codes)
        assert all(0 <= token.start < token.end <= len(text) for token in tokens)
        if level != "bpe":
            pieces = [token.piece for token in tokens]
            assert codec.vocabulary.encode(pieces).tolist() == codes.tolist()

    def test_point_to_the_end_of_a_text_that_lost_its_head(self):
        codec = fitted(max_length=1, truncation="tail")
        assert codec.tokens("so GOOD") == [("good", 3, 7)]


CUT = {
    (level, truncation): fitted(level, vocabulary_size=280, max_length=9, truncation=truncation)
    for level in LEVELS
    for truncation in ("head", "tail")
}


class TestDecode:
    @pytest.mark.parametrize("level", ["char", "syllable", "jamo", "bpe"])
    def test_gives_the_text_back(self, level):
        codec = fitted(level, vocabulary_size=400, max_length=None)
        text = unicodedata.normalize("NFD", "".join(TEXTS))
        codes = codec.encode([text, *TEXTS], bos=True, eos=True)
        if level != "syllable":  # where the runs at the seams of the texts are unknown
            assert codec.decode(codes[0]) == "".join(TEXTS)
        assert [codec.decode(c.tolist()) for c in list(codes)[1:]] == TEXTS

    def test_shows_where_a_token_is_unknown(self):
        codec = fitted("char", ["ab"], max_length=None)
        assert codec.decode(codec.encode(["a?b"]).values) == "a�b"

    def test_refuses_a_code_of_no_token(self):
        with pytest.raises(DataError, match="between 0 and 5, got 6"):
            fitted("char", ["ab"]).decode([4, 6])


@pytest.mark.parametrize("options", EVERY, ids=LEVELS)
def test_by_way_of_json(options):
    codec = TextCodec.fit(TEXTS, options)
    plain = json.loads(json.dumps(codec.to_json()))
    again = TextCodec.from_json(plain)
    assert again == codec
    assert again.encode(TEXTS).values.tolist() == codec.encode(TEXTS).values.tolist()
    assert set(plain) == {
        "level",
        "max_length",
        "truncation",
        "merges" if codec.level == "bpe" else "tokens",
    }
