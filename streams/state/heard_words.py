"""What a user's reviews say: the decaying means of their words, and of their words times the sentiment."""

from __future__ import annotations

import math

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.state.user_state import ACTION_CODE, StateSettings, UserState


def sentiment(rating: float) -> float:
    """What a review's stars say of its words, from -1 to 1; 0 for none.

    >>> [sentiment(stars) for stars in (1.0, 3.0, 5.0, math.nan)]
    [-1.0, 0.0, 1.0, 0.0]
    """
    return 0.0 if math.isnan(rating) else (rating - 3.0) / 2.0


def reviews_after(state: UserState, ts: int) -> int:
    """How many remembered reviews are later than `ts`."""
    if ts >= state.last_ts:
        return 0
    return int((state.actions[state.times > ts] == ACTION_CODE["review"]).sum())


def hear(
    state: UserState, words: NDArray[np.float32], feeling: float, later: int, settings: StateSettings
) -> UserState:
    """Move the means of the user's words towards `words`; half is forgotten in `words_half_life` reviews.

    A late review, which `later` ones follow, weighs what is left of it after so many.
    """
    fade = 0.5 ** (1.0 / settings.words_half_life)
    kept, told = (state.words_weight, fade**later) if later else (state.words_weight * fade, 1.0)
    weight = kept + told

    def moved(mean: NDArray[np.float32], towards: NDArray[np.float32]) -> NDArray[np.float32]:
        now = (mean * kept + towards * told) / weight if len(mean) else towards
        # Rounded as the codec stores it, so that a state is the same however often it was stored on the way.
        return now.astype(np.float16).astype(np.float32)

    said, liked = moved(state.words, words), moved(state.liked, np.float32(feeling) * words)
    return replace(state, words=said, liked=liked, words_weight=weight)
