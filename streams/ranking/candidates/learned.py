"""Items that the model itself finds near the user: its user tower against its keys of all items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.features import RETRIEVAL
from streams.ranking.candidates.context import SourceContext


class LearnedNearest:
    """Score: the product of the user's vector and the item's key.

    Two towers, so that all items can be scored at once (Yi et al., RecSys 2019). Brings nothing where no
    model is in service.
    """

    name = RETRIEVAL

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        return self.find_each([context])[0]

    def find_each(self, contexts: Sequence[SourceContext]) -> list[NDArray[np.int32]]:
        """For all of them in one go, where they ask the same model."""
        found = [np.empty(0, np.int32)] * len(contexts)
        models: dict[int, list[int]] = {}
        for b, context in enumerate(contexts):
            if context.learned is not None and len(context.learned.keys):
                models.setdefault(id(context.learned.searched), []).append(b)
        for asking in models.values():
            asked = [contexts[b].learned for b in asking]
            users = np.stack([learned.user for learned in asked if learned is not None])
            learned = asked[0]
            assert learned is not None
            rows = learned.searched.find(
                learned.keys,
                users,
                [contexts[b].blocked for b in asking],
                [contexts[b].limit for b in asking],
            )
            for b, theirs in zip(asking, rows, strict=True):
                found[b] = theirs
        return found
