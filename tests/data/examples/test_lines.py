"""Text files in pieces: lines, and parts of lines that are too long to be decoded at once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.examples import lines
from rnnkit.data.examples.lines import read_pieces, read_whole
from rnnkit.errors import DataError

LONGEST = 8  # bytes, so that every line has several parts


def outcome(path: Path) -> str:
    try:
        return read_whole(path)
    except DataError as error:
        return f"error: {error}"


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text("aé한🙂\r\n\ufeff\0", max_size=40).map(str.encode),
        st.lists(
            st.sampled_from([b"a", b"\r", b"\n", b"\xed\x95\x9c", b"\x95", b"\xf0\x9f", b"\xff"]),
            max_size=40,
        ).map(b"".join),
    )
)
def test_parts_of_lines_give_the_text_or_the_error_of_whole_lines(tmp_path_factory, data) -> None:
    path = tmp_path_factory.mktemp("any") / "text.txt"
    path.write_bytes(data)
    whole = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_LONGEST", LONGEST)
        assert outcome(path) == whole


def test_pieces_are_lines_or_parts_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_LONGEST", LONGEST)
    path = tmp_path / "text.txt.gz"
    path.write_bytes(gzip.compress("\ufeffone\r\ntwo\rthree 한국어\n\nend".encode()))
    pieces = [piece for piece in read_pieces(path) if piece]
    assert "".join(pieces) == "one\ntwo\nthree 한국어\n\nend"
    assert max(map(len, pieces)) <= LONGEST
    assert pieces[0] == "one\n"


def test_the_byte_is_named_by_its_place_in_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_LONGEST", LONGEST)
    path = tmp_path / "text.txt"
    path.write_bytes(b"fine\n" + b"x" * 50 + b"\xfe rest")
    with pytest.raises(DataError, match=r"line 2 of .* \(byte 0xFE at position 51 of the line\)"):
        list(read_pieces(path))
