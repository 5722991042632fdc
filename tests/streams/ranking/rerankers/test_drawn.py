"""Slates that are drawn, and how likely they say they were."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest
from scipy.stats import chisquare

from streams.ranking.degradation import lowered
from streams.ranking.draft import Draft
from streams.ranking.rerankers.drawn import Drawn
from streams.ranking.rerankers.plackett_luce import prefix_chances, scaled_scores
from streams.ranking.reranking import Rerank
from streams.ranking.slate import encode
from streams.ranking.stage_plan import bytes_of
from streams.ranking.workspace import Workspace
from streams.settings.exploration import ExplorationSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import START_MS, Small, batch_of, toy_model


def drawn(cause: int, **exploration: object) -> Draft:
    """Three candidates for two places."""
    settings = {"exploration": {"share": 1.0, **exploration}, "feed": {"size": 2}}
    request = SMALL.request("u", plan=SMALL.core.plan(settings), cause=f"e{cause}", now_ms=START_MS)
    batch = batch_of(SMALL.core, [request], [3])
    batch.models = [None]
    batch.score[:] = np.log([2.0, 1.0, 1.0])
    Rerank(Workspace(), (Drawn(),)).run(batch, [0])
    return batch.draft(0)


SMALL = Small(items=200)


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_over_many_slates_each_comes_as_often_as_its_propensities_say(share: float) -> None:
    """A share of slates that are drawn, mixed with those that are best first."""
    seen: Counter[tuple[int, ...]] = Counter()
    told: dict[tuple[int, ...], float] = {}
    for cause in range(2_000):
        draft = drawn(cause, share=share)
        places = tuple(draft.order.tolist())
        assert draft.propensities is not None
        chance = float(np.prod(draft.propensities.astype(float)))
        assert told.setdefault(places, chance) == chance
        seen[places] += 1
    assert sum(told.values()) == pytest.approx(1.0, abs=1e-6)
    expected = np.array([told[each] for each in told])
    assert chisquare([seen[each] for each in told], 2_000 * expected / expected.sum()).pvalue > 1e-3


def test_only_the_named_places_are_drawn() -> None:
    for cause in range(50):
        draft = drawn(cause, places=(2, 9))
        assert draft.order[0] == 0
        assert draft.propensities is not None
        assert draft.propensities.tolist() == pytest.approx([1.0, 0.5])


def test_a_higher_temperature_makes_chances_more_even() -> None:
    drafts = [drawn(0, temperature=temperature) for temperature in (0.01, 1.0, 1e3)]
    firsts = [given_first(draft) for draft in drafts]
    assert firsts[0] > 0.999 > firsts[1] > firsts[2] == pytest.approx(1 / 3, abs=1e-3)


def given_first(draft: Draft) -> float:
    """The chance of the best candidate at the first place."""
    temperature = draft.request.plan.settings.exploration.temperature
    scaled = scaled_scores(draft.score, temperature)
    return float(prefix_chances(scaled[None], np.ones(1, np.bool_), np.zeros(1, np.intp))[0])


def live(share: float) -> Small:
    made = Small(items=40, settings=override(Settings(), {"exploration": {"share": share}}))
    made.announce_all(seed=1)
    made.random_events(100, users=4, seed=2)
    made.core.serve(toy_model(made.core.pipeline))
    return made


def slates(share: float) -> list[bytes]:
    return encoded(live(share))


def encoded(made: Small) -> list[bytes]:
    requests = [made.request(f"u{user}", cause=f"e{user}") for user in range(4)]
    return [encode(slate) for slate in made.core.recommend(requests)]


def test_drawn_slates_are_the_same_again_and_say_how_likely_each_place_was() -> None:
    assert slates(1.0) == slates(1.0)
    made = live(1.0)
    slate = made.core.recommend([made.request("u1", cause="e1")])[0]
    assert slate.propensities is not None
    assert len(slate.propensities) == len(slate.items)
    assert all(0 < each <= 1 for each in slate.propensities)
    best = live(0.0).core.recommend([live(0.0).request("u1", cause="e1")])[0]
    assert best.propensities is None
    assert [item.item_id for item in slate.items] != [item.item_id for item in best.items]


def test_a_place_that_another_reranker_gave_is_drawn_with_no_chance() -> None:
    """It is on the slates that are best first alone."""
    made = live(0.5)
    for user in range(4):
        slate = made.core.recommend([made.request(f"u{user}")])[0]
        assert slate.propensities is not None
        assert min(slate.propensities) > 0


def test_a_share_of_none_changes_no_byte() -> None:
    """The slates and their ids are those of a pipeline without exploration."""
    made = live(0.0)
    plain = encoded(made)
    rerank = next(stage for stage in made.core.pipeline.ordering if isinstance(stage, Rerank))
    rerank.rerankers = [each for each in rerank.rerankers if not isinstance(each, Drawn)]
    assert encoded(made) == plain
    stages = Settings().stages
    before = bytes_of(stages)
    assert b"exploration" not in before
    other = msgspec.structs.replace(stages, exploration=ExplorationSettings(pool=9))
    assert b'"exploration":{"share":0.0,"places":[],"pool":9,"temperature":1.0}' in bytes_of(other)
    drawn_otherwise = msgspec.structs.replace(stages, exploration=ExplorationSettings(policy="thompson"))
    assert b'"policy":"thompson"' in bytes_of(drawn_otherwise)


def test_the_popular_rung_draws_nothing() -> None:
    settings = override(Settings(), {"exploration": {"share": 1.0}})
    rungs = {
        rung: lowered(settings.stages, rung, settings.ladder) for rung in ("full", "counters", "popular")
    }
    assert [rungs[rung].exploration.share for rung in rungs] == [1.0, 1.0, 0.0]


def test_reserved_places_alone_are_drawn_and_the_others_keep_their_order() -> None:
    """Two of eight places, on every slate: what they got apart, the slate is the best-first one, with the new
    item that has a place of its own on it.
    """
    reserved = {"exploration": {"share": 1.0, "places": [3, 6]}, "feed": {"size": 8, "fresh_place": 5}}
    made, plain = live(0.0), live(0.0)
    for user in range(4):
        for cause in range(30):
            draft = made.draft(f"u{user}", plan=made.core.plan(reserved), cause=f"e{cause}")
            best_first = plain.core.plan({"feed": reserved["feed"]})
            sure = plain.draft(f"u{user}", plan=best_first, cause=f"e{cause}")
            assert draft.propensities is not None
            taken = set(draft.order[[2, 5]].tolist())
            others = np.delete(draft.order, [2, 5]).tolist()
            base = [*sure.order.tolist(), *np.argsort(-draft.score, kind="stable").tolist()]
            expected = [k for k in dict.fromkeys(base) if k not in taken][:6]
            assert others == expected
            assert np.delete(draft.propensities, [2, 5]).tolist() == [1.0] * 6
            assert (draft.propensities[[2, 5]] < 1).all()
            marked = draft.batch.explored[0]
            assert not np.delete(marked, [2, 5]).any()
