"""The examples run, and show what they promise."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from rnnkit.baselines import LastValue, SeasonalNaive

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> str:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_has_a_test_here():
    here = Path(__file__).read_text(encoding="utf-8")
    names = [path.name for path in EXAMPLES.glob("*.py")]
    assert names
    assert [name for name in names if f'run_example("{name}")' not in here] == []


def test_deep_sine_beats_the_linear_regression(run_example):
    out = run_example("deep_sine.py")
    rmse = {name: float(value) for name, value in re.findall(r"^(.+?) +RMSE ([\d.]+)$", out, re.M)}
    assert list(rmse) == ["last value", "linear regression", "SimpleRNN"]
    assert rmse["SimpleRNN"] < 0.9 * rmse["linear regression"] < rmse["last value"]


def test_cells_by_hand_equal_the_wrapper_and_the_layer(run_example):
    out = run_example("cells_by_hand.py")
    differences = [float(value) for value in re.findall(r"largest difference (\S+)$", out, re.M)]
    assert len(differences) == 2
    assert max(differences) < 1e-6


def test_hello_learns_its_words_by_heart(run_example):
    out = run_example("hello.py")
    losses = [float(value) for value in re.findall(r"^\w+: loss ([\d.]+)$", out, re.MULTILINE)]
    assert len(losses) == 2
    assert max(losses) < 0.01
    read = re.findall(r"^  (\w+) -> (\w+)$", out, re.MULTILINE)
    assert read == 2 * [("hell", "ello"), ("appl", "pple"), ("lobb", "obby")]
    assert "overfit check" in out


def test_classify_texts_reads_the_order_of_words(run_example):
    out = run_example("classify_texts.py")
    accuracy = {n: float(v) for n, v in re.findall(r"^(.+): accuracy ([\d.]+)$", out, re.MULTILINE)}
    assert list(accuracy) == ["network", "majority class", "TF-IDF words + logistic regression"]
    assert accuracy["network"] > 0.9 > 0.7 > accuracy["TF-IDF words + logistic regression"]
    assert "is better than the best baseline" in out
    praise = [float(value) for value in re.findall(r": praise ([\d.]+)$", out, re.MULTILINE)]
    assert praise[0] > 0.5 > praise[1]
    assert 0 <= praise[2] <= 1  # of an empty text


def test_tag_words_reads_the_words_beside(run_example):
    out = run_example("tag_words.py")
    accuracy = {n: float(v) for n, v in re.findall(r"^(.+): accuracy ([\d.]+)$", out, re.MULTILINE)}
    assert accuracy["network"] > 0.97 > 0.9 > accuracy["most frequent tag"]
    assert "the/DET old/ADJ cook/NOUN can/AUX watch/VERB the/DET plan/NOUN" in out


def test_forecast_airline_leaves_a_run(run_example, tmp_path):
    out = run_example("forecast_airline.py")
    assert "1961-12-01  Passengers" in out
    assert "best baseline" in out
    assert (tmp_path / "runs" / "airline-example" / "model.safetensors").is_file()


def test_forecast_shops_beats_what_knows_no_offers(run_example, tmp_path, monkeypatch):
    monkeypatch.setattr(  # AutoARIMA and ETS take seconds for each shop
        "rnnkit.tasks.forecasting.evaluation.series_baselines", lambda: [LastValue, SeasonalNaive]
    )
    out = run_example("forecast_shops.py")
    model, other = re.search(r"The GRU \(MASE (\S+)\) beats .* \((\S+)\), by", out).groups()
    assert float(model) < 0.7 * float(other)
    assert "Share of the outcomes that lay in the interval" in out
    assert len(re.findall(r"^shop 8 2025-0[56]-\d\d +sold ", out, re.MULTILINE)) == 7
    assert (tmp_path / "runs" / "shops-example" / "model.safetensors").is_file()
    assert not (tmp_path / "runs" / "shops-example.partial").exists()
