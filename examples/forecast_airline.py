"""The airline passengers 12 months ahead, beside the baselines.

    python examples/forecast_airline.py

One network instead of the five that the defaults average, to be done in seconds.
"""

from rnnkit import Forecaster
from rnnkit.data.airline import airline_passengers

model = Forecaster(cell="gru", horizon=12, ensemble=1)
model.fit(airline_passengers(), time="Month", target="Passengers")
print(model.predict())
print(model.evaluate()["verdict"])
model.save("runs/airline-example")
