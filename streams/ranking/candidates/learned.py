"""Items that the model itself finds near the user: its user tower against its keys of all items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.feature_names import RETRIEVAL
from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.lists import Lists


class LearnedNearest:
    """Score: the product of the user's vector and the item's key.

    Two towers, so that all items can be scored at once (Yi et al., RecSys 2019). Brings nothing where no
    model is in service.
    """

    name = RETRIEVAL

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        asking = set(chosen.tolist())
        for learned in context.learned:
            at = [k for k, b in enumerate(learned.numbers) if b in asking]
            if at and len(learned.keys):
                numbers = [learned.numbers[k] for k in at]
                lists.search(learned.searched, learned.keys, learned.users[at], context.blocked, numbers)
