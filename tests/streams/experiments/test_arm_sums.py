"""Sums of users add up to the sums of all of them."""

from __future__ import annotations

import numpy as np

from streams.experiments.arm_sums import NOBODY, arm_sums


def test_groups_add_up() -> None:
    values = np.random.default_rng(3).integers(0, 9, (50, 4)).astype(float)
    whole, parts = arm_sums(values), NOBODY.plus(arm_sums(values[:20])).plus(arm_sums(values[20:]))
    assert parts.users == whole.users == 50
    assert np.array_equal(parts.sums, whole.sums)
    assert np.array_equal(parts.products, whole.products)
    assert np.isclose(np.cov(values.T)[0, 1] * 49, whole.products[0, 1] - whole.sums[0] * whole.sums[1] / 50)
