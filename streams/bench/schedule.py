"""When each event of an open-loop load is due; the schedule does not depend on the system's answers.

Latency counts from these times, not from the times at which a busy generator sends. Otherwise a system that
stalls would hide the wait of all events that are due in between (coordinated omission).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Arrivals = Literal["poisson", "constant"]


def due_s(rate: float, seconds: float, arrivals: Arrivals, seed: int) -> NDArray[np.float64]:
    """Times in [0, seconds), ascending: `rate` a second, evenly or as a Poisson process.

    >>> due_s(4, 1, "constant", seed=0).tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    count = round(rate * seconds)
    if arrivals == "constant":
        return np.arange(count) / rate
    # Given their number, the arrivals of a Poisson process are uniform: every run offers the same count.
    return np.sort(np.random.default_rng(seed).uniform(0.0, seconds, count))
