import io
import sys
from functools import partial

import pytest

from rnnkit.messages import Message
from rnnkit.report.language import render
from rnnkit.training import EpochState, History, Progress, Trainer, TrainingConfig, progress

CONTROL = "\x1b"


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def state(epoch, epochs=300, validation=0.25):
    best = None if validation is None else 0.125
    return EpochState(epoch, epochs, 0.5, validation, 1e-3, 0.1, max(1, epoch - 1), best)


def show(shown, clock, *, title="", epochs=300, seconds=0.125, history=None, stopped="epochs"):
    history = History() if history is None else history
    shown.start(title, epochs, history)
    for epoch in range(len(history) + 1, epochs + 1):
        clock.now += seconds
        shown.update(state(epoch, epochs), stopped if epoch == epochs else None)
    shown.stop()


def test_plain_lines_of_fast_epochs_come_once_a_second(clock):
    stream = io.StringIO()
    show(Progress(stream=stream), clock, title="member 2/5")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 38
    assert lines[0] == (
        "member 2/5: epoch 8/300, loss 0.5, validation 0.25, best 0.125 in epoch 7,"
        " at most 0:36 left"
    )
    assert lines[-1] == (
        "member 2/5: epoch 300/300, loss 0.5, validation 0.25, best 0.125 in epoch 299, done"
    )
    assert stream.getvalue().isascii()
    assert CONTROL not in stream.getvalue()


def test_slow_epochs_have_one_line_each(clock):
    stream = io.StringIO()
    show(Progress(stream=stream), clock, epochs=40, seconds=200)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 40
    assert lines[0].startswith("epoch 1/40, loss 0.5,")
    assert lines[0].endswith(", at most 2:10:00 left")


def test_without_validation_there_is_no_best():
    stream = io.StringIO()
    shown = Progress(stream=stream)
    shown.start("", 1, History())
    shown.update(state(1, 1, validation=None), "epochs")
    assert stream.getvalue() == "epoch 1/1, loss 0.5, done\n"


@pytest.mark.parametrize(
    ("stopped", "text"),
    [
        ("patience", "stopped early"),
        ("time limit", "time limit passed"),
        ("callback", "stopped by a callback"),
    ],
)
def test_the_last_line_says_why_training_stopped(clock, stopped, text):
    stream = io.StringIO()
    show(Progress(stream=stream), clock, epochs=3, stopped=stopped)
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(text)


def test_time_left_after_a_resume_counts_only_what_was_just_trained(clock):
    history = History(train_loss=[1.0] * 100, best_epoch=100)
    stream = io.StringIO()
    show(Progress(stream=stream), clock, epochs=102, seconds=7, history=history)
    assert stream.getvalue().splitlines()[0].endswith(", at most 0:07 left")


def test_a_stream_that_cannot_write_a_title_gets_a_substitute(clock):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    show(Progress(stream=stream), clock, title="항공 1/5", epochs=1)
    assert raw.getvalue().startswith(b"?? 1/5: epoch 1/1")


def test_every_word_is_said_in_the_language_that_is_asked_for(clock, monkeypatch):
    stream = io.StringIO()
    title = Message("network {number}/{count}", {"number": 1, "count": 5})
    korean = partial(render, language="ko")
    show(Progress(stream=stream, render=korean), clock, title=title, epochs=2, seconds=7)
    assert stream.getvalue().splitlines() == [
        "신경망 1/5: 에폭 1/2, 손실 0.5, 검증 0.25, 최저 0.125(에폭 1), 최대 0:07 남음",
        "신경망 1/5: 에폭 2/2, 손실 0.5, 검증 0.25, 최저 0.125(에폭 1), 완료",
    ]
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    show(Progress(stream=terminal, render=korean), clock, epochs=2, stopped="patience")
    assert "에폭" in terminal.getvalue()
    assert "2/2 손실 0.5, 검증 0.25, 최저 0.125, 조기 종료" in terminal.getvalue()


def test_quiet_shows_nothing(clock):
    for stream in (io.StringIO(), Terminal()):
        show(Progress(quiet=True, stream=stream), clock)
        assert stream.getvalue() == ""


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_has_one_line_for_each_training(clock, monkeypatch, columns):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    shown = Progress(stream=stream)
    for member in (1, 2):
        show(shown, clock, title=f"member {member}/2", epochs=20)
    text = stream.getvalue()
    assert CONTROL in text
    final = [line for line in text.split("\n") if "done" in line]
    assert len(final) == 2
    for line, title in zip(final, ("member 1/2", "member 2/2"), strict=True):
        for part in (title, "20/20", "loss 0.5", "validation 0.25", "best 0.125", "done"):
            assert part in line
        assert ("━" in line) == (columns == 120)
    assert "at most 0:0" in text


def test_a_bar_is_drawn_a_few_times_a_second_at_most(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    few, many = Terminal(), Terminal()
    show(Progress(stream=few), clock, epochs=500, seconds=0.005)
    show(Progress(stream=many), clock, epochs=500, seconds=0.5)
    assert few.getvalue().count("loss 0.5") <= 15
    assert many.getvalue().count("loss 0.5") >= 500


def test_a_dumb_terminal_gets_plain_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    show(Progress(stream=stream), clock, epochs=1)
    assert stream.getvalue().startswith("epoch 1/1, ")
    assert CONTROL not in stream.getvalue()


def test_only_a_bar_needs_rich(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setitem(sys.modules, "rich.console", None)
    stream = io.StringIO()
    show(Progress(stream=stream), clock, epochs=1)
    assert stream.getvalue().startswith("epoch 1/1")
    with pytest.raises(ImportError):
        show(Progress(stream=Terminal()), clock, epochs=1)


def test_lines_go_to_standard_error(clock, capsys):
    show(Progress(), clock, epochs=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("epoch 1/1")


def test_a_bar_is_closed_when_training_fails(tiny, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    shown = Progress(stream=stream)

    def fail(model, batch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(TrainingConfig(), progress=shown).fit(tiny.net(), fail, tiny.Waves(8))
    assert stream.getvalue().count("\x1b[?25h") == 1  # the cursor is shown again


def test_the_trainer_shows_its_epochs(tiny):
    stream = io.StringIO()
    trainer = Trainer(TrainingConfig(epochs=2), progress=Progress(stream=stream), title="waves")
    history = trainer.fit(tiny.net(), tiny.squared, tiny.Waves(8))
    assert stream.getvalue() == f"waves: epoch 2/2, loss {history.train_loss[1]:.4g}, done\n"


def test_a_finished_training_that_is_resumed_shows_nothing(tiny, tmp_path):
    config, path = TrainingConfig(epochs=2), tmp_path / "x.safetensors"
    Trainer(config).fit(tiny.net(), tiny.squared, tiny.Waves(8), checkpoint=path)
    for stream in (io.StringIO(), Terminal()):
        trainer = Trainer(config, progress=Progress(stream=stream))
        trainer.fit(tiny.net(), tiny.squared, tiny.Waves(8), checkpoint=path, resume=True)
        assert stream.getvalue() == ""
