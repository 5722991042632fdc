from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.demo.tally import MODEL, POPULAR, Freshness, Tally

GAPS = st.tuples(*[st.floats(0, 1e4)] * 3)


@given(st.lists(GAPS, min_size=1, max_size=50))
def test_stages_are_numpys_quantiles_of_the_gaps(gaps: list[tuple[float, float, float]]) -> None:
    freshness = Freshness()
    for number, (one, two, three) in enumerate(gaps):
        times = {"event": 0.0, "accepted": one, "applied": one + two, "pushed": one + two + three}
        freshness.take(f"s-{number}", times)
    found = freshness.quantiles((0.5, 0.99))
    columns = np.array(gaps)
    for stage, column in zip(("accepted", "applied", "pushed"), columns.T, strict=True):
        assert found[stage] == pytest.approx(tuple(np.quantile(column, (0.5, 0.99))), abs=1e-6)


def test_a_slate_is_counted_once_and_only_if_an_event_caused_it() -> None:
    freshness = Freshness()
    times = {"event": 0.0, "accepted": 1.0, "applied": 2.0, "pushed": 3.0}
    freshness.take("s", times)
    freshness.take("s", times)
    freshness.take("popular", {})
    assert len(freshness) == 1


def test_nothing_seen_is_nan() -> None:
    assert all(math.isnan(value) for pair in Freshness().quantiles().values() for value in pair)


def test_hit_rates_are_shares_of_the_compared_events_of_an_arm() -> None:
    tally = Tally()
    tally.compared.update({MODEL: 200, POPULAR: 50})
    tally.hits.update({MODEL: 40, POPULAR: 5})
    assert tally.hit_rate(MODEL) == 0.2
    assert tally.hit_rate_error(MODEL) == pytest.approx(math.sqrt(0.2 * 0.8 / 200))
    assert tally.hit_rate(POPULAR) == 0.1
    assert tally.hit_rate("popularity") == 0
    assert Tally().hit_rate(MODEL) == 0


def test_accepted_events_are_counted_by_what_they_were() -> None:
    tally = Tally()
    for clicked in (True, False, False):
        tally.accept(clicked)
    assert (tally.clicks, tally.reviews, tally.accepted) == (1, 2, 3)
    assert tally.rate() > 0
