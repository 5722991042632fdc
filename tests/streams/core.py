"""A small core and its pieces, for tests that need a catalog, counters and users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.feature_names import HISTORY_FEATURES, USER_FEATURES
from model.schema import F32, RescorerInputs, Schema, Scores
from model.vocabulary import Vocabulary
from streams.events.schema import Click, Review
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.lists import BatchSource, empty_lists, fill
from streams.ranking.candidates.source import Source
from streams.ranking.degradation import Rung
from streams.ranking.draft import Draft
from streams.ranking.model_in_service import ModelInService
from streams.ranking.model_inputs import feature_names
from streams.ranking.pipeline import Pipeline
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.fold import Delivery
from streams.state.knowledge_graph import Graph
from streams.state.user_state import UserState

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


class Small:
    """A recommender over items "i0", "i1", ..., all met at `START_MS`, and its users' states."""

    def __init__(self, items: int = 30, settings: Settings = Settings(), graph: Graph | None = None) -> None:
        self.core = Recommender(settings, graph)
        self.core.meet([f"i{row}" for row in range(items)], START_MS)
        self.states: dict[str, UserState] = {}
        self.now_ms = START_MS
        self._offset = -1

    def state(self, user: str) -> UserState:
        return self.states.get(user, UserState())

    def act(
        self,
        user: str,
        row: int,
        ts: int | None = None,
        rating: float | None = None,
        words: F32 | None = None,
        action: str = "click",
    ) -> UserState:
        """The user acts on an item, or reviews it; a second after the last event where no time is given."""
        self.now_ms = self.now_ms + 1_000 if ts is None else ts
        self._offset += 1
        name, item = f"e{self._offset}", self.core.catalog.ids[row]
        event: Click | Review
        if rating is None and words is None:
            event = Click(event_id=name, ts=self.now_ms, user_id=user, item_id=item, action=action)
        else:
            event = Review(event_id=name, ts=self.now_ms, user_id=user, item_id=item, rating=rating)
        applied = self.core.apply(self.state(user), event, Delivery("events", self._offset), words)
        self.states[user] = applied.state
        return applied.state

    def random_events(self, count: int, users: int, seed: int, rated: bool = True) -> None:
        """Seeded clicks and reviews, some of them in ties; nobody meets an item twice."""
        rng = np.random.default_rng(seed)
        items = len(self.core.catalog)
        for _ in range(count):
            user, row = f"u{rng.integers(users)}", int(min(rng.geometric(4 / items) - 1, items - 1))
            if self.state(user).has_consumed(row):
                continue
            ts = self.now_ms + int(rng.choice([0, 1_000, 60_000]))
            self.act(user, row, ts, float(rng.integers(1, 6)) if rated and rng.random() < 0.5 else None)

    def announce(self, row: int, text: F32 | None = None, available: bool = True, ts: int = START_MS) -> None:
        """An item event: the item as it now is."""
        record = ItemRecord(
            self.core.catalog.ids[row],
            ts,
            available,
            b"" if text is None else text.astype(np.float16).tobytes(),
        )
        self.core.put_item(row, record)

    def announce_all(self, seed: int) -> None:
        """Random unit texts for every item."""
        rng = np.random.default_rng(seed)
        for row in range(len(self.core.catalog)):
            self.announce(row, unit(rng.normal(size=64)))

    def request(self, user: str, rung: Rung = "full", now_ms: int | None = None, **asked: Any) -> RankRequest:
        """A request for a user, now where no time is given."""
        now = self.now_ms if now_ms is None else now_ms
        return self.core.request(self.state(user), now, rung=rung, user=user, **asked)

    def draft(self, user: str, rung: Rung = "full", **asked: Any) -> Draft:
        """A user's slate in the making, after all stages."""
        return self.core.draft(self.request(user, rung, **asked))

    def context(self, user: str, limit: int = 300, now_ms: int | None = None) -> SourceContext:
        """What a source is given."""
        plan = self.core.plan({"candidates": {"per_source": limit}, "rescoring": {"enabled": False}})
        batch = self.core.pipeline.gather([self.request(user, now_ms=now_ms, plan=plan)])
        return batch.context.of(0)

    def find(self, source: Source | BatchSource, user: str, limit: int = 300) -> list[int]:
        return found_by(source, self.context(user, limit))


def found_by(source: Source | BatchSource, context: SourceContext) -> list[int]:
    """What a source brings for one request."""
    lists = empty_lists(1, context.batch.asks.columns.first)
    fill([source], [np.array([context.number], np.int64)], context.batch, lists)
    found: list[int] = lists.source(0).of(context.number).tolist()
    return found


def toy_model(pipeline: Pipeline, features: Sequence[str] | None = None) -> ModelInService:
    """A model that can be worked out by hand: the click is the candidate's vector times the last item's, plus
    the sum of its features; the rating is 3. It retrieves nothing.
    """
    schema = Schema(
        candidate_features=tuple(features or feature_names(pipeline.names)),
        user_features=USER_FEATURES,
        history_features=HISTORY_FEATURES,
        item_dim=4,
    )

    def tower(ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]:
        vectors = np.zeros((len(ids), 4), np.float32)
        vectors[:, 0], vectors[:, 1:] = ids % 7, content["text"][:, :3]
        return vectors, np.zeros((len(ids), schema.user_dim), np.float32)

    def score(inputs: RescorerInputs) -> Scores:
        last = inputs.history_vectors[:, 0] * inputs.history_mask[:, :1]
        click = np.einsum("bkd,bd->bk", inputs.candidate_vectors, last) + inputs.candidate_features.sum(-1)
        return Scores(click.astype(np.float32), np.full(click.shape, 3.0, np.float32))

    vocabulary = Vocabulary(tuple(pipeline.catalog.ids))
    return ModelInService("toy", schema, vocabulary, tower, None, score, pipeline.names)


def batch_of(core: Recommender, requests: Sequence[RankRequest], candidates: Sequence[int]) -> RankBatch:
    """A batch with so many candidates for each request, rows from 100 on, and all columns of their scores."""
    total = sum(candidates)
    batch = RankBatch(requests)
    batch.offsets = np.cumsum([0, *candidates], dtype=np.int64)
    batch.rows = np.arange(100, 100 + total, dtype=np.int32)
    batch.ranks = np.zeros((total, len(core.pipeline.names)), np.int32)
    batch.origin = np.zeros(total, np.int8)
    batch.click, batch.rating, batch.score = (np.zeros(total, np.float32) for _ in range(3))
    return batch


def bare_draft(candidates: int, extra: int = 0) -> Draft:
    """A draft of nobody with so many candidates, the last `extra` only asked for; all scores are 0."""
    core = Small(items=1).core
    request = core.request(UserState(), START_MS, score_also=tuple(range(extra)))
    return batch_of(core, [request], [candidates]).draft(0)


def unit(vector: NDArray[np.floating]) -> F32:
    """The vector at length 1, rounded as it is stored."""
    return (vector / np.linalg.norm(vector)).astype(np.float16).astype(np.float32)


def naive_best(scores: Mapping[int, float], blocked_rows: Sequence[int], limit: int) -> list[int]:
    """Rows with a positive score, best first; ties go to the lower row."""
    blocked_set = {int(row) for row in blocked_rows}
    eligible = [(-score, row) for row, score in scores.items() if score > 0 and row not in blocked_set]
    return [row for _, row in sorted(eligible)[:limit]]


def with_settings(**sections: object) -> Settings:
    """`Settings()` with these sections replaced."""
    return msgspec.structs.replace(Settings(), **sections)
