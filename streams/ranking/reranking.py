"""From scores to places: the best first, and one place for something new."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.draft import Draft


def rerank(
    draft: Draft,
    size: int,
    fresh_source: int = -1,
    fresh_place: int = 0,
    new: NDArray[np.bool_] | None = None,
) -> None:
    """Write `order`: the `size` best by score; ties keep the pool's order.

    Where no `new` row, bool [K], that the source `fresh_source` brought is on the slate, the newest of them
    takes the place `fresh_place` (from 1; 0: none): what nobody has met yet can't earn one by its counters.
    """
    order = np.argsort(-draft.score[: draft.placed], kind="stable")
    chosen = order[:size]
    if new is not None and 0 < fresh_place <= len(chosen) and len(order) > size:
        brought = (draft.ranks[order, fresh_source] > 0) & new[order]
        if not brought[:size].any() and brought.any():
            newest = order[np.flatnonzero(brought)]
            pick = newest[np.argmin(draft.ranks[newest, fresh_source])]
            chosen = np.insert(chosen, fresh_place - 1, pick)[:size]
    draft.order = chosen
