from pathlib import Path

import pytest
import safetensors.torch
import torch

from rnnkit.errors import ArtifactError
from rnnkit.training.tensor_file import read_tensors, write_bytes, write_tensors

WEIGHT = torch.arange(6.0).reshape(2, 3)
TENSORS = {
    "weight": WEIGHT,
    "tied": WEIGHT,
    "transposed": WEIGHT.T,
    "scalar": torch.tensor(3, dtype=torch.int64),
    "empty": torch.zeros(0, 4, dtype=torch.float64),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "flags": torch.tensor([True, False]),
    "learned": torch.ones(2, requires_grad=True),
}
METADATA = {"b": "2", "a": "ein schönes Wort 한국어", "c": "0" * 64}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.safetensors"
    write_tensors(path, TENSORS, METADATA)
    return path


def test_everything_comes_back(path):
    tensors, metadata = read_tensors(path)
    assert metadata == METADATA
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor.detach())


def test_it_is_an_ordinary_safetensors_file(path):
    with safetensors.safe_open(path, "pt") as file:
        assert METADATA.items() <= file.metadata().items()
        assert torch.equal(file.get_tensor("transposed"), WEIGHT.T)


def test_equal_content_gives_equal_bytes(path):
    written = {path.read_bytes()}
    for _ in range(8):
        write_tensors(path, TENSORS, dict(reversed(METADATA.items())))
        written.add(path.read_bytes())
    assert len(written) == 1


def test_every_changed_byte_is_seen(path):
    write_tensors(path, {"weight": WEIGHT}, {"a": "word"})
    data = path.read_bytes()
    padding = data.index(b"}} ") + 2 if b"}} " in data else len(data)
    body = 8 + int.from_bytes(data[:8], "little")
    for place in range(len(data)):
        if padding <= place < body:
            continue  # blanks after the header mean nothing
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(ArtifactError, match=r"some\.safetensors is damaged"):
            read_tensors(path)


@pytest.mark.parametrize("size", [0, 5, 8, 100, -1])
def test_truncation_is_seen(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ArtifactError, match=r"some\.safetensors is damaged: \d+ bytes that are"):
        read_tensors(path)


def test_a_file_without_checksum_is_refused(path):
    safetensors.torch.save_file({"x": WEIGHT}, path)
    with pytest.raises(ArtifactError, match="its checksum is not the one written with it"):
        read_tensors(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ArtifactError, match="absent is missing"):
        read_tensors(tmp_path / "absent")
    with pytest.raises(ArtifactError, match="cannot be read: Is a directory"):
        read_tensors(tmp_path)


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_beside_it(
    tmp_path, monkeypatch, step
):
    path = tmp_path / "file"
    write_bytes(path, b"old")

    class BrokenError(Exception):
        pass

    def fail(*args, **options):
        raise BrokenError

    if step == "fsync":
        monkeypatch.setattr("os.fsync", fail)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    elif step == "open":
        monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(TypeError if step == "write" else BrokenError):
        write_bytes(path, "no bytes" if step == "write" else b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_behind_does_no_harm(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    path.with_name("file.tmp").write_bytes(b"half of it")
    assert path.read_bytes() == b"old"
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
