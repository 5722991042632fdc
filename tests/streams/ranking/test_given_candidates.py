"""A request may bring its own candidates: then these are the pool, and nothing else is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.errors import RequestError
from streams.ranking.draft import Draft
from streams.ranking.explanations import GIVEN
from streams.ranking.request import ItemFilter
from streams.ranking.slate_of_draft import id_of
from streams.settings.tree import Settings
from tests.streams.core import START_MS, Small, toy_model


@pytest.fixture
def small() -> Small:
    found = Small(items=120, settings=Settings())
    found.announce_all(seed=1)
    found.random_events(600, users=15, seed=2)
    found.core.serve(toy_model(found.core.pipeline))
    return found


def ranked(small: Small, user: str, *candidates: int, **asked: Any) -> Draft:
    request = small.core.request(small.state(user), small.now_ms, user=user, candidates=candidates, **asked)
    return small.core.draft(request)


def test_the_slate_is_made_of_them_and_of_nothing_else(small: Small) -> None:
    given = (7, 119, 60, 2, 33)
    draft = ranked(small, "u1", *given, size=5)
    assert sorted(draft.rows.tolist()) == sorted(given)
    assert sorted(draft.rows[draft.order].tolist()) == sorted(given)
    assert len(ranked(small, "u1", *given, size=2).order) == 2
    assert len(ranked(small, "u1").order) == 0


def test_a_candidate_has_the_ranks_features_and_score_that_it_has_in_the_pool(small: Small) -> None:
    free = small.draft("u1")
    given = free.rows[:40].tolist()
    draft = ranked(small, "u1", *given[::-1])
    places = {int(row): at for at, row in enumerate(draft.rows)}
    at = np.array([places[row] for row in given])
    np.testing.assert_array_equal(draft.ranks[at], free.ranks[:40])
    np.testing.assert_array_equal(draft.origin[at], free.origin[:40])
    np.testing.assert_array_equal(draft.features[at], free.features[:40])
    np.testing.assert_allclose(draft.score[at], free.score[:40], rtol=1e-5)
    assert draft.rows.tolist() == given  # the sources' sums order them, not the caller


def test_what_no_source_finds_keeps_the_callers_order_and_says_so(small: Small) -> None:
    plan = small.core.plan({"candidates": {"sources": ["popular"], "per_source": 3}})
    given = list(range(100, 120))[::-1]
    draft = ranked(small, "u1", *given, plan=plan, size=20)
    found = (draft.ranks > 0).any(axis=1)
    assert (draft.origin[~found] == -1).all()
    assert (~found).any()
    assert draft.rows[~found].tolist() == [row for row in given if row in draft.rows[~found].tolist()]
    sources = {item.item_id: item.source for item in small.core.slate(draft).items}
    for row in draft.rows[~found].tolist():
        assert sources[small.core.catalog.ids[row]] == GIVEN


def test_what_the_user_met_stays_and_what_the_request_rules_out_goes(small: Small) -> None:
    met = int(small.state("u1").items[-1])
    small.announce(3, available=False, ts=small.now_ms + 1)
    draft = ranked(small, "u1", met, 3, 50, 51, exclude=(51,))
    assert sorted(draft.rows.tolist()) == sorted({met, 50})
    assert draft.batch.given[0].tolist() == [met, 50]
    every = ranked(small, "u1", met, 3, 50, filter=ItemFilter(available=False))
    assert sorted(every.rows.tolist()) == sorted({met, 3, 50})


def test_one_request_with_candidates_changes_no_other_of_its_batch(small: Small) -> None:
    requests = [small.request("u1"), small.request("u2"), small.request("u3")]
    mixed = [
        requests[0],
        small.core.request(small.state("u2"), small.now_ms, user="u2", candidates=(5, 6, 7)),
        requests[2],
    ]
    alone, batch = (small.core.pipeline.execute(each) for each in (requests, mixed))
    for b in (0, 2):
        assert alone.draft(b).rows.tolist() == batch.draft(b).rows.tolist()
        assert alone.draft(b).order.tolist() == batch.draft(b).order.tolist()
    assert sorted(batch.draft(1).rows.tolist()) == [5, 6, 7]


def test_more_places_than_a_feed_may_have_need_as_many_candidates(small: Small) -> None:
    state = small.state("u1")
    many = Small(items=400)
    assert many.core.request(state, START_MS, candidates=tuple(range(300)), size=300).places == 300
    with pytest.raises(RequestError, match="size is 300; expected a whole number from 0 to 200"):
        many.core.request(state, START_MS, size=300)
    with pytest.raises(RequestError, match="each row once"):
        many.core.request(state, START_MS, candidates=(1, 1))
    with pytest.raises(RequestError, match="rows from 0 to 399"):
        many.core.request(state, START_MS, candidates=(400,))


def test_a_slates_id_knows_the_candidates_and_their_order(small: Small) -> None:
    ids = {id_of(ranked(small, "u1", *rows)) for rows in ((1, 2, 3), (3, 2, 1), (1, 2))}
    assert len({*ids, id_of(small.draft("u1"))}) == 4
