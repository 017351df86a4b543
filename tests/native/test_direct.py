"""The kernels past the dispatcher: the same bits as through it, and only where nothing watches."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.ops import direct, native

pytestmark = pytest.mark.skipif(
    native.kernels is None, reason="rnnkit is installed without native kernels"
)
LAYERS = {
    "rnn": lambda: SimpleRNN(3, 5),
    "lstm": lambda: LSTM(3, 5, 2, bidirectional=True),
    "gru": lambda: GRU(3, 5, recurrent_dropout=0.2),
}


class Watcher(TorchDispatchMode):
    """Sees every operator, and changes none."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.name())
        return function(*args, **(kwargs or {}))


@pytest.fixture
def through_dispatcher(monkeypatch):
    """Count the calls that go through the dispatcher."""
    calls = []

    def note(name):
        operator = getattr(torch.ops.rnnkit, name)

        def counted(*arguments):
            calls.append(name)
            return operator(*arguments)

        return counted

    class Operators:
        layer = staticmethod(note("layer"))
        layer_backward = staticmethod(note("layer_backward"))

    class Ops:
        rnnkit = Operators

    class Torch:
        ops = Ops

        def __getattr__(self, name):
            return getattr(torch, name)

    monkeypatch.setattr(direct, "torch", Torch())
    return calls


def gradients(layer, x, *, seed=1):
    torch.manual_seed(seed)  # of the recurrent dropout
    y, _ = layer(x)
    dy = torch.linspace(-1, 1, y.numel()).view(y.shape)
    return [y.detach(), *torch.autograd.grad(y, [x, *layer.parameters()], dy)]


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_bits_with_and_without_the_dispatcher(name, through_dispatcher):
    layer, x = LAYERS[name](), torch.randn(7, 4, 3, requires_grad=True)
    found = gradients(layer, x)
    assert through_dispatcher == []
    with Watcher() as watcher:
        expected = gradients(layer, x)
    assert watcher.names.count("rnnkit::layer") == layer.num_layers
    assert watcher.names.count("rnnkit::layer_backward") == layer.num_layers
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def test_a_profiler_sees_the_operators(through_dispatcher):
    layer, x = SimpleRNN(3, 5), torch.randn(7, 4, 3)
    with torch.profiler.profile() as profile:
        layer(x)[0].sum().backward()
    names = {event.key for event in profile.key_averages()}
    assert {"rnnkit::layer", "rnnkit::layer_backward"} <= names
    through_dispatcher.clear()
    layer(x)
    assert through_dispatcher == []


class Wrapped(torch.Tensor):
    """A tensor without memory of its own, as those of distributed or quantised tensors."""

    @staticmethod
    def __new__(cls, inner):
        made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        plain = [a.inner if isinstance(a, cls) else a for a in args]
        return function(*plain, **(kwargs or {}))


def test_subclasses_and_views_that_are_not_what_memory_says_go_through_the_dispatcher(
    through_dispatcher,
):
    layer, x = SimpleRNN(3, 5), torch.randn(7, 4, 3)
    with torch.no_grad():
        expected = layer(x)[0]
        assert torch.equal(layer(Wrapped(x))[0], expected)
        assert through_dispatcher == ["layer"]
        negative = torch.complex(torch.zeros_like(x), -x).conj().imag
        assert negative.is_neg()
        assert torch.equal(negative, x)
        assert torch.equal(layer(negative)[0], expected)
        assert len(through_dispatcher) == 2


def test_a_gradient_that_is_wrapped_goes_through_the_dispatcher(through_dispatcher):
    layer, x = GRU(3, 5), torch.randn(7, 4, 3)
    y, _ = layer(x)
    dy = torch.complex(torch.zeros_like(y), torch.ones_like(y)).conj().imag
    assert dy.is_neg()
    torch.autograd.grad(y, list(layer.parameters()), dy)
    assert through_dispatcher == ["layer_backward"]


def test_what_was_changed_in_place_before_the_gradients_is_refused():
    layer, x = GRU(3, 5), torch.randn(7, 4, 3)
    y, _ = layer(x)
    with torch.no_grad():
        layer.weight_hh_l0.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("name", LAYERS)
def test_checkpointing_recomputes_and_keeps_no_gates(name):
    layer, x = LAYERS[name]().eval(), torch.randn(7, 4, 3, requires_grad=True)
    expected = gradients(layer, x)
    kept = []
    y = checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    assert [tensor is x for tensor in kept] == [True]  # what it recomputes from
    dy = torch.linspace(-1, 1, y.numel()).view(y.shape)
    found = torch.autograd.grad(y, [x, *layer.parameters()], dy)
    for one, other in zip(found, expected[1:], strict=True):
        assert torch.equal(one, other)


def test_saved_tensors_go_through_the_hooks():
    layer, x = LSTM(3, 5), torch.randn(7, 4, 3)
    expected = gradients(layer, x.requires_grad_())
    packed = []

    def pack(tensor):
        packed.append(tensor.shape)
        return tensor.double()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor.float()):
        found = gradients(layer, x)
    assert torch.Size([1, 7, 4, 20]) in packed  # the gates
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
