"""A reason for each item of a slate, from the signals that brought it and that the score used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.catalog import Catalog
from streams.counters.pairs import FORWARD, TOGETHER, PairTable
from streams.entity_signals import EntitySignals
from streams.feed import Reason
from streams.relations import shared_words

AFTER_WINDOW = 10
SIMILAR_AT = 0.5  # cosine above which two texts are called similar

POPULAR = Reason("popular")
NEW = Reason("new")
FOR_YOU = Reason("for_you")


class Why(NamedTuple):
    """What a reason may be drawn from. `places`: a scratch table over rows, all -1. `entities`: where a
    knowledge graph is loaded.
    """

    history: NDArray[np.int32]
    catalog: Catalog
    pairs: PairTable
    totals: NDArray[np.float32]
    places: NDArray[np.int16]
    entities: EntitySignals | None = None


def explain(rows: NDArray[np.int32], sources: list[str], why: Why) -> list[Reason]:
    """A reason for each of `rows`; `sources` names the source that ranked each best.

    "after" and "with" name the history item whose pair count with the row is the largest part of the signal;
    "shares" the one that shares most with it, where the graph brought it or nothing else can be named.
    """
    recent = np.ascontiguousarray(why.history[:AFTER_WINDOW])
    pairs = why.pairs
    kinds = (FORWARD, TOGETHER)
    after, together = strongest(
        pairs.start, pairs.length, pairs.neighbour, pairs.count, why.totals, recent, rows, kinds, why.places,
    )  # fmt: skip
    ids = why.catalog.ids
    reasons = []
    for k, source in enumerate(sources):
        if source == "transitions" and after[k] >= 0:
            reasons.append(Reason("after", ids[after[k]]))
        elif source in ("together", "transitions") and together[k] >= 0:
            reasons.append(Reason("with", ids[together[k]]))
        elif source == "nearest":
            reasons.append(_similar(int(rows[k]), recent, why.catalog))
        elif source == "fresh":
            reasons.append(NEW)
        elif source in ("popular", "trending"):
            reasons.append(POPULAR)
        else:
            reasons.append(FOR_YOU)
        if source == "entities" or reasons[-1] is FOR_YOU:
            reasons[-1] = _shares(int(rows[k]), recent, why) or reasons[-1]
    return reasons


def _shares(row: int, recent: NDArray[np.int32], why: Why) -> Reason | None:
    found = None if why.entities is None else why.entities.strongest(row, recent)
    if found is None or why.entities is None:
        return None
    return Reason("shares", why.catalog.ids[found.row], shared_words(why.entities.graph, found))


def _similar(row: int, recent: NDArray[np.int32], catalog: Catalog) -> Reason:
    if not len(recent):
        return FOR_YOU
    cosines = catalog.text[recent] @ catalog.text[row]
    best = int(np.argmax(cosines))
    return Reason("similar", catalog.ids[recent[best]]) if cosines[best] >= SIMILAR_AT else FOR_YOU


@compiled
def strongest(
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    count: NDArray[np.float32],
    totals: NDArray[np.float32],
    recent: NDArray[np.int32],
    rows: NDArray[np.int32],
    kinds: tuple[int, int],
    places: NDArray[np.int16],
) -> NDArray[np.int32]:
    """For each kind and row the item of `recent` with the largest pair count over its root; -1: none.

    `rows` are different ones; `places` is all -1 before and after.
    """
    for k in range(len(rows)):
        places[rows[k]] = k
    best = np.full((len(kinds), len(rows)), -1, np.int32)
    value = np.zeros((len(kinds), len(rows)), np.float32)
    for p in range(len(recent)):
        item = recent[p]
        if start[item] < 0:
            continue
        root = np.float32(np.sqrt(max(totals[item], np.float32(1.0))))
        for at in range(start[item], start[item] + length[item]):
            k = places[neighbour[at]]
            if k >= 0:
                for which in range(len(kinds)):
                    part = count[at, kinds[which]] / root
                    if part > value[which, k]:
                        value[which, k], best[which, k] = part, item
    for k in range(len(rows)):
        places[rows[k]] = -1
    return best
