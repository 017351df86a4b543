"""What options of all tasks take: the numbers of numpy, and no more than could be meant."""

import json
from fractions import Fraction

import numpy as np
import pytest

from rnnkit.errors import ConfigError
from rnnkit.tasks.forecasting.config import ForecastConfig
from rnnkit.tasks.labels.config import ClassifyConfig, RegressConfig
from rnnkit.tasks.language.config import LanguageConfig
from rnnkit.tasks.tagging.config import TagConfig
from rnnkit.tasks.tagging.tagger import SequenceTagger


def test_numbers_of_numpy_are_those_of_python():
    config = TagConfig(
        hidden_size=np.int64(5),
        dropout=np.float32(0.25),
        test_size=np.float64(0.5),
        seed=np.uint8(3),
    )
    assert config == TagConfig(hidden_size=5, dropout=0.25, test_size=0.5, seed=3)
    assert [type(v) for v in (config.hidden_size, config.dropout, config.seed)] == [int, float, int]
    assert json.loads(json.dumps(config.to_json()))["hidden_size"] == 5
    assert SequenceTagger(hidden_size=np.int32(7)).config.hidden_size == 7
    levels = ForecastConfig(horizon=np.int16(2), levels=tuple(np.array([50, 90]))).levels
    assert levels == (50, 90)
    assert {type(level) for level in levels} == {int}


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_size": np.float64(5.0)},
        {"hidden_size": np.bool_(True)},
        {"hidden_size": True},
        {"hidden_size": np.array([5, 6])},
        {"hidden_size": np.int64(0)},
        {"crf": 1},
        {"dropout": True},
        {"dropout": np.float32(1.0)},
        {"dropout": Fraction(3, 2)},
        {"dropout": "0.5"},
    ],
    ids=str,
)
def test_what_is_no_number_of_the_kind_is_still_refused(options):
    with pytest.raises(ConfigError, match="must be"):
        TagConfig(**options)


def test_a_flag_stays_one():
    assert TagConfig(crf=True).crf is True


@pytest.mark.parametrize("kind", [TagConfig, ClassifyConfig, RegressConfig, LanguageConfig])
@pytest.mark.parametrize("name", ["hidden_size", "layers", "epochs", "batch_size", "patience"])
def test_no_option_is_without_an_upper_limit(kind, name):
    with pytest.raises(ConfigError, match=f"{name} must be at most"):
        kind(**{name: 10**18})


@pytest.mark.parametrize(
    ("kind", "name", "most"),
    [
        (TagConfig, "layers", 100),
        (TagConfig, "letter_hidden_size", 100_000),
        (ClassifyConfig, "vocabulary_size", 10_000_000),
        (ClassifyConfig, "ensemble", 1000),
        (RegressConfig, "ngrams", 20),
        (LanguageConfig, "vocabulary_size", 10_000_000),
        (ForecastConfig, "hidden_size", 100_000),
        (ForecastConfig, "ensemble", 1000),
        (ForecastConfig, "horizon", 10_000_000),
    ],
)
def test_the_most_that_is_taken(kind, name, most):
    other = {"horizon": 1} if kind is ForecastConfig else {}
    kind(**{**other, name: most})
    with pytest.raises(ConfigError, match=f"{name} must be at most {most}, got {most + 1}"):
        kind(**{**other, name: most + 1})
