import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.training import epoch_order
from rnnkit.training.sampling import epoch_seed


@given(n=st.integers(0, 50), seed=st.integers(0, 2**40), world=st.integers(1, 7))
def test_every_sample_is_visited_once_by_one_process(n, seed, world):
    parts = [epoch_order(n, seed, 3, rank, world) for rank in range(world)]
    assert sorted(torch.cat(parts).tolist()) == list(range(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_order_is_a_function_of_its_arguments():
    torch.manual_seed(5)
    first = epoch_order(100, seed=1, epoch=2)
    torch.manual_seed(6)
    assert torch.equal(first, epoch_order(100, seed=1, epoch=2))


@pytest.mark.parametrize(("seed", "epoch"), [(1, 3), (2, 2), (2, 1)])
def test_order_changes_with_seed_and_epoch(seed, epoch):
    assert not torch.equal(epoch_order(100, seed=1, epoch=2), epoch_order(100, seed, epoch))


def test_order_does_not_touch_the_random_state_of_torch():
    before = torch.get_rng_state()
    epoch_order(100, seed=1, epoch=2)
    assert torch.equal(before, torch.get_rng_state())


def test_seeds_differ_for_every_use():
    uses = [
        (purpose, seed, epoch, rank, world)
        for purpose in ("order", "noise")
        for seed in (0, 1, 12)
        for epoch in (0, 1, 2, 12)
        for rank, world in ((0, 1), (0, 2), (1, 2))
    ]
    seeds = {epoch_seed(*use) for use in uses}
    assert len(seeds) == len(uses)
    assert all(0 <= seed < 2**63 for seed in seeds)
