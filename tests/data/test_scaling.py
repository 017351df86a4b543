from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnkit import Forecaster
from rnnkit.data.scaling import ColumnTransform, Levels, SeriesTransform


def test_what_was_logged_is_infinite_beyond_the_largest_number() -> None:
    center = np.zeros(1)
    logged = ColumnTransform(True, "none", 1, center, 1.0, ())
    plain = ColumnTransform(False, "none", 1, center, 1.0, ())
    loc, scale = np.array([[2.0, 3.0]]), np.array([[7.0, 5.0]])
    levels = Levels(loc, scale, np.full((1, 2), 1e-3))
    wanted = np.array([150 * np.log(10) - 1e-6, 150 * np.log(10) + 1e-6, 1e4, -1e4, np.nan, 4.0])
    z = np.stack([(wanted - 2) / 7, np.full(6, 1e4)], axis=-1)[None]
    values = SeriesTransform((logged, plain)).backward(z, levels)
    np.testing.assert_allclose(
        values[0, :, 0], [1e150, np.inf, np.inf, 0, np.nan, np.exp(4)], rtol=1e-5
    )
    assert (values[..., 1] == 50_003).all()


@pytest.mark.parametrize("back", [1, 10])
def test_intervals_after_a_jump_over_a_hundred_powers_of_ten_have_no_upper_end(back: int) -> None:
    rng = np.random.default_rng(0)
    values = np.exp(3.3 + np.sin(np.arange(120) * np.pi / 6) / 3 + rng.normal(0, 0.03, 120))
    values[-back] = 1e90
    frame = pd.DataFrame({"t": pd.date_range("2020-01-01", periods=120, freq="D"), "y": values})
    forecaster = Forecaster(horizon=3, epochs=1, ensemble=1, hidden_size=3).fit(frame)
    ahead = forecaster.predict()
    assert np.isfinite(ahead["value"]).all()
    assert (ahead["lower_95"] <= ahead["value"]).all()
    assert (ahead["upper_95"] >= ahead["value"]).all()
    assert np.isinf(ahead["upper_95"]).any()
    assert np.isfinite(forecaster.evaluate()["test"]["model"]["rmse"])
