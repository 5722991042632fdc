"""Items that the model itself finds near the user: its user tower against its keys of all items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.features import RETRIEVAL
from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best

FLOOR = np.float32(1e-6)


class LearnedNearest:
    """Score: the product of the user's vector and the item's key, above the smallest there is.

    Two towers, so that all items can be scored at once (Yi et al., RecSys 2019). Brings nothing where no
    model is in service.
    """

    name = RETRIEVAL

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        if context.learned is None or not len(context.learned.keys):
            return np.empty(0, np.int32)
        scores = context.learned.keys @ context.learned.user
        rows = np.arange(len(scores), dtype=np.int32)
        return best(rows, scores - scores.min() + FLOOR, context.blocked, context.limit)
