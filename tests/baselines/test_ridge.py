import numpy as np
import pytest

from rnnkit.baselines import SkipBaseline, ridge
from rnnkit.baselines.ridge import ALPHAS, RidgeAutoregression

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


def fit(x, y, parts, **options):
    return RidgeAutoregression().fit(x.__getitem__, y, parts, **options)


def penalty(model):
    """The one penalty of all outputs."""
    (alpha,) = set(model.alphas.ravel())
    assert model.alphas.shape == (H, K)
    return alpha


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
    model = fit(x, y, folds())
    asked, _ = problem(0, seed=5)
    outputs = model.predict(asked[:7])
    assert outputs.shape == (7, H, K)
    assert outputs.dtype == np.float64
    np.testing.assert_allclose(
        outputs, by_least_squares(x, y, penalty(model), asked[:7]), atol=1e-9
    )


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("noise", [0.0, 3.0, 10.0, 1000.0])
def test_the_penalty_is_the_one_that_validates_best(noise, count):
    x, y = problem(noise)
    parts = folds(count) if count > 1 else folds(4)[-1:]
    assert penalty(fit(x, y, parts)) == best_alpha(x, y, parts)


def test_noise_asks_for_a_larger_penalty():
    alphas = [penalty(fit(*problem(noise), folds())) for noise in (0, 10, 1000)]
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
    assert penalty(fit(x, y, [first])) == best_alpha(x, y, [first])
    assert penalty(fit(x, y, [first, last])) == best_alpha(x, y, [first, last])


@pytest.mark.parametrize("size", [1.0, 1e5])
def test_inputs_that_are_sums_of_others_are_no_trouble(size):
    x, y = problem(0.5)
    level = size * np.concatenate([x, x, x[..., :1] + x[..., 1:2]], axis=2)
    constant = np.ones((M, T, 1), dtype=np.float32)
    inputs = np.concatenate([level, constant], axis=2).astype(np.float32)
    outputs = fit(inputs, y, folds()).predict(inputs)
    assert np.abs(outputs - y).std() < 1


def test_more_inputs_than_windows_are_no_trouble():
    random = np.random.default_rng(0)
    x = random.normal(size=(12, 30, 2)).astype(np.float32)
    y = x[:, -1:, :1].astype(float)
    parts = [(np.arange(8), np.arange(8, 12))]
    outputs = fit(x, y, parts).predict(x)
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(
        outputs, by_least_squares(x, y, best_alpha(x, y, parts), x), atol=1e-9
    )


def test_constant_targets_are_forecast_exactly():
    x, _ = problem(0)
    outputs = fit(x, np.full((M, H, K), 2.5), folds()).predict(x)
    np.testing.assert_allclose(outputs, 2.5, rtol=1e-12)


def test_windows_are_read_a_part_at_a_time_and_the_parts_do_not_show(monkeypatch):
    x, y = problem(3.0)
    whole = fit(x, y, folds())
    monkeypatch.setattr(ridge, "_CHUNK", 5 * T * F)
    read = []

    def contexts(index):
        read.append(index)
        return x[index]

    model = RidgeAutoregression().fit(contexts, y, folds())
    assert max(len(index) for index in read[1:]) <= 5
    np.testing.assert_array_equal(np.sort(np.concatenate(read[1:])), np.arange(M))
    np.testing.assert_allclose(model.predict(x), whole.predict(x), rtol=1e-10)
    np.testing.assert_array_equal(model.alphas, whole.alphas)


def test_windows_that_no_block_learns_from_count_for_the_last_fit_alone():
    x, y = problem(1.0)
    parts = [(np.arange(20), np.arange(25, 40)), (np.arange(30, 60), np.arange(10))]
    model = fit(x, y, parts)
    assert penalty(model) == best_alpha(x, y, parts)
    expected = by_least_squares(x, y, penalty(model), x)
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-9)


def test_values_far_from_zero_lose_no_digits():
    x, y = problem(0.5)
    far = fit(x.astype(np.float64) + 1e6, y + 1e7, folds())
    near = fit(x.astype(np.float64), y, folds())
    assert penalty(far) == penalty(near)
    outputs = far.predict(x.astype(np.float64) + 1e6)
    np.testing.assert_allclose(outputs - 1e7, near.predict(x), atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_windows_with_a_missing_target_are_left_out_where_nine_in_ten_remain(value):
    x, y = problem(1.0)
    weights = np.ones(y.shape, dtype=bool)
    for m in (3, 17, 30, 31, 44, 59):
        weights[m, m % H, m % K] = False
    kept = np.flatnonzero(weights.all(axis=(1, 2)))
    assert len(kept) == 54
    place = {m: number for number, m in enumerate(kept)}
    parts = folds()
    alone = [
        tuple(np.array([place[m] for m in rows if m in place]) for rows in part) for part in parts
    ]
    model = fit(x, np.where(weights, y, value), parts, weights=weights)
    expected = fit(x[kept], y[kept], alone)
    np.testing.assert_array_equal(model.alphas, expected.alphas)
    np.testing.assert_allclose(model.predict(x), expected.predict(x), atol=1e-9)


@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_each_output_has_its_own_windows_where_many_have_a_missing_target(value):
    x, y = problem(2.0)
    y[..., 1] += 300 * np.random.default_rng(3).normal(size=(M, H))  # asks for a larger penalty
    weights = np.ones(y.shape, dtype=bool)
    weights[::5, 2, 1] = weights[7:20, 4, 0] = False
    model = fit(x, np.where(weights, y, value), folds(), weights=weights)
    for h, k in np.ndindex(H, K):
        kept = np.flatnonzero(weights[:, h, k])
        parts = [tuple(np.flatnonzero(np.isin(kept, rows)) for rows in part) for part in folds()]
        outputs = model.predict(x)[:, h, k]
        alpha = model.alphas[h, k]
        one = y[:, h : h + 1, k : k + 1]
        expected = by_least_squares(x[kept], one[kept], alpha, x)[:, 0, 0]
        np.testing.assert_allclose(outputs, expected, atol=1e-8)
        if (h, k) in ((2, 1), (4, 0)):
            assert alpha == best_alpha(x[kept], one[kept], parts)
    assert len(set(model.alphas.ravel())) > 1


def test_a_target_that_was_never_observed_is_a_reason_to_skip():
    x, y = problem(1.0)
    weights = np.ones(y.shape, dtype=bool)
    weights[:, 1, 1] = False
    with pytest.raises(SkipBaseline, match="a target is missing in all windows"):
        fit(x, y, folds(), weights=weights)


def test_what_would_take_too_long_is_skipped_with_the_estimate_before_it_is_read():
    def contexts(index):
        assert len(index) <= 100
        return np.broadcast_to(np.float32(0), (len(index), 300, 10))

    y = np.broadcast_to(np.float64(0), (300_000, 48, 1))
    parts = [(np.arange(1), np.arange(1, 2))]
    # 300,000 windows × 3,000² products at 30 G a second are 90 s, and there is more to do.
    with pytest.raises(SkipBaseline, match=r"would take about 1\d\d s, more than 30$"):
        RidgeAutoregression().fit(contexts, y, parts)


def test_time_for_the_parts_of_missing_targets_is_counted():
    x, y = problem(1.0)
    weights = np.random.default_rng(0).random(y.shape) < 0.8
    once = ridge._seconds(M, T * F, H * K, 3)
    fit(x, y, folds(), seconds=1.5 * once)
    with pytest.raises(SkipBaseline, match="would take"):
        fit(x, y, folds(), weights=weights, seconds=1.5 * once)
