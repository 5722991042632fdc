"""Half precision (IEEE 754 binary16) in compiled code, which has no such numbers: their bits."""

from __future__ import annotations

import numpy as np

from model.compiled import compiled

ONE, KEPT = np.uint32(1), np.uint32(13)  # KEPT: so many bits of a float32's fraction are lost
SIGN, REST = np.uint32(0x8000_0000), np.uint32(0x7FFF_FFFF)
INFINITE, TOO_LARGE = np.uint32(0x7F80_0000), np.uint32(0x4780_0000)  # 2 ** 16
NORMAL = np.uint32(0x3880_0000)  # 2 ** -14, the least half with all its bits
REBIASED = np.uint32((127 - 15) << 23)
ADDED = np.float32(0.5)  # beside it a float32 has as many bits as a half below `NORMAL`
ADDED_BITS = np.uint32(0x3F00_0000)


@compiled
def half_bits(value: np.float32) -> np.uint16:
    """The bits of the nearest half, of two the even one: those that numpy's `astype(np.float16)` gives."""
    bits = np.float32(value).view(np.uint32)
    sign, size = np.uint32((bits & SIGN) >> np.uint32(16)), np.uint32(bits & REST)
    if size >= TOO_LARGE:
        half = np.uint32(0x7C00)
        if size > INFINITE:  # not a number, and not without a fraction
            half = max(np.uint32(half | ((size & ~INFINITE) >> KEPT)), np.uint32(0x7C01))
    elif size < NORMAL:
        half = np.uint32(np.float32(np.float32(abs(value)) + ADDED).view(np.uint32) - ADDED_BITS)
    else:
        odd = (size >> KEPT) & ONE
        half = np.uint32((size - REBIASED + np.uint32(0xFFF) + odd) >> KEPT)
    return np.uint16(sign | half)
