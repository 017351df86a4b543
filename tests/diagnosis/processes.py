"""Series whose nature is known."""

import numpy as np

WARM_UP = 200


def autoregression(seed, rows, response, noise=None):
    """Return `y_t = response(y_{t-1}) + noise_t`."""
    e = np.random.default_rng(seed).normal(size=rows + WARM_UP) if noise is None else noise
    y = np.zeros(len(e))
    for t in range(1, len(e)):
        y[t] = response(y[t - 1]) + e[t]
    return y[WARM_UP:]


def white_noise(seed, rows):
    return np.random.default_rng(seed).normal(size=rows)


def random_walk(seed, rows):
    return white_noise(seed, rows).cumsum()


def ar3(seed, rows):
    e = np.random.default_rng(seed).normal(size=rows + WARM_UP)
    y = np.zeros(len(e))
    for t in range(3, len(e)):
        y[t] = 0.5 * y[t - 1] - 0.3 * y[t - 2] + 0.3 * y[t - 3] + e[t]
    return y[WARM_UP:]


def threshold(seed, rows):
    return autoregression(seed, rows, lambda y: (0.8 if y <= 0 else -0.6) * y)


def switching_level(seed, rows):
    return autoregression(seed, rows, lambda y: (1.5 if y <= 0 else -1.5) + 0.5 * y)


def arch(seed, rows, a1=0.55):
    e = np.random.default_rng(seed).normal(size=rows + WARM_UP)
    y = np.zeros(len(e))
    for t in range(1, len(e)):
        y[t] = np.sqrt(1 + a1 * y[t - 1] ** 2) * e[t]
    return y[WARM_UP:]


def garch(seed, rows):
    e = np.random.default_rng(seed).normal(size=rows + WARM_UP)
    y, variance = np.zeros(len(e)), 1.0
    for t in range(1, len(e)):
        variance = 0.1 + 0.2 * y[t - 1] ** 2 + 0.7 * variance
        y[t] = np.sqrt(variance) * e[t]
    return y[WARM_UP:]


def ar_with_arch(seed, rows):
    return autoregression(seed, rows, lambda y: 0.6 * y, noise=arch(seed, rows + WARM_UP, a1=0.5))
