import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from rnnkit.errors import ArtifactError
from rnnkit.training import Callback, Trainer, TrainingConfig, checkpoint
from rnnkit.training.checkpoint import CheckpointFile, read_checkpoint
from rnnkit.training.tensor_file import read_tensors, write_tensors

CONFIG = TrainingConfig(epochs=6, batch_size=8, learning_rate=0.01)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "member.safetensors"


class Stop(Callback):
    """Raises something after an epoch."""

    def __init__(self, epoch, error):
        self.epoch, self.error = epoch, error

    def on_epoch_end(self, model, state):
        if state.epoch == self.epoch:
            raise self.error
        return False


def interrupt(tiny, config, path, *, epoch=3, error=KeyboardInterrupt, validated=True):
    """Train until an error after an epoch, and return how many epochs the checkpoint has."""
    validation = tiny.Waves(11, seed=1) if validated else None
    trainer = Trainer(config, callbacks=[Stop(epoch, error)])
    with pytest.raises(error):
        trainer.fit(tiny.net(), tiny.squared, tiny.Waves(), validation, checkpoint=path)
    return len(read_checkpoint(path).history)


class Workers:
    """Processes that do a job of `tiny.py` and are killed at it."""

    def __init__(self):
        self.parent = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("tiny.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        )

    def kill(self, job, path, lines, wait):
        """Start a job, kill it `wait` seconds after it printed so many lines, and return all."""
        self.parent.stdin.write(f"{job} {path}\n")
        self.parent.stdin.flush()
        worker = int(self._line())
        printed = [self._line() for _ in range(lines)]
        time.sleep(wait)
        os.kill(worker, signal.SIGKILL)
        while (line := self._line()) != "killed":
            assert line.isdigit(), "the job ended before it was killed"
            printed.append(line)
        return printed

    def _line(self):
        return self.parent.stdout.readline().strip()


@pytest.fixture(scope="module")
def workers():
    made = Workers()
    yield made
    made.parent.communicate(timeout=10)


@pytest.mark.parametrize(
    ("case", "kills"),
    [
        ("constant", [1]),
        ("cosine", [17, 9]),
        ("plateau", [33]),
        ("patience", [4, 13]),
    ],
)
def test_a_killed_training_resumes_to_equal_weights(tiny, workers, path, case, kills):
    config = tiny.CASES[case]
    whole = tiny.net()
    history = tiny.fit(whole, config)
    assert len(history) > sum(kills) + len(kills)
    moments = random.Random(f"{case} {kills}")
    for epochs in kills:
        workers.kill(case, path, epochs, wait=moments.uniform(0, 0.01))
        # A kill in the first epoch may come before there is any checkpoint.
        assert not path.exists() or 0 < len(read_checkpoint(path).history) < len(history)
    model = tiny.net(seed=99 if path.exists() else 0)
    resumed = tiny.fit(model, config, checkpoint=path, resume=True)
    assert tiny.equal(model, whole)
    for name in ("train_loss", "validation_loss", "learning_rate", "best_epoch", "stopped"):
        assert getattr(resumed, name) == getattr(history, name)
    if case == "plateau":
        assert resumed.learning_rate[-1] < config.learning_rate


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_training_resumes_to_equal_weights(tiny, path, error, validated):
    whole, model = tiny.net(), tiny.net(seed=99)
    tiny.fit(whole, CONFIG, validated=validated)
    assert 1 <= interrupt(tiny, CONFIG, path, epoch=5, error=error, validated=validated) < 5
    history = tiny.fit(model, CONFIG, checkpoint=path, resume=True, validated=validated)
    assert len(history) == 6
    assert tiny.equal(model, whole)


@pytest.mark.parametrize("part", ["model", "optimizer", "history"])
def test_each_part_of_a_checkpoint_counts(tiny, path, part):
    """Guards the tests above: a resume that forgot a part would end with other weights."""
    whole, model = tiny.net(), tiny.net()
    config = dataclasses.replace(CONFIG, schedule="plateau")
    tiny.fit(whole, config)
    interrupt(tiny, config, path)
    saved = read_checkpoint(path)
    if part == "history":
        saved.history.train_loss.pop()
    else:
        changed = getattr(saved, part)
        changed.update({name: tensor * 1.01 for name, tensor in changed.items()})
    checkpoint.write_checkpoint(path, saved)
    tiny.fit(model, config, checkpoint=path, resume=True)
    assert not tiny.equal(model, whole)


def test_a_finished_training_returns_at_once_with_its_best_weights(tiny, path):
    config = tiny.CASES["patience"]
    whole, model = tiny.net(), tiny.net(seed=99)
    history = tiny.fit(whole, config, checkpoint=path)
    assert history.best_epoch < len(history)

    def never(model, batch):
        raise AssertionError("nothing is left to train")

    resumed = Trainer(config).fit(
        model, never, tiny.Waves(), tiny.Waves(11, seed=1), checkpoint=path, resume=True
    )
    assert resumed == history
    assert tiny.equal(model, whole)


def test_resume_without_a_file_starts_from_the_beginning(tiny, path):
    whole, model = tiny.net(), tiny.net()
    tiny.fit(whole, CONFIG)
    tiny.fit(model, CONFIG, checkpoint=path, resume=True)
    assert tiny.equal(model, whole)


def test_without_resume_an_old_checkpoint_goes_before_the_first_epoch(tiny, path):
    interrupt(tiny, CONFIG, path)

    def look(model, batch):
        assert not path.exists()
        return tiny.squared(model, batch)

    config = dataclasses.replace(CONFIG, epochs=1)
    Trainer(config).fit(tiny.net(), look, tiny.Waves(), checkpoint=path)
    assert len(read_checkpoint(path).history) == 1


def test_a_checkpoint_of_another_config_is_refused(tiny, path):
    interrupt(tiny, CONFIG, path)
    other = dataclasses.replace(CONFIG, learning_rate=0.5, epochs=7)
    with pytest.raises(ArtifactError) as error:
        tiny.fit(tiny.net(), other, checkpoint=path, resume=True)
    assert str(error.value) == (
        f"{path} is the checkpoint of another training, which differs in epochs (was 6, now 7), "
        "learning_rate (was 0.01, now 0.5): give what it had, or start again without resume"
    )


def test_a_checkpoint_of_another_model_or_other_data_is_refused(tiny, path):
    interrupt(tiny, CONFIG, path)
    with pytest.raises(ArtifactError) as error:
        tiny.fit(tiny.net(hidden_size=9), CONFIG, checkpoint=path, resume=True)
    assert "shape of gru.weight_ih_l0 (was [18, 2] torch.float32, now [27, 2]" in str(error.value)
    with pytest.raises(ArtifactError, match=r"validation samples \(was 11, now None\)"):
        tiny.fit(tiny.net(), CONFIG, checkpoint=path, resume=True, validated=False)
    with pytest.raises(ArtifactError, match=r"training samples \(was 37, now 36\)"):
        Trainer(CONFIG).fit(
            tiny.net(),
            tiny.squared,
            tiny.Waves(36),
            tiny.Waves(11, seed=1),
            checkpoint=path,
            resume=True,
        )


def test_a_damaged_checkpoint_is_refused_and_stays(tiny, path):
    interrupt(tiny, CONFIG, path)
    data = path.read_bytes()
    for damaged in (data[:-1], data[: len(data) // 2], b"", data[:-1] + bytes([data[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"member\.safetensors is damaged"):
            tiny.fit(tiny.net(), CONFIG, checkpoint=path, resume=True)
        assert path.read_bytes() == damaged


def test_weights_that_are_no_checkpoint_are_refused(tiny, path):
    path.parent.mkdir()
    write_tensors(path, tiny.net().state_dict(), {})
    with pytest.raises(ArtifactError, match="is not a checkpoint"):
        tiny.fit(tiny.net(), CONFIG, checkpoint=path, resume=True)


def test_a_checkpoint_of_another_version_is_refused(tiny, path):
    interrupt(tiny, CONFIG, path)
    tensors, metadata = read_tensors(path)
    state = {**json.loads(metadata["checkpoint"]), "version": 99}
    write_tensors(path, tensors, {"checkpoint": json.dumps(state)})
    with pytest.raises(ArtifactError, match="is a checkpoint of version 99, and this rnnkit reads"):
        tiny.fit(tiny.net(), CONFIG, checkpoint=path, resume=True)


def test_a_kill_in_the_middle_of_writing_leaves_a_whole_checkpoint(workers, path):
    moments = random.Random(0)
    for _ in range(8):
        printed = workers.kill("write", path, lines=1, wait=moments.uniform(0, 0.02))
        saved = read_checkpoint(path)
        number = saved.history.train_loss[0]
        assert int(printed[-1]) <= number <= int(printed[-1]) + 1
        assert torch.all(saved.model["weight"] == number)


class Clock:
    """A clock that moves only when it is told to."""

    now = 100.0

    def perf_counter(self):
        return self.now


def test_writing_takes_a_small_share_of_the_time(path, monkeypatch):
    clock, written = Clock(), []

    def write(path, state):
        written.append(state)
        clock.now += 0.002

    monkeypatch.setattr(checkpoint, "time", clock)
    monkeypatch.setattr(checkpoint, "write_checkpoint", write)
    file = CheckpointFile(path)
    for epoch in range(1, 1001):
        clock.now += 0.005
        file.update(lambda epoch=epoch: epoch, last=epoch == 1000)
    assert written[0] == 1
    assert written[-1] == 1000
    assert len(written) * 0.002 < 0.055 * (clock.now - 100)
    written.clear()
    file = CheckpointFile(path)
    for epoch in range(1, 11):  # writing is cheap beside slow epochs: each has its checkpoint
        clock.now += 0.05
        file.update(lambda epoch=epoch: epoch, last=False)
    assert written == list(range(1, 11))
