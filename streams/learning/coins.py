"""The coins of a draft: `np.random.default_rng(seed).random(n)` in compiled code, bit by bit.

numpy makes a generator in longer time than a draft takes. A seed becomes a pool of four words (O'Neill,
"Developing a seed_seq alternative", 2015, as numpy's SeedSequence has it), and these the state of PCG64
(O'Neill, HMC-CS-2014-0905, XSL-RR 128/64). Kept slates were drafted by these coins, so they stay as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled

U32, U64 = np.uint32, np.uint64
LOW = U64(0xFFFF_FFFF)
POOL = 4
FIRST_A, TIMES_A, FIRST_B, TIMES_B = U32(0x43B0D7E5), U32(0x931E8875), U32(0x8B51F9DD), U32(0x58F38DED)
MIX_LEFT, MIX_RIGHT, FOLD = U32(0xCA01F9DD), U32(0x4973F715), U32(16)
TIMES_HIGH, TIMES_LOW = U64(2549297995355413924), U64(4865540595714422341)
"""Of PCG64: what a step multiplies the state with."""
STEP = 1.0 / 2.0**53


@compiled
def tossed(seed: int, n: int) -> NDArray[np.float64]:
    """float64 [n] from 0 to below 1. seed: from 0 to below 2 ** 63."""
    words = _words(U64(seed))
    increment_high = (words[2] << U64(1)) | (words[3] >> U64(63))
    increment_low = (words[3] << U64(1)) | U64(1)
    high, low = _sum(increment_high, increment_low, words[0], words[1])
    coins = np.empty(n, np.float64)
    for k in range(-1, n):
        high, low = _product(high, low)
        high, low = _sum(high, low, increment_high, increment_low)
        if k >= 0:
            turn, folded = high >> U64(58), high ^ low
            number = (folded >> turn) | (folded << ((U64(64) - turn) & U64(63)))
            coins[k] = (number >> U64(11)) * STEP
    return coins


@compiled
def _words(seed: np.uint64) -> NDArray[np.uint64]:
    """What SeedSequence makes of a seed: uint64 [4]."""
    pool, times = np.zeros(POOL, np.uint32), FIRST_A
    pool[0], pool[1] = U32(seed & LOW), U32(seed >> U64(32))
    for at in range(POOL):
        pool[at], times = _hashed(pool[at], times, TIMES_A)
    for source in range(POOL):
        for at in range(POOL):
            if source != at:
                hashed, times = _hashed(pool[source], times, TIMES_A)
                mixed = U32(U32(MIX_LEFT * pool[at]) - U32(MIX_RIGHT * hashed))
                pool[at] = mixed ^ (mixed >> FOLD)
    words, times = np.zeros(POOL, np.uint64), FIRST_B
    for at in range(2 * POOL):
        hashed, times = _hashed(pool[at % POOL], times, TIMES_B)
        words[at // 2] |= U64(hashed) << U64(32 * (at % 2))
    return words


@compiled
def _hashed(value: np.uint32, times: np.uint32, factor: np.uint32) -> tuple[np.uint32, np.uint32]:
    """The hash of a word, and by what the next one is multiplied."""
    following = U32(times * factor)
    hashed = U32(U32(value ^ times) * following)
    return U32(hashed ^ (hashed >> FOLD)), following


@compiled
def _sum(a: np.uint64, a_low: np.uint64, b: np.uint64, b_low: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The sum of two numbers of 128 bits, their high halves first."""
    low = a_low + b_low
    return a + b + U64(low < a_low), low


@compiled
def _product(high: np.uint64, low: np.uint64) -> tuple[np.uint64, np.uint64]:
    """A number of 128 bits times that of PCG64; the lower 128 bits."""
    a, b, c, d = low >> U64(32), low & LOW, TIMES_LOW >> U64(32), TIMES_LOW & LOW
    middle = (b * d >> U64(32)) + (a * d & LOW) + b * c
    carried = a * c + (a * d >> U64(32)) + (middle >> U64(32))
    return carried + high * TIMES_LOW + low * TIMES_HIGH, low * TIMES_LOW
