"""The diagnosis of a series: its parts, its linear models, and the assumptions they rest on."""

from rnnkit.diagnosis.assumptions import Assumption
from rnnkit.diagnosis.decomposition import Decomposition
from rnnkit.diagnosis.diagnose import Diagnosis, diagnose
from rnnkit.diagnosis.linear_fit import Errors, LinearFit
from rnnkit.diagnosis.linear_models import LinearModel, Orders
from rnnkit.diagnosis.spread import SpreadTest
from rnnkit.diagnosis.stationarity import Stationarity, StationarityTest

__all__ = [
    "Assumption",
    "Decomposition",
    "Diagnosis",
    "Errors",
    "LinearFit",
    "LinearModel",
    "Orders",
    "SpreadTest",
    "Stationarity",
    "StationarityTest",
    "diagnose",
]
