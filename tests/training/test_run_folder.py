import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rnnkit.errors import ArtifactError, ConfigError
from rnnkit.training.run_folder import RunWriter, read_run

CONFIG = {"horizon": 12, "cell": "gru", "name": "항공"}
TENSORS = {"0.weight": torch.arange(6.0).reshape(2, 3), "1.weight": torch.ones(2)}
SETTINGS = {"model": {"hidden_size": 32, "cell": "gru"}, "columns": ("a", "b"), "seed": 0}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "airline"


@pytest.fixture
def partial(path):
    return path.with_name("airline.partial")


def write(path, *, rmse=17.5, **options):
    with RunWriter(path, settings=SETTINGS, **options) as run:
        run.write_model(CONFIG, TENSORS)
        run.write_json("metrics.json", {"rmse": rmse})
        run.write_text("report.html", "<p>예측</p>\n")
        run.finish()


def leave_by(error, path, act, **options):
    """Do something with a writer and leave its block by an error."""

    def block():
        with RunWriter(path, settings=SETTINGS, **options) as run:
            act(run)
            raise error

    with pytest.raises(error):
        block()


def save_checkpoint(run, name="member-1.safetensors"):
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / name).write_bytes(b"state")


def interrupt(path, *, error=KeyboardInterrupt):
    """Leave a writer's block with a checkpoint."""
    leave_by(error, path, save_checkpoint)


def everything(folder):
    """Return what lies under a folder, with the content of files."""
    return {
        str(entry.relative_to(folder)): entry.read_bytes() if entry.is_file() else None
        for entry in folder.rglob("*")
    }


def test_a_run_comes_back_as_it_was_written(path):
    write(path)
    run = read_run(path)
    assert run.path == path
    assert run.config == {**CONFIG, "format_version": 1}
    assert run.metrics == {"rmse": 17.5}
    assert run.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(run.tensors[name], tensor) for name, tensor in TENSORS.items())


def test_the_files_are_as_promised(path, partial):
    write(path)
    assert {file.name for file in path.iterdir()} == {
        "config.json",
        "metrics.json",
        "model.safetensors",
        "report.html",
    }
    assert (path / "config.json").read_text("utf-8") == (
        '{\n  "cell": "gru",\n  "format_version": 1,\n  "horizon": 12,\n  "name": "항공"\n}\n'
    )
    assert (path / "report.html").read_bytes() == "<p>예측</p>\n".encode()
    assert (
        hashlib.sha256((path / "config.json").read_bytes()).hexdigest().encode()
        in (path / "model.safetensors").read_bytes()
    )
    assert list(path.parent.iterdir()) == [path]


def test_two_runs_have_equal_bytes(path):
    write(path)
    first = everything(path)
    write(path)
    assert everything(path) == first


def test_numbers_that_are_not_finite_become_null_in_metrics_and_are_refused_in_a_config(path):
    nan, inf = float("nan"), float("inf")
    with RunWriter(path, settings={}) as run:
        with pytest.raises(ValueError, match="not JSON compliant"):
            run.write_model({"x": nan}, TENSORS)
        run.write_model(CONFIG, TENSORS)
        run.write_json("metrics.json", {"mape": nan, "all": [inf, 1.5], "deep": {"x": (nan, 2)}})
        run.finish()
    assert read_run(path).metrics == {"mape": None, "all": [None, 1.5], "deep": {"x": [None, 2]}}


def test_a_run_without_metrics_has_none(path):
    with RunWriter(path, settings={}) as run:
        run.write_model(CONFIG, TENSORS)
        run.finish()
    assert read_run(path).metrics is None


def test_the_run_is_not_there_before_it_is_complete(path, partial):
    with RunWriter(path, settings=SETTINGS) as run:
        run.write_model(CONFIG, TENSORS)
        assert run.folder == partial
        assert not path.exists()
        with pytest.raises(ArtifactError, match=re.escape(f"{path} is not finished: its training")):
            read_run(path)
        run.finish()
    assert path.exists()


def test_an_older_run_stays_until_the_new_one_is_finished(path, partial):
    write(path)
    before = everything(path)
    with RunWriter(path, settings=SETTINGS) as run:
        run.write_model(CONFIG, TENSORS)
        run.write_json("metrics.json", {"rmse": 3.0})
        assert everything(path) == before
        run.finish()
    assert read_run(path).metrics == {"rmse": 3.0}
    assert not (path / "report.html").exists()
    assert list(path.parent.iterdir()) == [path]


def test_what_someone_put_into_an_older_run_is_kept(path):
    write(path)
    (path / "notes.txt").write_text("mine")
    (path / "plots").mkdir()
    (path / "plots" / "my.png").write_bytes(b"mine too")
    with RunWriter(path, settings=SETTINGS) as run:
        run.write_model(CONFIG, TENSORS)
        run.finish()
    assert (path / "notes.txt").read_text() == "mine"
    assert (path / "plots" / "my.png").read_bytes() == b"mine too"
    assert sorted(entry.name for entry in path.iterdir()) == [
        "config.json",
        "model.safetensors",
        "notes.txt",
        "plots",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_error_without_checkpoint_leaves_nothing(path, tmp_path, error):
    leave_by(error, path, lambda run: run.write_model(CONFIG, TENSORS))
    assert list(tmp_path.iterdir()) == []


def test_folders_above_that_hold_something_else_stay(path, tmp_path):
    leave_by(RuntimeError, path, lambda run: (path.parent / "notes.txt").write_text("mine"))
    assert [entry.name for entry in path.parent.iterdir()] == ["notes.txt"]


def test_an_error_with_a_checkpoint_keeps_it_and_the_older_run(path, partial):
    write(path)
    before = everything(path)
    interrupt(path)
    assert everything(path) == before
    assert (partial / "checkpoint" / "member-1.safetensors").read_bytes() == b"state"
    with RunWriter(path, settings=SETTINGS, resume=True) as run:
        assert not run.discarded
        assert (run.checkpoints / "member-1.safetensors").exists()
        run.write_model(CONFIG, TENSORS)
        run.finish()
    assert read_run(path).config["cell"] == "gru"
    assert not partial.exists()
    assert not (path / "checkpoint").exists()


def test_a_checkpoint_that_was_only_begun_is_none(path, partial):
    leave_by(RuntimeError, path, lambda run: save_checkpoint(run, "member-1.safetensors.tmp"))
    assert not partial.exists()


def test_a_block_that_ends_without_finish_leaves_no_run(path, tmp_path):
    with RunWriter(path, settings={}) as run:
        run.write_model(CONFIG, TENSORS)
    assert list(tmp_path.iterdir()) == []


def test_finish_without_a_model_is_refused(path, tmp_path):
    with (
        pytest.raises(ArtifactError, match="before its model is written"),
        RunWriter(path, settings={}) as run,
    ):
        run.finish()
    assert list(tmp_path.iterdir()) == []


def test_starting_anew_discards_the_interrupted_training_and_says_so(path, partial):
    interrupt(path)
    (partial / "old.png").write_bytes(b"old")
    with RunWriter(path, settings={"other": 1}) as run:
        assert run.discarded
        assert not run.checkpoints.exists()
        run.write_model(CONFIG, TENSORS)
        run.finish()
    assert {file.name for file in path.iterdir()} == {"config.json", "model.safetensors"}
    with RunWriter(path, settings={}) as run:
        assert not run.discarded


def test_resume_with_nothing_there_is_refused(path, tmp_path):
    with pytest.raises(ConfigError, match=r"nothing to resume: .*airline\.partial does not exist"):
        RunWriter(path, settings=SETTINGS, resume=True).__enter__()
    assert list(tmp_path.iterdir()) == []
    write(path)
    with pytest.raises(ConfigError, match=r"nothing to resume: .*airline is finished already"):
        RunWriter(path, settings=SETTINGS, resume=True).__enter__()


def test_resume_with_other_settings_names_the_keys_and_both_values(path, partial):
    interrupt(path)
    before = everything(partial)
    other = {"model": {"hidden_size": 64, "cell": "gru"}, "columns": ["a", "b"], "horizon": 12}
    with pytest.raises(ConfigError) as error:
        RunWriter(path, settings=other, resume=True).__enter__()
    assert str(error.value) == (
        f"{partial} was started with other settings: model.hidden_size (was 32, now 64), seed "
        "(was 0, now 'unset'), horizon (was 'unset', now 12); give the same to resume, or start "
        "again without resume"
    )
    assert everything(partial) == before
    with RunWriter(path, settings=SETTINGS, resume=True) as run:  # the lock was let go
        assert run.checkpoints.exists()


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_resume_without_readable_settings_is_refused(path, partial, text):
    interrupt(path)
    (partial / "settings.json").unlink()
    if text is not None:
        (partial / "settings.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"settings\.json .*; start again without resume"):
        RunWriter(path, settings=SETTINGS, resume=True).__enter__()
    write(path)


def test_a_file_or_foreign_folder_in_the_place_is_refused_and_untouched(tmp_path):
    file, folder, config = tmp_path / "file", tmp_path / "folder", tmp_path / "config"
    file.write_text("mine")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    config.mkdir()
    (config / "config.json").write_text('{"format_version": "of something else"}')
    before = everything(tmp_path)
    for place, text in ((file, "is a file"), (folder, "is not a run"), (config, "is not a run")):
        with pytest.raises(ConfigError, match=text):
            RunWriter(place, settings={}).__enter__()
    assert everything(tmp_path) == before


def test_a_foreign_partial_folder_is_refused_and_untouched(path, partial):
    partial.mkdir(parents=True)
    (partial / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(ConfigError, match="holds files that are not rnnkit's"):
            RunWriter(path, settings={}, resume=resume).__enter__()
    assert everything(partial) == {"notes.txt": b"mine"}


def test_a_file_where_the_work_would_go_is_refused(path, partial):
    partial.parent.mkdir()
    partial.write_text("mine")
    with pytest.raises(ConfigError, match=r"airline\.partial, where the work would go, is a file"):
        RunWriter(path, settings={}).__enter__()


def test_what_appears_in_the_place_meanwhile_is_not_replaced(path):
    def act(run):
        run.write_model(CONFIG, TENSORS)
        path.mkdir()
        (path / "notes.txt").write_text("mine")
        with pytest.raises(ConfigError, match="is not a run"):
            run.finish()

    leave_by(RuntimeError, path, act)
    assert everything(path) == {"notes.txt": b"mine"}


def test_an_empty_folder_is_taken(path):
    path.mkdir(parents=True)
    write(path)
    assert read_run(path).metrics == {"rmse": 17.5}


def test_a_link_is_followed(path, tmp_path):
    link = tmp_path / "latest"
    write(path)
    link.symlink_to(path)
    write(link, rmse=2.0)
    assert link.is_symlink()
    assert read_run(path).metrics == {"rmse": 2.0}


@pytest.mark.parametrize("name", [".", "..", "/", "runs/.."])
def test_a_path_that_is_no_name_is_refused(name):
    with pytest.raises(ConfigError, match="is no name for a run: give it a folder of its own"):
        RunWriter(Path(name), settings={})


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="file is a file, and a run needs a folder"):
        RunWriter(tmp_path / "file" / "run", settings={}).__enter__()
    with pytest.raises(ConfigError, match="cannot be written: File name too long"):
        RunWriter(tmp_path / ("x" * 300), settings={}).__enter__()
    with pytest.raises(ArtifactError, match="cannot be read: File name too long"):
        read_run(tmp_path / ("x" * 300))


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_kill_at_a_renaming_loses_neither_run(path, partial, monkeypatch, moment):
    """The moments before, between and after the two renamings of `finish`."""
    write(path, rmse=1.0)
    calls = []
    real = Path.replace

    class KilledError(BaseException):
        pass

    def replace(self, target):
        if self.suffix == ".tmp":
            return real(self, target)
        calls.append(self)
        if moment == "before" or (moment == "between" and len(calls) == 2):
            raise KilledError
        real(self, target)
        if moment == "after" and len(calls) == 2:
            raise KilledError
        return None

    writer = RunWriter(path, settings=SETTINGS)
    writer.__enter__()
    writer.checkpoints.mkdir()
    (writer.checkpoints / "member-1.safetensors").write_bytes(b"state")
    writer.write_model(CONFIG, TENSORS)
    writer.write_json("metrics.json", {"rmse": 2.0})
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KilledError):
        writer.finish()
    monkeypatch.undo()
    writer._lock.release()  # as the system does when a process dies
    if moment == "after":
        assert read_run(path).metrics == {"rmse": 2.0}
    else:
        assert (partial / "checkpoint" / "member-1.safetensors").exists()
        with RunWriter(path, settings=SETTINGS, resume=True) as run:
            assert read_run(path).metrics == {"rmse": 1.0}
            assert run.checkpoints.exists()
            run.write_json("metrics.json", {"rmse": 3.0})
            run.finish()
        assert read_run(path).metrics == {"rmse": 3.0}
    write(path, rmse=4.0)
    assert list(path.parent.iterdir()) == [path]
    assert not (path / ".replaced").exists()


def test_an_error_between_the_renamings_puts_the_older_run_back(path, monkeypatch):
    write(path, rmse=1.0)
    real = Path.replace

    def replace(self, target):
        if self.name == "airline.partial":
            raise OSError("no more room")
        return real(self, target)

    def act(run):
        run.write_model(CONFIG, TENSORS)
        monkeypatch.setattr(Path, "replace", replace)
        with pytest.raises(OSError, match="no more room"):
            run.finish()

    leave_by(RuntimeError, path, act)
    assert read_run(path).metrics == {"rmse": 1.0}


HOLDER = """
import sys, time
from pathlib import Path
from rnnkit.training.run_folder import RunWriter
with RunWriter(Path(sys.argv[1]), settings={}) as run:
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_processes_cannot_write_one_run_and_a_killed_one_lets_go(path, partial):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        before = everything(partial)
        for resume in (False, True):
            with pytest.raises(ConfigError) as error:
                RunWriter(path, settings={}, resume=resume).__enter__()
            assert str(error.value) == (
                f"{partial} is being written by another process, number {process.pid}: wait until "
                "it ends, or choose another name"
            )
        assert everything(partial) == before
        process.kill()
    assert partial.exists()
    write(path)
    assert read_run(path).metrics == {"rmse": 17.5}


def test_a_writer_that_has_ended_lets_go(path):
    for _ in range(2):
        interrupt(path)
        write(path)
        leave_by(RuntimeError, path, lambda run: None)


def damage(path, name, change):
    data = (path / name).read_bytes()
    (path / name).write_bytes(change(data))


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("config.json", lambda data: data.replace(b"12", b"13"), "was changed after it was"),
        ("config.json", lambda data: data + b" ", "was changed after it was"),
        ("config.json", lambda data: data[:-5], "is damaged: it is not JSON"),
        ("config.json", lambda data: b"\xff\xfe", "is damaged: it is not JSON"),
        ("config.json", lambda data: b"[" * 100_000, "is damaged: it is not JSON"),
        ("config.json", lambda data: b"[1]", "is damaged: it holds no JSON object"),
        ("config.json", lambda data: b"{}", "has format_version None, and this rnnkit reads 1"),
        ("config.json", lambda data: data.replace(b": 1,", b": 2,"), "has format_version 2, and"),
        ("model.safetensors", lambda data: data[:-1], "is damaged"),
        ("model.safetensors", lambda data: data[:20], "is damaged"),
        ("model.safetensors", lambda data: b"", "is damaged"),
        ("model.safetensors", lambda data: data[:-1] + b"\x01", "its checksum is not the one"),
        ("metrics.json", lambda data: b"{", "is damaged: it is not JSON"),
    ],
)
def test_a_damaged_file_is_named_in_one_sentence(path, name, change, text):
    write(path)
    damage(path, name, change)
    with pytest.raises(ArtifactError) as error:
        read_run(path)
    assert str(error.value).startswith(str(path / name))
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_of_another_run_are_refused(path, tmp_path):
    write(path)
    with RunWriter(tmp_path / "other", settings={}) as run:
        run.write_model({**CONFIG, "horizon": 24}, TENSORS)
        run.finish()
    os.replace(tmp_path / "other" / "model.safetensors", path / "model.safetensors")  # noqa: PTH105
    with pytest.raises(ArtifactError, match="was changed after it was written"):
        read_run(path)


def test_a_missing_run_or_file_is_named(path, tmp_path):
    with pytest.raises(ArtifactError, match=r"airline does not exist: name the folder of a run"):
        read_run(path)
    with pytest.raises(ArtifactError, match=r"is not a run of rnnkit: it holds no config\.json"):
        read_run(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ArtifactError, match="file is a file, and a run is a folder"):
        read_run(tmp_path / "file")
    write(path)
    (path / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"model\.safetensors is missing"):
        read_run(path)
    interrupted = tmp_path / "interrupted"
    interrupt(interrupted)
    with pytest.raises(ArtifactError, match=r"interrupted\.partial; go on with the same command"):
        read_run(interrupted)


def test_settings_are_json(path, partial):
    interrupt(path)
    assert json.loads((partial / "settings.json").read_text()) == json.loads(json.dumps(SETTINGS))
