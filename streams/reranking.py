"""From scores to places: the best first, and one place for something new."""

from __future__ import annotations

import numpy as np

from streams.draft import Draft


def rerank(draft: Draft, size: int, fresh_source: int, fresh_place: int) -> None:
    """Write `order`: the `size` best by score; ties keep the pool's order.

    Where nothing on the slate came from the source `fresh_source`, that source's best candidate takes the
    place `fresh_place` (from 1; 0: none): an item nobody has met yet can't earn one by its counters.
    """
    order = np.argsort(-draft.score[: len(draft.rows) - draft.extra], kind="stable")
    chosen = order[:size]
    if 0 < fresh_place <= len(chosen) and fresh_source >= 0 and len(order) > size:
        brought = draft.ranks[order, fresh_source] > 0
        if not brought[:size].any() and brought.any():
            newest = order[np.flatnonzero(brought)]
            pick = newest[np.argmin(draft.ranks[newest, fresh_source])]
            chosen = np.insert(chosen, fresh_place - 1, pick)[:size]
    draft.order = chosen
