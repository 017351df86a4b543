import gzip
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnkit.data.ragged import Ragged
from rnnkit.data.text.vectors import read_vectors, train_vectors
from rnnkit.data.text.vocabulary import UNK, Vocabulary
from rnnkit.errors import ConfigError, DataError, MissingExtraError

VOCABULARY = Vocabulary(("cat", "가", "dog", "ab"))
WORDS = [b"dog", b"the", b"cat"]
VECTORS = {"가": [0.5, -1.25, 3.0], "the": [9.0, 8.0, 7.0], "cat": [1e-3, 2.0, -0.0]}
FOUND = np.zeros((8, 3), dtype=np.float32)
FOUND[5], FOUND[4] = VECTORS["가"], VECTORS["cat"]

IN_A_PROCESS = """
import sys
import numpy as np
from rnnkit.data.ragged import Ragged
from rnnkit.data.text.vectors import train_vectors
from rnnkit.data.text.vocabulary import Vocabulary
saved = np.load(sys.argv[1])
sequences = Ragged(saved["values"], saved["starts"])
matrix = train_vectors(sequences, Vocabulary(tuple(saved["tokens"].tolist())), size=4, seed=3)
print(matrix.tobytes().hex())
"""


def corpus():
    """Sentences in which animals stand beside animals, and colours beside colours."""
    groups = [["cat", "dog", "cow", "hen"], ["red", "blue", "green", "pink"]]
    vocabulary = Vocabulary((*groups[0], *groups[1], "never"))
    random = np.random.default_rng(0)
    rows = [
        vocabulary.encode(random.choice(groups[number % 2], size=8).tolist())
        for number in range(400)
    ]
    return Ragged.join(rows), vocabulary


def written(path, binary=False):
    vectors = KeyedVectors(3)
    vectors.add_vectors(list(VECTORS), np.array(list(VECTORS.values()), dtype=np.float32))
    vectors.save_word2vec_format(str(path), binary=binary)
    return path


class TestTraining:
    sequences, vocabulary = corpus()

    def test_brings_words_together_that_stand_together(self):
        matrix = train_vectors(self.sequences, self.vocabulary, size=10, epochs=10, window=3)
        assert matrix.shape == (13, 10)
        assert matrix.dtype == np.float32
        unit = matrix[4:12] / np.linalg.norm(matrix[4:12], axis=1, keepdims=True)
        alike = unit @ unit.T
        within = [alike[:4, :4][~np.eye(4, dtype=bool)], alike[4:, 4:][~np.eye(4, dtype=bool)]]
        assert np.min(within) > np.max(alike[:4, 4:]) + 0.2

    def test_leaves_zeros_where_nothing_is_known(self):
        matrix = train_vectors(self.sequences, self.vocabulary, size=5)
        assert not matrix[:4].any()
        assert not matrix[12].any()
        assert matrix[4:12].all()

    def test_takes_tokens_that_stand_once(self):
        codes = np.array([4, 5, 5, 4, 6], dtype=np.int32)
        assert train_vectors(Ragged.join([codes]), VOCABULARY, size=3)[6].all()

    def test_is_the_same_in_another_process(self, tmp_path):
        here = train_vectors(self.sequences, self.vocabulary, size=4, seed=3)
        path = tmp_path / "corpus.npz"
        values, starts = self.sequences.values, self.sequences.starts
        np.savez(path, values=values, starts=starts, tokens=self.vocabulary.tokens)
        done = subprocess.run(
            [sys.executable, "-c", IN_A_PROCESS, str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "1"},
            timeout=60,
        )
        assert done.stderr == ""
        assert done.stdout.strip() == here.tobytes().hex()
        other = train_vectors(self.sequences, self.vocabulary, size=4, seed=4)
        assert not np.array_equal(other, here)

    def test_reads_long_texts_to_the_end(self):
        codes = np.array([4] * 20_000 + [UNK] + [5, 6] * 50, dtype=np.int32)
        matrix = train_vectors(Ragged.join([codes]), VOCABULARY, size=3, epochs=1)
        assert [bool(row.any()) for row in matrix] == [False] * 4 + [True] * 3 + [False]
        # What is learned of the last words differs from where they began.
        untaught = train_vectors(Ragged.join([codes]), VOCABULARY, size=3, epochs=9)
        assert not np.allclose(matrix[5:7], untaught[5:7], atol=1e-4)

    @pytest.mark.parametrize("option", ["size", "epochs", "window"])
    def test_refuses_options(self, option):
        with pytest.raises(ConfigError, match=f"{option} must be at least 1, got 0"):
            train_vectors(self.sequences, self.vocabulary, **{option: 0})

    def test_refuses_texts_without_known_tokens(self):
        with pytest.raises(DataError, match="no known token"):
            train_vectors(Ragged.join([np.array([UNK, UNK])]), self.vocabulary)

    def test_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "gensim.models", None)
        with pytest.raises(MissingExtraError, match=r'pip install "rnnkit\[text\]"'):
            train_vectors(self.sequences, self.vocabulary)


class TestReading:
    @pytest.mark.parametrize("binary", [False, True])
    def test_what_gensim_writes(self, tmp_path, binary):
        matrix, share = read_vectors(written(tmp_path / "vectors", binary), VOCABULARY)
        assert np.array_equal(matrix, FOUND)
        assert matrix.dtype == np.float32
        assert share == 0.5

    @pytest.mark.parametrize("binary", [False, True])
    def test_a_compressed_file(self, tmp_path, binary):
        path = tmp_path / "vectors.gz"
        path.write_bytes(gzip.compress(written(tmp_path / "plain", binary).read_bytes()))
        assert np.array_equal(read_vectors(str(path), VOCABULARY)[0], FOUND)
        path.write_bytes(path.read_bytes()[:-12])
        with pytest.raises(DataError, match=r"vectors\.gz is damaged"):
            read_vectors(path, VOCABULARY)

    def test_a_text_without_first_line(self, tmp_path):
        path = tmp_path / "glove.txt"
        # As GloVe's: tokens with spaces; one that is no UTF-8; a token twice; numbers as they come.
        path.write_bytes(
            b"cat 1 2.5\n. . . 3 4\n\xff 5 6\n cat 7 8\ncat 9 9\r\n\ndog\t-1e-2 +0.5 \ncat at 5 5\n"
        )
        matrix, share = read_vectors(path, VOCABULARY)
        assert matrix[[4, 6]].tolist() == [[1.0, 2.5], [np.float32(-0.01), 0.5]]
        assert np.count_nonzero(matrix) == 4
        assert share == 0.5

    def test_a_binary_file_with_ends_of_lines(self, tmp_path):
        path = tmp_path / "vectors.bin"  # as the program of word2vec's authors writes it
        vectors = [np.array([n, -n], dtype="<f4").tobytes() for n in (1, 2, 3)]
        path.write_bytes(
            b"3 2\n" + b"".join(b"%s %s\n" % v for v in zip(WORDS, vectors, strict=True))
        )
        matrix, share = read_vectors(path, VOCABULARY)
        assert matrix[4:].tolist() == [[3, -3], [0, 0], [1, -1], [0, 0]]
        assert share == 0.5

    def test_a_text_with_tokens_that_are_no_text(self, tmp_path):
        path = tmp_path / "vectors.vec"
        path.write_bytes(b"3 1\ncaf\xe9 1\ncat 2\nd\x00g 3\n")
        assert read_vectors(path, VOCABULARY)[0][4] == 2

    def test_large_vectors_of_either_kind(self, tmp_path):
        vectors = KeyedVectors(300)
        values = np.random.default_rng(1).normal(size=(2000, 300)).astype(np.float32)
        vectors.add_vectors([f"w{n}" for n in range(1999)] + ["dog"], values)
        for binary in (False, True):
            vectors.save_word2vec_format(str(tmp_path / "v"), binary=binary)
            matrix, share = read_vectors(tmp_path / "v", VOCABULARY)
            np.testing.assert_allclose(matrix[6], values[-1], rtol=1e-6)
            assert share == 0.25

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"2 3\ncat 1 2 3\ndog 1 2\n", "line 3 of .* holds a token and 2 numbers, expected 3"),
            (b"cat 1 2 3\ndog 1 2 3 4\n", "line 2 of .* holds a token and 4 numbers, expected 3"),
            (b"2 3\ncat 1 2 x\ndog 1 2 3\n", "line 2 of .* no finite number"),
            (b"cat 1 nan 3\n", "line 1 of .* no finite number"),
            (b"cat 1 2\ndog 1e39 2\n", "line 2 of .* no finite number"),
            (b"3 2\ncat 1 2\ndog 1 2\n", "tells of 3 vectors, but it holds 2"),
            (b"1 2\ncat 1 2\ndog 1 2\n", "tells of 1 vectors, but it holds 2"),
            (b"cat\n", "line 1 of .* holds a token and 0 numbers, expected at least 1"),
            (b"the 1 2\n", "none of the 4 tokens of the vocabulary"),
            (b"", "none of the 4 tokens"),
            (b"2 1\ncat \x00\x00\x80?dog \x00\x00", "tells of 2 vectors, but it holds 1"),
            (b"2 1\ncat \x00\x00\x80?do", "tells of 2 vectors, but it holds 1"),
            (b"1 1\ncat \x00\x00\xc0\x7f", "vector 1 of .* no finite number"),
            (b"1 1\n\x00" + b"x" * 20_000, "vector 1 of .* more than 10,000 bytes"),
        ],
    )
    def test_a_broken_file(self, tmp_path, content, says):
        path = tmp_path / "broken"
        path.write_bytes(content)
        with pytest.raises(DataError, match=says):
            read_vectors(path, VOCABULARY)

    def test_what_is_no_file_of_vectors(self, tmp_path):
        with pytest.raises(DataError, match="there is no file"):
            read_vectors(tmp_path / "missing.vec", VOCABULARY)
        with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
            archive.writestr("glove.txt", "cat 1 2")
        with pytest.raises(DataError, match="is a ZIP archive; unpack it"):
            read_vectors(tmp_path / "glove.zip", VOCABULARY)

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_raises_only_our_errors(self, tmp_path, data):
        pieces = [b"cat ", b"dog", b" ", b"\n", b"1", b"-2.5", b"2 1\n", b"\x00\x00\x80?", b"\xff"]
        content = st.lists(st.sampled_from(pieces) | st.binary(max_size=3), max_size=15)
        path = tmp_path / "fuzz"
        path.write_bytes(b"".join(data.draw(content)))
        try:
            matrix, share = read_vectors(path, VOCABULARY)
        except DataError:
            return
        assert np.isfinite(matrix).all()
        assert 0 < share <= 1
