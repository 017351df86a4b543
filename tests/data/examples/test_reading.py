from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnkit.data.examples.columns import ExampleColumns
from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.reading import find_columns, iter_examples, read_examples
from rnnkit.data.examples.sources import check_examples, source_kind
from rnnkit.errors import ConfigError, DataError, RnnkitError

REVIEWS = 'id,text,label\n7,"Good, long",pos\n8,#bad,neg\n9,,pos\n'


def write(folder: Path, text: str | bytes, name: str = "reviews.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, data: str, /, name: str = "reviews.csv", **options: Any) -> Examples:
    wants = options.pop("wants", "class")
    return read_examples(write(folder, data, name), ExampleColumns(**options), wants=wants)


def said(examples: Examples) -> list[str]:
    return [str(note) for note in examples.notes]


class TestTexts:
    @pytest.mark.parametrize(
        ("ending", "pack"),
        [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
    )
    def test_csv(self, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
        path = write(tmp_path, pack(REVIEWS.encode()), f"reviews.csv{ending}")
        examples = read_examples(path)
        assert examples.name == "reviews"
        assert examples.texts == ("Good, long", "#bad", "")
        assert examples.classes == ("pos", "neg", "pos")
        assert examples.targets is None
        assert examples.signals is None
        assert examples.place(1) == f"line 3 of {path}"
        assert said(examples) == [
            "labels are read from column 'label'",
            "texts are read from column 'text'",
            "empty texts, which were kept: 1",
        ]

    def test_said_columns_make_no_note(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "a,b\nx y,1\nz,0\n", text="a", label="b")
        assert (examples.texts, examples.classes, said(examples)) == (("x y", "z"), ("1", "0"), [])

    def test_places_count_lines_of_texts_of_several(self, tmp_path: Path) -> None:
        examples = read(tmp_path, 'text,label\n"a\nb",1\n\nc,0\n')
        assert examples.place(0).startswith("line 2 ")
        assert examples.place(1).startswith("line 5 ")
        assert examples.take([1, 0]).place(0).startswith("line 5 ")

    def test_labels_are_as_written(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "text,label\na,01\nb, 1 \nc,1.0\nd,none\ne,None\n")
        assert examples.classes == ("01", "1", "1.0", "none", "None")

    @pytest.mark.parametrize("label", ["", " ", "NA", "nan", "n/a", "null"])
    def test_a_missing_label(self, tmp_path: Path, label: str) -> None:
        with pytest.raises(DataError, match=r"'label' has no label on line 3 of .* \(1 of 3 rows"):
            read(tmp_path, f"text,label\na,1\nb,{label}\nc,1\n")

    def test_targets(self, tmp_path: Path) -> None:
        text = "text,price,size\na,1.5,2\nb,-3,4e1\n"
        examples = read(tmp_path, text, targets=("size", "price"), text="text", wants="numbers")
        assert examples.targets is not None
        assert examples.targets.tolist() == [[2, 1.5], [40, -3]]
        assert examples.target_names == ("size", "price")
        assert examples.classes is None

    @pytest.mark.parametrize("cell", ["cheap", "", "inf", "1_000"])
    def test_a_target_that_is_no_number(self, tmp_path: Path, cell: str) -> None:
        with pytest.raises(DataError, match=r"'price' .*line 3 "):
            read(tmp_path, f"text,price\na,1\nb,{cell}\n", targets=("price",), wants="numbers")

    def test_both_answers(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "text,n,label\na,1,x\nb,2,y\n", targets=("n",))
        assert examples.classes == ("x", "y")
        assert examples.targets is not None

    def test_nothing_wanted_and_no_label_there(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "text\na\nb\n", text="text", label="label", wants="nothing")
        assert examples.texts == ("a", "b")
        assert examples.classes is None

    def test_nothing_wanted_and_a_label_there(self, tmp_path: Path) -> None:
        text = "text,label\na,1\nb,0\n"
        assert read(tmp_path, text, label="label", wants="nothing").classes == ("1", "0")
        assert read(tmp_path, text, text="text", wants="nothing").classes is None

    def test_a_text_of_a_hundred_thousand_characters_and_emoji(self, tmp_path: Path) -> None:
        long = "👍🏽각" * 50_000
        assert read(tmp_path, f"text,label\n{long},1\nb,0\n").texts == (long, "b")

    def test_korean_names(self, tmp_path: Path) -> None:
        examples = read(tmp_path, "문장,라벨\n좋아요 정말,긍정\n싫어요,부정\n")
        assert examples.classes == ("긍정", "부정")


class TestJsonLines:
    def test_keys_are_columns(self, tmp_path: Path) -> None:
        rows = [
            {"text": "a\nb", "label": True},
            {"label": 2, "text": None},
            {"label": "x", "text": "c", "more": [1]},
        ]
        text = "\n".join(map(json.dumps, rows)) + "\n\n"
        examples = read(tmp_path, text, "a.jsonl")
        assert examples.texts == ("a\nb", "", "c")
        assert examples.classes == ("true", "2", "x")
        assert examples.place(2) == f"line 3 of {tmp_path / 'a.jsonl'}"

    def test_by_its_content(self, tmp_path: Path) -> None:
        path = write(tmp_path, '{"text": "a", "label": 1}\n{"text": "b", "label": 1}\n', "a.txt")
        assert source_kind(path) == "objects"
        assert read_examples(path).texts == ("a", "b")

    def test_numbers(self, tmp_path: Path) -> None:
        text = '{"a": 1, "b": null, "label": "x"}\n{"a": 2.5, "b": 3, "label": "y"}\n'
        signals = read(tmp_path, text, "a.jsonl").signals
        assert signals is not None
        np.testing.assert_array_equal(signals.numbers.values, [[1, np.nan], [2.5, 3]])

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"text": "a"}\n{oops}\n', "line 2 of .* is no JSON object"),
            ('{"text": "a"}\n[1]\n', "line 2 of .* holds a JSON list"),
            ('[\n{"text": "a"}\n]\n', "line 1 of .* one JSON list is no JSON Lines"),
            ("\n\n", "is empty"),
            ('{"text": "a", "label": ""}\n', "'label' .*empty|no label on line 1"),
            ('{"text": {"a": 1}, "label": 1}\n', "line 1 of .* several values under 'text'"),
            ('{"text": "\\ud83d", "label": 1}\n', "line 1 of .* half a character"),
            ("[" * 100_000, "line 1 of .* is no JSON object"),
            ('{"text": ' + "9" * 5000 + "}", "line 1 of .* is no JSON object"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(DataError, match=words):
            read(tmp_path, text, "a.jsonl", text="text", label="label")


class TestFrames:
    FRAME = pd.DataFrame(
        {"text": ["a b", None, "c"], "label": pd.Categorical(["x", "y", "x"]), "n": [1.5, 2, 3]}
    )

    def test_frame(self) -> None:
        examples = read_examples(self.FRAME)
        assert examples.texts == ("a b", "", "c")
        assert examples.classes == ("x", "y", "x")
        assert examples.name == "data"
        assert examples.place(1) == "row 1 of the frame"

    def test_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        self.FRAME.to_parquet(path)
        examples = read_examples(path, ExampleColumns(targets=("n",)), wants="numbers")
        assert examples.texts == ("a b", "", "c")
        assert examples.targets is not None
        assert examples.targets.tolist() == [[1.5], [2], [3]]
        assert examples.place(2) == f"row 2 (counted from 0) of {path}"

    @pytest.mark.parametrize("kind", ["int64", "Int64", "bool", "string", "object"])
    def test_labels_of_any_type(self, kind: str) -> None:
        frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Series([1, 0]).astype(kind)})
        expected = ("True", "False") if kind == "bool" else ("1", "0")
        assert read_examples(frame).classes == expected

    def test_missing_label(self) -> None:
        frame = pd.DataFrame({"text": ["a", "b"], "label": ["x", None]})
        with pytest.raises(DataError, match="'label' has no label on row 1 of the frame"):
            read_examples(frame)

    def test_a_text_that_is_a_list(self) -> None:
        frame = pd.DataFrame({"text": ["a", ["b"]], "label": [1, 2]})
        with pytest.raises(DataError, match="row 1 of the frame holds list"):
            read_examples(frame, ExampleColumns(text="text", label="label"))

    def test_columns_asked_for(self, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"the frame has no column 'txt'; .* did you mean 'text'"
        ):
            read_examples(self.FRAME, ExampleColumns(text="txt"))
        path = tmp_path / "a.parquet"
        self.FRAME.to_parquet(path)
        with pytest.raises(DataError, match=r"no column 'txt'; .* did you mean 'text'"):
            read_examples(path, ExampleColumns(text="txt"))
        with pytest.raises(DataError, match=r"no column 'txt'; .* did you mean 'text'"):
            check_examples(path, ExampleColumns(text="txt"))

    def test_the_frame_is_left_as_it_is(self) -> None:
        before = self.FRAME.copy(deep=True)
        read_examples(self.FRAME)
        pd.testing.assert_frame_equal(before, self.FRAME)


class TestFindColumns:
    @pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "frame"])
    def test_settled_columns_read_alike(self, tmp_path: Path, kind: str) -> None:
        frame = pd.DataFrame({"Review": ["a b c", "d e f"], "stars": [1, 5], "class": ["x", "y"]})
        source: Any = frame
        if kind == "csv":
            source = tmp_path / "a.csv"
            frame.to_csv(source, index=False)
        elif kind == "jsonl":
            source = tmp_path / "a.jsonl"
            frame.to_json(source, orient="records", lines=True)
        elif kind == "parquet":
            source = tmp_path / "a.parquet"
            frame.to_parquet(source)
        found = find_columns(source)
        assert found == ExampleColumns(text="Review", label="class")
        assert read_examples(source, found).texts == ("a b c", "d e f")
        if kind in ("csv", "jsonl"):
            assert check_examples(source) == found

    def test_round_trip_through_json(self) -> None:
        columns = ExampleColumns(label="y", features=("a", "b"), words=("b",), layout="flat")
        assert ExampleColumns.from_json(json.loads(json.dumps(columns.to_json()))) == columns


class TestCheck:
    def test_a_wrong_name_before_anything_heavy(self, tmp_path: Path) -> None:
        path = write(tmp_path, REVIEWS)
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from rnnkit.data.examples.sources import check_examples\n"
            "from rnnkit.data.examples.columns import ExampleColumns\n"
            "from rnnkit.errors import DataError\n"
            "try:\n"
            "    check_examples(Path(sys.argv[1]), ExampleColumns(text='txet'))\n"
            "except DataError as error:\n"
            "    print(error)\n"
            "print({'torch', 'pandas', 'numpy'} & set(sys.modules))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines() == [
            f"{path} has no column 'txet'; its columns are 'id', 'text', 'label'; did you mean "
            f"'text'?",
            "set()",
        ]

    def test_a_sample_that_ends_inside_a_cell(self, tmp_path: Path) -> None:
        rows = "".join(f'"a, {i}",{i % 2}\n' for i in range(999))
        path = write(tmp_path, f'text,label\n{rows}"open\n' + "more\n" * 5000 + '",1\n')
        assert check_examples(path) == ExampleColumns(text="text", label="label")
        assert len(read_examples(path)) == 1000

    def test_columns_said_of_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="has no columns"):
            check_examples(tmp_path, ExampleColumns(text="text"))

    def test_no_such_file(self, tmp_path: Path) -> None:
        write(tmp_path, REVIEWS)
        with pytest.raises(DataError, match=r"no file .*review\.csv; did you mean 'reviews\.csv'"):
            check_examples(tmp_path / "review.csv")


class TestPieces:
    @pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
    @pytest.mark.parametrize("chunk", [1, 2, 3, 100])
    def test_as_whole(self, tmp_path: Path, kind: str, chunk: int) -> None:
        frame = pd.DataFrame(
            {"text": ["a b\nc", "", 'say "d", e', "각", "f"], "label": ["x", "y", "x", "z", "x"]}
        )
        path = tmp_path / f"a.{kind}"
        if kind == "csv":
            frame.to_csv(path, index=False)
        elif kind == "jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_parquet(path)
        whole = read_examples(path)
        pieces = list(iter_examples(path, chunk=chunk))
        assert [len(piece) for piece in pieces][:-1] == [chunk] * (len(pieces) - 1)
        assert sum((piece.texts or () for piece in pieces), ()) == whole.texts
        assert sum((piece.classes or () for piece in pieces), ()) == whole.classes
        places = [piece.place(i) for piece in pieces for i in range(len(piece))]
        assert places == [whole.place(i) for i in range(5)]

    def test_no_more_than_a_piece_is_read_at_a_time(self, tmp_path: Path) -> None:
        rows = "".join(f"text {i} of many,{i % 2}\n" for i in range(5000))
        path = write(tmp_path, f"text,label\n{rows}broken\n")
        pieces = iter_examples(path, chunk=1000)
        assert [len(next(pieces)) for _ in range(5)] == [1000] * 5
        with pytest.raises(DataError, match="line 5002 "):
            next(pieces)

    def test_numbers(self, tmp_path: Path) -> None:
        path = write(tmp_path, "label,t1,t2,t3\n" + "a,1,2,\nb,4,5,6\n" * 3)
        pieces = list(iter_examples(path, chunk=4))
        signals = [piece.signals for piece in pieces]
        assert [s.numbers.lengths.tolist() for s in signals if s] == [[2, 3, 2, 3], [2, 3]]

    def test_notes_of_the_columns_stand_in_the_first(self, tmp_path: Path) -> None:
        path = write(tmp_path, "text,label\n" + "a,1\n" * 4)
        first, second = iter_examples(path, chunk=2)
        assert len(first.notes) == 2
        assert second.notes == ()

    def test_refused(self, tmp_path: Path) -> None:
        path = write(tmp_path, "id,x,label\na,1,u\na,2,u\n")
        with pytest.raises(ConfigError, match="layout long"):
            next(iter_examples(path, ExampleColumns(id="id")))
        with pytest.raises(DataError, match="cannot be read in pieces"):
            next(iter_examples(tmp_path))
        with pytest.raises(ConfigError, match="chunk must be 1 or more, got 0"):
            next(iter_examples(path, chunk=0))


class TestWants:
    def test_a_table_without_labels(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no column that is surely the label"):
            read(tmp_path, "text\nonly this\nand that\n", text="text")

    def test_signals_of_classes_where_numbers_are_wanted(self, tmp_path: Path) -> None:
        path = write(tmp_path, "@classLabel true a\n@data\n1,2:a\n", "a.ts")
        with pytest.raises(DataError, match="no numbers to predict"):
            read_examples(path, wants="numbers")

    def test_another_source(self) -> None:
        source: Any = ["a"]
        with pytest.raises(DataError, match="must be a path or a DataFrame, got list"):
            read_examples(source)

    def test_a_part_of_what_has_none(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="has no parts"):
            read_examples(write(tmp_path, REVIEWS), part="test")

    def test_named(self, tmp_path: Path) -> None:
        assert read_examples(write(tmp_path, REVIEWS), name="imdb").name == "imdb"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"text": "a", "label": "a"}, "'a' cannot be both the text and the label"),
        ({"targets": ("a", "a")}, "'a' is named twice as a target"),
        ({"layout": "lang"}, "layout must be one of wide, long, flat, got 'lang'; did you mean"),
        ({"layout": "long"}, "say by id which rows belong together"),
        ({"layout": "wide", "id": "a"}, "leave id and time out"),
        ({"time": "a"}, "say by id"),
        ({"text": "a", "features": ("b",)}, "leave id, time, features, words and layout out"),
        ({"features": ("b",), "words": ("a",)}, "'a' is among words but not among features"),
        ({"layout": "wide", "words": ("a",)}, "leave words out"),
    ],
)
def test_columns_that_contradict(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(RnnkitError, match=words):
        ExampleColumns(**columns)
