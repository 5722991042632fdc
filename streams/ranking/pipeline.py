"""From a user's state to a slate: the list of stages in `Pipeline.drafts` and `Pipeline.rank`.

    drafts  view of the user (one run of the user tower for the batch), then for each user
            filter · signals · candidates (SOURCES) · blend · aversion · features
    rank    rescore (one run for the batch) · reweight · lower · rerank · explain

A candidate source is one file in `streams/ranking/candidates/` and one line in `sources`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.features import (
    ItemColumns,
    Moment,
    candidate_features,
    history_features,
    user_features,
)
from model.hashing import profile_of
from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking import filters
from streams.ranking.aversion import aversion, lower
from streams.ranking.candidates.blend import Pool, blend
from streams.ranking.candidates.context import RECENT, Learned, Query
from streams.ranking.candidates.entities import Entities
from streams.ranking.candidates.fresh import Fresh
from streams.ranking.candidates.learned import LearnedNearest
from streams.ranking.candidates.nearest import Nearest
from streams.ranking.candidates.popular import Popular
from streams.ranking.candidates.rest import completed
from streams.ranking.candidates.source import Source
from streams.ranking.candidates.together import Together
from streams.ranking.candidates.transitions import Transitions
from streams.ranking.degradation import Rung
from streams.ranking.draft import Draft
from streams.ranking.explanations import AFTER_WINDOW, Why, explain
from streams.ranking.reranking import rerank
from streams.ranking.rescoring import ModelInService
from streams.ranking.reweighting import reweight
from streams.ranking.slate import SlateItem
from streams.settings.tree import Settings
from streams.signals.entity_signals import EntitySignals
from streams.signals.pair_signals import Signals
from streams.signals.rating_bias import rating_bias
from streams.state.catalog import Catalog
from streams.state.knowledge_graph import Graph
from streams.state.user_state import UserState

QUICK_HISTORY = 10


def sources(settings: Settings) -> tuple[Source, ...]:
    """Every candidate source, in the order of their columns in `Draft.ranks`."""
    return (
        Together(),
        Transitions(),
        Popular("trending", half_life=0),
        Popular("popular", half_life=1),
        Nearest(),
        Fresh(settings.candidates.fresh_half_life_s),
        LearnedNearest(),
        Entities(),
    )


class Pipeline:
    """The stages over one catalog and one set of counters; `model` may be swapped between two batches."""

    def __init__(
        self, settings: Settings, catalog: Catalog, counters: Counters, graph: Graph | None = None
    ) -> None:
        self.settings, self.catalog, self.counters = settings, catalog, counters
        self.model: ModelInService | None = None
        self.sources = sources(settings)
        self.names = [source.name for source in self.sources]
        self.meanings = settings.meanings
        self.rules = filters.rules(self.meanings.blocking)
        self._weights = np.array([settings.candidates.weights.get(name, 1.0) for name in self.names])
        self._reserve = np.array([settings.candidates.reserve.get(name, 0) for name in self.names])
        self._fresh = self.names.index("fresh") if "fresh" in self.names else -1
        self._popular = self.names.index("popular")
        self._signals = Signals()
        self.entities = None if graph is None else EntitySignals(graph)
        self._blocked = np.zeros(0, np.uint8)
        self._places = np.zeros(0, np.int16)

    def draft(
        self,
        state: UserState,
        now_ms: int,
        rung: Rung = "full",
        pool_size: int | None = None,
        also: Sequence[int] = (),
        searched: F32 | None = None,
    ) -> Draft:
        """Candidates for one user, with features where the rung uses the model.

        `pool_size` overrides the rung's number of candidates. `also`: rows to score in any case and
        never to place, for evaluation and training. `searched`: the vector of the user's query.
        """
        draft = self._begin(state, now_ms, rung, searched)
        self._gather(draft, self._learned([draft])[0], pool_size, also)
        return draft

    def drafts(self, states: Sequence[UserState], now_ms: int, rung: Rung = "full") -> list[Draft]:
        """The same for several users, whose vectors are made in one run."""
        drafts = [self._begin(state, now_ms, rung) for state in states]
        for draft, learned in zip(drafts, self._learned(drafts), strict=True):
            self._gather(draft, learned)
        return drafts

    def _begin(self, state: UserState, now_ms: int, rung: Rung, searched: F32 | None = None) -> Draft:
        """A draft with what the model reads of the user, where the rung uses it."""
        draft = Draft(state, now_ms, rung, state.items[::-1].copy())
        if rung in ("full", "fewer"):
            self._view(draft, searched)
        return draft

    def _learned(self, drafts: Sequence[Draft]) -> list[Learned | None]:
        """The users' vectors with the keys of all items, in one run; None where no model is asked."""
        wanted = bool(drafts) and all(draft.rung in ("full", "fewer") for draft in drafts)
        model = self.model if wanted else None
        if model is None or model.users is None:
            return [None] * len(drafts)
        return [Learned(user, model.keys[: model.known]) for user in model.user_vectors(drafts)]

    def _gather(
        self, draft: Draft, learned: Learned | None, pool_size: int | None = None, also: Sequence[int] = ()
    ) -> None:
        """Candidates and their features."""
        rung, now_ms = draft.rung, draft.now_ms
        query = self._query(draft, learned)
        draft.extra = len(also)
        if rung == "popular":
            found = self.sources[self._popular].find(query)
            pool = self._completed(blend([found], [1.0], [0], 60.0, self.settings.feed.size), query)
            ranks = np.zeros((len(pool.rows), len(self.names)), np.int32)
            ranks[:, self._popular] = pool.ranks[:, 0]
            draft.rows, draft.ranks = pool.rows, ranks
            draft.origin = np.where(pool.ranks[:, 0] > 0, np.int8(self._popular), pool.origin)
            return
        # Reading the pairs of a long history is most of what a slate costs without the model.
        read = QUICK_HISTORY if rung == "counters" else len(query.history)
        draft.signs, off = query.signs, query.off
        self._signals.read(
            self.counters.pairs,
            self.counters.popularity.total,
            query.history[:read],
            query.liking[:read],
            query.tied,
            now_ms,
            None if off is None else off[:read],
        )
        if self.entities is not None:
            recent = None if off is None else off[:RECENT]
            self.entities.read(query.history[:RECENT], query.liking[:RECENT], recent)
        wanted = pool_size or (
            self.settings.candidates.pool if rung == "full" else self.settings.ladder.fewer_pool
        )
        pool = blend(
            [source.find(query) for source in self.sources],
            self._weights,
            self._reserve,
            self.settings.candidates.rank_constant,
            wanted,
        )
        if pool_size is None:  # else it is asked what the sources bring
            pool = self._completed(pool, query)
        draft.rows, draft.ranks, draft.origin = _append(pool, also)
        draft.aversion = aversion(draft.rows, query)
        if rung != "counters":
            self._featurise(draft, query)

    def _completed(self, pool: Pool, query: Query) -> Pool:
        """The pool with as many rows as a slate has places, where so many may be shown at all."""
        items, size = len(self.catalog), self.settings.feed.size
        return completed(pool, query.blocked, items, size, max(self._fresh, 0))

    def rank(self, drafts: Sequence[Draft]) -> None:
        """Score and order drafts; those of the upper rungs in one run of the model."""
        self._rescore([draft for draft in drafts if len(draft.rows)])
        for draft in drafts:
            reweight(draft, self.settings.feed, self.counters.popularity.mean_rating())
            lower(draft, self.settings.feed.aversion, self._weights, self.settings.candidates.rank_constant)
            rerank(
                draft, self.settings.feed.size, self._fresh, self.settings.feed.fresh_place, self._new(draft)
            )

    def _new(self, draft: Draft) -> NDArray[np.bool_] | None:
        """Which candidates came within the last half-life of newness; None where no source looks for them."""
        if self._fresh < 0:
            return None
        since_ms = draft.now_ms - self.settings.candidates.fresh_half_life_s * 1_000
        return np.asarray(self.catalog.added_ms[draft.rows] >= since_ms)

    def items(self, draft: Draft) -> list[SlateItem]:
        """The slate's places with their reasons."""
        rows = draft.rows[draft.order]
        origins = [self.names[origin] for origin in draft.origin[draft.order]]
        liked = draft.history[:AFTER_WINDOW]
        if draft.signs is not None:
            liked = liked[draft.signs[:AFTER_WINDOW] > 0]
        why = Why(
            liked, self.catalog, self.counters.pairs, self.counters.popularity.total, self._places,
            self.entities,
        )  # fmt: skip
        reasons = explain(rows, origins, why)
        scores = draft.score[draft.order].astype(float).round(6).tolist()
        ids = self.catalog.ids
        return [
            SlateItem(ids[row], score, origin, reason)
            for row, score, origin, reason in zip(rows.tolist(), scores, origins, reasons, strict=True)
        ]

    def grow(self) -> None:
        """Make room in the scratch tables for every item of the catalog."""
        items = len(self.catalog)
        self.counters.grow(items)
        self._signals.grow(items)
        if self.entities is not None:
            self.entities.grow(self.catalog.ids)
        if items > len(self._blocked):
            room = max(items, len(self._blocked) * 3 // 2)
            self._blocked, self._places = np.zeros(room, np.uint8), np.full(room, -1, np.int16)

    def _query(self, draft: Draft, learned: Learned | None) -> Query:
        blocked = filters.blocked(draft.state, self.catalog, self.rules, self._blocked)
        # The lower rungs are there to be cheap. On "fewer" ranks are features, so they are those of "full".
        limit = {"counters": self.settings.ladder.fewer_pool, "popular": self.settings.feed.size}.get(
            draft.rung, self.settings.candidates.per_source
        )
        searched = draft.query if draft.query.any() else None
        return Query(
            draft.state, draft.now_ms, self.catalog, self.counters, self._signals, blocked, limit, learned,
            searched, self.entities, draft.lean, self.meanings,
        )  # fmt: skip

    def _view(self, draft: Draft, searched: F32 | None) -> None:
        """What the model reads of the user."""
        state, nothing = draft.state, np.zeros(self.catalog.text.shape[1], np.float32)
        overall = self.counters.popularity.mean_rating()
        draft.lean = lean = rating_bias(state, self.counters.popularity, self.meanings.liking)
        moment = Moment(
            now_ms=draft.now_ms,
            times=state.times[::-1].copy(),
            liking=lean.liking,
            weights=self.meanings.counts[state.actions[::-1]],
            rating_mean=state.mean_rating(overall),
            rating_count=state.rating_count,
            interactions=state.interactions,
            activity=state.activity,
            words_weight=state.words_weight,
            searching=searched is not None,
            rating_bias=lean.bias,
            rating_lately=lean.lately,
        )
        draft.user_features = user_features(moment)
        draft.history_features = history_features(moment, self.settings.state.history)
        draft.history_actions = state.actions[::-1]
        draft.profile = profile_of(state.profile)
        draft.words = state.words if len(state.words) else nothing
        draft.liked = state.liked if len(state.liked) else nothing
        draft.query = nothing if searched is None else searched

    def _featurise(self, draft: Draft, query: Query) -> None:
        popularity, text = self.counters.popularity, self.catalog.text
        views = np.zeros((6, text.shape[1]), np.float32)
        if len(query.history):
            views[0], views[1], views[5] = text[query.history[0]], query.taste, query.liked_taste
        views[2], views[3], views[4] = draft.words, draft.liked, draft.query
        columns = ItemColumns(
            popularity.decayed, query.ages, popularity.total, popularity.shown,
            popularity.rating_sum, popularity.rating_count, self.catalog.added_ms, popularity.last_ms,
            popularity.mean_rating(),
        )  # fmt: skip
        draft.features = candidate_features(
            draft.rows, columns, self._signals.values, draft.now_ms, text, views, draft.ranks,
            None if self.entities is None else self.entities.values,
        )  # fmt: skip

    def _rescore(self, drafts: Sequence[Draft]) -> None:
        """Model scores for the upper rungs; below, the pool's own order is the score."""
        modelled = [draft for draft in drafts if self.model is not None and len(draft.features)]
        for draft in drafts:
            draft.click = -np.arange(len(draft.rows), dtype=np.float32)
            draft.rating = np.full(len(draft.rows), self.counters.popularity.mean_rating(), np.float32)
        if modelled and self.model is not None:
            scores = self.model.score(modelled)
            for b, draft in enumerate(modelled):
                draft.click = scores.click[b, : len(draft.rows)]
                draft.rating = scores.rating[b, : len(draft.rows)]
                further = zip(self.model.schema.tasks[2:], scores.more, strict=True)
                draft.modelled = True
                draft.more = {name: values[b, : len(draft.rows)] for name, values in further}


def _append(pool: Pool, also: Sequence[int]) -> Pool:
    """The pool with `also` at its end, found by no source."""
    if not also:
        return pool
    extra: NDArray[np.int32] = np.array(also, np.int32)
    return Pool(
        np.concatenate([pool.rows, extra]),
        np.concatenate([pool.ranks, np.zeros((len(extra), pool.ranks.shape[1]), np.int32)]),
        np.concatenate([pool.origin, np.full(len(extra), -1, np.int8)]),
    )
