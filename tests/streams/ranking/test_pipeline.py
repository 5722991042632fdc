"""From a state to a slate: who gets what, on every rung."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

import streams.ranking.pipeline
from model.feature_names import CONTENT_SOURCES, EVENTS, LIVE_FEATURES, content_columns
from model.hashing import profile_of
from model.schema import F32, RescorerInputs, Scores, UserInputs
from streams.events.schema import Click
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.lists import BatchSource
from streams.ranking.candidates.source import Source
from streams.ranking.degradation import RUNGS, Rung
from streams.ranking.draft import Draft
from streams.ranking.finding import Find
from streams.ranking.model_in_service import ModelInService
from streams.ranking.model_inputs import feature_names
from streams.ranking.pipeline import Pipeline
from streams.ranking.request import Search
from streams.settings.ranking import CandidateSettings, FeedSettings
from streams.settings.tree import Settings
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from tests.streams.core import START_MS, Small, toy_model, unit, with_settings


@pytest.fixture
def small() -> Small:
    found = Small(items=120)
    found.announce_all(seed=1)
    found.random_events(600, users=15, seed=2)
    return found


def ranked(small: Small, user: str, rung: Rung = "full") -> Draft:
    return small.draft(user, rung)


def slate(small: Small, user: str, rung: Rung = "full") -> list[str]:
    return [place.item_id for place in small.core.slate(ranked(small, user, rung)).items]


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("modelled", [True, False], ids=["with a model", "without"])
def test_every_rung_gives_a_full_slate_of_items_that_may_be_shown(
    small: Small, rung: Rung, modelled: bool
) -> None:
    if modelled:
        small.core.serve(toy_model(small.core.pipeline))
    small.announce(3, available=False, ts=small.now_ms + 1)
    for user in small.states:
        rows = [small.core.catalog.rows[item] for item in slate(small, user, rung)]
        assert len(set(rows)) == len(rows) == 20
        assert 3 not in rows
        assert not any(small.state(user).has_consumed(row) for row in rows)


def test_the_rungs_do_less_and_less(small: Small) -> None:
    small.core.serve(toy_model(small.core.pipeline))
    full, fewer, counters, popular = (ranked(small, "u1", rung) for rung in RUNGS)
    assert len(full.rows) > len(fewer.rows) == 64
    assert full.features.shape[0] == len(full.rows)
    assert not len(counters.features)
    assert counters.order.tolist()[:5] == [0, 1, 2, 3, 4]  # the pool's own order
    assert len(popular.rows) == 20
    assert (popular.origin == small.core.pipeline.names.index("popular")).all()
    assert popular.order.tolist() == list(range(20))


def test_the_best_click_comes_first(small: Small) -> None:
    small.core.serve(toy_model(small.core.pipeline))
    draft = ranked(small, "u1")
    scores = draft.click[draft.order]
    fresh = small.core.pipeline.names.index("fresh")
    kept = [place for place in range(20) if not (draft.ranks[draft.order[place], fresh] and place == 11)]
    assert (np.diff(scores[kept]) <= 0).all()


def test_a_user_alone_and_in_a_batch_gets_the_same(small: Small) -> None:
    small.core.serve(toy_model(small.core.pipeline))
    users = list(small.states)
    batch = small.core.pipeline.execute([small.request(user) for user in users])
    for user, draft in zip(users, batch.drafts(), strict=True):
        alone = ranked(small, user)
        assert draft.rows.tolist() == alone.rows.tolist()
        assert draft.order.tolist() == alone.order.tolist()
        np.testing.assert_allclose(draft.click, alone.click, rtol=1e-5)


def test_rungs_may_be_mixed_in_a_batch(small: Small) -> None:
    small.core.serve(toy_model(small.core.pipeline))
    batch = small.core.pipeline.execute([small.request("u1", rung) for rung in RUNGS])
    for draft, rung in zip(batch.drafts(), RUNGS, strict=True):
        assert draft.order.tolist() == ranked(small, "u1", rung).order.tolist()


@pytest.mark.parametrize("modelled", [True, False], ids=["with a model", "without"])
def test_a_new_item_is_in_the_pool_and_on_the_slate_at_once(small: Small, modelled: bool) -> None:
    if modelled:
        small.core.serve(toy_model(small.core.pipeline))
    small.now_ms += 30 * 86_400_000  # everything else is old
    small.core.meet(["brand-new"], small.now_ms)
    row = small.core.catalog.rows["brand-new"]
    small.announce(row, unit(np.ones(64)), ts=small.now_ms)
    assert row in ranked(small, "u1").rows
    for user in ("u1", "u2", "nobody"):
        assert "brand-new" in slate(small, user)


def test_a_new_item_gets_its_place_where_its_score_alone_would_not_do(small: Small) -> None:
    """With many better ones around, the place that is kept is what it gets."""
    small.now_ms += 30 * 86_400_000
    small.core.meet(["brand-new"], small.now_ms)
    place = small.core.settings.feed.fresh_place
    found = slate(small, "u1", "counters")
    assert found.index("brand-new") == place - 1


def test_a_new_user_has_a_full_slate_after_the_first_event(small: Small) -> None:
    assert len(slate(small, "newcomer")) == 20
    small.act("newcomer", 5)
    found = slate(small, "newcomer")
    assert len(found) == 20
    assert "i5" not in found
    assert slate(small, "newcomer") != slate(small, "somebody-else")


def test_an_item_that_is_gone_leaves_the_next_slate_and_comes_back(small: Small) -> None:
    first = slate(small, "u1")[0]
    row = small.core.catalog.rows[first]
    text = small.core.catalog.text[row].copy()
    small.announce(row, text, available=False, ts=small.now_ms + 1)
    assert first not in slate(small, "u1")
    small.announce(row, text, ts=small.now_ms + 2)
    assert slate(small, "u1")[0] == first


@pytest.mark.parametrize("rung", RUNGS)
def test_nothing_to_recommend_is_an_empty_slate(rung: Rung) -> None:
    empty = Small(items=0)
    assert slate(empty, "u", rung) == []
    one = Small(items=1)
    one.act("u", 0)
    assert slate(one, "u", rung) == []
    one.core.serve(toy_model(one.core.pipeline))
    assert slate(one, "u", rung) == []
    assert slate(one, "other", rung) == ["i0"]


def test_a_user_who_consumed_everything_gets_an_empty_slate_unless_items_may_repeat(small: Small) -> None:
    for settings, length in ((Settings(), 0), (with_settings(feed=FeedSettings(repeat=True)), 20)):
        glutton = Small(items=25, settings=settings)
        for row in range(25):
            glutton.act("u", row)
        assert len(slate(glutton, "u")) == length


@pytest.mark.parametrize(
    ("repeat", "back"),
    [
        (False, set()),
        (["view"], {"i0"}),
        (["view", "click", "skip"], {"i0", "i1"}),
        (["purchase"], {"i3"}),
        (["view", "purchase", "review"], {"i0", "i2", "i3", "i4"}),
        (True, {"i0", "i1", "i2", "i3", "i4"}),
    ],
)
@pytest.mark.parametrize("rung", RUNGS)
def test_items_come_back_after_the_actions_that_let_them(
    repeat: bool | list[str], back: set[str], rung: Rung
) -> None:
    """From the event to the slate: 0 was viewed, 1 clicked, 2 viewed and bought, 3 bought, 4 reviewed."""
    feed = FeedSettings(repeat=repeat if isinstance(repeat, bool) else tuple(repeat))
    small = Small(items=12, settings=with_settings(feed=feed))
    small.random_events(60, users=5, seed=2)
    deeds: list[tuple[str, int]] = [
        ("view", 0),
        ("click", 1),
        ("view", 2),
        ("purchase", 2),
        ("purchase", 3),
    ]
    state = small.state("new")
    for k, (action, row) in enumerate(deeds):
        event = Click(event_id=f"x{k}", ts=small.now_ms, user_id="new", item_id=f"i{row}", action=action)
        state = small.core.apply(state, event, Delivery("clicks", k), None).state
    small.states["new"] = state
    small.act("new", 4, rating=4.0)
    met = {f"i{row}" for row in range(5)}
    assert set(slate(small, "new", rung)) & met == back


def test_the_reserve_brings_the_newest_into_a_small_pool() -> None:
    small = Small(items=100, settings=with_settings(candidates=CandidateSettings(pool=20)))
    small.random_events(300, users=10, seed=4)
    small.now_ms += 1_000
    small.core.meet([f"new{k}" for k in range(15)], small.now_ms)
    rows = ranked(small, "u1").rows
    assert len(rows) == 20
    assert sum(row >= 100 for row in rows) == 10


def test_rows_asked_for_are_scored_and_never_placed(small: Small) -> None:
    small.core.serve(toy_model(small.core.pipeline))
    draft, plain = small.draft("u1", score_also=(3, 4)), small.draft("u1")
    assert draft.rows.tolist() == [*plain.rows.tolist(), 3, 4]
    assert draft.placed == len(plain.rows)
    assert draft.order.tolist() == plain.order.tolist()
    assert draft.click[: len(plain.rows)].tolist() == pytest.approx(plain.click.tolist(), rel=1e-5)
    assert len(draft.click) == len(draft.features) == len(draft.rows)
    assert draft.origin[-2:].tolist() == [-1, -1]


class Alphabet:
    """A source of someone else's: the first items of the catalog."""

    name = "alphabet"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        rows = np.flatnonzero(context.blocked[: len(context.catalog)] == 0)
        return rows[: context.limit].astype(np.int32)


def test_a_source_more_is_one_line_and_models_trained_before_work_on(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = streams.ranking.pipeline.sources
    before = ranked(small, "u1")

    def with_one_more() -> tuple[Source | BatchSource, ...]:
        return (*usual(), Alphabet())

    monkeypatch.setattr(streams.ranking.pipeline, "sources", with_one_more)
    other = Small(items=120)
    other.announce_all(seed=1)
    other.random_events(600, users=15, seed=2)
    trained_before = toy_model(small.core.pipeline)
    small.core.serve(trained_before)
    schema = trained_before.schema
    older = toy_model(other.core.pipeline, features=schema.candidate_features)
    other.core.serve(older)

    draft = ranked(other, "u1")
    assert draft.ranks.shape[1] == before.ranks.shape[1] + 1
    assert (draft.ranks[:, -1] > 0).any()
    shared = np.intersect1d(draft.rows, before.rows)
    assert len(shared) > 50
    mine = dict(zip(draft.rows.tolist(), draft.click.tolist(), strict=True))
    known = ranked(small, "u1")
    for row, click, ranks in zip(known.rows.tolist(), known.click.tolist(), known.ranks, strict=True):
        place = np.flatnonzero(draft.rows == row)
        if len(place) and (draft.ranks[place[0], :-1] == ranks).all():
            assert mine[row] == pytest.approx(click, rel=1e-5)
    assert "alphabet" in {place.source for place in other.core.slate(draft).items} | {
        other.core.pipeline.names[origin] for origin in draft.origin
    }


class Greedy:
    """A source that brings more than it may."""

    name = "greedy"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        return np.arange(context.limit + 1, dtype=np.int32)


class Plain:
    """The source "popular" again, in plain numpy and for one request at a time."""

    name = "popular"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        leaders = context.counters.popularity.leaders(1)
        free: NDArray[np.int32] = leaders[context.blocked[leaders] == 0]
        return free[: context.limit]


def test_a_source_that_brings_too_much_is_told_so(small: Small) -> None:
    find = small.core.pipeline.gathering[3]
    assert isinstance(find, Find)
    find.sources = [Greedy() if source.name == "fresh" else source for source in find.sources]
    with pytest.raises(ValueError, match="brings 301 rows; expected 300 at most"):
        ranked(small, "u1")


def test_a_source_in_plain_numpy_brings_what_the_compiled_one_brings(small: Small) -> None:
    requests = [small.request(user, rung) for user in small.states for rung in RUNGS]
    before = small.core.pipeline.execute(requests)
    find = small.core.pipeline.gathering[3]
    assert isinstance(find, Find)
    find.sources = [Plain() if source.name == "popular" else source for source in find.sources]
    after = small.core.pipeline.execute(requests)
    assert after.rows.tobytes() == before.rows.tobytes()
    assert after.ranks.tobytes() == before.ranks.tobytes()


def test_a_state_that_was_stored_on_the_way_gives_the_same_slate(small: Small) -> None:
    from streams.state import user_state_codec

    state = small.state("u3")
    again = user_state_codec.decode(user_state_codec.encode(state))
    one, other = (
        small.core.pipeline.gather([small.core.request(each, small.now_ms)]) for each in (state, again)
    )
    assert one.features.tobytes() == other.features.tobytes()
    assert one.users.user_features.tobytes() == other.users.user_features.tobytes()
    assert one.users.history_features.tobytes() == other.users.history_features.tobytes()


def test_features_are_finite_for_anyone_at_any_time(small: Small) -> None:
    pipeline = small.core.pipeline
    strangers = [UserState(), small.state("u1"), small.act("rated", 4, rating=5.0, words=unit(np.ones(64)))]
    for state in strangers:
        for now_ms in (0, START_MS - 86_400_000, small.now_ms, small.now_ms + 200 * 365 * 86_400_000):
            batch = pipeline.gather([small.core.request(state, now_ms, score_also=(119,))])
            users = batch.users
            for values in (batch.features, users.user_features, users.history_features, users.words):
                assert np.isfinite(values).all()


class Asked:
    """A user tower that keeps what it was asked; every user is the same."""

    def __init__(self) -> None:
        self.batches: list[UserInputs] = []

    def __call__(self, inputs: UserInputs) -> F32:
        self.batches.append(inputs)
        user = np.zeros((len(inputs.user_features), 32), np.float32)
        user[:, 0] = 1.0
        return user


def learned_model(pipeline: Pipeline, asked: Asked) -> ModelInService:
    """The toy model with keys that put the last rows first."""
    model = toy_model(pipeline)
    model.users, plain = asked, model.tower

    def tower(ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]:
        vectors, keys = plain(ids, content)
        keys[:, 0] = ids
        return vectors, keys

    model.tower = tower
    return model


@pytest.mark.parametrize("rung", ["full", "fewer", "counters", "popular"])
def test_the_model_finds_candidates_for_all_users_in_one_run(small: Small, rung: Rung) -> None:
    asked = Asked()
    small.core.serve(learned_model(small.core.pipeline, asked))
    pipeline = small.core.pipeline
    users = ("u1", "u2", "u3")
    batch = pipeline.gather([small.request(user, rung) for user in users])
    drafts = batch.drafts()
    source = pipeline.names.index("learned")
    if rung in ("counters", "popular"):
        assert asked.batches == []
        assert not any(draft.ranks[:, source].any() for draft in drafts)
        return
    (inputs,) = asked.batches
    for at, (user, draft) in enumerate(zip(users, drafts, strict=True)):
        state = small.state(user)
        assert (inputs.user_features[at] == batch.users.user_features[at]).all()
        ranks = draft.ranks[:, source]
        found = draft.rows[ranks > 0][np.argsort(ranks[ranks > 0])]
        unmet = [row for row in range(119, -1, -1) if not state.has_consumed(row)]
        assert len(found)
        assert found.tolist() == [unmet[rank - 1] for rank in sorted(ranks[ranks > 0].tolist())]
        alone = ranked(small, user, rung)
        assert alone.rows.tolist() == draft.rows.tolist()


def test_nobody_to_recommend_to_is_no_run_of_the_model(small: Small) -> None:
    asked = Asked()
    small.core.serve(learned_model(small.core.pipeline, asked))
    assert small.core.recommend([]) == []
    assert asked.batches == []


def test_a_search_is_seen_by_the_features_and_by_the_model(small: Small) -> None:
    searched = unit(np.arange(1.0, 65.0))
    plain, asking = small.draft("u1"), small.draft("u1", search=Search("boots", searched))
    column = LIVE_FEATURES.index("text_query")
    assert not plain.features[:, column].any()
    expected = small.core.catalog.text[asking.rows] @ searched
    np.testing.assert_allclose(asking.features[:, column], expected, atol=1e-6)
    assert (asking.batch.users.query[0] == searched).all()
    assert not plain.batch.users.query.any()


def test_further_tasks_of_the_model_reach_the_score(small: Small) -> None:
    weighted = with_settings(feed=FeedSettings(rating_weight=0.0, task_weights={"like": 2.0}))
    other = Small(items=120, settings=weighted)
    other.announce_all(seed=1)
    other.random_events(600, users=15, seed=2)
    model = toy_model(other.core.pipeline)
    model.schema = msgspec.structs.replace(model.schema, tasks=("click", "rating", "like"))
    plain = model.scorer

    def score(inputs: RescorerInputs) -> Scores:
        click, rating, _ = plain(inputs)
        return Scores(click, rating, (0.1 * click - 1.0,))

    model.scorer = score
    other.core.serve(model)
    draft = ranked(other, "u1")
    np.testing.assert_allclose(draft.more["like"], 0.1 * draft.click - 1.0)
    probability = 1 / (1 + np.exp(-draft.more["like"].astype(np.float64)))
    np.testing.assert_allclose(draft.score, draft.click + 2.0 * np.log(probability), rtol=1e-5)


def test_a_users_profile_and_actions_reach_the_model(small: Small) -> None:
    state = msgspec.structs.replace(small.state("u1"), profile={"age": "30"})
    users = small.core.pipeline.gather([small.core.request(state, small.now_ms)]).users
    assert users.profile[0].tolist() == profile_of({"age": "30"}).tolist()
    met = len(state.actions)
    assert users.history_actions[0, :met].tolist() == state.actions[::-1].tolist()


def test_an_item_that_nobody_has_met_has_nothing_but_what_it_is(small: Small) -> None:
    """`popular_ever` is what the model knows it by; columns but those of its content are as of no event."""
    small.core.meet(["unmet"], small.now_ms)
    row = small.core.catalog.rows["unmet"]
    small.announce(row, unit(np.random.default_rng(3).normal(size=64)), ts=small.now_ms)
    pipeline = small.core.pipeline
    names = feature_names(pipeline.names)
    draft = small.draft("u1", score_also=(row,))
    events = draft.features[:, names.index(EVENTS)]
    met = small.core.counters.popularity.events[draft.rows] > 0
    assert np.array_equal(events > 0, met)
    assert not met[-1]
    content = content_columns(names)
    others = [at for at in range(len(names)) if at not in content and names[at] != "idle"]
    assert not draft.features[-1, others].any()
    assert (draft.features[-1] != 0)[content].sum() >= 2  # its age and its text
    assert set(CONTENT_SOURCES) < set(pipeline.names)
