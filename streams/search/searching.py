"""A search as a slate: what the query finds, scored by the model with the query as one of its views.

Where nothing is asked for but a filter, or nothing at all, the slate is the user's feed within the filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from model.schema import F32
from streams.experiments.assignment.arm_text import served_by, uncounted
from streams.experiments.declared.experiment import TOGETHER
from streams.ranking.degradation import Rung
from streams.ranking.rank_batch import NO_PLACES, RankBatch
from streams.ranking.request import NO_FILTER, ItemFilter, RankRequest, Search, Suiting
from streams.ranking.score_parts import DIGITS, ScorePart, score_parts
from streams.ranking.slate import Slate
from streams.ranking.slate_of_draft import slates_of
from streams.recommender import Recommender
from streams.search.as_found import as_found
from streams.search.finding import PARTS, Pool, find, within
from streams.search.index import SearchIndex
from streams.search.matches import Matches, matches
from streams.search.personal import personal_share
from streams.search.queries import Understood
from streams.search.wanted import NOTHING_WANTED, Wanted
from streams.search.words import Hits
from streams.state.user_state import UserState
from streams.triggering import triggered_alone

HISTORY = 50
"""Of the user's newest items that are compared with the query."""
SURFACE = "search"


@dataclass(frozen=True, slots=True)
class SearchAsked:
    """`understood`: the query; `vector`: of its text, None without one. `exclude`: items by id. `personal`:
    whether the user's history may count. `cause`: see `RankRequest`. `hits`: see `find`. `wanted`: what else
    is asked for; one in another order than relevance is not made here (`streams.search.sorted_search`).
    """

    understood: Understood
    vector: F32 | None
    user: str = ""
    size: int = 10
    filter: ItemFilter = NO_FILTER
    exclude: tuple[str, ...] = ()
    personal: bool = True
    surface: str = SURFACE
    cause: str = ""
    hits: Hits | None = None
    wanted: Wanted = NOTHING_WANTED


class SearchAnswer(NamedTuple):
    """`request`: as the core took it; None where no model was asked. `parts`: what the scores of its places
    are the sum of: "words", "meaning", "named" and "price" as in `Pool`, and "model"; of a feed, as in
    `score_parts`. `personal`: how much of what the model says counted, from 0 to 1. `found`: how many items
    were in the pool. `relaxed`: see `Pool`. `matches`: all that match; None where nobody asked for them.
    """

    slate: Slate
    request: RankRequest | None
    parts: list[ScorePart]
    personal: float
    found: int
    relaxed: bool
    matches: Matches | None = None


class Begun(NamedTuple):
    """A search whose slate is still to be made, by `request`. pool: what its query has found; None where it
    has none, and browses. share: how much of what the model says counts. matches: see `SearchAnswer`.
    """

    asked: SearchAsked
    request: RankRequest
    pool: Pool | None
    share: float
    matches: Matches | None = None


def search(
    recommender: Recommender,
    index: SearchIndex,
    asked: SearchAsked,
    state: UserState,
    now_ms: int,
    stages_of: Rung = "full",
) -> SearchAnswer:
    """One search. stages_of: the rung whose stages rank it; without a model "counters" in any case. Raises
    `RequestError` for what can't be asked.
    """
    return made_of(recommender, [begin(recommender, index, asked, state, now_ms, stages_of)])[0]


def begin(
    recommender: Recommender,
    index: SearchIndex,
    asked: SearchAsked,
    state: UserState,
    now_ms: int,
    stages_of: Rung = "full",
) -> Begun:
    """What a search finds, before the model is asked; see `search`."""
    rows = recommender.catalog.rows
    arm = recommender.arms_of(asked.user, state, now_ms, asked.surface)
    fields: dict[str, Any] = {
        "user": asked.user,
        "cause": asked.cause,
        "surface": asked.surface,
        "size": asked.size,
        "filter": asked.filter,
        "exclude": tuple(rows[item_id] for item_id in asked.exclude if item_id in rows),
        "search": None if asked.vector is None else Search(asked.understood.text, asked.vector),
    }
    request = recommender.request(
        state, now_ms, stages_of=recommender.worthwhile(stages_of), arm=arm, **fields
    )
    request = _in_one_order(recommender, request)
    if asked.understood.empty:  # the user's feed within the filter, and within the prices that it names
        bounded = replace(request, search=None, filter=within(request.filter, asked.understood.prices))
        matching = _matches(recommender, index, asked, request)
        return Begun(asked, _for_everybody(bounded, asked), None, float(asked.personal), matching)
    pool = find(recommender, index, asked.understood, asked.vector, request, asked.hits)
    share = _share(recommender, index, asked, state)
    settings = index.settings
    net = settings.net * (settings.personal_floor + (1.0 - settings.personal_floor) * share)
    chosen = replace(request, candidates=tuple(pool.rows.tolist()), suiting=_suiting(pool, net))
    matching = _matches(recommender, index, asked, request, pool.relaxed)
    return Begun(asked, _for_everybody(chosen, asked), pool, share, matching)


def made_of(recommender: Recommender, begun: Sequence[Begun]) -> list[SearchAnswer]:
    """The answers, from one batch of slates."""
    batch = recommender.pipeline.execute([each.request for each in begun])
    popularity = recommender.counters.popularity
    mean = popularity.mean_rating() if popularity.all_rating_count else None
    parts = [score_parts(batch, b, mean) if each.pool is None else [] for b, each in enumerate(begun)]
    names = recommender.pipeline.names
    places = [_from_pool(batch, b, each.pool, len(names)) for b, each in enumerate(begun)]
    slates = slates_of(batch, range(len(begun)), recommender.catalog.ids, (*names, *PARTS))
    # What is compared goes through the pipeline, too: the batch is of no use behind this.
    return [_answer(recommender, *each) for each in zip(begun, slates, places, parts, strict=True)]


def _from_pool(batch: RankBatch, b: int, pool: Pool | None, sources: int) -> NDArray[np.intp]:
    """Where in its pool each place of request b stands. What brought it, the largest part of its score, takes
    the place of a source: `PARTS` stand behind the names of the sources.
    """
    if pool is None:
        return NO_PLACES
    placed, _ = batch.placed([b])
    order = np.argsort(pool.rows)
    at = order[np.searchsorted(pool.rows[order], batch.rows[placed])]
    batch.origin[placed] = sources + pool.parts[:, at].argmax(axis=0)
    return at


def _answer(
    recommender: Recommender, begun: Begun, slate: Slate, at: NDArray[np.intp], parts: list[ScorePart]
) -> SearchAnswer:
    """at [places]: where in the pool each of them stands."""
    _, request, pool, share, matching = begun
    slate = triggered_alone(recommender, request, slate, lambda other: _in_one_order(recommender, other))
    if pool is None:
        return SearchAnswer(slate, request, parts, share, len(slate.items), False, matching)
    parts = _parts(slate, pool, at)
    return SearchAnswer(slate, request, parts, share, len(pool), pool.relaxed, matching)


def _matches(
    recommender: Recommender,
    index: SearchIndex,
    asked: SearchAsked,
    request: RankRequest,
    relaxed: bool = False,
) -> Matches | None:
    wanted, exclude = asked.wanted, request.exclude
    if not wanted.facets:
        return None
    return matches(recommender, index, asked.understood, asked.vector, asked.filter, exclude, wanted, relaxed)


def _for_everybody(request: RankRequest, asked: SearchAsked) -> RankRequest:
    """Without the user's history, where it is not to count."""
    return request if asked.personal else replace(request, state=UserState())


def _share(recommender: Recommender, index: SearchIndex, asked: SearchAsked, state: UserState) -> float:
    if asked.vector is None or not asked.personal:
        return 0.0
    items, settings = state.items[-HISTORY:], index.settings
    texts = recommender.catalog.text[items[items < len(recommender.catalog)]]
    return personal_share(asked.vector, texts, settings.attention, settings.attention_from)


def _suiting(pool: Pool, net: float) -> Suiting:
    order = np.argsort(pool.rows)
    return Suiting(pool.rows[order], pool.score[order], net)


def _in_one_order(recommender: Recommender, request: RankRequest) -> RankRequest:
    """The request as a search takes it. A search is not drafted of two orders: it has that of control, and
    counts for no reading of an experiment that is interleaved.
    """
    arm = request.arm
    for each in served_by(arm) if request.against is not None else ():
        if each.counts and TOGETHER in each.arm:
            arm = uncounted(arm, each.text)
    return replace(request, arm=arm, against=None, plan=as_found(recommender, request.plan))


def _parts(slate: Slate, pool: Pool, at: NDArray[np.intp]) -> list[ScorePart]:
    """The parts of each score, and what the model adds; their sum is the score as the slate tells it."""
    told = np.array([item.score for item in slate.items], np.float64)
    parts = pool.parts[:, at].astype(np.float64).round(DIGITS)
    model = (told - parts.sum(axis=0)).round(DIGITS)
    every = zip((*PARTS, "model"), (*parts, model), strict=True)
    return [ScorePart(name, values) for name, values in every if np.any(values)]
