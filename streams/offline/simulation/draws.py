"""Random numbers that are a function of what they are for: the same visit of the same user draws the same
ones in every world, whatever else happens there (common random numbers).

A number is a hash (SplitMix64's finaliser, Steele et al. 2014) of the seed, a purpose and some integers.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Purpose = Literal["arm", "delay", "examine", "explore", "hostile", "order", "rate", "stars", "tempt", "wait"]
F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]

_PURPOSES = {purpose: number for number, purpose in enumerate(get_args(Purpose))}
_MASK = (1 << 64) - 1
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_UNIT = 2.0**-53


class Draws:
    """Each method takes what the number is for, then integers that name the occasion."""

    def __init__(self, seed: int) -> None:
        self._seed = _mixed(seed & _MASK)

    def uniform(self, purpose: Purpose, *occasion: int) -> float:
        """One number, above 0 and below 1."""
        return ((self._key(purpose, occasion) >> 11) + 0.5) * _UNIT

    def uniforms(self, purpose: Purpose, *occasion: int, each: NDArray[np.int64]) -> F64:
        """One for each of the integers of `each`, as it would be if that stood last in the occasion."""
        mixed = _mixed_all(each.astype(np.uint64) ^ np.uint64(self._key(purpose, occasion)))
        return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * _UNIT

    def exponential(self, purpose: Purpose, *occasion: int) -> float:
        """With mean 1."""
        return -math.log(self.uniform(purpose, *occasion))

    def exponentials(self, purpose: Purpose, *occasion: int, each: NDArray[np.int64]) -> F64:
        """With mean 1, one for each."""
        return -np.log(self.uniforms(purpose, *occasion, each=each))

    def normal(self, purpose: Purpose, *occasion: int) -> float:
        """Standard normal, by the method of Box and Muller."""
        radius = math.sqrt(2.0 * self.exponential(purpose, *occasion, 0))
        return radius * math.cos(2.0 * math.pi * self.uniform(purpose, *occasion, 1))

    def _key(self, purpose: Purpose, occasion: tuple[int, ...]) -> int:
        key = _mixed(self._seed ^ _PURPOSES[purpose])
        for part in occasion:
            key = _mixed(key ^ (part & _MASK))
        return key


def _mixed(value: int) -> int:
    value = (value + _STEP) & _MASK
    value = ((value ^ value >> 30) * _FIRST) & _MASK
    value = ((value ^ value >> 27) * _SECOND) & _MASK
    return value ^ value >> 31


def _mixed_all(values: U64) -> U64:
    values = values + np.uint64(_STEP)
    values = (values ^ values >> np.uint64(30)) * np.uint64(_FIRST)
    values = (values ^ values >> np.uint64(27)) * np.uint64(_SECOND)
    return values ^ values >> np.uint64(31)
