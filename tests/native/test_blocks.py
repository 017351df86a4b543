"""Memory that serves again: never while someone has it, and little more than was in use at once."""

from __future__ import annotations

import gc
import os
import threading

import pytest
import torch

from rnnkit.layers import LSTM
from rnnkit.ops import native
from rnnkit.ops.calls import uncleared

pytestmark = pytest.mark.skipif(
    native.kernels is None, reason="rnnkit is installed without native kernels"
)
MIB = 1 << 20


def floats(mebibytes):
    """An uncleared tensor of so many MiB."""
    return uncleared(torch.empty(0), (mebibytes, MIB // 4))


def sizes():
    gc.collect()
    return native.kernels.block_sizes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_block_is_a_tensor_like_any_other(dtype):
    used, _, _ = sizes()
    tensor = uncleared(torch.empty(0, dtype=dtype), (3, 5, 7, 20011))
    assert sizes()[0] >= used + tensor.nbytes
    assert tensor.shape == (3, 5, 7, 20011)
    assert tensor.dtype == dtype
    assert tensor.is_contiguous()
    assert tensor.data_ptr() % 64 == 0
    tensor.fill_(2)
    assert tensor.sum() == 2 * tensor.numel()
    view = tensor[1, 2]
    del tensor
    assert sizes()[0] > used, "a view holds the memory"
    assert (view == 2).all()
    del view
    assert sizes()[0] == used


def test_small_tensors_are_pytorchs():
    used, _, _ = sizes()
    tensor = uncleared(torch.empty(0), (MIB // 32 - 1,))
    assert sizes()[0] == used
    assert tensor.shape == (MIB // 32 - 1,)


def test_what_was_given_back_serves_again_for_about_the_same_size():
    first = floats(501)  # nothing else is about as large
    address = first.data_ptr()
    del first
    again = floats(451)
    assert again.data_ptr() == address
    del again
    small = floats(351)  # less than three quarters of it
    assert small.data_ptr() != address


def test_little_more_is_kept_than_was_in_use_at_once():
    held = [floats(8), floats(8)]
    held.clear()
    for mebibytes in (3, 5, 11, 20, 2, 9, 40, 13):
        tensor = floats(mebibytes)
        used, kept, most = sizes()
        assert used + kept <= most + most // 4
        assert used >= tensor.nbytes
        del tensor
        used, kept, most = sizes()
        assert used + kept <= most + most // 4


def test_blocks_in_use_are_never_given_twice():
    """Threads take, fill and free at random; what they wrote stays."""
    failures = []

    def work(seed):
        generator = torch.Generator().manual_seed(seed)
        held = {}
        for step in range(200):
            size = int(torch.randint(1, 6, (), generator=generator))
            value = float(seed * 1000 + step)
            held[value] = floats(size).fill_(value)
            if len(held) > 4:
                oldest = next(iter(held))
                if not bool((held.pop(oldest) == oldest).all()):
                    failures.append(oldest)
        failures.extend(value for value, tensor in held.items() if not (tensor == value).all())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_graphs_that_are_kept_keep_their_numbers():
    """A later call must not write where an earlier one saved its gates."""
    torch.manual_seed(0)
    layer, x = LSTM(40, 64, bidirectional=True), torch.randn(90, 30, 40, requires_grad=True)
    layer(x)[0].sum().backward()  # which takes the kernels' scratch
    used, _, _ = sizes()
    y, _ = layer(x)
    assert sizes()[0] >= used + 2 * 90 * 30 * 4 * 64 * 4, "the gates lie in a block"
    wanted = [x, *layer.parameters()]
    dy = torch.randn_like(y)
    first = torch.autograd.grad(y, wanted, dy, retain_graph=True)
    for _ in range(3):
        other, _ = layer(torch.randn_like(x))
        torch.autograd.grad(other, wanted[1:], dy)
    second = torch.autograd.grad(y, wanted, dy)
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one, two)
    del y, other, first, second, one, two
    assert sizes()[0] == used


def test_training_steps_use_the_same_memory_again():
    layer, x = LSTM(40, 64), torch.randn(90, 60, 40)

    def step():
        y, _ = layer(x)
        y.sum().backward()

    step()
    most = sizes()[2]
    for _ in range(5):
        step()
    assert sizes()[2] == most


def test_a_forked_child_takes_and_gives_blocks():
    held = floats(4).fill_(7)
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # PyTorch's own threads do not outlive a fork
        mine = floats(4).fill_(1)
        del mine
        os._exit(0 if bool((held == 7).all()) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (held == 7).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at most 4 dimensions"):
        native.kernels.empty(False, (1, 1, 1, 1, 1 << 20))
    with pytest.raises(MemoryError):
        native.kernels.empty(False, (1 << 50,))
    capsule = native.kernels.empty(True, (1 << 18,))
    used, _, _ = sizes()
    del capsule  # that nobody made a tensor of
    assert sizes()[0] == used - 8 * (1 << 18)
