"""The sales of eight shops a week ahead, with the days on which each has an offer.

    python examples/forecast_shops.py

One network learns from all shops. It knows the offers of the coming week beforehand, and forecasts
a shop that has just opened, too.
"""

import numpy as np
import pandas as pd

from rnnkit import Forecaster

DAYS = 140


def shop(number: int, days: int) -> pd.DataFrame:
    """Return the last `days` of a shop, and the week after them: the offers are known by now."""
    random = np.random.default_rng(number)
    dates = pd.date_range("2025-01-06", periods=DAYS + 7, freq="D")[DAYS - days :]
    offer = random.random(days + 7) < 0.2
    week = 1 + 0.3 * np.sin(2 * np.pi * (dates.dayofweek.to_numpy() + number) / 7)
    sold = 10 ** random.uniform(1, 4) * week * (1 + 0.5 * offer) * random.normal(1, 0.05, days + 7)
    sold[-7:] = np.nan  # still to come
    return pd.DataFrame({"day": dates, "shop": f"shop {number}", "sold": sold, "offer": offer})


known = pd.concat(shop(number, DAYS) for number in range(8))
model = Forecaster(cell="gru", horizon=7, ensemble=1, epochs=40)
model.fit(known, time="day", target="sold", series_id="shop", future_covariate="offer")
print(model.evaluate()["verdict"])
print(model.evaluate()["test"]["intervals"])
print(model.predict(shop(8, days=10)).round(1).to_string(index=False))
model.save("runs/shops-example")
