"""The names of the anchors that a forecast may start from; see `rnnkit.data.scaling`."""

from __future__ import annotations

from typing import Literal, get_args

Differencing = Literal["none", "difference", "seasonal", "seasonal+difference"]
DIFFERENCING: tuple[Differencing, ...] = get_args(Differencing)
