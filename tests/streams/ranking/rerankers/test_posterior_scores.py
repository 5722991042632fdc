"""A bandit as an arm: its slates are drawn by samples of what was learned, and the others' are not."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from streams.events.schema import Click, Impression
from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.experts.posterior import SAMPLES
from streams.learning.lesson import Lesson
from streams.offline.simulation.world import World
from streams.ranking.draft import Draft
from streams.ranking.rerankers.drawn import Drawn
from streams.ranking.rerankers.plackett_luce import prefix_chances, scaled_scores
from streams.ranking.rerankers.posterior_scores import PosteriorScores
from streams.ranking.slate import encode
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.worker.counting import explored_places
from tests.streams.core import Small
from tests.streams.ranking.test_adaptation import lessons, world

BANDIT = {"exploration": {"share": 1.0, "policy": "thompson", "temperature": 0.2, "pool": 8}}
OFF = override(Settings(), {"reweighting": {"enabled": False}})
ARMS = override(OFF, {"arms": {"bandit": {"stages": BANDIT}, "control": {"stages": {}}}})


def samples_of(small: Small, draft: Draft, pool: np.ndarray) -> np.ndarray:
    """From the names of the learner's columns and its state, without the code that serves."""
    learner = small.core.learner
    assert isinstance(learner, AdaptiveLearner)
    heads = draft.batch.heads[:, draft.batch.part(draft.number)].T
    table = np.concatenate([draft.features, heads], axis=1).astype(np.float32)
    signals = np.ascontiguousarray(table[:, learner.reads])
    return learner.sampled(signals, draft.placed, pool, Level("bandit", "feed"))


def test_an_arm_draws_by_the_posterior_and_its_chances_are_those_of_all_samples() -> None:
    small = world(ARMS)
    draft = small.draft("u1", arm="bandit", cause="e1")
    pool = np.argsort(-draft.score[: draft.placed], kind="stable")[: max(8, len(draft.order))]
    samples = samples_of(small, draft, pool)
    assert samples.shape == (SAMPLES, len(pool))
    where = np.array([pool.tolist().index(k) for k in draft.order.tolist()])
    prefixes = prefix_chances(samples / 0.2, np.ones(len(where), np.bool_), where)
    assert draft.propensities is not None
    chance = np.cumprod(draft.propensities.astype(float))
    np.testing.assert_allclose(chance, prefixes, rtol=1e-4)


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_over_many_slates_each_comes_as_often_as_its_propensities_say(share: float) -> None:
    """All rankings of two places of five candidates; with a share, best first otherwise."""
    small = world(ARMS)
    plan = small.core.plan(
        {"exploration": {**BANDIT["exploration"], "share": share, "pool": 5}, "feed": {"fresh_place": 0}}
    )
    base = small.request("u1", size=2, plan=plan, arm="bandit")
    batch = small.core.pipeline.execute([base])
    (reranker,) = [each for each in reranker_of(small) if isinstance(each, Drawn)]
    order = np.argsort(-batch.score[: batch.draft(0).placed], kind="stable")
    seen: Counter[tuple[int, ...]] = Counter()
    told: dict[tuple[int, ...], float] = {}
    for cause in range(3_000):
        batch.requests = [small.request("u1", size=2, plan=plan, arm="bandit", cause=f"c{cause}")]
        places = tuple(reranker.rerank(batch.draft(0), order[:2], order).tolist())
        propensities = batch.propensities[0]
        assert propensities is not None
        chance = float(np.prod(propensities.astype(float)))
        assert told.setdefault(places, chance) == chance
        seen[places] += 1
    assert set(seen) <= set(permutations(order[:5].tolist(), 2))
    expected = np.array([told[each] for each in told])
    assert expected.sum() == pytest.approx(1.0, abs=0.02)
    usual = expected > 10 / 3_000
    observed = np.array([seen[each] for each in told])
    both = [np.append(each[usual], each[~usual].sum()) for each in (observed, 3_000 * expected)]
    both[1] *= both[0].sum() / both[1].sum()
    assert chisquare(*both).pvalue > 1e-3


def reranker_of(small: Small) -> list[object]:
    from streams.ranking.reranking import Rerank

    return list(next(stage for stage in small.core.pipeline.ordering if isinstance(stage, Rerank)).rerankers)


def test_other_arms_are_as_if_there_were_no_bandit() -> None:
    """Though the learner learns: `reweighting.enabled` is false for them."""
    plain = world(OFF, taught=0)
    small = world(ARMS)
    for user in ("u1", "u2", "stranger"):
        slates = [each.core.recommend([each.request(user, cause="e")])[0] for each in (plain, small)]
        assert encode(slates[0]) == encode(slates[1])
        assert slates[1].propensities is None
    mixed = small.core.recommend([small.request("u1", arm=arm, cause="e") for arm in ("bandit", "control")])
    assert mixed[0].propensities is not None
    assert mixed[1].propensities is None
    alone = small.core.recommend([small.request("u1", arm="control", cause="e")])
    assert encode(mixed[1]) == encode(alone[0])


def test_the_same_request_is_drawn_again_until_a_lesson_comes() -> None:
    small, again = world(ARMS), world(ARMS)
    ask = [small.request("u1", arm="bandit", cause="e7")]
    first = encode(small.core.recommend(ask)[0])
    assert first == encode(small.core.recommend(ask)[0]) == encode(again.core.recommend(ask)[0])
    again.core.learn(lessons(again.core, 1, seed=9))
    later = again.core.recommend(ask)[0]
    assert later.propensities != small.core.recommend(ask)[0].propensities


def test_what_is_averted_is_averted_in_every_sample() -> None:
    small = world(ARMS)
    small.act("picky", 0, rating=1.0)
    plan = small.core.plan({**BANDIT, "feed": {"aversion": 50.0}})
    draft = small.draft("picky", plan=plan, arm="bandit")
    averted = draft.batch.averted[0]
    assert averted.max() > 1
    pool = np.arange(draft.placed)
    learner = small.core.learner
    assert isinstance(learner, AdaptiveLearner)
    found = PosteriorScores(learner).of(draft, pool)
    np.testing.assert_allclose(
        found, samples_of(small, draft, pool) - learner.worth * averted[: draft.placed]
    )
    plain = small.draft("u2", plan=plan, arm="bandit")
    assert not plain.batch.averted


def test_without_a_model_the_arm_draws_by_the_scores_that_there_are() -> None:
    small = world(ARMS)
    small.core.serve(None)
    draft = small.draft("u1", arm="bandit")
    assert draft.propensities is not None
    pool = np.arange(max(8, len(draft.order)))
    scaled = scaled_scores(draft.score[pool], 0.2)
    prefixes = prefix_chances(scaled[None], np.ones(len(draft.order), np.bool_), draft.order)
    np.testing.assert_allclose(np.cumprod(draft.propensities.astype(float)), prefixes, rtol=1e-4)


async def test_from_a_click_to_a_lesson_the_arm_tells_how_likely_its_places_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the worker and the gateway do it, with a store in memory and all that it holds as bytes."""
    small = world(ARMS)
    taught: list[Lesson] = []
    learn = small.core.learner.learn

    def told(lesson: Lesson) -> None:
        taught.append(lesson)
        learn(lesson)

    monkeypatch.setattr(small.core.learner, "learn", told)
    arms = {"ann": "bandit", "bob": "control"}
    live = World("w", small.core, arms.__getitem__, small.now_ms)
    impressions: dict[str, Impression] = {}
    for user in arms:
        await live.deliver(Click(event_id=f"{user}-1", ts=live.clock.now_ms(), user_id=user, item_id="i3"))
        shown = await live.read(user, 6)
        known = shown.slate.propensities
        explored = [item.reason.kind == "explored" for item in shown.slate.items]
        if user == "ann":
            assert known is not None
            assert all(0 < each <= 1 for each in known)
            assert any(explored)
            assert explored_places([shown.slate]) == {"bandit": sum(explored)}
            for item in shown.slate.items:
                assert item.source in small.core.pipeline.names
        else:
            assert known is None
            assert not any(explored)
            assert not explored_places([shown.slate])
        impressions[user] = live.impression(shown, user, f"{user}-2")
        await live.deliver(impressions[user])
        assert impressions[user].propensities == (None if known is None else known[:6])
        first = impressions[user].items[2]
        live.clock.advance(1_000)
        clicked = Click(
            event_id=f"{user}-3", ts=live.clock.now_ms(), user_id=user, item_id=first,
            slate_id=impressions[user].slate_id,
        )  # fmt: skip
        await live.deliver(clicked)
        live.clock.advance(small.core.settings.learning.wait_ms + 1)
        await live.deliver(Click(event_id=f"{user}-4", ts=live.clock.now_ms(), user_id=user, item_id="i9"))
    small.core.learn_closed()
    of = {lesson.arm: lesson for lesson in taught if lesson.answers}
    assert impressions["ann"].propensities is not None
    np.testing.assert_allclose(
        of["bandit"].propensities, np.array(impressions["ann"].propensities, np.float32)
    )
    assert not len(of["control"].propensities)
