"""The airline passengers, which statsforecast carries."""

from __future__ import annotations

import pandas as pd

from rnnkit.errors import MissingExtraError


def airline_passengers() -> pd.DataFrame:
    """Return the monthly totals of international airline passengers, in thousands, 1949 to 1960.

    Source: Box & Jenkins, "Time Series Analysis: Forecasting and Control" (1976), series G.

    Returns:
        144 rows with the columns `Month` (`"1949-01"`) and `Passengers`.

    Raises:
        MissingExtraError: if statsforecast is not installed.
    """
    try:
        from statsforecast.utils import AirPassengersDF
    except ImportError:
        raise MissingExtraError(
            "the airline passengers come with statsforecast, which is not installed:"
            ' pip install "rnnkit[forecast]"'
        ) from None
    frame: pd.DataFrame = pd.DataFrame(
        {
            "Month": AirPassengersDF["ds"].dt.strftime("%Y-%m"),
            "Passengers": AirPassengersDF["y"].astype(int),
        }
    )
    return frame
