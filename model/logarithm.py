"""The logarithm as arithmetic that a compiler can do for many numbers at a time.

The C library's is one call a number. This one is Sun's (fdlibm, `e_log.c`): plain sums, products and one
division, in float64, without a branch. So it gives the same bits on every processor, alone and in a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled_with

ONE_BITS, ROOT_BITS = np.uint64(0x3FF0_0000_0000_0000), np.uint64(0x3FE6_A09E_0000_0000)
"""Of 1, and of the root of 1/2 as far as its upper half says it."""
FRACTION, EXPONENT = np.uint64(0x000F_FFFF_FFFF_FFFF), np.uint64(52)
WHOLE_BITS, WHOLE = np.uint64(0x4330_0000_0000_0000), 4_503_599_627_370_496.0
"""Of 2 ** 52: a whole number below it, put into these bits, is that much more than it."""
BIAS = 1_023.0
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
L1, L2, L3 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01
L4, L5 = 2.222219843214978396e-01, 1.818357216161805012e-01
L6, L7 = 1.531383769920937332e-01, 1.479819860511658591e-01


@compiled_with(error_model="numpy")
def log1p_of_count(count: float) -> float:
    """log(1 + count) for counts and seconds, none below 0, to 1 unit in the last place of a float64; what is
    far below 1 is lost in the sum.
    """
    bits = np.float64(1.0 + count).view(np.uint64) + (ONE_BITS - ROOT_BITS)
    # 1 + count = 2 ** power * part, with part between the roots of 1/2 and of 2.
    power = np.uint64((bits >> EXPONENT) | WHOLE_BITS).view(np.float64) - (WHOLE + BIAS)
    part = np.uint64((bits & FRACTION) + ROOT_BITS).view(np.float64)
    f = part - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    rest = w * (L2 + w * (L4 + w * L6)) + z * (L1 + w * (L3 + w * (L5 + w * L7)))
    half = 0.5 * f * f
    return s * (half + rest) + power * LN2_LOW - half + f + power * LN2_HIGH


@compiled_with(error_model="numpy")
def log_counts(counts: NDArray[np.float64]) -> None:
    """Put log(1 + count) in the place of each of `counts` [n]."""
    for k in range(len(counts)):
        counts[k] = log1p_of_count(counts[k])
