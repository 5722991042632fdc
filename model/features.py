"""Features of candidates, users and histories: the one place, for training and for serving alike.

Inputs are plain arrays, so that this file knows neither streams nor torch. Heavy-tailed counts enter as
logarithms; the network standardises what it gets with means and deviations of its training examples.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.feature_names import (
    ENTITIES_FROM,
    LIVE_FEATURES,
    TEXT_FEATURES,
)
from model.logarithm import log1p_of_count, log_counts
from model.schema import F32, I64
from model.text_products import text_products

NEVER_S = 1e9  # since the last event, where there was none
LOGS = 15  # logarithms among the signals of a candidate
RATING_PRIOR = 5.0  # ratings at the mean that every item is given

I32 = NDArray[np.int32]
F64 = NDArray[np.float64]


class ItemColumns(NamedTuple):
    """Live columns over item rows [n]. decayed counts [n, 3] are to be multiplied by a request's `ages`,
    [B, 3].
    """

    decayed: NDArray[np.float64]
    ages: NDArray[np.float64]
    total: NDArray[np.float32]
    shown: NDArray[np.int64]
    rating_sum: NDArray[np.float64]
    rating_count: NDArray[np.int64]
    added_ms: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    rating_mean: float


class Candidates(NamedTuple):
    """Of B requests, N in all; those of request b from `offsets[b]` on, int64 [B + 1]. rows int32 [N]. texts
    int32 [N]: where the text of each stands among all texts, its row but for one that has a text of its own.
    ranks int32 [N, sources], 0 for absent. now_ms int64 [B]: the moment of each request.
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    texts: NDArray[np.int32]
    ranks: NDArray[np.int32]
    now_ms: NDArray[np.int64]


class SignalsOf(NamedTuple):
    """Signals of B requests: request b has `values[begin[b]:end[b]]` for the items `rows[begin[b]:end[b]]`,
    each of them once, and zeros for all others. rows int32 [t], values float32 [t, signals], begin and end
    int64 [B].
    """

    rows: NDArray[np.int32]
    values: F32
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


NO_SIGNALS = SignalsOf(
    np.empty(0, np.int32), np.empty((0, 4), np.float32), np.empty(0, np.int64), np.empty(0, np.int64)
)


def candidate_features(
    candidates: Candidates,
    chosen: NDArray[np.int64],
    items: ItemColumns,
    pairs: SignalsOf,
    shared: SignalsOf | None,
    text: F32,
    views: F32,
    places: NDArray[np.int32],
) -> F32:
    """[N, len(LIVE_FEATURES) + sources], in that order; zero for requests that are not `chosen`, which are in
    rising order.

    pairs: as in `streams.signals.pair_signals`; shared: as in `streams.signals.entity_signals`, None without
    a knowledge graph: those features are zero then. text: [n, dim] unit vectors. views: [B, 6, dim], in the
    order of TEXT_FEATURES: the last item, the recent taste, the user's own words, those with their sentiment,
    the query, and the taste away from what was not liked; zero for none. places: a scratch table over rows,
    all -1 before and after.
    """
    live, whole = len(LIVE_FEATURES), len(chosen) == len(candidates.now_ms)
    made = np.empty if whole and shared is not None else np.zeros
    out = made((len(candidates.rows), live + candidates.ranks.shape[1]), np.float32)
    shared = NO_SIGNALS if shared is None else shared
    _fill(*items, *candidates, *pairs, *shared, chosen, text, views, live, places, out)
    return out


@compiled
def _fill(
    decayed: F64, ages: F64, total: F32, shown: I64, rating_sum: F64, rating_count: I64, added_ms: I64,
    last_ms: I64, rating_mean: float,
    offsets: I64, rows: I32, texts: I32, ranks: I32, now_ms: I64,
    pair_rows: I32, pair_values: F32, pair_begin: I64, pair_end: I64,
    shared_rows: I32, shared_values: F32, shared_begin: I64, shared_end: I64,
    chosen: I64, text: F32, views: F32, live: int, places: I32, out: F32,
) -> None:  # fmt: skip
    """All columns in one call. The arrays come one by one, a line for each tuple: what is in named tuples is
    found out anew at each call, which takes three times as long.
    """
    candidates = Candidates(offsets, rows, texts, ranks, now_ms)
    items = ItemColumns(decayed, ages, total, shown, rating_sum, rating_count, added_ms, last_ms, rating_mean)
    pairs = SignalsOf(pair_rows, pair_values, pair_begin, pair_end)
    shared = SignalsOf(shared_rows, shared_values, shared_begin, shared_end)
    _counts(candidates, chosen, items, places, out)
    at = np.empty(len(candidates.rows), np.int64)
    find_signals(pairs, chosen, candidates.offsets, candidates.rows, places, at)
    _signals(candidates, chosen, items.total, pairs.values, at, live, out)
    if len(shared.begin) > 0:
        find_signals(shared, chosen, candidates.offsets, candidates.rows, places, at)
        _entities(candidates.offsets, chosen, shared.values, at, ENTITIES_FROM, out)
    _texts(candidates, chosen, text, views, live - len(TEXT_FEATURES), out)


@compiled
def find_signals(
    signals: SignalsOf,
    chosen: NDArray[np.int64],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    places: NDArray[np.int32],
    at: NDArray[np.int64],
) -> None:
    """Write into `at` where the signals of each candidate of the requests `chosen` stand, -1 where it has
    none. rows: the candidates, those of request b from offsets[b] on. places: a scratch table over all rows,
    all -1 before and after.
    """
    for b in chosen:
        for k in range(signals.begin[b], signals.end[b]):
            places[signals.rows[k]] = k
        for k in range(offsets[b], offsets[b + 1]):
            at[k] = places[rows[k]]
        for k in range(signals.begin[b], signals.end[b]):
            places[signals.rows[k]] = -1


@compiled
def _counts(
    candidates: Candidates,
    chosen: NDArray[np.int64],
    items: ItemColumns,
    places: NDArray[np.int32],
    out: F32,
) -> None:
    """Fill the columns of COUNT_FEATURES. They are the item's own: at one moment they are made once for all
    requests that have it among their candidates.
    """
    offsets, rows = candidates.offsets, candidates.rows
    moment, since = candidates.now_ms[chosen[0]], offsets[chosen[0]]
    for b in chosen:
        if candidates.now_ms[b] != moment:
            moment, since = candidates.now_ms[b], offsets[b]
        for k in range(offsets[b], offsets[b + 1]):
            row = rows[k]
            there = places[row]
            if there >= since:
                for c in range(9):
                    out[k, c] = out[there, c]
                continue
            places[row] = k
            for c in range(3):
                out[k, c] = log1p_of_count(items.decayed[row, c] * items.ages[b, c])
            out[k, 3] = log1p_of_count(items.total[row])
            out[k, 4] = log1p_of_count(items.shown[row])
            count = items.rating_count[row]
            mean = (items.rating_sum[row] + RATING_PRIOR * items.rating_mean) / (count + RATING_PRIOR)
            out[k, 5] = mean - items.rating_mean
            out[k, 6] = log1p_of_count(count)
            last_ms = items.last_ms[row]
            out[k, 7] = log1p_of_count(max(moment - last_ms, 0) / 1000.0 if last_ms > 0 else NEVER_S)
            out[k, 8] = log1p_of_count(max(moment - items.added_ms[row], 0) / 1000.0)
    for b in chosen:
        for k in range(offsets[b], offsets[b + 1]):
            places[rows[k]] = -1


@compiled
def _signals(
    candidates: Candidates,
    chosen: NDArray[np.int64],
    total: F32,
    values: F32,
    at: NDArray[np.int64],
    live: int,
    out: F32,
) -> None:
    """Fill the columns of SIGNAL_FEATURES, and those of the ranks from `live` on. The logarithms of a request
    are taken side by side; until then the columns that have a sign hold what it is of.
    """
    offsets, rows, ranks = candidates.offsets, candidates.rows, candidates.ranks
    nothing = np.zeros(values.shape[1], np.float32)
    for b in chosen:
        first, n = offsets[b], offsets[b + 1] - offsets[b]
        logs = np.empty(n * LOGS, np.float64)
        for k in range(first, first + n):
            its = values[at[k]] if at[k] >= 0 else nothing
            root = 1.0 / math.sqrt(max(total[rows[k]], np.float32(1.0)))
            share, near, far, liked = its[1], its[5], its[6], its[7]
            log = logs[(k - first) * LOGS : (k - first + 1) * LOGS]
            log[0] = its[0]
            log[1] = 100.0 * share
            log[2] = 100.0 * its[2]
            log[3] = 10.0 * its[3]
            log[4] = 10.0 * its[4]
            log[5] = near
            log[6] = far
            log[7] = abs(liked)
            log[8] = 100.0 * share * root
            log[9] = 10.0 * near * root
            log[10] = 10.0 * far * root
            log[11] = 10.0 * abs(liked) * root
            out[k, 16] = out[k, 20] = liked
            out[k, 21] = liked / (far + 1.0)  # the mean liking of what was met together with it
            near -= its[8]
            share -= its[9]
            log[12] = abs(near)
            log[13] = 10.0 * abs(near) * root
            log[14] = 100.0 * abs(share)
            out[k, 22] = out[k, 23] = near
            out[k, 24] = share
            for source in range(ranks.shape[1]):
                rank = ranks[k, source]
                out[k, live + source] = 1.0 / math.sqrt(rank) if rank > 0 else 0.0
        log_counts(logs)
        for k in range(first, first + n):
            log = logs[(k - first) * LOGS : (k - first + 1) * LOGS]
            for c in range(7):
                out[k, 9 + c] = log[c]
            out[k, 16] = math.copysign(log[7], out[k, 16])
            for c in range(8, 11):
                out[k, 9 + c] = log[c]
            out[k, 20] = math.copysign(log[11], out[k, 20])
            for c in range(12, 15):
                out[k, 10 + c] = math.copysign(log[c], out[k, 10 + c])


@compiled
def _entities(
    offsets: NDArray[np.int64],
    chosen: NDArray[np.int64],
    values: F32,
    at: NDArray[np.int64],
    begin: int,
    out: F32,
) -> None:
    """Fill the columns of ENTITY_FEATURES, from `begin` on."""
    for b in chosen:
        for k in range(offsets[b], offsets[b + 1]):
            for c in range(4):
                weight = values[at[k], c] if at[k] >= 0 else np.float32(0.0)
                if c == 3 and at[k] >= 0:  # what is shared, without what is to be taken off
                    weight = values[at[k], 1] - weight
                out[k, begin + c] = math.copysign(np.float32(math.log1p(abs(weight))), weight)


@compiled
def _texts(
    candidates: Candidates,
    chosen: NDArray[np.int64],
    text: F32,
    views: F32,
    begin: int,
    out: F32,
) -> None:
    """Fill the columns of TEXT_FEATURES, from `begin` on."""
    for b in chosen:
        part = slice(candidates.offsets[b], candidates.offsets[b + 1])
        text_products(text, candidates.texts[part], views[b], out[part, begin : begin + views.shape[1]])
