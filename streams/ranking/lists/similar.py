"""What is like an item: by what users do, by its text, by the knowledge graph, or by all of these.

An item's list is what the candidate sources find for a user who has met this item and nothing else, and who
liked it. So one rule serves feeds and lists: *together* is then the cosine of two items by the users who met
both, *nearest* the cosine of their texts, *entities* the weight of what they share in the graph (Adamic &
Adar, 2003). `blended` is the fusion of their ranks, as the pool of a feed is made (Cormack et al., 2009), in
which what users do counts most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.actions import code_of
from model.schema import HIGHEST_RATING
from streams.ranking.explanations import FOR_YOU, NEAREST
from streams.ranking.index.products import product
from streams.ranking.lists.cursor import name_of, read_shown, shown
from streams.ranking.lists.left_out import can_be_had
from streams.ranking.lists.page import MOST, Entry, ListAsk, Page
from streams.ranking.pipeline import Pipeline
from streams.ranking.rank_batch import RankBatch
from streams.ranking.relation_words import shared_words
from streams.ranking.request import RankRequest
from streams.ranking.request_checks import check
from streams.ranking.slate import Reason
from streams.ranking.stage_plan import StagePlan
from streams.signals.entity_signals import ENTITY_TASTE
from streams.signals.pair_signals import CLOSE, cosine
from streams.state.user_state import UserState

By = Literal["behaviour", "text", "graph", "blended"]
SIMILAR = "similar"
TOGETHER, ENTITIES = "together", "entities"
SOURCES: dict[By, tuple[str, ...]] = {
    "behaviour": (TOGETHER,),
    "text": (NEAREST,),
    "graph": (ENTITIES,),
    "blended": (TOGETHER, NEAREST, ENTITIES),
}


class SimilarAsk(NamedTuple):
    """The items like the item of row `row`; `user`: in whose order they are shown, "" for nobody's."""

    row: int
    by: By
    asked: ListAsk
    user: str = ""

    @property
    def name(self) -> str:
        """Names the list in cursors."""
        return name_of(SIMILAR, self.asked.filter, self.row, self.by, self.user)


WEIGHTS = {TOGETHER: 1.0, NEAREST: 0.3, ENTITIES: 0.2}
"""Of the sources in `blended`, by what users met next in ml-100k (dev/LOG.md)."""


def stages_of(by: By) -> Mapping[str, Any]:
    """The stage settings of such a list: its sources alone, and no model."""
    names = SOURCES[by]
    return {
        "candidates": {
            "sources": names,
            "weights": {name: WEIGHTS[name] for name in names},
            "reserve": dict.fromkeys(names, 0),
            "quotas": "fixed",
            "pool": MOST,
            "per_source": MOST,
        },
        "rescoring": {"enabled": False},
    }


def similar(pipeline: Pipeline, plans: Mapping[By, StagePlan], asks: Sequence[SimilarAsk]) -> list[Page]:
    """A page for each of `asks`, all of them found in one go; a list has `MOST` items in all at most.

    plans: of each `By`, made of `stages_of`. Scores are cosines, weights of what is shared, or sums of
    reciprocal ranks. Raises `RequestError` for a cursor that is not of this list, and for a filter that can't
    be.
    """
    if not asks:
        return []
    before = [read_shown(ask.asked.cursor, ask.name) for ask in asks]
    for ask in asks:
        check({"filter": ask.asked.filter}, len(pipeline.catalog), pipeline.catalog.text.shape[1])
    requests = [
        RankRequest(
            only_met(ask.row, ask.asked.now_ms),
            ask.asked.now_ms,
            plans[ask.by],
            exclude=(ask.row,),
            filter=can_be_had(ask.asked.filter),
            complete=False,
        )
        for ask in asks
    ]
    batch = pipeline.gather(requests)
    return [
        _page(pipeline, batch, b, ask, was_shown)
        for b, (ask, was_shown) in enumerate(zip(asks, before, strict=True))
    ]


def only_met(row: int, now_ms: int) -> UserState:
    """A user who has met this item alone, and liked it."""
    return UserState(
        items=np.array([row], np.int32),
        actions=np.array([code_of("review")], np.uint8),
        ratings=np.array([HIGHEST_RATING], np.float32),
        times=np.array([now_ms], np.int64),
    )


def _page(
    pipeline: Pipeline, batch: RankBatch, b: int, ask: SimilarAsk, was_shown: NDArray[np.int32]
) -> Page:
    """What comes next of the whole list, as it stands now."""
    rows = batch.rows[batch.part(b)]
    left = np.flatnonzero(~np.isin(rows, was_shown))[: MOST - len(was_shown)]
    at = left[: ask.asked.n]
    names = [pipeline.names[origin] for origin in batch.origin[batch.part(b)][at].tolist()]
    scores = _scores(pipeline, batch, b, ask, at)
    entries = [
        Entry(row, score, name, _reason(pipeline, ask.row, row, name))
        for row, score, name in zip(rows[at].tolist(), scores.tolist(), names, strict=True)
    ]
    if len(at) == len(left):
        return Page(entries)
    return Page(entries, shown(ask.name, np.concatenate([was_shown, rows[at]])))


def _scores(
    pipeline: Pipeline, batch: RankBatch, b: int, ask: SimilarAsk, at: NDArray[np.intp]
) -> NDArray[np.float64]:
    """By what the list is ordered, of these places of it: float64 [n], rounded."""
    number, places = np.array([b], np.int64), pipeline.workspace.places
    rows = batch.rows[batch.part(b)][at]
    if ask.by == "blended":
        found = _fused(batch, b, at)
    elif ask.by == "behaviour":
        close = batch.context.pairs(number).of(b).of(rows, places)[:, CLOSE]
        totals = pipeline.counters.popularity.total[rows]
        found = np.array([cosine(*pair) for pair in zip(close, totals, strict=True)], np.float64)
    elif ask.by == "text":
        text, row = pipeline.catalog.text, ask.row
        found = np.array([product(text[row], text[other]) for other in rows.tolist()], np.float64)
    else:
        shared = batch.context.entities(number)
        weights = shared.of(b).of(rows, places)[:, ENTITY_TASTE] if shared is not None else np.zeros(0)
        found = weights.astype(np.float64)
    rounded: NDArray[np.float64] = np.round(found, 6)
    return rounded


def _fused(batch: RankBatch, b: int, at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sums of weight / (constant + rank), as `streams.ranking.candidates.blend` adds them up."""
    plan = batch.requests[b].plan
    ranks = batch.ranks[batch.part(b)][at].astype(np.float64)
    parts = np.where(ranks > 0, plan.weights / (plan.settings.candidates.rank_constant + ranks), 0.0)
    sums: NDArray[np.float64] = parts.sum(axis=1)
    return sums


def _reason(pipeline: Pipeline, row: int, other: int, source: str) -> Reason:
    """What leads from the item to the other one."""
    item_id, entities = pipeline.catalog.ids[row], pipeline.workspace.entities
    if source == NEAREST:
        return Reason("similar", item_id)
    if source == ENTITIES and entities is not None:
        shared = entities.strongest(other, np.array([row], np.int32))
        return FOR_YOU if shared is None else Reason("shares", item_id, shared_words(entities.graph, shared))
    return Reason("with", item_id)
