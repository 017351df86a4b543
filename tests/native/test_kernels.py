"""The kernels against the reference: outputs, states and every gradient, whatever the case."""

import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnkit.ops import native, reference
from rnnkit.ops.case import Case
from rnnkit.ops.spec import CELLS

from . import cases

pytestmark = pytest.mark.skipif(
    native.kernels is None, reason="rnnkit is installed without native kernels"
)

QUICK = "RNNKIT_QUICK" in os.environ  # test_isas.py sets it
EXAMPLES = 60 if QUICK else 250
WANTED = {
    "x": lambda name: name == "x",
    "weights": lambda name: name[0] in "wb",
    "states": lambda name: name in ("h0", "c0"),
    "dropout": lambda name: name.startswith("dropout"),
    "one bias": lambda name: name == "b_hh[0]",
}
each_cell = pytest.mark.parametrize("cell", CELLS)
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@pytest.fixture(autouse=True, scope="module")
def new_memory_holds_nan():
    """What a kernel reads and nothing has written shows as NaN."""
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(autouse=True)
def threads():
    """Give the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def wanted(problem, what):
    every = cases.names(problem.case)
    return [name for name in every if WANTED[what](name)] if what in WANTED else every


def fill_scratch_with_nan():
    """Leave NaN in the memory that the kernels keep from call to call."""
    problem = cases.make("lstm", (9, 12, 40, 90), torch.float64)
    nan = [torch.full_like(tensor, float("nan")) for tensor in cases.tensors(problem.case)]
    spoilt = problem._replace(case=cases.replaced(problem.case, nan))
    assert cases.run(native.run, spoilt, ["x", "w_ih[0]"]).gradients["x"].isnan().all()


@st.composite
def problems(draw):
    directions = draw(st.sampled_from([1, 1, 2]))
    cell = draw(st.sampled_from(list(CELLS)))
    shape = (
        draw(st.integers(0, 40)),
        draw(st.integers(1, 40)),
        draw(st.integers(1, 70)),
        draw(st.integers(1, 100)),
    )
    return cases.make(
        cell,
        shape,
        draw(st.sampled_from([torch.float32, torch.float64])),
        seed=draw(st.integers(0, 2**20)),
        directions=directions,
        layers=draw(st.sampled_from([1, 1, 1, 2])),
        bias=draw(st.booleans()),
        reverse=directions == 1 and draw(st.booleans()),
        time_major=draw(st.booleans()),
        layout=draw(st.sampled_from(cases.LAYOUTS)),
        lengths=draw(st.sampled_from(["none", "none", "ragged", "ragged", "zero"])),
        mask=draw(st.sampled_from([False, False, True])),
        dropout=draw(st.sampled_from([False, False, True])),
        feed=draw(st.sampled_from(cases.FEEDS)),
        feeds=draw(
            st.sampled_from(
                [
                    (True, True, True),
                    (True, False, False),
                    (False, True, False),
                    (False, False, True),
                ]
                if cell == "lstm"
                else [(True, True), (True, False), (False, True)]
            )
        ),
    )


compared = {"gradients": 0, "kinked": 0}


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    problem=problems(),
    what=st.sampled_from(["all", "all", "all", *WANTED]),
    threads=st.integers(1, 3),
    spoil=st.booleans(),
)
def test_any_case(problem, what, threads, spoil):
    torch.set_num_threads(threads)
    if spoil:
        fill_scratch_with_nan()
    kinked = not cases.check(problem, wanted(problem, what))
    compared["kinked" if kinked else "gradients"] += 1


def test_hardly_a_case_went_uncompared():
    if not compared["gradients"]:
        pytest.skip("test_any_case did not run")
    assert compared["kinked"] <= 0.05 * compared["gradients"], compared


# Weights above a core's own cache, or few rows: threads share the units (csrc/plan.h). The first
# of each group is of one row, two or three; the others cross tiles of rows, chunks and panels.
LARGE = [
    (1, 9, 5, 260),
    (2, 7, 33, 300),
    (3, 5, 270, 257),
    (20, 3, 50, 520),
    (40, 3, 30, 500),
    (5, 150, 3, 131),
]
KINDS = {
    "plain": {},
    "ragged": {"lengths": "ragged", "feed": "ones"},
    "all at once": {"lengths": "ragged", "mask": True, "dropout": True, "reverse": True},
}


@each_cell
@pytest.mark.parametrize("threads", [2] if QUICK else [2, 3])
@pytest.mark.parametrize(("k", "shape"), list(enumerate(LARGE)), ids=str)
def test_threads_that_share_the_units(cell, threads, k, shape):
    kind = list(KINDS.values())[(k + threads + len(cell)) % 3]
    dtype = torch.float64 if (k + threads) % 4 == 0 else torch.float32
    problem = cases.make(cell, shape, dtype, seed=k, **kind)
    torch.set_num_threads(threads)
    cases.check(problem, cases.names(problem.case))


@each_cell
@pytest.mark.parametrize("wants", WANTED)
def test_threads_where_few_gradients_are_wanted(cell, wants):
    """A thread that shares no rows has sums of its own; of those unwanted it has none."""
    problem = cases.make(cell, (24, 20, 30, 40), bias=wants == "one bias", dropout=True)
    torch.set_num_threads(3)
    cases.check(problem, wanted(problem, wants))


# --- bits: csrc/product.h promises that a row's result does not depend on what stands beside it


def forward(problem, threads=1, grad=False):
    torch.set_num_threads(threads)
    leaves = [t.detach().requires_grad_(grad) for t in cases.tensors(problem.case)]
    y, states = native.run(cases.replaced(problem.case, leaves))
    return [y.detach(), *(state.detach() for state in states)]


def some_rows(problem, rows):
    """Return the case of these rows alone (batch first)."""
    case = problem.case
    masks = case.recurrent_dropout_masks
    return problem._replace(
        case=case._replace(
            x=case.x[rows],
            states=tuple(state[:, rows] for state in case.states),
            lengths=None if case.lengths is None else case.lengths[rows],
            mask=None if case.mask is None else case.mask[rows],
            recurrent_dropout_masks=None if masks is None else [mask[rows] for mask in masks],
        )
    )


def same_bits(got, expected):
    assert all(map(torch.equal, got, expected))


@each_cell
@each_dtype
@pytest.mark.parametrize("shape", [(40, 30, 7, 33), (40, 4, 70, 260), (23, 9, 3, 5)], ids=str)
@pytest.mark.parametrize("kind", list(KINDS)[-1:] if QUICK else KINDS)
def test_the_rows_beside_it_change_no_bit_of_a_row(cell, dtype, shape, kind):
    problem = cases.make(cell, shape, dtype, **KINDS[kind])
    whole = forward(problem)
    same_bits(forward(problem), whole)
    same_bits(forward(problem, grad=True), whole)
    for threads in (2, 3):
        same_bits(forward(problem, threads), whole)
        same_bits(forward(problem, threads, grad=True), whole)
    for rows in ([0], [7], [shape[0] - 1], [1, 2], [22, 3, 9], list(range(13)), [5] * 8):
        for threads in (1, 2):
            got = forward(some_rows(problem, rows), threads)
            same_bits(got, [whole[0][rows], *(state[:, rows] for state in whole[1:])])


@each_cell
@pytest.mark.parametrize("cut", [1, 7, 29])
def test_a_sequence_in_two_calls_has_the_bits_of_one(cell, cut):
    problem = cases.make(cell, (5, 30, 6, 37))
    case = problem.case
    y, *states = forward(problem)
    first = forward(problem._replace(case=case._replace(x=case.x[:, :cut])))
    rest = case._replace(x=case.x[:, cut:], states=tuple(first[1:]))
    second = forward(problem._replace(case=rest))
    same_bits([torch.cat([first[0], second[0]], dim=1), *second[1:]], [y, *states])


@each_cell
def test_padding_of_any_width_changes_no_bit(cell):
    problem = cases.make(cell, (6, 11, 4, 19), lengths="ragged")
    case = problem.case
    y, *states = forward(problem)
    wider = torch.cat([case.x, torch.full((6, 300, 4), float("nan"))], dim=1)
    y_wider, *states_wider = forward(problem._replace(case=case._replace(x=wider)))
    same_bits([y_wider[:, :11], *states_wider], [y, *states])
    assert not y_wider[:, 11:].any()
    masked = case._replace(x=wider, lengths=None, mask=torch.arange(311) < case.lengths[:, None])
    same_bits(forward(problem._replace(case=masked)), [y_wider, *states])


@each_cell
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_gradients_have_equal_bits_run_to_run(cell, threads):
    torch.set_num_threads(threads)
    for shape, kind in [((17, 40, 9, 70), "all at once"), ((2, 9, 5, 300), "plain")]:
        problem = cases.make(cell, shape, **KINDS[kind])
        every = cases.names(problem.case)
        first = cases.run(native.run, problem, every)
        for _ in range(3):
            fill_scratch_with_nan()
            again = cases.run(native.run, problem, every)
            assert all(torch.equal(again.gradients[n], first.gradients[n]) for n in every)


# --- numbers at the edges


@each_cell
def test_what_a_row_holds_stays_in_it(cell):
    problem = cases.make(cell, (9, 6, 5, 21), dropout=True)
    case = problem.case
    every = ["x", *(f"{state}0" for state in case.cell.states), "dropout[0]"]
    clean = cases.run(native.run, problem, every)
    x = case.x.clone()
    x[4, 2, 3] = float("nan")
    x[6] = float("inf")
    spoilt = cases.run(native.run, problem._replace(case=case._replace(x=x)), every)
    rows = [0, 1, 2, 3, 5, 7, 8]
    assert spoilt.outputs["y"][4, 2:].isnan().any(dim=1).all()
    assert torch.equal(spoilt.outputs["y"][4, :2], clean.outputs["y"][4, :2])
    for name in ("y", "x", "dropout[0]"):
        before = {**clean.outputs, **clean.gradients}[name]
        assert torch.equal({**spoilt.outputs, **spoilt.gradients}[name][rows], before[rows])
    for name in every[1:-1]:
        assert torch.equal(spoilt.gradients[name][:, rows], clean.gradients[name][:, rows])


@each_cell
@each_dtype
@pytest.mark.parametrize("scale", [1e-30, 30.0, 1e4])
def test_tiny_and_saturated_gates(cell, dtype, scale):
    if cell == "rnn_relu" and scale > 1:
        pytest.skip("grows beyond every number")
    problem = cases.make(cell, (4, 7, 3, 11), dtype)
    case = problem.case
    x = case.x * scale
    zero = [torch.zeros_like(w) if w.dim() == 1 else w for w in case.flat_weights]
    states = tuple(state * min(scale, 1.0) for state in case.states)
    scaled = problem._replace(case=case._replace(x=x, flat_weights=zero, states=states))
    got = cases.run(native.run, scaled, cases.names(case))
    expected = cases.run(reference.run, cases.in_double(scaled), cases.names(case))
    relative = 2e-3 if dtype == torch.float32 else 1e-9
    for name, of in {**expected.outputs, **expected.gradients}.items():
        difference = ({**got.outputs, **got.gradients}[name].double() - of).abs().max()
        assert difference <= relative * of.abs().max() + 1e-300, name


@each_cell
@pytest.mark.parametrize("shape", [(0, 3, 2, 5), (2, 3, 0, 5), (0, 1, 0, 1), (2, 3, 4, 0)], ids=str)
def test_sizes_of_zero(cell, shape):
    problem = cases.make(cell, shape)
    got = cases.run(native.run, problem, cases.names(problem.case))
    expected = cases.run(reference.run, problem, cases.names(problem.case))
    for name, of in {**expected.outputs, **expected.gradients}.items():
        torch.testing.assert_close({**got.outputs, **got.gradients}[name], of)


def test_more_threads_than_rows_units_or_cores():
    problem = cases.make("gru", (3, 400, 20, 40))
    torch.set_num_threads(70)
    try:
        assert cases.check(problem, cases.names(problem.case))
    finally:
        torch.set_num_threads(1)


def test_the_case_is_left_as_it_was():
    problem = cases.make("lstm", (5, 9, 4, 17), lengths="ragged", mask=True, dropout=True)
    before = [tensor.clone() for tensor in cases.tensors(problem.case)]
    before += [gradient.clone() for gradient in problem.outer]
    cases.run(native.run, problem, cases.names(problem.case))
    after = [*cases.tensors(problem.case), *problem.outer]
    for old, new in zip(before, after, strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=0, equal_nan=True)


def test_the_tolerance_sees_a_single_wrong_weight():
    problem = cases.make("gru", (3, 4, 2, 5))
    assert isinstance(problem.case, Case)
    weights = list(problem.case.flat_weights)
    weights[1] = weights[1].clone()
    weights[1][7, 3] += 0.01
    other = problem._replace(case=problem.case._replace(flat_weights=weights))
    got = cases.run(native.run, other, ["x"])
    expected = cases.run(reference.run, cases.in_double(problem), ["x"])
    assert cases.error(got.outputs["y"], expected.outputs["y"]) > 2e-4
