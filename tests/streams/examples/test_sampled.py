"""Samples of events by their ids."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.examples.sampled import place_of


@given(st.text(), st.integers(), st.text())
def test_every_id_has_a_place_that_stays(event_id: str, seed: int, purpose: str) -> None:
    place = place_of(event_id, seed, purpose)
    assert 0.0 <= place < 1.0
    assert place == place_of(event_id, seed, purpose)


def test_places_are_uniform_and_independent_of_each_other() -> None:
    ids = [f"event-{n}" for n in range(5_000)]
    one, other = (np.array([place_of(each, 7, purpose) for each in ids]) for purpose in ("sample", "whole"))
    seeded = np.array([place_of(each, 8, "sample") for each in ids])
    for places in (one, other, seeded):
        assert stats.kstest(places, "uniform").pvalue > 1e-3
    for second in (other, seeded):
        assert abs(stats.spearmanr(one, second).statistic) < 4 / len(ids) ** 0.5
