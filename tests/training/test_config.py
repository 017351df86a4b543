import dataclasses
import math

import pytest

from rnnkit.errors import ConfigError
from rnnkit.training import TrainingConfig


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("epochs", 0, "epochs must be a whole number of at least 1, got 0"),
        ("epochs", 2.0, "epochs must be a whole number of at least 1, got 2.0"),
        ("epochs", True, "epochs must be a whole number of at least 1, got True"),
        ("batch_size", -3, "batch_size must be a whole number of at least 1, got -3"),
        ("learning_rate", 0, "learning_rate must be a number above 0, got 0"),
        ("learning_rate", "1e-3", "learning_rate must be a number above 0, got '1e-3'"),
        ("learning_rate", math.nan, "learning_rate must be a number above 0, got nan"),
        ("learning_rate", None, "learning_rate must be a number above 0, got None"),
        ("weight_decay", -0.1, "weight_decay must be a number of at least 0, got -0.1"),
        ("patience", 0, "patience must be a whole number of at least 1, got 0"),
        ("clip_norm", 0.0, "clip_norm must be a number above 0, got 0.0"),
        ("clip_norm", math.inf, "clip_norm must be a number above 0, got inf"),
        ("time_limit", -1, "time_limit must be a number above 0, got -1"),
        ("seed", -1, "seed must be a whole number of at least 0, got -1"),
        ("seed", None, "seed must be a whole number of at least 0, got None"),
        ("device", "gpu", "device must be 'cpu', 'cuda' or 'cuda:N', got 'gpu'"),
        ("device", "meta", "device must be 'cpu', 'cuda' or 'cuda:N', got 'meta'"),
        ("device", 3, "device must be 'cpu', 'cuda' or 'cuda:N', got 3"),
        (
            "schedule",
            "cosin",
            "schedule must be one of constant, cosine, plateau, got 'cosin'; "
            "did you mean 'cosine'?",
        ),
        ("schedule", None, "schedule must be one of constant, cosine, plateau, got None"),
    ],
)
def test_wrong_option_is_refused_in_one_sentence(option, value, text):
    with pytest.raises(ConfigError) as error:
        TrainingConfig(**{option: value})
    assert str(error.value) == text


def test_limits_are_accepted():
    config = TrainingConfig(
        epochs=1,
        batch_size=1,
        learning_rate=1,
        weight_decay=0,
        patience=1,
        clip_norm=None,
        time_limit=1,
        device="cuda:1",
    )
    assert TrainingConfig(**dataclasses.asdict(config)) == config
