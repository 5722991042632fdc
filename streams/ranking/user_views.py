"""What a model reads of the users of a batch, as arrays with a row for each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.feature_names import HISTORY_FEATURES, USER_FEATURES
from model.hashing import PROFILE_FIELDS, profile_of
from model.schema import F32
from model.user_features import Moments, fill_user_features
from streams.ranking.candidates.context import BatchContext


@dataclass
class UserViews:
    """B requests, histories of at most H items, newest first.

    history int32 [B, H], -1 behind its end. history_features [B, H, F]. history_actions uint8 [B, H].
    user_features [B, U]. profile int32 [B, P]. words, liked, query [B, text_dim].
    """

    history: NDArray[np.int32]
    history_features: F32
    history_actions: NDArray[np.uint8]
    user_features: F32
    profile: NDArray[np.int32]
    words: F32
    liked: F32
    query: F32

    def of(self, chosen: Sequence[int]) -> UserViews:
        """The rows of these requests."""
        if len(chosen) == len(self.history) and list(chosen) == list(range(len(chosen))):
            return self  # the usual case
        rows = np.asarray(chosen, np.intp)
        return UserViews(
            self.history[rows], self.history_features[rows], self.history_actions[rows],
            self.user_features[rows], self.profile[rows], self.words[rows], self.liked[rows],
            self.query[rows],
        )  # fmt: skip


def no_views(requests: int, length: int, text_dim: int) -> UserViews:
    """Views of users of whom nothing is read."""
    history = np.empty((requests, length), np.int32)
    history.fill(-1)
    return UserViews(
        history,
        np.zeros((requests, length, len(HISTORY_FEATURES)), np.float32),
        np.zeros((requests, length), np.uint8),
        np.zeros((requests, len(USER_FEATURES)), np.float32),
        np.zeros((requests, PROFILE_FIELDS), np.int32),
        *np.zeros((3, requests, text_dim), np.float32),
    )


def read_views(context: BatchContext, length: int) -> UserViews:
    """What is known of the users of a batch, as the counters stand; of each history `length` items."""
    requests, histories = context.requests, context.histories
    states = [request.state for request in requests]
    views = no_views(len(requests), length, context.catalog.text.shape[1])
    overall = context.counters.popularity.mean_rating()
    told = [
        (
            state.mean_rating(overall), state.rating_count, state.interactions, state.activity,
            state.words_weight, request.search is not None,
        )
        for request, state in zip(requests, states, strict=True)
    ]  # fmt: skip
    _read(
        histories.offsets, context.now_ms, histories.times, histories.liking, histories.actions,
        context.counters.meanings.counts, np.array(told, np.float64), histories.bias, histories.items,
        views.history, views.history_actions, views.user_features, views.history_features,
    )  # fmt: skip
    for b, (request, state) in enumerate(zip(requests, states, strict=True)):
        if state.profile:
            views.profile[b] = profile_of(state.profile)
        if len(state.words):
            views.words[b] = state.words
        if len(state.liked):
            views.liked[b] = state.liked
        if request.search is not None:
            views.query[b] = request.search.vector
    return views


@compiled
def _read(
    offsets: NDArray[np.int64],
    now_ms: NDArray[np.int64],
    times: NDArray[np.int64],
    liking: F32,
    actions: NDArray[np.uint8],
    weights: F32,
    told: NDArray[np.float64],
    bias: NDArray[np.float64],
    items: NDArray[np.int32],
    last_items: NDArray[np.int32],
    last_actions: NDArray[np.uint8],
    users: F32,
    last: F32,
) -> None:
    """The newest items of each history and their actions, [B, H], and the features of users and histories.
    offsets to bias: `Moments`.
    """
    for b in range(len(last_items)):
        first = offsets[b]
        for k in range(min(offsets[b + 1] - first, last_items.shape[1])):
            last_items[b, k], last_actions[b, k] = items[first + k], actions[first + k]
    moments = Moments(offsets, now_ms, times, liking, actions, weights, told, bias)
    fill_user_features(moments, users, last)
