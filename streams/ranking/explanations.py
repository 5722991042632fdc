"""A reason for each item of a slate, from the signals that brought it and that the score used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.counters.pairs import CLOSE, FORWARD, PairTable
from streams.ranking.relation_words import shared_words
from streams.ranking.slate import Reason
from streams.signals.entity_signals import EntitySignals
from streams.signals.pair_signals import FADE
from streams.state.catalog import Catalog

AFTER_WINDOW = 10
NAMED_FROM = 0.2  # share of the closeness from which an item is named: its removal then lowers the score
SIMILAR_AT = 0.5  # cosine above which two texts are called similar

MET_TOGETHER = frozenset(("together", "transitions"))  # sources that bring what goes with a recent item
NOTHING_CLOSE = (np.empty(0, np.int32), np.empty(0, np.bool_))

POPULAR = Reason("popular")
NEW = Reason("new")
FOR_YOU = Reason("for_you")


class Why(NamedTuple):
    """What a reason may be drawn from. `history`: what the user liked of it, newest first. `places`: a
    scratch table over rows, all -1. `entities`: where a knowledge graph is loaded.
    """

    history: NDArray[np.int32]
    catalog: Catalog
    pairs: PairTable
    totals: NDArray[np.float32]
    places: NDArray[np.int32]
    entities: EntitySignals | None = None


def explain(rows: NDArray[np.int32], sources: list[str], why: Why) -> list[Reason]:
    """A reason for each of `rows`; `sources` names the source that ranked each best.

    "after" and "with" name the recent item that is the largest part of the row's closeness, the signal whose
    parts come nearest to what leaving the item out does to the score (`benchmarks.explanations`); "shares"
    the one that shares most with it, where the graph brought it or nothing else can be named.
    """
    recent = np.ascontiguousarray(why.history[:AFTER_WINDOW])
    closest, followed = _closest(rows, recent, why) if MET_TOGETHER.intersection(sources) else NOTHING_CLOSE
    ids = why.catalog.ids
    reasons = []
    for k, source in enumerate(sources):
        if source in MET_TOGETHER and closest[k] >= 0:
            kind = "after" if source == "transitions" and followed[k] else "with"
            reasons.append(Reason(kind, ids[closest[k]]))
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


def _closest(
    rows: NDArray[np.int32], recent: NDArray[np.int32], why: Why
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    pairs = why.pairs
    return strongest(
        pairs.start, pairs.length, pairs.neighbour, pairs.count, why.totals, recent, rows, why.places
    )


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
    places: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """For each row the item of `recent` with the largest part of its closeness (see
    `streams.signals.pair_signals`), -1 where none has `NAMED_FROM` of it; and whether the row was seen to
    follow that item.

    `rows` are different ones; `places` is all -1 before and after.
    """
    for k in range(len(rows)):
        places[rows[k]] = k
    best = np.full(len(rows), -1, np.int32)
    followed = np.zeros(len(rows), np.bool_)
    value, total = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
    fade = np.float32(1.0)
    for p in range(len(recent)):
        item = recent[p]
        weight = fade / np.float32(np.sqrt(max(totals[item], np.float32(1.0))))
        fade *= np.float32(FADE)
        if start[item] < 0:
            continue
        for at in range(start[item], start[item] + length[item]):
            k = places[neighbour[at]]
            if k >= 0:
                part = count[at, CLOSE] * weight
                total[k] += part
                if part > value[k]:
                    value[k], best[k], followed[k] = part, item, count[at, FORWARD] > 0
    for k in range(len(rows)):
        places[rows[k]] = -1
        if value[k] < np.float32(NAMED_FROM) * total[k]:
            best[k] = -1
    return best, followed
