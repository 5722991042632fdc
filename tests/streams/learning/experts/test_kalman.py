"""What sums four numbers at once is the same as in plain Python, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams.learning.experts.kalman import forget, observe, step
from streams.learning.experts.mixture import new_experts, utilities


@pytest.mark.parametrize("width", [1, 3, 4, 7, 24, 33])
def test_the_machines_sums_are_those_of_plain_python(width: int) -> None:
    rng = np.random.default_rng(width)
    root, direction = rng.normal(size=(width, width)), rng.normal(size=width)
    means, x = rng.normal(size=(3, width)), rng.normal(size=(11, width))

    def done(plain: bool) -> list[bytes]:
        def of(function: Any) -> Any:
            return function.py_func if plain else function

        held, mean, seen, moved = root.copy(), means[0].copy(), np.zeros(width), np.zeros(width)
        of(observe)(held, direction, seen)
        of(forget)(held, 0.99, 0.5)
        of(step)(mean, held, direction, 0.1, seen, moved)
        experts, out = new_experts(np.array([0.0, 1.0, 0.99]), width, 0.1), np.zeros((3, len(x)))
        experts.mean[:] = means
        of(utilities)(experts, x, out)
        return [each.tobytes() for each in (held, mean, out)]

    assert done(plain=True) == done(plain=False)
