"""A reason for each item of a slate, from the signals that brought it and that the score used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.catalog import Catalog
from streams.counters.pairs import FORWARD, TOGETHER, PairTable
from streams.feed import Reason

AFTER_WINDOW = 10
FILTER = 4_096
SIMILAR_AT = 0.5  # cosine above which two texts are called similar

POPULAR = Reason("popular")
NEW = Reason("new")
FOR_YOU = Reason("for_you")


class Why(NamedTuple):
    """What a reason may be drawn from."""

    history: NDArray[np.int32]
    catalog: Catalog
    pairs: PairTable
    totals: NDArray[np.float32]


def explain(rows: NDArray[np.int32], sources: list[str], why: Why) -> list[Reason]:
    """A reason for each of `rows`; `sources` names the source that ranked each best.

    "after" and "with" name the history item whose pair count with the row is the largest part of the signal.
    """
    recent = np.ascontiguousarray(why.history[:AFTER_WINDOW])
    pairs = why.pairs
    after, together = (
        strongest(pairs.start, pairs.length, pairs.neighbour, pairs.count, why.totals, recent, rows, kind)
        for kind in (FORWARD, TOGETHER)
    )
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
    return reasons


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
    kind: int,
) -> NDArray[np.int32]:
    """For each row the item of `recent` with the largest pair count of `kind` over its root; -1: none."""
    best = np.full(len(rows), -1, np.int32)
    value = np.zeros(len(rows), np.float32)
    maybe = np.zeros(FILTER, np.bool_)  # almost no neighbour is among the rows: most are told by this
    for row in rows:
        maybe[row % FILTER] = True
    for p in range(len(recent)):
        item = recent[p]
        if start[item] < 0:
            continue
        root = np.float32(np.sqrt(max(totals[item], np.float32(1.0))))
        for at in range(start[item], start[item] + length[item]):
            other = neighbour[at]
            if not maybe[other % FILTER]:
                continue
            for k in range(len(rows)):
                if rows[k] == other:
                    part = count[at, kind] / root
                    if part > value[k]:
                        value[k], best[k] = part, item
    return best
