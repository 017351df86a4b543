import pytest
import torch

from rnnkit.training import TrainingConfig
from rnnkit.training.schedule import PLATEAU_FACTOR, PLATEAU_PATIENCE, Schedule


def rates(name, losses, learning_rate=0.5):
    config = TrainingConfig(epochs=len(losses), learning_rate=learning_rate, schedule=name)
    schedule = Schedule(config)
    found = []
    for loss in losses:
        found.append(schedule.rate)
        schedule.observe(loss)
    return found


def torch_rates(make, losses, learning_rate=0.5):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], learning_rate)
    schedule = make(optimizer)
    found = []
    for loss in losses:
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*([loss] if "Plateau" in type(schedule).__name__ else []))
    return found


def test_constant_stays():
    assert rates("constant", [3.0, 4.0, 5.0]) == [0.5, 0.5, 0.5]


def test_cosine_is_that_of_torch():
    losses = [None] * 13
    expected = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(losses)),
        losses,
    )
    assert rates("cosine", losses) == pytest.approx(expected, abs=1e-12)
    assert rates("cosine", losses)[-1] > 0


def test_plateau_is_that_of_torch():
    generator = torch.Generator().manual_seed(0)
    losses = (torch.rand(120, generator=generator) - 0.5).tolist()
    losses[60:80] = [losses[0]] * 20  # ties are no better
    expected = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE, threshold=0.0, eps=0.0
        ),
        losses,
    )
    found = rates("plateau", losses)
    assert found == expected
    assert len(set(found)) > 3
