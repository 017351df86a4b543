import subprocess
import sys

import pytest
import torch
from torch import nn

from rnnkit.training.optimizer import AdamW


def parameters():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 7), (5,), (), (65,)]
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def give_gradients(values, step):
    generator = torch.Generator().manual_seed(step)
    for number, value in enumerate(values):
        gradient = torch.randn(value.shape, generator=generator)
        # The second has none at first, the third only now and then, the last never.
        skipped = (number == 1 and step < 2) or (number == 2 and step % 3) or number == 3
        value.grad = None if skipped else gradient


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_it_computes_the_bits_of_torch(weight_decay):
    ours, theirs = parameters(), parameters()
    optimizer = AdamW(ours, weight_decay)
    reference = torch.optim.AdamW(theirs, weight_decay=weight_decay, fused=True)
    for step in range(10):
        rate = 0.1 / (step + 1)
        give_gradients(ours, step)
        give_gradients(theirs, step)
        optimizer.step(rate)
        reference.param_groups[0]["lr"] = rate
        reference.step()
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert torch.equal(ours[3], parameters()[3])
    assert not torch.equal(ours[1], parameters()[1])


def test_its_state_goes_on_where_it_was():
    whole, first, second = parameters(), parameters(), parameters()
    optimizers = [AdamW(values, 0.1) for values in (whole, first, second)]
    for step in range(8):
        half = 1 if step < 4 else 2
        if step == 4:
            optimizers[2].load_state_dict(optimizers[1].state_dict())
            for a, b in zip(second, first, strict=True):
                a.data.copy_(b)
        for chosen in (0, half):
            give_gradients(optimizers[chosen].parameters, step)
            optimizers[chosen].step(0.1)
    assert all(torch.equal(a, b) for a, b in zip(whole, second, strict=True))


def test_zero_grad_forgets():
    values = parameters()
    optimizer = AdamW(values, 0.0)
    give_gradients(values, 3)
    assert len(optimizer.gradients()) == 3
    optimizer.zero_grad()
    assert optimizer.gradients() == []
    optimizer.step(0.1)
    assert torch.equal(values[0], parameters()[0])


def test_training_imports_neither_the_compiler_nor_rich():
    code = (
        "import sys, torch\n"
        "from rnnkit import SequenceBatch\n"
        "from rnnkit.training import Trainer, TrainingConfig\n"
        "class Ones:\n"
        "    def __len__(self): return 4\n"
        "    def batch(self, index): return SequenceBatch(torch.ones(len(index), 2, 1))\n"
        "loss = lambda m, b: (m(b.values).square().sum(), torch.tensor(len(b)))\n"
        "Trainer(TrainingConfig(epochs=2)).fit(torch.nn.Linear(1, 1), loss, Ones(), Ones())\n"
        "assert not {'torch._dynamo', 'rich'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
