from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rnnkit.data.examples.corpus import corpus_of, read_corpus
from rnnkit.errors import DataError


def test_line_ends_and_mark(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_bytes("\ufeffA\r\nB\rC\x85D\u2028E\n\n".encode())
    corpus = read_corpus(path)
    assert corpus.name == "play"
    assert corpus.text == "A\nB\nC\x85D\u2028E\n\n"
    assert corpus.notes == ()


def test_folder_in_sorted_order(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"\xef\xbb\xbffirst\n"))
    (tmp_path / "c.txt").write_text("third")
    (tmp_path / ".c.txt").write_text("hidden")
    (tmp_path / "notes.md").write_text("other")
    corpus = read_corpus(tmp_path)
    assert corpus.text == "first\nsecond\nthird"
    assert corpus.name == tmp_path.name
    assert [str(note) for note in corpus.notes] == ["text files read one after another: 3"]


def test_several_in_the_order_given(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    assert read_corpus([tmp_path / "b.txt", str(tmp_path / "a.txt")]).text == "b\na\n"


def test_a_large_text_keeps_every_character(tmp_path: Path) -> None:
    text = "각👍 x\n" * 50_000
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    assert read_corpus(path).text == text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no text"),
        (b" \n\n", "holds no text"),
        (b"a\nb\x00c", "line 2 of .* NUL byte"),
        (b"a\n\nb\xff", "line 3 of .* not UTF-8 text .byte 0xFF at position 2 of the line"),
        ("하나\n둘\n".encode("cp949"), "line 1 of .* looks like CP949"),
        ("a".encode("utf-16"), "is UTF-16"),
    ],
)
def test_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_corpus(path)


def test_no_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no \.txt files"):
        read_corpus(tmp_path)
    with pytest.raises(DataError, match="no text file was given"):
        read_corpus([])


def test_a_text_in_memory() -> None:
    assert corpus_of("a\r\nb").text == "a\nb"
    with pytest.raises(DataError, match="half a character"):
        corpus_of("a\ud83d")
