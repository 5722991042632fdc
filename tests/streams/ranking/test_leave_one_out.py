"""A state without an item is the fold without it; leaving out what a score used lowers it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events.schema import Click, Review
from streams.ranking.leave_one_out import drops, without
from streams.state.fold import Delivery, apply
from streams.state.user_state import StateSettings, UserState
from tests.streams.conftest import Small

SETTINGS = StateSettings()
Event = tuple[int, int, float]  # item, seconds since the one before, rating


def folded(events: list[Event], left_out: int = -1) -> UserState:
    state, ts = UserState(), 1_700_000_000_000
    for k, (row, after_s, rating) in enumerate(events):
        ts += 1_000 * after_s
        name = f"e{k}"
        event: Click | Review = Click(event_id=name, ts=ts, user_id="u", item_id=str(row))
        if not math.isnan(rating):
            event = Review(event_id=name, ts=ts, user_id="u", item_id=str(row), rating=rating)
        if row != left_out:
            state = apply(state, event, Delivery("events", k), (row,), None, SETTINGS).state
    return state


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 90_000), st.sampled_from([math.nan, 1.0, 4.0])),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 8),
)
def test_a_state_without_an_item_is_the_fold_without_it(events: list[Event], row: int) -> None:
    whole, expected = folded(events), folded(events, row)
    found = without(whole, row, SETTINGS)
    for name in ("items", "actions", "ratings", "times"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.interactions == expected.interactions
    assert found.rating_count == expected.rating_count
    assert found.rating_sum == pytest.approx(expected.rating_sum)
    idle_s = (whole.last_ts - expected.last_ts) / 1_000 if expected.interactions else 0.0
    decayed = expected.activity * 0.5 ** (idle_s / SETTINGS.activity_half_life_s)
    assert found.activity == pytest.approx(decayed, abs=1e-9)
    assert found.has_consumed(row) == whole.has_consumed(row)


def test_an_item_that_was_never_met_is_worth_nothing(followed: Small) -> None:
    run = followed.run
    draft, _ = run.predict()
    pipeline = run.recommender.pipeline
    stranger = next(row for row in range(len(run.recommender.catalog)) if row not in draft.history)
    fallen = drops(pipeline, draft, draft.order[:4].tolist(), [stranger], SETTINGS)
    assert fallen.shape == (1, 4)
    assert np.abs(fallen).max() < 1e-5


def test_scores_of_the_whole_history_are_those_of_the_slate(followed: Small) -> None:
    """What falls is measured from the score that was served, but for the rounding of int8."""
    run = followed.run
    draft, _ = run.predict()
    pipeline, item = run.recommender.pipeline, int(draft.history[0])
    places = draft.order[:5].tolist()
    fallen = drops(pipeline, draft, places, [item], SETTINGS)[0]
    state = without(draft.state, item, run.recommender.settings.state)
    other = run.recommender.draft(run.recommender.request(state, draft.now_ms))
    served = {int(row): float(score) for row, score in zip(other.rows, other.score, strict=True)}
    both = [k for k, place in enumerate(places) if int(draft.rows[place]) in served]
    assert both
    for k in both:
        difference = draft.score[places[k]] - served[int(draft.rows[places[k]])]
        assert fallen[k] == pytest.approx(difference, abs=0.25)


def test_the_item_that_a_reason_names_counts_for_more_than_a_random_one(followed: Small) -> None:
    """The deletion test: over many users, removing the named item lowers the score more."""
    run = followed.run
    pipeline, rows = run.recommender.pipeline, run.recommender.catalog.rows
    named: list[float] = []
    random: list[float] = []
    best: list[float] = []
    for _, state in sorted(run.states.items()):
        recent = list(dict.fromkeys(state.items[::-1].tolist()))[:10]
        if len(recent) < 3 or len(named) > 200:
            continue
        now_ms = int(run.stream.interactions.ts_ms[run.at])
        draft = run.recommender.draft(run.recommender.request(state, now_ms))
        fallen = drops(pipeline, draft, draft.order[:3].tolist(), recent, SETTINGS)
        for k, reason in enumerate((draft.reasons or [])[:3]):
            if reason.item_id is not None:
                best.append(float(fallen[:, k].max()))
                named.append(float(fallen[recent.index(rows[reason.item_id]), k]))
                random.append(float(fallen[:, k].mean()))
    more = np.subtract(named, random)
    assert len(more) >= 40
    assert more.mean() > 3 * more.std(ddof=1) / math.sqrt(len(more)), "no more than a random item"
    assert np.mean(named) > 0.6 * np.mean(best), "far from the item that counts most"
