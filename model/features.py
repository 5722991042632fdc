"""Features of candidates, users and histories: the one place, for training and for serving alike.

Inputs are plain arrays, so that this file knows neither streams nor torch. Heavy-tailed counts enter as
logarithms; the network standardises what it gets with means and deviations of its training examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

COUNT_FEATURES = (
    "popular_short",
    "popular_mid",
    "popular_long",
    "popular_ever",
    "shown",
    "rating_mean",
    "rating_count",
    "idle",
    "age",
)
SIGNAL_FEATURES = (
    "follows",
    "follows_share",
    "follows_last",
    "precedes",
    "follows_fresh",
    "close",
    "together_all",
    "together_liked",
    "follows_lift",
    "close_cosine",
    "together_all_cosine",
    "together_liked_cosine",
    "liked_near",
    "close_signed",
    "close_signed_cosine",
    "follows_share_signed",
)
ENTITY_FEATURES = ("entity_last", "entity_taste", "entity_liked", "entity_signed")
TEXT_FEATURES = ("text_last", "text_taste", "text_words", "text_liked", "text_query", "text_signed")
LIVE_FEATURES = COUNT_FEATURES + SIGNAL_FEATURES + ENTITY_FEATURES + TEXT_FEATURES
USER_FEATURES = (
    "interactions",
    "gap",
    "gap_before",
    "tie",
    "rating_mean",
    "rating_count",
    "activity",
    "words",
    "query",
    "rating_bias",
    "rating_lately",
)
HISTORY_FEATURES = ("liking", "rated", "gap", "tie", "weight")
NEVER_S = 1e9  # since the last event, where there was none
EVENTS = "popular_ever"  # 0 of an item that nobody has met, and of no other
RETRIEVAL = "learned"  # the source that is the model's own user tower
CONTENT_SOURCES = ("nearest", "fresh", RETRIEVAL, "entities")  # which find items that nobody has met
RATING_PRIOR = 5.0  # ratings at the mean that every item is given


def rank_feature(source: str) -> str:
    """The name of the feature that says how well a source ranked the candidate."""
    return f"rank_{source}"


def content_columns(names: Sequence[str]) -> list[int]:
    """The columns among `names` that need no event: an item's own before anyone has met it.

    >>> content_columns(["popular_ever", "age", "rank_nearest", "rank_together"])
    [1, 2]
    """
    own = {"age", *ENTITY_FEATURES, *TEXT_FEATURES, *map(rank_feature, CONTENT_SOURCES)}
    return [at for at, name in enumerate(names) if name in own]


class ItemColumns(NamedTuple):
    """Live columns over item rows [n]; decayed counts [n, 3] are to be multiplied by `ages`."""

    decayed: NDArray[np.float64]
    ages: NDArray[np.float64]
    total: NDArray[np.float32]
    shown: NDArray[np.int64]
    rating_sum: NDArray[np.float64]
    rating_count: NDArray[np.int64]
    added_ms: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    rating_mean: float


class Moment(NamedTuple):
    """A user's last times and likings (see `streams.signals.rating_bias`), newest first, at `now_ms`.
    `liking` is NaN where there is no rating.
    """

    now_ms: int
    times: NDArray[np.int64]
    liking: F32
    weights: F32
    rating_mean: float
    rating_count: int
    interactions: int
    activity: float
    words_weight: float
    searching: bool = False
    rating_bias: float = 0.0
    rating_lately: float = 0.0


def candidate_features(
    rows: NDArray[np.int32],
    items: ItemColumns,
    signals: F32,
    now_ms: int,
    text: F32,
    views: F32,
    ranks: NDArray[np.int32],
    shared: F32 | None = None,
) -> F32:
    """[len(rows), len(LIVE_FEATURES) + sources], in that order.

    signals: [len(rows), 10], as in `streams.signals.pair_signals`. text: [n, dim] unit vectors. views:
    [6, dim], in the order of TEXT_FEATURES: the last item, the recent taste, the user's own words, those with
    their sentiment, the query, and the taste away from what was not liked; zero for none. ranks: [len(rows),
    sources], 0 for absent. shared: [len(rows), 4], as in `streams.signals.entity_signals`; None without a
    knowledge graph: those features are zero then.
    """
    live = len(LIVE_FEATURES)
    out = np.empty((len(rows), live + ranks.shape[1]), np.float32)
    _counts_and_signals(
        rows, items.decayed, items.ages, items.total, items.shown, items.rating_sum, items.rating_count,
        items.added_ms, items.last_ms, items.rating_mean, signals, now_ms, ranks, live, out,
    )  # fmt: skip
    entities = out[:, live - len(TEXT_FEATURES) - len(ENTITY_FEATURES) : live - len(TEXT_FEATURES)]
    if shared is None:
        entities[:] = 0.0
    else:
        weights = shared.copy()
        weights[:, 3] = weights[:, 1] - weights[:, 3]  # what is shared, without what is to be taken off
        np.copysign(np.log1p(np.abs(weights)), weights, out=entities)
    out[:, live - len(TEXT_FEATURES) : live] = text.take(rows, axis=0) @ views.T
    return out


@compiled
def _log1p(count: float) -> float:
    """log(1 + count) for counts and seconds, where `math.log1p` would be exact for what is far below one, and
    slower; at once where there is nothing to count, as for most pairs.
    """
    return math.log(1.0 + count) if count != 0.0 else count


@compiled
def _counts_and_signals(
    rows: NDArray[np.int32],
    decayed: NDArray[np.float64],
    ages: NDArray[np.float64],
    total: NDArray[np.float32],
    shown: NDArray[np.int64],
    rating_sum: NDArray[np.float64],
    rating_count: NDArray[np.int64],
    added_ms: NDArray[np.int64],
    last_ms: NDArray[np.int64],
    rating_mean: float,
    signals: F32,
    now_ms: int,
    ranks: NDArray[np.int32],
    live: int,
    out: F32,
) -> None:
    """Fill the columns of COUNT_FEATURES and SIGNAL_FEATURES, and those of the ranks from `live` on."""
    for k in range(len(rows)):
        row = rows[k]
        for c in range(3):
            out[k, c] = _log1p(decayed[row, c] * ages[c])
        popularity = max(total[row], np.float32(1.0))
        out[k, 3] = _log1p(total[row])
        out[k, 4] = _log1p(shown[row])
        count = rating_count[row]
        mean = (rating_sum[row] + RATING_PRIOR * rating_mean) / (count + RATING_PRIOR)
        out[k, 5] = mean - rating_mean
        out[k, 6] = _log1p(count)
        idle_s = max(now_ms - last_ms[row], 0) / 1000.0 if last_ms[row] > 0 else NEVER_S
        out[k, 7] = _log1p(idle_s)
        out[k, 8] = _log1p(max(now_ms - added_ms[row], 0) / 1000.0)
        root = 1.0 / math.sqrt(popularity)
        follows, share, last, precedes, fresh = (
            signals[k, 0], signals[k, 1], signals[k, 2], signals[k, 3], signals[k, 4],
        )  # fmt: skip
        near, far, liked = signals[k, 5], signals[k, 6], signals[k, 7]
        out[k, 9] = _log1p(follows)
        out[k, 10] = _log1p(100.0 * share)
        out[k, 11] = _log1p(100.0 * last)
        out[k, 12] = _log1p(10.0 * precedes)
        out[k, 13] = _log1p(10.0 * fresh)
        out[k, 14] = _log1p(near)
        out[k, 15] = _log1p(far)
        out[k, 16] = math.copysign(_log1p(abs(liked)), liked)
        out[k, 17] = _log1p(100.0 * share * root)
        out[k, 18] = _log1p(10.0 * near * root)
        out[k, 19] = _log1p(10.0 * far * root)
        out[k, 20] = math.copysign(_log1p(10.0 * abs(liked) * root), liked)
        out[k, 21] = liked / (far + 1.0)  # the mean liking of what was met together with it
        near -= signals[k, 8]
        share -= signals[k, 9]
        out[k, 22] = math.copysign(_log1p(abs(near)), near)
        out[k, 23] = math.copysign(_log1p(10.0 * abs(near) * root), near)
        out[k, 24] = math.copysign(_log1p(100.0 * abs(share)), share)
        for source in range(ranks.shape[1]):
            rank = ranks[k, source]
            out[k, live + source] = 1.0 / math.sqrt(rank) if rank > 0 else 0.0


def user_features(moment: Moment) -> F32:
    """[len(USER_FEATURES)]."""
    out = np.empty(len(USER_FEATURES), np.float32)
    _user(
        moment.times, moment.now_ms, moment.interactions, moment.rating_mean, moment.rating_count,
        moment.activity, moment.words_weight, moment.searching, out,
    )  # fmt: skip
    out[9], out[10] = moment.rating_bias, moment.rating_lately
    return out


@compiled
def _user(
    times: NDArray[np.int64],
    now_ms: int,
    interactions: int,
    rating_mean: float,
    rating_count: int,
    activity: float,
    words_weight: float,
    searching: bool,
    out: F32,
) -> None:
    gap_s = before_s = 0.0
    tie = 0
    if len(times) > 0:
        gap_s = max(now_ms - times[0], 0) / 1_000.0
        for time in times:
            tie += time == times[0]
    if len(times) > 1:
        before_s = max(times[0] - times[1], 0) / 1_000.0
    out[0] = _log1p(interactions)
    out[1] = _log1p(gap_s)
    out[2] = _log1p(before_s)
    out[3] = _log1p(tie)
    out[4] = rating_mean
    out[5] = _log1p(rating_count)
    out[6] = _log1p(activity)
    out[7] = _log1p(words_weight)
    out[8] = 1.0 if searching else 0.0


def history_features(moment: Moment, length: int) -> F32:
    """[length, len(HISTORY_FEATURES)], newest first, zeros past the history's end."""
    out = np.zeros((length, len(HISTORY_FEATURES)), np.float32)
    _history(moment.times, moment.liking, moment.weights, moment.now_ms, out)
    return out


@compiled
def _history(times: NDArray[np.int64], liking: F32, weights: F32, now_ms: int, out: F32) -> None:
    for k in range(min(len(times), len(out))):
        if not math.isnan(liking[k]):
            out[k, 0] = liking[k]
            out[k, 1] = 1.0
        out[k, 2] = _log1p(max(now_ms - times[k], 0) / 1_000.0)
        out[k, 3] = times[k] == times[0]
        out[k, 4] = weights[k]
