import dataclasses

import pytest
import torch

from rnnkit import SequenceBatch
from rnnkit.errors import RnnkitError, ShapeError


def test_a_batch_knows_its_length_and_keeps_its_parts():
    values, targets = torch.randn(3, 5, 2), torch.randn(3, 1)
    lengths = torch.tensor([5, 0, 2])
    batch = SequenceBatch(values, lengths=lengths, targets=targets)
    assert len(batch) == 3
    assert batch.values is values
    assert batch.lengths is lengths
    assert batch.targets is targets
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.values = values


@pytest.mark.parametrize("tokens", [False, True])
def test_the_mask_is_true_where_a_value_belongs_to_its_sequence(tokens):
    values = torch.zeros(3, 4, dtype=torch.long) if tokens else torch.zeros(3, 4, 2)
    mask = SequenceBatch(values, lengths=torch.tensor([4, 0, 3])).mask()
    assert mask.dtype == torch.bool
    assert mask.tolist() == [[True] * 4, [False] * 4, [True, True, True, False]]


def test_without_lengths_every_step_counts():
    mask = SequenceBatch(torch.zeros(2, 3, 1)).mask()
    assert mask.shape == (2, 3)
    assert mask.all()


@pytest.mark.parametrize(
    ("shape", "lengths", "targets", "says"),
    [
        ((5,), None, None, r"values must be \(B, T\) or \(B, T, I\), got shape \(5,\)"),
        ((), None, None, "values must be"),
        ((2, 5, 1), [5, 5, 5], None, r"lengths must be \(2,\), got \(3,\)"),
        ((2, 5, 1), [[5, 5]], None, r"lengths must be \(2,\), got \(1, 2\)"),
        ((2, 5, 1), [5, 6], None, r"0\.\.5, got \[5, 6\]"),
        ((2, 5, 1), [-1, 5], None, r"0\.\.5, got \[-1, 5\]"),
        ((2, 5, 1), None, (3, 1), "targets must have 2 rows like values, got 3"),
        ((2, 5, 1), None, (), "targets must have 2 rows"),
    ],
)
def test_parts_that_do_not_fit_are_refused(shape, lengths, targets, says):
    with pytest.raises(ShapeError, match=says) as caught:
        SequenceBatch(
            torch.zeros(shape),
            None if lengths is None else torch.tensor(lengths),
            None if targets is None else torch.zeros(targets),
        )
    assert isinstance(caught.value, RnnkitError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_an_empty_batch_is_a_batch():
    batch = SequenceBatch(torch.zeros(0, 5, 2), lengths=torch.zeros(0, dtype=torch.long))
    assert len(batch) == 0
    assert batch.mask().shape == (0, 5)


def test_to_moves_all_parts():
    values, lengths, targets = torch.ones(2, 3, 1), torch.tensor([1, 3]), torch.ones(2, 1)
    batch = SequenceBatch(values, lengths=lengths, targets=targets).to("cpu")
    assert torch.equal(batch.values, values)
    assert torch.equal(batch.lengths, lengths)
    assert torch.equal(batch.targets, targets)
    assert SequenceBatch(values).to("cpu").targets is None
    # Lengths have values to be checked, which a tensor on this device has not.
    moved = SequenceBatch(values, targets=targets).to("meta")
    assert {moved.values.device.type, moved.targets.device.type} == {"meta"}
