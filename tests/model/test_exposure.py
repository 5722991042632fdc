"""Exposure by tier and its inequality, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.exposure import exposure, gini


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_gini_is_the_mean_absolute_difference_over_twice_the_mean(amounts: list[int]) -> None:
    x = np.array(amounts, float)
    defined = np.abs(x[:, None] - x[None]).mean() / (2 * x.mean())
    assert gini(amounts) == pytest.approx(defined, abs=1e-12)
    assert gini([3 * each for each in amounts]) == pytest.approx(defined, abs=1e-12)


def test_nothing_to_share_out_has_no_gini() -> None:
    assert np.isnan(gini([0, 0]))


def test_tiers_by_hand() -> None:
    """A hundred items, item k met 99 - k times before: item 0 is the top, 1 to 9 the next."""
    popularity = 99 - np.arange(100)
    shown = np.array([[0, 5, 60, -1], [0, 1, 20, -1]])
    top, next9, next40, rest = exposure(shown, [0, 99, 98, 97], popularity).tiers
    assert [each.items for each in (top, next9, next40, rest)] == [1, 9, 40, 50]
    assert [each.shown for each in (top, next9, next40, rest)] == pytest.approx([2 / 6, 2 / 6, 1 / 6, 1 / 6])
    assert [each.consumed for each in (top, next9, next40, rest)] == pytest.approx([1 / 4, 0, 0, 3 / 4])
    assert exposure(shown, [0], popularity).items_shown == 5


@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_tiers_part_the_catalogue(items: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown, met = rng.integers(0, items, (7, 10)), rng.integers(0, items, 9)
    found = exposure(shown, met, rng.integers(0, 20, items))
    assert sum(each.items for each in found.tiers) == items
    for field in ("catalogue", "consumed", "shown"):
        assert sum(getattr(each, field) for each in found.tiers) == pytest.approx(1.0)
    assert found.items_shown == len(np.unique(shown))
