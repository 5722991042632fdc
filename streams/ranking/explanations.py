"""A reason for each place of slates, from the signals that brought it and that the score used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.counters.pair_kinds import CLOSE, FORWARD
from streams.counters.pairs import PairTable
from streams.ranking.relation_words import shared_words
from streams.ranking.slate import Reason
from streams.signals.entity_signals import EntitySignals
from streams.signals.pair_signals import FADE
from streams.state.catalog import Catalog

AFTER_WINDOW = 10
NAMED_FROM = 0.2  # share of the closeness from which an item is named: its removal then lowers the score
SIMILAR_AT = 0.5  # cosine above which two texts are called similar

NEAREST = "nearest"
GIVEN = "given"
"""Stands for the source of a candidate that the request names and no source found."""
MET_TOGETHER = frozenset(("together", "transitions", GIVEN))  # what goes with a recent item

POPULAR = Reason("popular")
NEW = Reason("new")
FOR_YOU = Reason("for_you")
EXPLORED = Reason("explored")
OF_SOURCE = {"popular": POPULAR, "trending": POPULAR, "fresh": NEW}


class Places(NamedTuple):
    """Of the slates of B requests, end to end: those of request b from first[b] on, int64 [B + 1]. rows int32
    [P]; origin int8 [P]: the number of the source that ranked the row best, -1 for none.
    """

    first: NDArray[np.int64]
    rows: NDArray[np.int32]
    origin: NDArray[np.int8]


class Recent(NamedTuple):
    """What each of B users liked of their last items, newest first: items int32, end to end; those of user b
    begin at first[b], int64 [B + 1].
    """

    first: NDArray[np.int64]
    items: NDArray[np.int32]


class ReasonSources(NamedTuple):
    """What a reason may be drawn from. sources: their names by number, `GIVEN` the last one. scratch: a table
    over rows, all -1 between uses. entities: where a knowledge graph is loaded.
    """

    catalog: Catalog
    pairs: PairTable
    totals: NDArray[np.float32]
    sources: Sequence[str]
    scratch: NDArray[np.int32]
    entities: EntitySignals | None = None


def explain(places: Places, recent: Recent, why: ReasonSources) -> list[list[Reason]]:
    """A reason for each place of each request.

    "after" and "with" name the recent item that is the largest part of the row's closeness, the signal whose
    parts come nearest to what leaving the item out does to the score (`benchmarks.explanations`); "shares"
    the one that shares most with it, where the graph brought it or nothing else can be named.
    """
    of_source = _kinds(tuple(why.sources))
    count = len(places.rows)
    named, followed = np.full(count, -1, np.int32), np.zeros(count, np.bool_)
    pairs = why.pairs
    _name(
        *places, *recent, of_source.met, pairs.start, pairs.length, pairs.neighbour, pairs.count, why.totals,
        why.scratch, of_source.texts, why.catalog.text, named, followed,
    )  # fmt: skip
    origins, follows, ids = places.origin.tolist(), followed.tolist(), why.catalog.ids
    reasons = [of_source.unnamed[origin] for origin in origins]
    for k, item in enumerate(named.tolist()):
        if item >= 0:
            reasons[k] = Reason(of_source.named[origins[k]][follows[k]], ids[item])
    ends = places.first.tolist()
    if why.entities is not None:
        for b in range(len(ends) - 1):
            liked = recent.items[recent.first[b] : recent.first[b + 1]]
            for k in range(ends[b], ends[b + 1]):
                if why.sources[origins[k]] == "entities" or reasons[k] is FOR_YOU:
                    reasons[k] = _shares(int(places.rows[k]), liked, why) or reasons[k]
    return [reasons[begin:end] for begin, end in pairwise(ends)]


class _Kinds(NamedTuple):
    """By the number of a source: whether it brings what goes with a recent item, and whether what has a
    similar text; the kind of a reason that names an item, and of one that the row was seen to follow; the
    reason where no item can be named.
    """

    met: NDArray[np.bool_]
    texts: NDArray[np.bool_]
    named: list[tuple[str, str]]
    unnamed: list[Reason]


@lru_cache(maxsize=16)
def _kinds(sources: tuple[str, ...]) -> _Kinds:
    named = {NEAREST: ("similar", "similar"), "transitions": ("with", "after")}
    return _Kinds(
        np.array([name in MET_TOGETHER for name in sources], np.bool_),
        np.array([name == NEAREST for name in sources], np.bool_),
        [named.get(name, ("with", "with")) for name in sources],
        [OF_SOURCE.get(name, FOR_YOU) for name in sources],
    )


def _shares(row: int, recent: NDArray[np.int32], why: ReasonSources) -> Reason | None:
    found = None if why.entities is None else why.entities.strongest(row, recent)
    if found is None or why.entities is None:
        return None
    return Reason("shares", why.catalog.ids[found.row], shared_words(why.entities.graph, found))


@compiled
def _name(
    first: NDArray[np.int64],
    rows: NDArray[np.int32],
    origin: NDArray[np.int8],
    recent_first: NDArray[np.int64],
    recent_items: NDArray[np.int32],
    met: NDArray[np.bool_],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: F32,
    totals: F32,
    scratch: NDArray[np.int32],
    texts: NDArray[np.bool_],
    text: F32,
    named: NDArray[np.int32],
    followed: NDArray[np.bool_],
) -> None:
    """Fill `named` and `followed`. Arrays come one by one: a call from Python takes a tuple of them apart
    slowly.
    """
    places, recent = Places(first, rows, origin), Recent(recent_first, recent_items)
    _by_pairs(places, recent, met, start, length, neighbour, count, totals, scratch, named, followed)
    _by_texts(places, recent, texts, text, named)


@compiled
def _by_pairs(
    places: Places,
    recent: Recent,
    met: NDArray[np.bool_],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: F32,
    totals: F32,
    scratch: NDArray[np.int32],
    named: NDArray[np.int32],
    followed: NDArray[np.bool_],
) -> None:
    """For each place of a source that is `met`, the recent item with the largest part of its closeness (see
    `streams.signals.pair_signals`), where it has `NAMED_FROM` of it; and whether the row was seen to follow
    that item.
    """
    most = 0
    for b in range(len(places.first) - 1):
        most = max(most, places.first[b + 1] - places.first[b])
    value, total = np.empty(most, np.float32), np.empty(most, np.float32)
    for b in range(len(places.first) - 1):
        first, asking = places.first[b], False
        rows = places.rows[first : places.first[b + 1]]
        for k in range(len(rows)):
            value[k] = total[k] = np.float32(0.0)
            if met[places.origin[first + k]]:
                scratch[rows[k]] = k
                asking = True
        if not asking:
            continue
        fade = np.float32(1.0)
        for item in recent.items[recent.first[b] : recent.first[b + 1]]:
            weight = fade / np.float32(np.sqrt(max(totals[item], np.float32(1.0))))
            fade *= np.float32(FADE)
            if start[item] < 0:
                continue
            for at in range(start[item], start[item] + length[item]):
                k = scratch[np.uint32(neighbour[at])]
                if k >= 0:
                    part = count[at, CLOSE] * weight
                    total[k] += part
                    if part > value[k]:
                        value[k], named[first + k] = part, item
                        followed[first + k] = count[at, FORWARD] > 0
        for k in range(len(rows)):
            scratch[rows[k]] = -1
            if value[k] < np.float32(NAMED_FROM) * total[k]:
                named[first + k] = -1


@compiled
def _by_texts(
    places: Places, recent: Recent, texts: NDArray[np.bool_], text: F32, named: NDArray[np.int32]
) -> None:
    """For each place of the source `texts`, the recent item with the most similar text, if it is similar."""
    for b in range(len(places.first) - 1):
        for k in range(places.first[b], places.first[b + 1]):
            if not texts[places.origin[k]]:
                continue
            largest = np.float32(SIMILAR_AT)
            for item in recent.items[recent.first[b] : recent.first[b + 1]]:
                cosine = np.float32(0.0)
                for d in range(text.shape[1]):
                    cosine += text[item, d] * text[places.rows[k], d]
                if cosine > largest or (cosine == largest and named[k] < 0):
                    largest, named[k] = cosine, item
