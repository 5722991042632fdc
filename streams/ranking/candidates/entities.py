"""Items that have to do with the same people, places and things as what the user met lately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best
from streams.signals.entity_signals import ENTITY_OFF, ENTITY_TASTE


class Entities:
    """Score: the weight of the entities that a candidate shares with the user's last items, less what it
    shares with those that the user did not like.

    Brings nothing where no knowledge graph is loaded.
    """

    name = "entities"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        if context.entities is None:
            return np.empty(0, np.int32)
        entities = context.entities
        scores = entities.column(ENTITY_TASTE) - entities.column(ENTITY_OFF)
        return best(entities.rows, scores, context.blocked, context.limit)
