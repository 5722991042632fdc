"""What a query finds, before any model: by words, by meaning, and by what it names, joined to one pool."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.filters.asked_for import AskedFor
from streams.ranking.filters.excluded import Excluded
from streams.ranking.filters.unavailable import Unavailable
from streams.ranking.request import ItemFilter, RankRequest
from streams.recommender import Recommender
from streams.search.fusion import Found, Fused, by_ranks, by_scores, scaled
from streams.search.index import SearchIndex
from streams.search.intent import rows_named
from streams.search.joining import first_free, united
from streams.search.meaning import cosines, near
from streams.search.prices import PriceWords
from streams.search.queries import Understood
from streams.search.words import Hits
from streams.settings.search import SearchSettings

ROUNDING = 1e-5
RULES = (Unavailable(), Excluded(), AskedFor())
"""What the user has met is no reason to hide what they search for."""
PARTS = ("words", "meaning", "named", "price")
GROWTH = 8
BEST = 1
"""Of the items that words find, so many tell how much of the query its words account for. The second and the
third best miss words of most queries, also where the first one has all.
"""
HELD = 0.5
"""This share of a query's words, by their rarity, is as good as all: then words and meaning count what the
settings say. Chosen on a half of searches for packages, reported on the other (dev/LOG.md).
"""
FEW = 1_000
"""Items that a filter leaves, up to which the index of words is told of them one by one."""


@dataclass(frozen=True)
class Pool:
    """rows int32 [n], best first; score float32 [n]; parts float32 [4, n]: by `PARTS`, what adds up to it.
    relaxed: nothing matches within the prices that the query names, so they were left out.
    """

    rows: NDArray[np.int32]
    score: F32
    parts: F32
    relaxed: bool = False

    def __len__(self) -> int:
        return len(self.rows)


def find(
    recommender: Recommender,
    index: SearchIndex,
    asked: Understood,
    vector: F32 | None,
    request: RankRequest,
    hits: Hits | None = None,
) -> Pool:
    """The best `search.pool` items for a query. request: its filter and what it excludes count here. hits:
    what `index.best` gave beforehand.
    """
    bounded = within(request.filter, asked.prices)
    if bounded is not request.filter:
        closer = msgspec.structs.replace(request, filter=bounded)
        found = _find(recommender, index, asked, vector, closer, hits)
        if len(found):
            return found
        return replace(_find(recommender, index, asked, vector, request, hits), relaxed=True)
    return _find(recommender, index, asked, vector, request, hits)


def within(asked: ItemFilter, prices: PriceWords) -> ItemFilter:
    """A filter with the bounds that a query names; those that the caller sets stay, where they are closer."""
    if not prices.bounded:
        return asked
    lows = [each for each in (asked.price_from, prices.low) if each is not None]
    highs = [each for each in (asked.price_to, prices.high) if each is not None]
    return replace(asked, price_from=max(lows, default=None), price_to=min(highs, default=None))


def _find(
    recommender: Recommender, index: SearchIndex, asked: Understood, vector: F32 | None, request: RankRequest,
    hits: Hits | None,
) -> Pool:  # fmt: skip
    settings, catalog, pipeline = index.settings, recommender.catalog, recommender.pipeline
    blocked = _blocked(recommender, request)
    hits = _by_words(index, asked, blocked, hits)
    entities = pipeline.workspace.entities
    graph, row_of = (None, None) if entities is None else (entities.graph, entities.row_of)
    masks = rows_named(asked.named, catalog, graph, row_of)
    words, meaning = (settings.words, 0.0) if vector is None else _weights(index, asked, hits)
    lists = [Found(hits.rows, scaled(hits.scores), words)]
    if vector is not None:
        rows = hits.rows
        if not _full_of_words(settings, lists[0], meaning, len(masks), asked.prices.leaning):
            rows = near(pipeline, vector, blocked, settings.per_list, settings.least_cosine)
            rows = united(rows, hits.rows) if settings.fusion == "scores" else rows
        lists.append(Found(rows, cosines(catalog, rows, vector), meaning))
    brought = _brought(recommender, asked, masks, blocked, settings.per_list)
    if len(brought):
        lists.append(Found(brought, np.zeros(len(brought), np.float32), 0.0))
    fused = by_scores(lists) if settings.fusion == "scores" else by_ranks(lists, settings.rank_constant)
    return _pool(recommender, index, asked, masks, fused, has_meaning=vector is not None)


def _weights(index: SearchIndex, asked: Understood, hits: Hits) -> tuple[float, float]:
    """What words and meaning count. Where the best item has few of a query's words, as where it is in
    another language than theirs but for a name, meaning takes over what the missing words would count.
    """
    words, meaning = index.settings.words, index.settings.meaning
    if index.settings.fusion != "scores" or not meaning or not len(hits.rows) or len(asked.asked) < 2:
        return words, meaning  # of a single word: what is found has it
    held = min(index.held(asked, hits.rows[:BEST]) / HELD, 1.0)
    return words * held, meaning + words * (1.0 - held)


def _full_of_words(settings: SearchSettings, words: Found, meaning: float, names: int, leaning: int) -> bool:
    """Whether the words fill the pool with what no other item can come up to, however near it is: then no
    vectors are searched. leaning: an item's price counts by its place among all that is found, so all is to
    be found.
    """
    if settings.fusion != "scores" or leaning or len(words.rows) < settings.pool:
        return False
    named = settings.intent * (words.weight + meaning) if names else 0.0
    return words.weight * float(words.scores[settings.pool - 1]) > meaning + named + ROUNDING


def _pool(
    recommender: Recommender, index: SearchIndex, asked: Understood, masks: list[NDArray[np.bool_]],
    fused: Fused, has_meaning: bool,
) -> Pool:  # fmt: skip
    settings = index.settings
    parts = np.zeros((len(PARTS), len(fused.rows)), np.float32)
    parts[0] = fused.parts[0]
    if has_meaning:
        parts[1] = fused.parts[1]
    if masks:
        parts[2] = settings.intent * np.mean([mask[fused.rows] for mask in masks], axis=0)
    if asked.prices.leaning:
        parts[3] = settings.intent * _leaning(recommender, fused.rows, asked.prices.leaning)
    score = parts.sum(axis=0, dtype=np.float32)
    best = np.argsort(-score, kind="stable")[: settings.pool]
    return Pool(fused.rows[best], score[best], parts[:, best])


def _blocked(recommender: Recommender, request: RankRequest) -> NDArray[np.uint8]:
    """uint8 [items]: 1 for what may not be found."""
    mask = np.zeros(len(recommender.catalog), np.uint8)
    for rule in RULES:
        if rule.enable(request):
            rule.mark(request, recommender.catalog, mask)
    return mask


def _by_words(index: SearchIndex, asked: Understood, blocked: NDArray[np.uint8], hits: Hits | None) -> Hits:
    """The best that may be found, `search.per_list` at most. Where a filter leaves few, the index looks among
    these alone; where it leaves more, the best of all are looked through until there are enough.
    """
    limit = index.settings.per_list
    free = len(blocked) - np.count_nonzero(blocked)
    if free <= min(FEW, len(blocked) - 1):
        return index.words.search(asked.looked_for, limit, np.flatnonzero(blocked == 0))
    if hits is None or hits.rows.max(initial=-1) >= len(blocked):  # of a catalogue that is no more
        hits = index.best(asked)
    while True:
        kept = first_free(hits.rows, blocked, index.settings.per_list)
        if hits.whole or len(kept) == index.settings.per_list:
            return Hits(hits.rows[kept], hits.scores[kept], hits.whole)
        limit *= GROWTH
        hits = index.words.search(asked.looked_for, limit)


def _brought(
    recommender: Recommender, asked: Understood, masks: list[NDArray[np.bool_]],
    blocked: NDArray[np.uint8], limit: int,
) -> NDArray[np.int32]:  # fmt: skip
    """Items of the entities that a query names, which no word of theirs may tell; the most popular first."""
    of_entities = [mask for mask, named in zip(masks, asked.named, strict=True) if named.kind == "entity"]
    if not of_entities:
        return np.empty(0, np.int32)
    rows = np.flatnonzero(np.any(of_entities, axis=0) & (blocked == 0)).astype(np.int32)
    events = recommender.counters.popularity.events[rows]
    return rows[np.argsort(-events, kind="stable")[:limit]]


def _leaning(recommender: Recommender, rows: NDArray[np.int32], leaning: int) -> F32:
    """How well the price of each row suits a query for what is cheap (-1) or dear (1), from 0 to 1; 0 for an
    item without a price.
    """
    prices = recommender.catalog.facets.prices_of(rows)
    suits = np.zeros(len(rows), np.float32)
    priced = np.flatnonzero(np.isfinite(prices))
    if len(priced) > 1:
        places = prices[priced].argsort(kind="stable").argsort(kind="stable") / (len(priced) - 1)
        suits[priced] = 1.0 - places if leaning < 0 else places
    return suits
