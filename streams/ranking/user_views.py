"""What a model reads of the users of a batch, as arrays with a row for each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.features import (
    HISTORY_FEATURES,
    USER_FEATURES,
    Moment,
    history_features,
    user_features,
)
from model.hashing import PROFILE_FIELDS, profile_of
from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.request import RankRequest
from streams.signals.rating_bias import RatingBias, rating_bias


@dataclass
class UserViews:
    """B requests, histories of at most H items, newest first.

    history int32 [B, H], -1 behind its end. history_features [B, H, F]. history_actions uint8 [B, H].
    user_features [B, U]. profile int32 [B, P]. words, liked, query [B, text_dim]. bias: how each user rates.
    The rows of requests that no model scores are zero, and their `bias` is None.
    """

    history: NDArray[np.int32]
    history_features: F32
    history_actions: NDArray[np.uint8]
    user_features: F32
    profile: NDArray[np.int32]
    words: F32
    liked: F32
    query: F32
    bias: list[RatingBias | None] = field(default_factory=list)

    def of(self, chosen: Sequence[int]) -> UserViews:
        """The rows of these requests."""
        if len(chosen) == len(self.history) and list(chosen) == list(range(len(chosen))):
            return self  # the usual case
        rows = np.asarray(chosen, np.intp)
        return UserViews(
            self.history[rows], self.history_features[rows], self.history_actions[rows],
            self.user_features[rows], self.profile[rows], self.words[rows], self.liked[rows],
            self.query[rows], [self.bias[row] for row in chosen],
        )  # fmt: skip


def no_views(requests: int, length: int, text_dim: int) -> UserViews:
    """Views of users of whom nothing is read."""
    return UserViews(
        np.full((requests, length), -1, np.int32),
        np.zeros((requests, length, len(HISTORY_FEATURES)), np.float32),
        np.zeros((requests, length), np.uint8),
        np.zeros((requests, len(USER_FEATURES)), np.float32),
        np.zeros((requests, PROFILE_FIELDS), np.int32),
        np.zeros((requests, text_dim), np.float32),
        np.zeros((requests, text_dim), np.float32),
        np.zeros((requests, text_dim), np.float32),
        [None] * requests,
    )


def read_view(views: UserViews, b: int, request: RankRequest, counters: Counters) -> None:
    """Write what is known of the user of request `b`, as the counters stand."""
    state = request.state
    overall, meanings = counters.popularity.mean_rating(), request.plan.meanings
    views.bias[b] = bias = rating_bias(state, counters.popularity, meanings.liking)
    moment = Moment(
        now_ms=request.now_ms,
        times=state.times[::-1].copy(),
        liking=bias.liking,
        weights=meanings.counts[state.actions[::-1]],
        rating_mean=state.mean_rating(overall),
        rating_count=state.rating_count,
        interactions=state.interactions,
        activity=state.activity,
        words_weight=state.words_weight,
        searching=request.search is not None,
        rating_bias=bias.bias,
        rating_lately=bias.lately,
    )
    length = views.history.shape[1]
    met = min(len(state.items), length)
    views.history[b, :met] = state.items[::-1][:met]
    views.history_actions[b, :met] = state.actions[::-1][:met]
    views.history_features[b] = history_features(moment, length)
    views.user_features[b] = user_features(moment)
    views.profile[b] = profile_of(state.profile)
    if len(state.words):
        views.words[b] = state.words
    if len(state.liked):
        views.liked[b] = state.liked
    if request.search is not None:
        views.query[b] = request.search.vector
