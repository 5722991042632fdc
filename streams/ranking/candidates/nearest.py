"""Items whose text is near what the user met lately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best


class Nearest:
    """Score: cosine between the candidate's text and the mean text of those of the user's last items that
    they liked, away from that of those that they did not.
    """

    name = "nearest"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        items = len(context.catalog) if context.liked_taste.any() else 0
        scores = context.catalog.text[:items] @ context.liked_taste
        return best(np.arange(items, dtype=np.int32), scores, context.blocked, context.limit)
