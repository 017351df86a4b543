"""How a process ends that is piped, cut off, interrupted or killed."""

import functools
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from safetensors.torch import load_file

from rnnkit import load

COMMAND = [sys.executable, "-W", "default", "-c", "from rnnkit.cli import main; main()"]
LONG = ("--epochs", 100_000, "--patience", 100_000)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")


def start(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # A job in the background ignores Ctrl-C, and its children would too.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, preexec_fn=heard, **options)


def wait_until(happened, process):
    while not happened():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def test_a_pipe_gets_lines_without_codes_or_warnings_of_libraries(here, tested):
    with start("forecast", "sales.csv", *tested, "--ensemble", 2, "--epochs", 3) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    epochs = re.compile(r"network [12]/2: epoch [123]/3, loss \S+, validation \S+, best .*")
    lines = err.splitlines()
    assert [line for line in lines if not epochs.fullmatch(line)] == []
    assert 2 <= len(lines) == len(set(lines)) <= 6
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out + err)
    assert "warning" not in err.lower()
    assert re.search(r"AutoARIMA.*ETS|ETS.*AutoARIMA", out, re.DOTALL)
    assert "The GRU (RMSE" in out


def test_a_forecast_goes_through_a_pipe_and_a_reader_may_leave(here, run):
    with start("predict", "runs/sales") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert list(pd.read_csv(io.StringIO(out)))[:3] == ["time", "target", "value"]
    with start("predict", "runs/sales") as process:
        process.stdout.close()  # as `head` does, before there is anything to read
        err = process.stderr.read()
    assert err == ""
    assert process.returncode in (0, 1)


def test_ctrl_c_keeps_the_work_and_says_how_to_go_on(here, untested, tmp_path):
    shutil.copy("sales.csv", "my sales.csv")  # a name that a shell would split
    out = here / "runs" / "my sales"
    checkpoint = here / "runs" / "my sales.partial" / "checkpoint" / "network-0.safetensors"
    arguments = ("forecast", "my sales.csv", *untested, "--dropout", 0.1, *LONG)
    with start(*arguments, "--time-limit", 600, "--log") as process:
        wait_until(checkpoint.exists, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert "nothing is lost, go on with: rnnkit forecast 'my sales.csv'" in last
    assert not out.exists()
    again = shlex.split(last.partition("go on with: ")[2])
    assert again == ["rnnkit", *map(str, arguments), "--time-limit", "600", "--log", "--resume"]
    written = checkpoint.stat().st_mtime_ns
    with start(*again[1:]) as process:
        wait_until(lambda: checkpoint.stat().st_mtime_ns > written, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == last  # no second --resume


def test_what_was_killed_ends_with_the_weights_of_one_that_was_not(here, rnnkit, untested):
    options = (*untested, "--dropout", 0.2, "--epochs", 150, "--patience", 150)
    partial = here / "runs" / "sales.partial"
    checkpoint = partial / "checkpoint" / "network-0.safetensors"
    with start("forecast", "sales.csv", *options) as process:
        wait_until(checkpoint.exists, process)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (here / "runs" / "sales").exists()
    assert "sales is not finished" in rnnkit("predict", "runs/sales").err
    other = rnnkit("forecast", "sales.csv", *options, "--seed", 5, "--resume")
    assert other.code == 2
    assert "options.seed (was 0, now 5)" in other.err
    resumed = rnnkit("forecast", "sales.csv", *options, "--resume")
    assert resumed.code == 0
    assert not partial.exists()
    assert rnnkit("forecast", "sales.csv", *options, "--out", "whole").code == 0
    one, other = (
        load_file(p / "model.safetensors") for p in (here / "whole", partial.parent / "sales")
    )
    assert one.keys() == other.keys()
    assert all(one[name].equal(other[name]) for name in one)
    again = rnnkit("forecast", "sales.csv", *options, "--resume")
    assert again.code == 2
    assert "nothing to resume: runs/sales is finished already" in again.err


def press(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "place", ["rnnkit.tasks.forecasting.run.read_to_fit", "rnnkit.data.header.check_columns"]
)
def test_ctrl_c_before_anything_was_trained_promises_nothing(
    here, rnnkit, untested, everything, monkeypatch, place
):
    before = everything(here)
    monkeypatch.setattr(place, press)
    result = rnnkit("forecast", "sales.csv", *untested)
    assert (result.code, result.out) == (130, "")
    assert result.err == "error: interrupted\n"
    assert everything(here) == before


def test_ctrl_c_while_predicting(run, rnnkit, monkeypatch):
    monkeypatch.setattr("rnnkit.tasks.load", press)
    result = rnnkit("predict", "runs/sales")
    assert (result.code, result.out, result.err) == (130, "", "error: interrupted\n")


def test_starting_anew_says_what_becomes_of_an_interrupted_training(
    here, rnnkit, untested, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("rnnkit.tasks.forecasting.run.write_run", press)
        assert rnnkit("forecast", "sales.csv", *untested).code == 130
    result = rnnkit("forecast", "sales.csv", *untested)
    assert result.code == 0
    assert "An interrupted training was found and is started over" in result.out
    assert "found" not in rnnkit("forecast", "sales.csv", *untested).out


def test_running_again_replaces_the_run_and_a_failure_does_not(here, rnnkit, untested, everything):
    assert rnnkit("forecast", "sales.csv", *untested).code == 0
    (here / "runs" / "sales" / "forecast.csv").write_text("old")
    before = everything(here)
    assert rnnkit("forecast", "sales.csv", *untested, "--context", 500).code == 2
    assert everything(here) == before
    assert rnnkit("forecast", "sales.csv", *untested, "--seed", 1).code == 0
    assert (here / "runs" / "sales" / "forecast.csv").read_text() != "old"
    assert load(here / "runs" / "sales").config.seed == 1
    assert [entry.name for entry in (here / "runs").iterdir()] == ["sales"]
