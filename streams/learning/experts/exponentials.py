"""The exponentials of many numbers at once: three times as quick as one call each, and the same bits on every
kind of processor, since nothing but sums, products and shifts is used.

exp(x) = 2^k exp(r), where k is x / log(2) rounded and r, what is left, is within .35: there fourteen terms of
the series are exact to the last bits (Cody and Waite, "Software Manual for the Elementary Functions", 1980).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

F64 = NDArray[np.float64]
LEAST, MOST = -708.0, 709.0
"""What lies beyond counts as these: their exponentials are the last ones that are normal numbers."""
ROUNDING = 1.5 * 2.0**52
"""A sum with it holds the other one, rounded, in its last bits."""
PER_LOG_2 = 1.0 / math.log(2.0)
LOG_2_HIGH, LOG_2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
T = tuple(1.0 / math.factorial(k) for k in range(14))
"""The terms of the series."""


@compiled
def exponentials(x: F64) -> None:
    """Put exp(x) in the place of each x [n], right to within two units of the last place. No NaN."""
    power = np.empty(len(x))
    bits = power.view(np.int64)
    for i in range(len(x)):
        value = min(max(x[i], LEAST), MOST)
        rounded = value * PER_LOG_2 + ROUNDING
        k = rounded - ROUNDING
        r = (value - k * LOG_2_HIGH) - k * LOG_2_LOW
        p = (((T[13] * r + T[12]) * r + T[11]) * r + T[10]) * r + T[9]
        p = (((p * r + T[8]) * r + T[7]) * r + T[6]) * r + T[5]
        p = (((p * r + T[4]) * r + T[3]) * r + T[2]) * r + T[1]
        x[i] = p * r + T[0]
        power[i] = rounded
    for i in range(len(x)):
        bits[i] = (bits[i] + 1_023) << 52
    for i in range(len(x)):
        x[i] *= power[i]
