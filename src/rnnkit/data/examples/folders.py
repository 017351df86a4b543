"""A folder of examples: a folder a class with a text a file, or a file a class with a text a line.

The first is the layout of aclImdb (Maas et al. 2011): `train/pos/0_9.txt`, beside `test` and the
unlabelled `train/unsup`. Files and folders whose names begin with a point are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnkit.data.examples.contract import Examples
from rnnkit.data.examples.keras_npz import Part
from rnnkit.data.examples.lines import read_lines, read_whole
from rnnkit.data.examples.tables import count_empty
from rnnkit.data.files import table_name
from rnnkit.data.text_table import listed
from rnnkit.errors import DataError
from rnnkit.messages import Message

_UNLABELLED = "unsup"
_COMPRESSED = (".gz", ".bz2", ".xz")


def read_folder(path: Path, *, part: Part = "train") -> Examples:
    """Read the texts of a folder, the names of whose folders or files are the classes.

    Args:
        path: a folder of class folders with `.txt` files; or one that holds folders `train` and
            `test` of that kind; or one of `.txt` files, each with the texts of a class, one a line.
        part: which of `train` and `test` to read, where there are these.

    Raises:
        DataError: if there are fewer than two classes, no such part, or a file cannot be read or is
            not UTF-8, naming file, line and byte.
    """
    root, found = path, _entries(path)
    if {"train", "test"} & {entry.name for entry in found if entry.is_dir()}:
        root = path / part
        if not root.is_dir():
            raise DataError(f"{path} has no folder {part!r}; choose the other part")
        found = _entries(root)
    elif part != "train":
        raise DataError(f"{path} has no folders 'train' and 'test'; leave the part out")
    folders = [entry for entry in found if entry.is_dir()]
    if folders:
        return _Folders(path, folders, [entry for entry in found if not entry.is_dir()]).examples()
    files = [entry for entry in found if _is_text(entry)]
    return _of_lines(path, files, [entry for entry in found if entry not in files])


class _Folders:
    """A folder a class, a text a file."""

    def __init__(self, path: Path, folders: Sequence[Path], others: Sequence[Path]) -> None:
        self.path = path
        self.files: list[tuple[str, Path]] = []
        self.left_out = len(others)
        self.notes: list[Message] = []
        without = [folder.name for folder in folders if not self._add(folder)]
        if without:
            found = "folders left out, since they have no .txt files or no label: {names}"
            self.notes.append(Message(found, {"names": listed(without)}))
        if self.left_out:
            found = "files left out, since they are no .txt files of a class: {count:,}"
            self.notes.append(Message(found, {"count": self.left_out}))
        _refuse_few_classes(path, sorted({label for label, _ in self.files}), "folders")

    def _add(self, folder: Path) -> bool:
        """Keep the texts of a class; tell whether there are any."""
        if folder.name == _UNLABELLED:
            return False
        found = _entries(folder)
        texts = [entry for entry in found if _is_text(entry)]
        self.left_out += len(found) - len(texts)
        self.files.extend((folder.name, file) for file in texts)
        return bool(texts)

    def examples(self) -> Examples:
        """Return the examples, by class and then by the name of the file."""
        files = self.files
        texts = tuple(read_whole(file).removesuffix("\n") for _, file in files)
        return Examples(
            name=self.path.name or str(self.path),
            texts=texts,
            signals=None,
            classes=tuple(label for label, _ in files),
            targets=None,
            place=lambda number: str(files[number][1]),
            notes=(*self.notes, *count_empty(texts)),
        )


def _of_lines(path: Path, files: Sequence[Path], others: Sequence[Path]) -> Examples:
    """Return the lines of the files, each of the class that its file is called after."""
    texts: list[str] = []
    classes: list[str] = []
    places: list[tuple[int, Path]] = []
    for file in files:
        label = table_name(file)
        for number, line in read_lines(file):
            if line.strip():
                texts.append(line)
                classes.append(label)
                places.append((number, file))
    _refuse_few_classes(path, sorted(set(classes)), ".txt files")
    notes = []
    if others:
        found = "files left out, since they are no .txt files of a class: {count:,}"
        notes.append(Message(found, {"count": len(others)}))
    return Examples(
        name=path.name or str(path),
        texts=tuple(texts),
        signals=None,
        classes=tuple(classes),
        targets=None,
        place=lambda number: f"line {places[number][0]} of {places[number][1]}",
        notes=tuple(notes),
    )


def _entries(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from error
    return [entry for entry in found if not entry.name.startswith(".")]


def _is_text(file: Path) -> bool:
    name = file.stem if file.suffix in _COMPRESSED else file.name
    return file.is_file() and name.endswith(".txt")


def _refuse_few_classes(path: Path, classes: Sequence[str], what: str) -> None:
    if len(classes) < 2:
        raise DataError(
            f"{path} has {len(classes)} {what} with texts ({listed(classes)}); two or more were "
            f"expected, each named after its class"
        )
