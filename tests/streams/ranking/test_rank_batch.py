"""A batch of slates in the making: what lies where, and parts of it as a batch of their own."""

from __future__ import annotations

import numpy as np

from tests.streams.core import Small, batch_of, toy_model


def driven() -> Small:
    small = Small(items=60)
    small.announce_all(seed=1)
    small.random_events(300, users=8, seed=2)
    small.core.serve(toy_model(small.core.pipeline))
    return small


def test_candidates_of_all_requests_lie_end_to_end() -> None:
    small = driven()
    requests = [small.request("u1"), small.request("u2", "popular"), small.request("u3", score_also=(1, 2))]
    batch = small.core.pipeline.execute(requests)
    drafts = batch.drafts()
    assert batch.offsets.tolist() == np.cumsum([0, *(len(each.rows) for each in drafts)]).tolist()
    assert np.concatenate([each.rows for each in drafts]).tolist() == batch.rows.tolist()
    for values in (batch.ranks, batch.origin, batch.features, batch.click, batch.rating, batch.score):
        assert len(values) == len(batch.rows)
    assert batch.featured.tolist() == [True, False, True]
    assert drafts[1].features.shape == (0, 0)
    assert drafts[2].placed == len(drafts[2].rows) - 2


def test_candidates_that_are_kept_are_scored_as_they_were_among_all() -> None:
    """The toy model scores each candidate by itself."""
    small = driven()
    batch = small.core.pipeline.execute([small.request("u1", score_also=(3,)), small.request("u2")])
    kept = batch.keep([(1, np.array([4, 2])), (0, np.array([0])), (1, np.array([], np.intp))])
    small.core.pipeline.order(kept)
    one, other, nothing = kept.drafts()
    assert one.rows.tolist() == batch.draft(1).rows[[4, 2]].tolist()
    np.testing.assert_allclose(one.score, batch.draft(1).score[[4, 2]], rtol=1e-6)
    np.testing.assert_allclose(other.score, batch.draft(0).score[[0]], rtol=1e-6)
    assert (other.placed, len(nothing.rows), len(nothing.order)) == (1, 0, 0)
    assert one.state is batch.draft(1).state


def test_requests_of_one_plan_are_together_wherever_they_stand() -> None:
    small = Small(items=3)
    short, usual = small.core.plan({"feed": {"size": 3}}), small.core.plan({})
    requests = [small.request("u", plan=plan) for plan in (short, usual, short)]
    groups = batch_of(small.core, requests, [2, 1, 3]).by_plan()
    assert [(plan is short, np.arange(6)[at].tolist()) for plan, at in groups] == [
        (True, [0, 1, 3, 4, 5]),
        (False, [2]),
    ]
    ((plan, everything),) = batch_of(small.core, requests[:1], [4]).by_plan()
    assert plan is short
    assert np.arange(4)[everything].tolist() == [0, 1, 2, 3]
