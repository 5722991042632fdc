"""What users like by the texts of their last items: one vector each, for a batch of users in one pass."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.signals.histories import Histories

AWAY = 0.5  # how far taste goes from what was not liked, for each step to what was


class Tastes(NamedTuple):
    """Of B users, float32 [B, text_dim] each, of unit length; zero where none of the items has text.

    last: the last item. every: the mean of the last items. liked: the same of the items that the user liked,
    away from those that they did not (Rocchio, 1971); zero where they liked none. disliked: of those that
    they did not like. likes bool [B]: whether `liked` is other than zero.
    """

    last: F32
    every: F32
    liked: F32
    disliked: F32
    likes: NDArray[np.bool_]


def tastes(histories: Histories, text: F32, recent: int) -> Tastes:
    """Of the `recent` newest items of each user. text [n, text_dim]: unit vectors of all items."""
    users = len(histories.tied)
    last, every, liked, disliked = np.zeros((4, users, text.shape[1]), np.float32)
    found = Tastes(last, every, liked, disliked, np.zeros(users, np.bool_))
    _read(histories.offsets, histories.items, histories.signs, histories.mixed, text, recent, *found)
    return found


@compiled
def _read(
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    signs: NDArray[np.int8],
    mixed: NDArray[np.bool_],
    text: F32,
    recent: int,
    lasts: F32,
    means: F32,
    likings: F32,
    dislikings: F32,
    likes: NDArray[np.bool_],
) -> None:
    """Fill the arrays of `Tastes`, which are zero."""
    for b in range(len(mixed)):
        first = offsets[b]
        last = min(offsets[b + 1], first + recent)
        if last == first:
            continue
        every, liked, disliked = means[b], likings[b], dislikings[b]
        lasts[b] = text[items[first]]
        for k in range(first, last):
            _add(every, text[items[k]], np.float32(1.0))
        some = _to_unit(every)
        if not mixed[b]:
            liked[:], likes[b] = every, some
            continue
        for k in range(first, last):
            if signs[k] > 0:
                _add(liked, text[items[k]], np.float32(1.0))
            elif signs[k] < 0:
                _add(disliked, text[items[k]], np.float32(1.0))
        _to_unit(disliked)
        if _to_unit(liked):
            _add(liked, disliked, np.float32(-AWAY))
            likes[b] = _to_unit(liked)


@compiled
def _add(sums: F32, vector: F32, weight: np.float32) -> None:
    for d in range(len(sums)):
        sums[d] += weight * vector[d]


@compiled
def _to_unit(vector: F32) -> bool:
    """Bring it to length 1; False where it is zero."""
    squares = 0.0
    for d in range(len(vector)):
        squares += float(vector[d]) * float(vector[d])
    if squares == 0.0:
        return False
    scale = np.float32(1.0 / math.sqrt(squares))
    for d in range(len(vector)):
        vector[d] *= scale
    return True
