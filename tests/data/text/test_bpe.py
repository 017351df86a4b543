import json
import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.text.bpe import ALPHABET, BytePairs
from rnnkit.errors import ConfigError, MissingExtraError

TEXTS = ["the lowest of the low", "lower and lower <unk>", "가나다 가나", "한국어 영화 영화"] * 3
PAIRS = BytePairs.train(TEXTS, pieces=290)

IN_A_FORK = """
import os
from pathlib import Path
from rnnkit.data.text.bpe import BytePairs
tasks = Path("/proc/self/task")
threads = len(list(tasks.iterdir())) if tasks.exists() else 0
texts = [f"{n} {n * n} low lower" for n in range(2000)]
pairs = BytePairs.train(texts, pieces=300)
pairs.encode(texts)
started = len(list(tasks.iterdir())) - threads if tasks.exists() else 0
child = os.fork()
if child == 0:
    os._exit(len(pairs.encode(texts)) != 2000)
print(started, os.waitpid(child, 0)[1], os.environ.get("TOKENIZERS_PARALLELISM"))
"""


class TestTraining:
    def test_learns_the_most_frequent_pairs_first(self):
        # "aa" stands in 4 places, "ab" in 3. After it is joined, "a b" stands once, "aa b" twice.
        pairs = BytePairs.train(["aaab", "aab", "aab"], pieces=258)
        assert pairs.merges == (("a", "a"), ("aa", "b"))

    def test_gives_the_same_pairs_for_the_same_texts(self):
        assert BytePairs.train(iter(TEXTS), pieces=290) == PAIRS

    def test_stops_where_there_is_nothing_to_learn(self):
        pairs = BytePairs.train(["ab"], pieces=1000)
        assert pairs.pieces == (*ALPHABET, "ab")

    def test_needs_room_for_the_bytes(self):
        with pytest.raises(ConfigError, match="at least 256 pieces, one a byte, got 255"):
            BytePairs.train(TEXTS, pieces=255)

    def test_reads_texts_in_normal_form(self):
        texts = [unicodedata.normalize("NFD", text) for text in TEXTS]
        assert BytePairs.train(texts, pieces=290) == PAIRS

    def test_starts_no_threads_that_a_fork_would_lose(self):
        environment = {**os.environ}
        environment.pop("TOKENIZERS_PARALLELISM", None)
        done = subprocess.run(
            [sys.executable, "-c", IN_A_FORK],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
        )
        assert done.stderr == ""
        assert done.stdout == "0 0 None\n"

    def test_leaves_the_choice_of_threads_to_the_user(self, monkeypatch):
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
        assert BytePairs.train(TEXTS, pieces=290) == PAIRS
        assert os.environ["TOKENIZERS_PARALLELISM"] == "true"

    def test_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "tokenizers", None)
        with pytest.raises(MissingExtraError, match=r'pip install "rnnkit\[text\]"'):
            BytePairs.train(TEXTS, pieces=290)


class TestPieces:
    def test_are_numbered_as_the_library_numbers_them(self):
        codes = PAIRS._tokenizer.get_vocab()
        assert sorted(codes, key=codes.get) == list(PAIRS.pieces)
        assert len(PAIRS.pieces) == 290

    @settings(deadline=None)
    @given(st.text() | st.sampled_from(TEXTS))
    def test_give_every_text_back(self, text):
        try:
            text.encode()
        except UnicodeEncodeError:
            return
        pieces = PAIRS.split(text)
        assert PAIRS.join(pieces) == unicodedata.normalize("NFC", text)
        (places,) = PAIRS.encode([text])
        assert [PAIRS.pieces[place] for place in places] == pieces

    def test_of_a_name_of_a_reserved_code_are_plain_text(self):
        assert "".join(PAIRS.split("<unk>")) == "<unk>"

    def test_have_their_places_in_the_text(self):
        text = "lower e\u0301🙂"
        found = PAIRS.spans(text)
        assert len(found) == len(PAIRS.split(text))
        assert (found[0].piece, found[0].start, found[0].end) == ("lower", 0, 5)
        assert [tuple(token) for token in found[-6:]] == [("é", 6, 8)] * 2 + [("🙂", 8, 9)] * 4

    def test_half_a_character_is_replaced(self):
        assert PAIRS.join(PAIRS.split("한")[:1]) == "�"

    def test_made_in_two_ways_are_one(self):
        pairs = BytePairs((("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")))
        assert pairs.pieces[256:] == ("ab", "bc", "abc")
        assert [places.tolist() for places in pairs.encode(["abc", "bc", ""])] == [[258], [257], []]

    def test_come_back_by_way_of_json(self):
        again = BytePairs.from_json(json.loads(json.dumps(PAIRS.to_json())))
        assert again == PAIRS
        assert again.split(TEXTS[1]) == PAIRS.split(TEXTS[1])
