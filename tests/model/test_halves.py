"""Halves are numpy's own, bit by bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.halves import half_bits


def numpys(bits: int) -> int:
    with np.errstate(over="ignore"):
        return int(np.uint32(bits).view(np.float32).astype(np.float16).view(np.uint16))


@given(st.integers(0, 2**32 - 1))
def test_any_number_has_the_bits_that_numpy_gives_it(bits: int) -> None:
    assert int(half_bits(np.uint32(bits).view(np.float32))) == numpys(bits)


def test_all_halves_and_what_lies_between_two_of_them_are_rounded_as_numpy_does() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    exact = halves[~np.isnan(halves)].astype(np.float32)
    middles = (exact[:-1].astype(np.float64) + exact[1:]) / 2
    for values in (exact, middles[np.isfinite(middles)].astype(np.float32)):
        for near in (values, np.nextafter(values, np.float32(0)), np.nextafter(values, np.float32(np.inf))):
            with np.errstate(over="ignore"):
                expected = near.astype(np.float16).view(np.uint16)
            assert [int(half_bits(each)) for each in near[::7]] == expected[::7].tolist()
