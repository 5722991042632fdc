"""How likely a place is to be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.learning.kept_slates import PLACES_MAX

F64 = NDArray[np.float64]


class Examination:
    """`log_chance` float64 [PLACES_MAX]: of each place, compared with the first, as a logarithm."""

    def __init__(self, eta: float) -> None:
        self.log_chance: F64 = -eta * np.log(np.arange(1, PLACES_MAX + 1))
