from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest

from rnnkit.data.examples.conll import read_sentences, sentences_of
from rnnkit.errors import ConfigError, DataError


def token(number: str, form: str, upos: str = "X", xpos: str = "_", feats: str = "_") -> str:
    return "\t".join([number, form, form.lower(), upos, xpos, feats, "0", "root", "_", "_"])


CONLLU = "\n".join(
    [
        "# sent_id = 1",
        "# text = Vámonos al mar",
        token("1-2", "Vámonos"),
        token("1", "Vamos", "VERB", "v", "Mood=Imp"),
        token("2", "nos", "PRON", "p"),
        token("2.1", "silent", "VERB"),
        token("3", "#mar 20", "NOUN", "n"),
        "",
        "",
        "# text = U\x85R",
        token("1", "U\x85R\u2028!", "PROPN", "x"),
        "",
    ]
)


def write(folder: Path, text: str, name: str = "train.conllu") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


class TestConllu:
    def test_ranges_and_empty_nodes_are_passed_over(self, tmp_path: Path) -> None:
        path = write(tmp_path, CONLLU)
        sentences = read_sentences(path)
        assert sentences.name == "train"
        assert sentences.words == (("Vamos", "nos", "#mar 20"), ("U\x85R\u2028!",))
        assert sentences.tags == (("VERB", "PRON", "NOUN"), ("PROPN",))
        assert [sentences.place(i) for i in range(2)] == [f"line {n} of {path}" for n in (4, 11)]
        assert [str(note) for note in sentences.notes] == [
            "lines passed over, such as 1-2 (written words) and 1.1 (no words): 2"
        ]

    @pytest.mark.parametrize(
        ("field", "tags"),
        [
            ("xpos", ("v", "p", "n")),
            ("feats", ("Mood=Imp", "_", "_")),
            ("lemma", ("vamos", "nos", "#mar 20")),
            ("deprel", ("root",) * 3),
            ("head", ("0",) * 3),
        ],
    )
    def test_fields(self, tmp_path: Path, field: str, tags: tuple[str, ...]) -> None:
        found = read_sentences(write(tmp_path, CONLLU), field).tags
        assert found is not None
        assert found[0] == tags

    def test_a_wrong_field(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="got 'upso'; did you mean 'upos'"):
            read_sentences(write(tmp_path, CONLLU), "upso")

    @pytest.mark.parametrize("comment", ["# newdoc", "#", "# text = a b", "#x\ty"])
    def test_comments_before_the_first_word(self, tmp_path: Path, comment: str) -> None:
        text = f"{comment}\n{comment}\n{token('1', 'a')}\n"
        for name in ("a.conllu", "a.txt"):
            assert read_sentences(write(tmp_path, text, name)).words == (("a",),)

    def test_windows_and_compressed(self, tmp_path: Path) -> None:
        path = tmp_path / "a.conllu.bz2"
        path.write_bytes(bz2.compress(b"\xef\xbb\xbf" + CONLLU.replace("\n", "\r\n").encode()))
        assert read_sentences(path).words == read_sentences(write(tmp_path, CONLLU)).words

    def test_no_tags_at_all(self, tmp_path: Path) -> None:
        text = "\n".join([token("1", "a", "_"), token("2", "b", "_")])
        assert read_sentences(write(tmp_path, text)).tags is None

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            ([token("1", "a"), token("2", "b", "_")], "line 2 of .* has no upos but _ .1 of 2"),
            (
                [token("1", "a"), token("3", "b")],
                "line 2 of .* has the id '3' where 2 was expected",
            ),
            ([token("1", "a"), token("1", "b")], "line 2 .* is a blank line missing"),
            ([token("1", "a"), token("x", "b")], "line 2 .* has the id 'x'"),
            (
                [token("1", "a"), "2\tb\tb\tX"],
                "line 2 .* has 4 columns between tabs; CoNLL-U has 10",
            ),
            ([token("1", "a"), token("2", "b").replace("\t", " ")], "line 2 .* has 1 columns"),
            ([token("1", "a"), token("2", " ")], "line 2 .* has an empty form"),
            ([token("1", "a"), token("2", "b", "")], "line 2 .* has an empty upos"),
            (["# only", ""], "has no sentences"),
        ],
    )
    def test_broken(self, tmp_path: Path, lines: list[str], words: str) -> None:
        with pytest.raises(DataError, match=words):
            read_sentences(write(tmp_path, "\n".join(lines)))


class TestTwoColumns:
    @pytest.mark.parametrize("between", ["\t", " ", "   "])
    def test_words_and_tags(self, tmp_path: Path, between: str) -> None:
        lines = ["-DOCSTART- -X- O", "", "EU NNP", "# SYM", "", "\u00a0x\u3000y NN", ""]
        path = write(tmp_path, "\n".join(lines[2:]).replace(" ", between), "a.conll")
        sentences = read_sentences(path)
        assert sentences.words == (("EU", "#"), ("\u00a0x\u3000y",))
        assert sentences.tags == (("NNP", "SYM"), ("NN",))
        assert sentences.notes == ()

    def test_a_hash_first(self, tmp_path: Path) -> None:
        sentences = read_sentences(write(tmp_path, "# SYM\nb NN\n", "a.conll"))
        assert sentences.words == (("#", "b"),)

    def test_four_columns(self, tmp_path: Path) -> None:
        text = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n"
        sentences = read_sentences(write(tmp_path, text, "eng.train"))
        assert sentences.words == (("EU", "rejects"),)
        assert sentences.tags == (("B-ORG", "O"),)
        assert [str(note) for note in sentences.notes] == [
            "the word is read from the first and the tag from the last of 4 columns"
        ]

    def test_words_alone(self, tmp_path: Path) -> None:
        sentences = read_sentences(write(tmp_path, "a\nb\n\nc\n", "a.txt"))
        assert (sentences.words, sentences.tags) == ((("a", "b"), ("c",)), None)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a X\nb\n", "line 2 of .* has 1 column where line 1 has 2"),
            ("a X\nb Y Z\n", "line 2 of .* has 3 columns where line 1 has 2"),
            ("# sent id 0\na X\n", "line 1 of .* has 4 columns where line 2 has 2"),
            ("a\tX\nb\t\n", "line 2 of .* has an empty column"),
            ("a\tX\n\tY\n", "line 2 of .* has an empty column"),
            ("", "has no sentences"),
            ("\n \n", "has no sentences"),
        ],
    )
    def test_broken(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(DataError, match=words):
            read_sentences(write(tmp_path, text, "a.conll"))

    def test_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "a.conll"
        path.write_bytes(b"a X\n" + "한국어 N\n".encode("cp949"))
        with pytest.raises(
            DataError, match=r"line 2 of .* looks like CP949 .byte 0xC7 at position 1"
        ):
            read_sentences(path)


class TestLists:
    def test_words_and_tags(self) -> None:
        sentences = sentences_of([["a", "b"], ["c"]], [["X", "Y"], ["Z"]])
        assert sentences.words == (("a", "b"), ("c",))
        assert sentences.tags == (("X", "Y"), ("Z",))
        assert sentences.place(1) == "sentence 1 (counted from 0)"
        assert sentences_of([["a"]]).tags is None

    @pytest.mark.parametrize(
        ("words", "tags", "error"),
        [
            ("abc", None, "must be a list of at least one sentence"),
            ([], None, "must be a list of at least one sentence"),
            (["abc"], None, "sentence 0 .* a list of at least one of its words"),
            ([["a"], []], None, "sentence 1 .* a list of at least one of its words"),
            ([["a", 1]], None, "sentence 0 .* has 1 among its words"),
            ([["a"]], [["X"], ["Y"]], "1 sentences, but tags of 2"),
            ([["a", "b"]], [["X"]], "has 2 words and 1 tags"),
            ([["a"]], [[None]], "has None among its tags"),
        ],
    )
    def test_refused(self, words: Any, tags: Any, error: str) -> None:
        with pytest.raises(DataError, match=error):
            sentences_of(words, tags)


@pytest.mark.parametrize("name", ["mac.conllu", "mac.conll"])
def test_lines_may_end_as_on_old_macs(tmp_path: Path, name: str) -> None:
    lines = [token("1", "a", "X"), token("2", "b", "Y"), "", token("1", "c", "Z"), ""]
    text = "\r".join(lines if name.endswith("u") else ["a X", "b Y", "", "c Z", ""])
    found = read_sentences(write(tmp_path, text, name))
    assert found.words == (("a", "b"), ("c",))
    assert found.tags == (("X", "Y"), ("Z",))
    assert found.place(1).startswith("line 4 of ")
    with pytest.raises(DataError, match="line 5 of"):
        read_sentences(write(tmp_path, text + "broken", name))


def test_line_ends_converted_twice_part_no_sentences(tmp_path: Path) -> None:
    found = read_sentences(write(tmp_path, "a X\r\r\nb Y\r\r\n", "a.conll"))
    assert (found.words, found.tags) == ((("a", "b"),), (("X", "Y"),))


def test_damage_is_not_blamed_on_a_line(tmp_path: Path) -> None:
    path = tmp_path / "train.conllu.gz"
    packed = bytearray(gzip.compress((CONLLU + "\n\n" + token("7", "x")).encode(), mtime=0))
    path.write_bytes(packed)
    with pytest.raises(DataError, match="has the id '7' where 1 was expected"):
        read_sentences(path)
    packed[-8] ^= 1  # of the sum at the end, which is read last
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"is damaged \(CRC .*\): copy or download it again"):
        read_sentences(path)
