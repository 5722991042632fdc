"""New items, so that they get a chance before anyone has met them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best


class Fresh:
    """Score: how much of ten half-lives is left since the item's arrival; the newest first."""

    name = "fresh"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        items = len(context.catalog)
        longest_ms = 10.0 * context.request.plan.settings.candidates.fresh_half_life_s * 1_000.0
        first = max(0, items - 4 * context.limit)
        left_ms = context.catalog.added_ms[first:items] - (context.now_ms - longest_ms)
        rows = np.arange(first, items, dtype=np.int32)
        return best(rows, (left_ms / longest_ms).astype(np.float32), context.blocked, context.limit)
