"""The kernels' own logistic function and tanh: every float32, and samples of float64.

An error is counted in units in the last place: the distance of float32 (float64) numbers at the
exact result, which is that of denormal numbers at least.
"""

import os

import numpy as np
import pytest
import torch

from rnnkit.ops import native

kernels = native.kernels
pytestmark = pytest.mark.skipif(
    kernels is None, reason="rnnkit is installed without native kernels"
)

MOST = 4.0  # units in the last place
BLOCK = 1 << 17  # floats at a time: they stay in the cache
STRIDE = 13 if "RNNKIT_QUICK" in os.environ else 1  # blocks; test_isas.py sets it


def apply(function, x):
    y = torch.full_like(x, 123.0)
    call = getattr(kernels, function)
    call(x.dtype == torch.float64, x.data_ptr(), y.data_ptr(), x.numel())
    return y


def bits_of(value):
    return int(np.float32(value).view(np.uint32))


def blocks(first, last):
    """Yield the positive float32 numbers whose bits, as a whole number, are first to last - 1."""
    steps = torch.arange(BLOCK, dtype=torch.int32)
    for start in range(first, last, BLOCK * STRIDE):
        yield (steps[: last - start] + start).view(torch.float32)


def unit(exact):
    """Return the distance between neighbouring float32 at `exact`, a float64."""
    power = (exact.view(torch.int64) & 0x7FF0000000000000).view(torch.float64)
    return (power * 2.0**-23).clamp(min=2.0**-149)


def error(got, exact):
    return ((got.double() - exact).abs() / unit(exact)).max().item()


# From where to where tanh is neither x nor 1, the logistic function neither 1/2 + x/4 nor 0 or 1.
SPANS = {
    "tanh": (bits_of(1e-4), bits_of(9.1)),
    "sigmoid": (bits_of(1e-4), bits_of(104.0)),
}
INFINITY = bits_of(float("inf"))
each_function = pytest.mark.parametrize("function", SPANS)


def test_the_unit_is_that_of_float32():
    values = [1.0, 1.999, 2.0, 0.3, 1e-38, 1.2e-38, 1e-42, 3e38]
    expected = [float(np.spacing(np.float32(value))) for value in values]
    assert unit(torch.tensor(values, dtype=torch.float64)).tolist() == expected


def test_every_float32_that_curves_tanh(record_property):
    worst = 0.0
    for x in blocks(*SPANS["tanh"]):
        got = apply("tanh", x)
        assert torch.equal(apply("tanh", -x), -got)
        assert got.max() <= 1
        worst = max(worst, error(got, torch.tanh(x.double())))
    record_property("units", worst)
    print(f"tanh, float32: {worst:.3f} units in the last place")
    assert worst <= MOST


def test_every_float32_that_curves_the_logistic_function(record_property):
    worst = 0.0
    for x in blocks(*SPANS["sigmoid"]):
        power = torch.exp(-x.double())
        above, below = apply("sigmoid", x), apply("sigmoid", -x)
        assert above.max() <= 1
        assert below.min() >= 0
        worst = max(worst, error(above, 1 / (1 + power)), error(below, power / (1 + power)))
    record_property("units", worst)
    print(f"logistic function, float32: {worst:.3f} units in the last place")
    assert worst <= MOST


def test_every_float32_below():
    """Near zero tanh x = x (1 - x²/3), half a unit from x; the logistic function is 1/2 + x/4."""
    for x in blocks(0, SPANS["tanh"][0]):
        got = apply("tanh", x)
        # Neighbours differ by 1 as whole numbers, denormal ones too.
        assert (got.view(torch.int32) - x.view(torch.int32)).abs().max() + 0.5 <= MOST
        assert torch.equal(apply("tanh", -x).view(torch.int32), (-got).view(torch.int32))
    assert bits_of(1e-10) < SPANS["sigmoid"][0]
    for x in blocks(0, bits_of(1e-10)):
        half, minus = apply("sigmoid", x), apply("sigmoid", -x)
        assert (half == 0.5).all()
        assert (minus == 0.5).all()
    for x in blocks(bits_of(1e-10), SPANS["sigmoid"][0]):
        quarter = x.double() / 4
        assert error(apply("sigmoid", x), 0.5 + quarter) <= MOST
        assert error(apply("sigmoid", -x), 0.5 - quarter) <= MOST


@each_function
def test_every_float32_above(function):
    """Beyond, tanh and the logistic function are 1; 1/(1 + e^x) is below half the least number."""
    for x in blocks(SPANS[function][1], INFINITY + 1):
        above, below = apply(function, x), apply(function, -x)
        assert (above == 1).all()
        assert (below == (-1 if function == "tanh" else 0)).all()


@each_function
def test_every_float32_that_is_no_number(function):
    for x in blocks(INFINITY + 1, 1 << 31):
        assert apply(function, x).isnan().all()
        assert apply(function, -x).isnan().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_ends(dtype):
    inf, nan = float("inf"), float("nan")
    x = torch.tensor([0.0, -0.0, inf, -inf, nan], dtype=dtype)
    tanh, sigmoid = apply("tanh", x), apply("sigmoid", x)
    assert tanh[:4].tolist() == [0.0, 0.0, 1.0, -1.0]
    assert tanh.signbit().tolist()[:4] == [False, True, False, True]
    assert sigmoid[:4].tolist() == [0.5, 0.5, 1.0, 0.0]
    assert tanh[4].isnan()
    assert sigmoid[4].isnan()


@each_function
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_no_count_of_elements_changes_one(function, dtype):
    """Nor is a number beyond the last one written."""
    x = torch.linspace(-7, 7, 67, dtype=dtype)
    whole = apply(function, x)
    for count in range(67):
        y = torch.full_like(x, 5.0)
        getattr(kernels, function)(dtype == torch.float64, x.data_ptr(), y.data_ptr(), count)
        assert torch.equal(y[:count], whole[:count])
        assert (y[count:] == 5).all()


def doubles():
    """Return float64 of all sizes: thick where the functions bend, and where they saturate."""
    generator = torch.Generator().manual_seed(1)

    def some(count):
        return torch.rand(count, generator=generator, dtype=torch.float64)

    sizes = torch.cat(
        [
            10 ** (some(1500) * 308 - 308),
            10 ** (some(3000) * 12 - 9),
            some(3000) * 45,
            some(1500) * 760,
            torch.tensor([5e-324, 2.2250738585072014e-308, 19.06, 22.0, 36.7, 708.4, 745.2, 746.0]),
            (torch.arange(1, 60).double() * np.log(2) / 2),  # where e^y is taken apart anew
        ]
    )
    return torch.cat([sizes, -sizes])


@each_function
def test_float64(function, record_property):
    mpmath = pytest.importorskip("mpmath")
    x = doubles()
    got = apply(function, x)
    worst, at = 0.0, 0.0
    with mpmath.workdps(60):
        for number, result in zip(x.tolist(), got.tolist(), strict=True):
            argument = mpmath.mpf(number)
            exact = mpmath.tanh(argument) if function == "tanh" else 1 / (1 + mpmath.exp(-argument))
            off = float(abs(mpmath.mpf(result) - exact) / np.spacing(abs(float(exact))))
            worst, at = max((worst, at), (off, number))
    record_property("units", worst)
    print(f"{function}, float64: {worst:.3f} units in the last place, at {at!r}")
    assert worst <= MOST
    assert got.abs().max() <= 1
    if function == "sigmoid":
        assert got.min() >= 0


@each_function
def test_a_float64_kernel_is_no_float32_kernel(function):
    x = torch.linspace(-3, 3, 101, dtype=torch.float64)
    assert not torch.equal(apply(function, x), apply(function, x.float()).double())
    np.testing.assert_allclose(apply(function, x), getattr(torch, function)(x), rtol=1e-15)
