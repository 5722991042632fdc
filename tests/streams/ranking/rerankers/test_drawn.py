"""Slates that are drawn, and how likely they say they were."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from streams.ranking.degradation import lowered
from streams.ranking.draft import Draft
from streams.ranking.rerankers.drawn import Drawn, draw, given_above, prefix_chances, scaled_scores
from streams.ranking.reranking import Rerank
from streams.ranking.slate import encode
from streams.ranking.stage_plan import bytes_of
from streams.ranking.workspace import Workspace
from streams.settings.exploration import ExplorationSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.core import START_MS, Small, batch_of, toy_model

SCORES = np.array([1.0, 0.5, 0.0, -1.0])


def chances(places: list[int], draws: list[bool]) -> list[float]:
    found: list[float] = prefix_chances(SCORES, np.array(draws), np.array(places, np.intp)).tolist()
    return found


def test_a_ranking_of_three_by_hand() -> None:
    """Weights 2, 1, 1: the second first with 1/4, then the first of 2 and 1 with 2/3."""
    scores = np.log([2.0, 1.0, 1.0])
    found = prefix_chances(scores, np.ones(2, np.bool_), np.array([1, 0], np.intp))
    assert found == pytest.approx([1 / 4, 1 / 6])
    assert given_above(found).tolist() == pytest.approx([1 / 4, 2 / 3])


@pytest.mark.parametrize("draws", [[True] * 3, [False, True, False], [True, False, True], [False] * 3])
def test_the_chances_of_all_slates_are_one_together(draws: list[bool]) -> None:
    slates = [chances(list(places), draws)[-1] for places in permutations(range(4), 3)]
    assert sum(slates) == pytest.approx(1.0)


@pytest.mark.parametrize("draws", [[True] * 3, [False, True, False], [True, False, True]])
def test_slates_are_drawn_as_often_as_they_say(draws: list[bool]) -> None:
    random = np.random.default_rng(7)
    seen = Counter(tuple(draw(SCORES, np.array(draws), random.gumbel(size=4)).tolist()) for _ in range(6_000))
    told = {places: chances(list(places), draws)[-1] for places in permutations(range(4), 3)}
    possible = [places for places, chance in told.items() if chance > 0]
    assert set(seen) <= set(possible)
    observed = [seen[places] for places in possible]
    assert chisquare(observed, [6_000 * told[places] for places in possible]).pvalue > 1e-3


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=12), st.integers(0, 2**32), st.data())
def test_any_slate_that_is_drawn_had_a_chance(scores: list[float], seed: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(scores)))
    draws = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    best_first = np.sort(np.array(scores))[::-1].copy()
    places = draw(best_first, draws, np.random.default_rng(seed).gumbel(size=len(scores)))
    assert len(set(places.tolist())) == size
    found = prefix_chances(best_first, draws, places)
    assert ((found > 0) & (found <= 1)).all()
    assert (np.diff(found) <= 0).all()
    assert (given_above(found)[~draws] == 1).all()


def test_what_has_no_score_is_drawn_last() -> None:
    scaled = scaled_scores(np.array([3.0, 1.0, np.nan, -np.inf], np.float32), 2.0)
    assert scaled[:2].tolist() == [1.5, 0.5]
    assert (scaled[2:] < -900).all()
    assert np.isfinite(scaled_scores(np.full(3, np.nan, np.float32), 1.0)).all()


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
    return float(prefix_chances(scaled, np.ones(1, np.bool_), np.zeros(1, np.intp))[0])


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
    names = ["candidates", "rescoring", "feed"]
    sections = msgspec.defstruct("Before", names)(*(getattr(stages, name) for name in names))
    before = msgspec.json.encode(sections, order="deterministic")
    assert before == bytes_of(stages)
    other = msgspec.structs.replace(stages, exploration=ExplorationSettings(pool=9))
    assert bytes_of(other) != before


def test_the_popular_rung_draws_nothing() -> None:
    settings = override(Settings(), {"exploration": {"share": 1.0}})
    rungs = {
        rung: lowered(settings.stages, rung, settings.ladder) for rung in ("full", "counters", "popular")
    }
    assert [rungs[rung].exploration.share for rung in rungs] == [1.0, 1.0, 0.0]
