from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rnnkit.data.examples.folders import read_folder
from rnnkit.data.examples.reading import read_examples
from rnnkit.errors import DataError


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


IMDB: dict[str, str | bytes] = {
    "train/pos/0_9.txt": "Good\x85one\r\nreally\n",
    "train/pos/10_8.txt": "#fine",
    "train/neg/0_2.txt": "\ufeffbad\n\n",
    "train/neg/1_1.txt": "",
    "train/neg/.DS_Store": b"\x00",
    "train/unsup/0_0.txt": "unknown",
    "train/urls_pos.txt": "http://",
    "train/labeledBow.feat": "1 2",
    "test/pos/0_7.txt": "tested",
    "test/neg/0_3.txt": "detested",
    "README": "by Maas",
}


class TestFolders:
    def test_acl_imdb(self, tmp_path: Path) -> None:
        examples = read_examples(fill(tmp_path / "aclImdb", IMDB))
        assert examples.name == "aclImdb"
        assert examples.texts == ("bad\n", "", "Good\x85one\nreally", "#fine")
        assert examples.classes == ("neg", "neg", "pos", "pos")
        assert examples.place(2) == str(tmp_path / "aclImdb/train/pos/0_9.txt")
        assert [str(note) for note in examples.notes] == [
            "folders left out, since they have no .txt files or no label: 'unsup'",
            "files left out, since they are no .txt files of a class: 2",
            "empty texts, which were kept: 1",
        ]

    def test_the_other_part(self, tmp_path: Path) -> None:
        examples = read_examples(fill(tmp_path, IMDB), part="test")
        assert examples.texts == ("detested", "tested")

    def test_the_folder_of_a_part(self, tmp_path: Path) -> None:
        fill(tmp_path, IMDB)
        assert len(read_folder(tmp_path / "train")) == 4

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        fill(tmp_path, {"a/1.txt": "x", "b/2.txt": b"fine\ncaf\xe9!\n"})
        with pytest.raises(DataError) as caught:
            read_folder(tmp_path)
        assert str(caught.value) == (
            f"line 2 of {tmp_path / 'b/2.txt'} is not UTF-8 text (byte 0xE9 at position 4 of the "
            f"line); save the file as UTF-8"
        )

    def test_one_class(self, tmp_path: Path) -> None:
        fill(tmp_path, {"a/1.txt": "x", "unsup/1.txt": "y", "c/1.csv": "z"})
        with pytest.raises(DataError, match=r"has 1 folders with texts \('a'\); two or more"):
            read_folder(tmp_path)

    def test_no_such_part(self, tmp_path: Path) -> None:
        fill(tmp_path, {"train/a/1.txt": "x", "train/b/1.txt": "y"})
        with pytest.raises(DataError, match="has no folder 'test'"):
            read_folder(tmp_path, part="test")
        with pytest.raises(DataError, match="has no folders 'train' and 'test'"):
            read_folder(tmp_path / "train", part="test")


class TestFilesOfLines:
    def test_names(self, tmp_path: Path) -> None:
        files: dict[str, str | bytes] = {
            "Korean.txt": "Kim\n\n Lee\r\nBae",
            "Czech.txt.gz": gzip.compress("Čapek\n".encode()),
            "README.md": "x",
            ".hidden.txt": "x",
        }
        examples = read_folder(fill(tmp_path, files))
        assert examples.texts == ("Čapek", "Kim", " Lee", "Bae")
        assert examples.classes == ("Czech", "Korean", "Korean", "Korean")
        assert examples.place(2) == f"line 3 of {tmp_path / 'Korean.txt'}"
        assert [str(note) for note in examples.notes] == [
            "files left out, since they are no .txt files of a class: 1"
        ]

    @pytest.mark.parametrize("files", [{}, {"a.txt": "x"}, {"a.txt": "x", "b.txt": "\n"}])
    def test_fewer_than_two(self, tmp_path: Path, files: dict[str, str | bytes]) -> None:
        with pytest.raises(DataError, match=r"\.txt files with texts .* two or more were expected"):
            read_folder(fill(tmp_path, files))
