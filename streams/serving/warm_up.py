"""Compiled code is loaded, or compiled once on a machine, before the first event: it must not wait for it."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from msgspec.structs import replace

from export import compiled_parts, projection
from export.universal import runner as universal_runner
from model.actions import CODES, code_of
from model.feature_names import HISTORY_FEATURES
from model.universal import UNIVERSAL
from streams.batch import Incoming, process
from streams.events.schema import Click, Review
from streams.experiments.assignment.assignment import Assignment
from streams.experiments.declared.experiment import ExperimentArm, ExperimentSettings
from streams.experiments.registry.changes import declared, started
from streams.experiments.registry.state import NONE
from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.kept_slates import Answer, KeptSlate
from streams.learning.lesson import lesson_of
from streams.learning.looks import digest_of_names, pack_looks
from streams.popular_feed import popular_feed
from streams.ranking.adaptation import Adaptation
from streams.ranking.degradation import RUNGS
from streams.ranking.index.vector_index import VectorIndex
from streams.ranking.lists.item_lists import NAMES as LIST_NAMES
from streams.ranking.lists.item_lists import ItemLists
from streams.ranking.lists.neighbours import neighbours
from streams.ranking.lists.page import ListAsk
from streams.ranking.lists.similar import SOURCES, SimilarAsk
from streams.ranking.model_inputs import feature_names, fill_history
from streams.ranking.rerankers.posterior_scores import PosteriorScores
from streams.ranking.rerankers.trial import Trial
from streams.ranking.slate_looks import columns_of
from streams.ranking.user_views import read_views
from streams.recommender import Recommender
from streams.serving.kept_counters import CountersCopy
from streams.settings.tree import DEFAULT_ARM, Settings
from streams.state import user_state_codec
from streams.state.catalog import ItemRecord
from streams.state.consumed import EVERY_ACTION
from streams.state.event_meaning import NO_VECTORS, Vectors
from streams.state.fold import Delivery
from streams.state.knowledge_graph import Graph, Triple, build
from streams.state.recent_users import RecentUsers
from streams.state.user_state import WORDS_DIM, Interaction, UserState

NOW_MS = 1_000_000
PLACES = 5
ITEMS = [f"item-{n}" for n in range(30)]
DISLIKED = 13  # an event after which there is something to avert


def warm_up(settings: Settings, on_request: bool = False) -> None:
    """Drive recommenders of its own through every stage, on every rung: one with a knowledge graph, one
    without. on_request: also through what is asked of rankers alone.
    """
    _driven(settings, None)
    recommender, states = _driven(settings, build(Triple(item, "made_by", "somebody") for item in ITEMS))
    compiled_parts.warm_up()
    projection.warm_up()
    if settings.model.text_encoder == UNIVERSAL:
        universal_runner.warm_up()
    _warm_index(settings)
    _warm_assignment()
    _warm_history(recommender, states["user-0"])
    _warm_learner(recommender, states["user-0"])
    _warm_arms(recommender, states["user-0"])
    popular_feed(recommender, "", NOW_MS)
    _warm_snapshot(recommender)
    _warm_consumed(recommender, states["user-0"])
    if on_request:
        _warm_lists(settings, recommender)
        _warm_search(settings, recommender, states["user-0"])


def _driven(settings: Settings, graph: Graph | None) -> tuple[Recommender, dict[str, UserState]]:
    recommender = Recommender(settings, graph)
    recommender.meet(ITEMS, NOW_MS)
    states: dict[str, UserState] = {}
    words = np.full(WORDS_DIM, WORDS_DIM**-0.5, np.float32)
    for n in range(24):
        user, item, event_id, ts = f"user-{n % 4}", f"item-{n}", str(n), NOW_MS + n
        event: Click | Review = Click(event_id=event_id, ts=ts, user_id=user, item_id=item)
        if n % 2:
            rating = 1.0 if n == DISLIKED else 4.0
            event = Review(event_id=event_id, ts=ts, user_id=user, item_id=item, rating=rating, text="good")
        delivery = Delivery("reviews" if n % 2 else "clicks", n)
        rung = RUNGS[n // 2 % len(RUNGS)]
        vectors = Vectors(words) if n % 2 else NO_VECTORS
        outcome = process(recommender, [Incoming(event, delivery, ts, vectors)], states, ts, rung)
        for error in (*outcome.failed.values(), *outcome.unranked.values()):
            raise error
        states |= outcome.states
    return recommender, states


def _warm_history(recommender: Recommender, state: UserState) -> None:
    """What a model reads of a history, without one."""
    length = recommender.settings.state.history
    batch = recommender.pipeline.gather([recommender.request(state, NOW_MS)])
    views = read_views(batch.context, length)
    shape = (1, length)
    fill_history(
        views.history, views.history_features, views.history_actions, np.zeros((len(ITEMS), 4), np.float32),
        np.zeros(CODES, np.int64), np.empty((*shape, 4), np.float32),
        np.empty((*shape, len(HISTORY_FEATURES)), np.float32), np.empty(shape, np.int64),
        np.empty(shape, np.float32),
    )  # fmt: skip


def _warm_index(settings: Settings) -> None:
    """An index is made, changed and searched."""
    vectors = np.random.default_rng(0).normal(size=(100, WORDS_DIM)).astype(np.float32)
    index = VectorIndex("warm up", msgspec.structs.replace(settings.index, from_items=1))
    for _ in range(2):
        index.keep_up(vectors, np.arange(len(vectors)))
    index.find(vectors, vectors[:1], [np.zeros(len(vectors), np.uint8)], [10])


def _warm_assignment() -> None:
    """A user is drawn to an arm."""
    arms = {"one": ExperimentArm(), "other": ExperimentArm()}
    declaration = ExperimentSettings("warm up", arms, "one", "click_through", users=1, minimum_effect=1.0)
    registry = declared(NONE, "warm-up", declaration, NOW_MS).registry
    Assignment(started(registry, "warm-up", NOW_MS).registry).arms("user-0")


def _warm_learner(recommender: Recommender, state: UserState) -> None:
    """Lessons that are answered and not, and scores; without a model, as if one had scored."""
    learner = recommender.learner
    batch = recommender.pipeline.execute([recommender.request(state, NOW_MS)])
    batch.features = np.zeros((len(batch.rows), len(feature_names(recommender.pipeline.names))), np.float32)
    places = columns_of(batch, np.arange(PLACES))
    if not isinstance(learner, AdaptiveLearner) and recommender.earnings is None:
        return
    looks = pack_looks(features=places, names=digest_of_names(recommender.columns))
    rows = tuple(batch.rows[:PLACES].tolist())
    click = (Answer(rows[0], code_of("click"), np.nan, NOW_MS),)
    for arm, answers in ((DEFAULT_ARM, click), ("other", click), (DEFAULT_ARM, ())):
        slate = KeptSlate(
            "warm up", NOW_MS, arm, rows=rows, shown_ms=NOW_MS, shown=rows, answers=answers, looks=looks
        )
        recommender.learn([lesson_of("user-0", slate)])
    if isinstance(learner, AdaptiveLearner):
        learner.report()
        learner.levels.everyone.guard.follow(True)
        Adaptation(learner).run(batch, [0])
        ends, out = np.array([len(places)]), np.empty(len(places), np.float32)
        signals = np.ascontiguousarray(places[:, learner.reads], np.float32)
        learner.score(signals, np.concatenate([[0], ends]), ends, [Level("other")], out)
        PosteriorScores(learner).of(batch.draft(0), np.arange(PLACES))
        batch.tried[0] = batch.heads[0]
        Trial(recommender.pipeline.workspace).rerank(batch.draft(0), batch.order[0], batch.order[0])


def _warm_arms(recommender: Recommender, state: UserState) -> None:
    """A slate that is drawn, and one by quotas, where any arm makes such slates."""
    plans = recommender.arms.declared.values()
    if any(plan.settings.exploration.share for plan in plans):
        plan = recommender.plan({"exploration": {"share": 1.0}})
        recommender.draft(recommender.request(state, NOW_MS, plan=plan))
    for plan in [plan for plan in plans if plan.settings.candidates.quotas != "fixed"][:1]:
        recommender.draft(recommender.request(state, NOW_MS, plan=plan))


def _warm_lists(settings: Settings, recommender: Recommender) -> None:
    """A page of each list, of an item with a text, and who is like a user."""
    lists, asked = ItemLists(settings), ListAsk(PLACES, NOW_MS)
    for name in LIST_NAMES:
        lists.page(recommender.pipeline, name, asked)
    lists.similar(recommender.pipeline, [SimilarAsk(1, by, asked) for by in SOURCES])
    users, met = RecentUsers(), np.arange(PLACES, dtype=np.int32)
    users.note(Interaction(0, NOW_MS, code_of("click"), math.nan, met, 0, user="user-0"), settings.meanings)
    neighbours(recommender.pipeline, users, "user-1", met, PLACES)


def _warm_search(settings: Settings, recommender: Recommender, state: UserState) -> None:
    """A query by its words and its meaning."""
    if not settings.search.enabled:
        return
    # Imported here: a worker does without the index.
    from streams.search.index import SearchIndex
    from streams.search.searching import SearchAsked, search
    from streams.search.wanted import Wanted

    index = SearchIndex(settings.search)
    for row, item in enumerate(ITEMS):
        index.note(row, ItemRecord(item, NOW_MS, title=f"warm {item}"))
    index.commit()
    vector = np.full(WORDS_DIM, WORDS_DIM**-0.5, np.float32)
    asked = SearchAsked(index.understand("warm item"), vector, wanted=Wanted(facets=("categories",)))
    search(recommender, index, asked, state, NOW_MS)


def _warm_snapshot(recommender: Recommender) -> None:
    """What is shown while a snapshot is copied is copied first."""
    copy = CountersCopy(recommender)
    recommender.counters.show(np.zeros(1, np.int32))
    while not copy.step():
        pass
    copy.end()
    copy.pack()


def _warm_consumed(recommender: Recommender, state: UserState) -> None:
    """A state in every form that the consumed items of a user may have, there and back and to a slate."""
    consumed = state.consumed
    for row in range(500, 2_000, 3):
        consumed = consumed.add(row, 1, EVERY_ACTION, most_bytes=100)
    full = replace(state, consumed=consumed)
    again = user_state_codec.decode(user_state_codec.encode(full))
    recommender.draft(recommender.request(again, NOW_MS))
