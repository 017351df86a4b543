import numpy as np
import pytest

from rnnkit.baselines import SkipBaseline
from rnnkit.baselines.ridge import ALPHAS, LARGEST, RidgeAutoregression

M, T, F, H, K = 60, 4, 3, 5, 2


def problem(noise, seed=0):
    """Contexts and targets that are a line through them, with noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(M, T, F)).astype(np.float32)
    weights = random.normal(size=(T * F, H * K))
    y = x.reshape(M, -1) @ weights + 3 + noise * random.normal(size=(M, H * K))
    return x, y.reshape(M, H, K)


def folds(count=3):
    blocks = np.array_split(np.arange(M), count)
    return [(np.setdiff1d(np.arange(M), block), block) for block in blocks]


def by_least_squares(x, y, alpha, asked):
    """Ridge as ordinary least squares on rows sqrt(alpha) I appended, the mean set aside."""
    flat, target = x.reshape(len(x), -1).astype(float), y.reshape(len(y), -1)
    mean_x, mean_y = flat.mean(axis=0), target.mean(axis=0)
    P = flat.shape[1]
    rows = np.concatenate([flat - mean_x, np.sqrt(alpha) * np.eye(P)])
    wanted = np.concatenate([target - mean_y, np.zeros((P, target.shape[1]))])
    weights, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    outputs = (asked.reshape(len(asked), -1) - mean_x) @ weights + mean_y
    return outputs.reshape(len(asked), *y.shape[1:])


def best_alpha(x, y, parts):
    errors = [
        sum(np.sum((by_least_squares(x[a], y[a], alpha, x[b]) - y[b]) ** 2) for a, b in parts)
        for alpha in ALPHAS
    ]
    return ALPHAS[int(np.argmin(errors))]


@pytest.mark.parametrize("noise", [0.0, 1.0, 10.0, 100.0])
def test_forecasts_are_the_penalised_least_squares(noise):
    x, y = problem(noise)
    model = RidgeAutoregression().fit(x, y, folds())
    asked, _ = problem(0, seed=5)
    outputs = model.predict(asked[:7])
    assert outputs.shape == (7, H, K)
    assert outputs.dtype == np.float64
    np.testing.assert_allclose(outputs, by_least_squares(x, y, model.alpha, asked[:7]), atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("noise", [0.0, 3.0, 10.0, 1000.0])
def test_the_penalty_is_the_one_that_validates_best(noise, count):
    x, y = problem(noise)
    parts = folds(count) if count > 1 else folds(4)[-1:]
    assert RidgeAutoregression().fit(x, y, parts).alpha == best_alpha(x, y, parts)


def test_noise_asks_for_a_larger_penalty():
    alphas = [RidgeAutoregression().fit(*problem(noise), folds()).alpha for noise in (0, 10, 1000)]
    assert alphas == sorted(alphas)
    assert alphas[0] == ALPHAS[0]
    assert alphas[-1] >= 1000


def test_a_block_that_was_held_out_is_not_learned_from_when_the_penalty_is_chosen():
    x, y = problem(1.0)
    first, last = folds(2)
    # Freaks in rows of no fold's training part cannot make one penalty look better than another
    # by being fitted: only how they are predicted counts, the same for the slow version.
    y = y.copy()
    y[first[1]] += 50
    assert RidgeAutoregression().fit(x, y, [first]).alpha == best_alpha(x, y, [first])
    assert RidgeAutoregression().fit(x, y, [first, last]).alpha == best_alpha(x, y, [first, last])


@pytest.mark.parametrize("size", [1.0, 1e5])
def test_inputs_that_are_sums_of_others_are_no_trouble(size):
    x, y = problem(0.5)
    level = size * np.concatenate([x, x, x[..., :1] + x[..., 1:2]], axis=2)
    constant = np.ones((M, T, 1), dtype=np.float32)
    inputs = np.concatenate([level, constant], axis=2).astype(np.float32)
    outputs = RidgeAutoregression().fit(inputs, y, folds()).predict(inputs)
    assert np.abs(outputs - y).std() < 1


def test_more_inputs_than_windows_are_no_trouble():
    random = np.random.default_rng(0)
    x = random.normal(size=(12, 30, 2)).astype(np.float32)
    y = x[:, -1:, :1].astype(float)
    parts = [(np.arange(8), np.arange(8, 12))]
    outputs = RidgeAutoregression().fit(x, y, parts).predict(x)
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(
        outputs, by_least_squares(x, y, best_alpha(x, y, parts), x), atol=1e-9
    )


def test_constant_targets_are_forecast_exactly():
    x, _ = problem(0)
    outputs = RidgeAutoregression().fit(x, np.full((M, H, K), 2.5), folds()).predict(x)
    np.testing.assert_allclose(outputs, 2.5, rtol=1e-12)


def test_too_many_inputs_are_skipped_with_the_reason():
    # A view of one number: the bound is checked before anything of that size is made.
    x = np.broadcast_to(np.float32(0), (LARGEST // 10 + 1, 10, 1))
    y = np.broadcast_to(np.float64(0), (LARGEST // 10 + 1, 1, 1))
    with pytest.raises(SkipBaseline, match="50,000,010 inputs are more than 50,000,000"):
        RidgeAutoregression().fit(x, y, [(np.arange(1), np.arange(1))])
