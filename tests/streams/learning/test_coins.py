"""Coins are those of numpy's own generator."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from streams.learning.coins import tossed


@given(st.integers(0, 2**63 - 1), st.integers(0, 40))
@example(0, 5)
@example(2**32 - 1, 5)
@example(2**32, 5)
@example(2**48, 5)
def test_any_seed_has_the_coins_that_numpy_gives_it(seed: int, n: int) -> None:
    assert tossed(seed, n).tolist() == np.random.default_rng(seed).random(n).tolist()
