"""The operators within PyTorch: opcheck, compile, export, second gradients, what is refused."""

from __future__ import annotations

import io
import os
import shutil

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rnnkit import ops
from rnnkit.errors import BackendError
from rnnkit.layers import GRU, LSTM, SimpleRNN
from rnnkit.ops import native, reference
from rnnkit.ops.spec import CELLS

from . import cases

pytestmark = pytest.mark.skipif(
    native.kernels is None, reason="rnnkit is installed without native kernels"
)
sanitized = pytest.mark.skipif(
    "RNNKIT_NATIVE" in os.environ, reason="under the sanitizers a compiler takes minutes"
)
each_cell = pytest.mark.parametrize("cell", CELLS)
exactly = {"rtol": 0, "atol": 0}
closely = {"rtol": 1e-4, "atol": 1e-5}


class Recorder(TorchDispatchMode):
    """Keeps what our operators are called with."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace == "rnnkit":
            self.calls.append((function, args))
        return function(*args, **(kwargs or {}))


def recorded(problem, wanted):
    """Return the calls of our operators by a case forward and backward."""
    with Recorder() as recorder:
        cases.run(native.run, problem, wanted)
    return recorder.calls


def detached(arguments):
    return tuple(a.detach() if isinstance(a, torch.Tensor) else a for a in arguments)


# --- opcheck: the schema is true, the fake tensors have the real shapes and strides, gradients go
# through what PyTorch traces

VARIANTS = {
    "plain": {},
    "no bias, time-major": {"bias": False, "time_major": True},
    "both directions, ragged": {"directions": 2, "lengths": "ragged"},
    "reverse, masks": {"reverse": True, "mask": True, "dropout": True},
    "slices": {"layout": "slices", "feed": "slices", "directions": 2, "time_major": True},
}


# opcheck takes seconds: LSTM meets all, the others what differs most from what is plain.
OPCHECKS = [("lstm", variant) for variant in VARIANTS] + [
    (cell, variant) for cell in CELLS if cell != "lstm" for variant in list(VARIANTS)[2:4]
]


@pytest.mark.parametrize(("cell", "variant"), OPCHECKS)
def test_opcheck(cell, variant):
    problem = cases.make(cell, (3, 4, 2, 5), torch.float64, **VARIANTS[variant])
    # No NaN: opcheck compares what it gets.
    case = problem.case._replace(x=problem.case.x.nan_to_num())
    outer = tuple(gradient.nan_to_num() for gradient in problem.outer)
    calls = recorded(cases.Problem(case, outer), cases.names(case))
    assert [function.name() for function, _ in calls] == ["rnnkit::layer", "rnnkit::layer_backward"]
    (layer, arguments), (backward, backward_arguments) = calls
    for keep in (True, False):
        *most, _ = detached(arguments)
        torch.library.opcheck(layer, (*most, keep))
    learnt = [
        a.requires_grad_() if isinstance(a, torch.Tensor) and a.is_floating_point() else a
        for a in detached(arguments)
    ]
    torch.library.opcheck(layer, tuple(learnt))
    torch.library.opcheck(backward, detached(backward_arguments))


@pytest.mark.parametrize("wanted", [["x"], ["w_hh[0]"], ["h0"], ["dropout[0]"]], ids=str)
def test_opcheck_where_few_gradients_are_wanted(wanted):
    problem = cases.make("lstm", (3, 4, 2, 5), dropout=True, feeds=(False, False, True))
    (_, (backward, arguments)) = recorded(problem, wanted)
    torch.library.opcheck(backward, detached(arguments))


# --- a model with our layers, compiled and exported


class Tagger(nn.Module):
    def __init__(self, backend="auto"):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        options = {"batch_first": True, "backend": backend}
        self.lstm = LSTM(5, 6, 2, bidirectional=True, dropout=0.0, **options)
        self.gru = GRU(12, 7, recurrent_dropout=0.0, reset_after=False, **options)
        self.rnn = SimpleRNN(7, 3, nonlinearity="relu", **options)
        self.linear = nn.Linear(3, 4)

    def forward(self, tokens, mask=None):
        y, (h_n, c_n) = self.lstm(self.embedding(tokens), mask=mask)
        y, h = self.gru(y)
        y, last = self.rnn(y)
        return self.linear(y), h_n.sum() + 2 * c_n.sum() + 3 * h.sum() + last.sum()


def tagger(**options):
    torch.manual_seed(0)
    return Tagger(**options)


def gradients(model, call, *inputs):
    y, extra = call(*inputs)
    loss = y.square().sum() + extra
    return y, torch.autograd.grad(loss, list(model.parameters()))


@pytest.fixture
def fresh_compiler():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


TOKENS = torch.randint(11, (4, 9), generator=torch.Generator().manual_seed(0))
MASK = torch.rand(4, 9, generator=torch.Generator().manual_seed(1)) < 0.7


def runs_on_native(model, *inputs):
    with Recorder() as recorder, torch.no_grad():
        model(*inputs)
    return len(recorder.calls) == 4  # one for each layer of the stacks


@sanitized
@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize(
    ("mask", "dynamic"), [(None, False), (MASK, True)], ids=["all steps", "masked, dynamic"]
)
def test_compiled_whole(mask, dynamic):
    model = tagger()
    inputs = (TOKENS,) if mask is None else (TOKENS, mask)
    assert runs_on_native(model, *inputs)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    y, expected = gradients(model, model, *inputs)
    y_compiled, found = gradients(model, compiled, *inputs)
    torch.testing.assert_close(y_compiled, y, **exactly)
    torch.testing.assert_close(found, expected, **closely)
    with torch.no_grad():
        torch.testing.assert_close(compiled(*inputs), model(*inputs))
    if dynamic:
        more = (torch.cat([TOKENS, TOKENS])[:7, :5], *(m.repeat(2, 1)[:7, :5] for m in inputs[1:]))
        torch.testing.assert_close(compiled(*more)[0], model(*more)[0], **exactly)


@sanitized
@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # PyTorch's own calls
def test_compiled_with_inductor():
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("inductor needs a C++ compiler")
    torch.manual_seed(0)
    layer, x = GRU(3, 5, batch_first=True), torch.randn(2, 4, 3)
    compiled = torch.compile(lambda x: layer(torch.sin(x))[0] * 2, fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(torch.sin(x))[0] * 2, **closely)


@sanitized
@pytest.mark.usefixtures("fresh_compiler")
def test_compiled_with_lengths():
    """The check that lengths lie in 0..T looks at them, so that a graph ends there."""
    layer = GRU(3, 5, batch_first=True)
    x, lengths = torch.randn(3, 6, 3), torch.tensor([6, 0, 4])
    compiled = torch.compile(layer, backend="aot_eager")
    torch.testing.assert_close(
        compiled(x, lengths=lengths)[0], layer(x, lengths=lengths)[0], **exactly
    )


@sanitized
@pytest.mark.usefixtures("fresh_compiler")
def test_a_compiled_model_trains():
    model, plain = tagger(), tagger()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for it, call in ((model, compiled), (plain, plain)):
        optimizer = torch.optim.SGD(it.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            y, extra = call(TOKENS)
            (y.square().mean() + 0.01 * extra).backward()
            optimizer.step()
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), **closely)


@sanitized
@pytest.mark.parametrize("grad", [True, False])
def test_exported_and_loaded(grad):
    model = tagger().eval()
    with torch.set_grad_enabled(grad):
        batch = torch.export.Dim("batch", min=2, max=50)
        program = torch.export.export(
            model, (TOKENS, MASK), dynamic_shapes=({0: batch}, {0: batch}), strict=False
        )
    assert str(program.graph).count("rnnkit.layer.default") == 4
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    loaded = torch.export.load(buffer).module()
    for tokens, mask in ((TOKENS, MASK), (TOKENS[:3], MASK[:3])):
        torch.testing.assert_close(loaded(tokens, mask), model(tokens, mask), **exactly)


# --- gradients of gradients


@each_cell
@pytest.mark.parametrize("options", [{}, {"directions": 2, "lengths": "ragged"}], ids=str)
def test_gradcheck_and_gradgradcheck(cell, options):
    if cell == "rnn_relu":
        options = {**options, "seed": 3}
    problem = cases.make(cell, (2, 3, 2, 2), torch.float64, **options)
    leaves = [t.nan_to_num().requires_grad_() for t in cases.tensors(problem.case)]

    def function(*leaves):
        y, states = native.run(cases.replaced(problem.case, list(leaves)))
        return (y, *states)

    assert torch.autograd.gradcheck(function, leaves)
    assert torch.autograd.gradgradcheck(function, leaves)


@each_cell
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_of_gradients_are_those_of_the_reference(cell, variant):
    problem = cases.make(cell, (3, 5, 2, 4), torch.float64, **VARIANTS[variant])

    def second(backend):
        leaves = [t.detach().requires_grad_() for t in cases.tensors(problem.case)]
        y, states = backend(cases.replaced(problem.case, leaves))
        loss = y.square().sum() + sum((k + 2) * s.pow(3).sum() for k, s in enumerate(states))
        first = torch.autograd.grad(loss, leaves, create_graph=True)
        with torch.no_grad():
            valid = [g.nan_to_num() for g in first]
        torch.testing.assert_close(valid, list(first))
        penalty = sum((k + 1) * g.square().sum() for k, g in enumerate(first))
        return first, torch.autograd.grad(penalty, leaves, allow_unused=True)

    torch.testing.assert_close(second(native.run), second(reference.run))


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM, GRU])
def test_a_layer_that_feeds_itself_counts_no_path_twice(kind):
    """Here x and the initial state depend on the weights that their gradients are taken beside."""

    def taken(backend, create_graph):
        torch.manual_seed(0)
        layer = kind(4, 4, backend=backend).double()
        y, states = layer(torch.randn(5, 2, 4).double())
        y, states = layer(y, states)
        loss = y.square().sum()
        parameters = list(layer.parameters())
        first = torch.autograd.grad(loss, parameters, create_graph=create_graph)
        if not create_graph:
            return first
        penalty = sum(g.square().sum() for g in first)
        return first, torch.autograd.grad(penalty, parameters)

    first, second = taken("native", True)
    torch.testing.assert_close(first, taken("native", False))
    torch.testing.assert_close((first, second), taken("reference", True))


def test_a_penalty_on_gradients_trains_as_the_reference_does():
    """WGAN-GP's: the gradient of a gradient in a step of training, some parameters frozen."""

    def trained(backend):
        torch.manual_seed(0)
        layer = LSTM(3, 5, 2, batch_first=True, bidirectional=True, backend=backend).double()
        layer.weight_hh_l0.requires_grad_(False)
        x = torch.randn(4, 6, 3, dtype=torch.float64, requires_grad=True)
        (dx,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
        (dx.flatten(1).norm(dim=1) - 1).square().mean().backward()
        return [parameter.grad for parameter in layer.parameters()]

    torch.testing.assert_close(trained("native"), trained("reference"))


# --- how autograd is used


def test_only_a_dropout_mask_learns():
    problem = cases.make("lstm", (3, 4, 2, 5), dropout=True)
    assert cases.check(problem, ["dropout[0]"])


def test_backward_twice_and_after_the_graph_is_gone():
    layer, x = GRU(3, 4, backend="native"), torch.randn(5, 2, 3)
    y = layer(x)[0].sum()
    first = torch.autograd.grad(y, list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(y, list(layer.parameters()))
    torch.testing.assert_close(first, second, **exactly)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(y, list(layer.parameters()))


@pytest.mark.parametrize("what", ["y", "x", "weight"])
def test_what_the_backward_pass_needs_may_not_change_before_it(what):
    layer = LSTM(3, 4, backend="native")
    x = torch.randn(5, 2, 3)
    y, _ = layer(x)
    changed = {"y": y, "x": x, "weight": layer.weight_hh_l0}[what]
    with torch.no_grad():
        changed.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_checkpointed():
    layer = GRU(3, 4, 2, backend="native")
    x = torch.randn(5, 2, 3, requires_grad=True)
    plain = torch.autograd.grad(layer(x)[0].sum(), x)
    y, _ = torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False)
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x), plain, **exactly)


def test_nothing_is_kept_where_nothing_learns():
    layer = LSTM(3, 4, backend="native")
    for mode in (torch.no_grad, torch.inference_mode):
        with mode(), Recorder() as recorder:
            y, _ = layer(torch.randn(5, 2, 3))
        assert not y.requires_grad
        ((_, arguments),) = recorder.calls
        assert arguments[-1] is False
    frozen = LSTM(3, 4, backend="native").requires_grad_(False)
    with Recorder() as recorder:
        assert not frozen(torch.randn(5, 2, 3))[0].requires_grad
    assert recorder.calls[0][1][-1] is False


# --- stale weights: the packed copies are made anew in every call


def changes():
    def optimiser(layer):
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
        for parameter in layer.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()

    def loaded(layer):
        layer.load_state_dict({k: v * 2 + 0.1 for k, v in layer.state_dict().items()})

    def data(layer):
        layer.weight_hh_l0.data[1, 2] += 3

    def replaced(layer):
        layer.weight_ih_l0.data = layer.weight_ih_l0.data * 3

    def new(layer):
        layer.bias_hh_l0 = nn.Parameter(layer.bias_hh_l0.detach() + 2)

    def through_numpy(layer):
        layer.weight_hh_l0.detach().numpy()[0, 0] += 5

    return (optimiser, loaded, data, replaced, new, through_numpy)


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("change", changes(), ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", [SimpleRNN, LSTM, GRU])
def test_no_call_sees_weights_of_the_past(kind, change, mode):
    torch.manual_seed(0)
    layer = kind(3, 17, backend="native")
    x = torch.randn(5, 2, 3)
    with mode():
        before = layer(x)[0].clone()
        torch.testing.assert_close(layer(x)[0], before, **exactly)
    change(layer)
    with mode():
        after = layer(x)[0].clone()
    twin = kind(3, 17, backend="reference")
    twin.load_state_dict(layer.state_dict())
    torch.testing.assert_close(
        after, twin(x)[0].detach() if not after.requires_grad else twin(x)[0]
    )
    assert not torch.allclose(after, before, atol=1e-4)


def test_no_gradient_sees_weights_of_the_past():
    torch.manual_seed(0)
    layer, twin = GRU(3, 17, backend="native"), GRU(3, 17, backend="reference")
    x = torch.randn(5, 2, 3)
    for _ in range(3):
        twin.load_state_dict(layer.state_dict())
        found = [torch.autograd.grad(it(x)[0].sum(), list(it.parameters())) for it in (layer, twin)]
        torch.testing.assert_close(*found)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.add_(0.3)


# --- what is refused, by name


def small():
    return torch.randn(7, 2, 3, 2), torch.randn(5, 2), torch.randn(5, 5)


def call(x, w_ih, w_hh, backend="native"):
    return ops.simple_rnn(x, w_ih, w_hh, backend=backend)[0]


def test_vmap_is_refused_by_name():
    x, *weights = small()
    for function in (torch.vmap, torch.func.vmap):
        with pytest.raises(BackendError, match=r"vmap .* backend='reference'"):
            function(lambda x: call(x, *weights))(x)
    expected = torch.stack([call(each, *weights) for each in x])
    got = torch.vmap(lambda x: call(x, *weights, backend="reference"))(x)
    torch.testing.assert_close(got, expected)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own call
@pytest.mark.parametrize("transform", ["grad", "jacrev", "jacfwd", "hessian"])
def test_transforms_of_functions_are_refused_by_name(transform):
    x, *weights = small()
    with pytest.raises(BackendError, match="use backend='reference'"):
        getattr(torch.func, transform)(lambda x: call(x, *weights).sum())(x[0])


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own call
def test_forward_mode_is_refused_by_name():
    x, *weights = small()
    with torch.autograd.forward_ad.dual_level():
        for learns in (False, True):
            dual = torch.autograd.forward_ad.make_dual(
                x[0].clone().requires_grad_(learns), torch.ones_like(x[0])
            )
            with pytest.raises(BackendError, match="forward-mode"):
                call(dual, *weights)
        # A level that no argument takes part in hinders nothing.
        torch.testing.assert_close(call(x[0], *weights), call(x[0], *weights, backend="reference"))


def test_gradients_in_batches_are_refused():
    x, *weights = small()
    x = x[0].requires_grad_()
    with pytest.raises((BackendError, RuntimeError), match="rnnkit"):
        torch.autograd.grad(call(x, *weights), x, torch.ones(4, 2, 3, 5), is_grads_batched=True)


def test_autocast_goes_elsewhere_or_is_refused_by_name():
    layer, x = GRU(3, 4), torch.randn(5, 2, 3)
    native_layer = GRU(3, 4, backend="native")
    with torch.autocast("cpu", torch.bfloat16):
        with Recorder() as recorder:
            y, _ = layer(x)
        assert not recorder.calls
        assert y.dtype == nn.GRU(3, 4)(x)[0].dtype
        with pytest.raises(BackendError, match="autocast asks for bfloat16"):
            native_layer(x)
        with torch.autocast("cpu", enabled=False):
            assert native_layer(x)[0].dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_other_dtypes_are_refused_by_name(dtype):
    layer = LSTM(3, 4, dtype=dtype, backend="native")
    with pytest.raises(BackendError, match=str(dtype).removeprefix("torch.")):
        layer(torch.randn(5, 2, 3, dtype=dtype))
