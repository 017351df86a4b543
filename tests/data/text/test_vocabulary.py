import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.data.text.vocabulary import BOS, EOS, PAD, UNK, Vocabulary, unknown_share
from rnnkit.errors import ConfigError, DataError


def test_the_reserved_codes():
    assert (PAD, UNK, BOS, EOS) == (0, 1, 2, 3)


class TestBuild:
    def test_orders_by_count_and_then_by_token(self):
        counts = {"cb": 2, "b": 5, "ac": 2, "d": 1}
        assert Vocabulary.build(counts).tokens == ("b", "ac", "cb", "d")
        assert Vocabulary.build(dict(reversed(counts.items()))).tokens == ("b", "ac", "cb", "d")

    def test_counts_the_reserved_codes_in_its_size(self):
        vocabulary = Vocabulary.build({"a": 3, "b": 2, "c": 1}, size=6)
        assert (vocabulary.tokens, len(vocabulary)) == (("a", "b"), 6)

    def test_leaves_rare_tokens_out(self):
        assert Vocabulary.build({"a": 3, "b": 2, "c": 1}, min_count=2).tokens == ("a", "b")

    @pytest.mark.parametrize(
        ("options", "says"), [({"size": 4}, "at least 5"), ({"min_count": 0}, "at least 1")]
    )
    def test_refuses(self, options, says):
        with pytest.raises(ConfigError, match=says):
            Vocabulary.build({"a": 1}, **options)


class TestCodes:
    vocabulary = Vocabulary(("x", "<unk>", "가"))

    def test_of_tokens(self):
        codes = self.vocabulary.encode(["가", "x", "?", "<unk>", "<pad>"])
        assert codes.tolist() == [6, 4, UNK, 5, UNK]
        assert codes.dtype == np.int32
        assert self.vocabulary.encode([]).shape == (0,)

    def test_back_to_tokens(self):
        assert self.vocabulary.decode(np.array([6, 0, 2, 3, 1])) == [
            "가",
            "<pad>",
            "<bos>",
            "<eos>",
            "<unk>",
        ]
        with pytest.raises(DataError, match="between 0 and 6, got 7"):
            self.vocabulary.decode([7])
        with pytest.raises(DataError, match="got -1"):
            self.vocabulary.decode([-1])

    @given(st.lists(st.text(), unique=True))
    def test_by_way_of_json(self, tokens):
        vocabulary = Vocabulary(tuple(tokens))
        again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
        assert again == vocabulary
        assert again.decode(again.encode(tokens).tolist()) == tokens

    def test_a_token_twice_is_refused(self):
        with pytest.raises(DataError, match="'b' twice"):
            Vocabulary(("a", "b", "c", "b"))


def test_the_unknown_share_counts_no_padding():
    codes = np.array([[BOS, 5, UNK, 7, EOS], [BOS, 9, EOS, PAD, PAD]], dtype=np.int32)
    assert unknown_share(codes) == 0.25
    assert unknown_share(codes[:, :1]) == 0.0
