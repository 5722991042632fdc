"""Items that have to do with the same people, places and things as what the user met lately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import Query
from streams.ranking.candidates.source import best
from streams.signals.entity_signals import ENTITY_OFF, ENTITY_TASTE


class Entities:
    """Score: the weight of the entities that a candidate shares with the user's last items, less what it
    shares with those that they did not like.

    Brings nothing where no knowledge graph is loaded.
    """

    name = "entities"

    def find(self, query: Query) -> NDArray[np.int32]:
        if query.entities is None:
            return np.empty(0, np.int32)
        touched = query.entities.touched
        values = query.entities.values
        scores = values[touched, ENTITY_TASTE] - values[touched, ENTITY_OFF]
        return best(touched, scores, query.blocked, query.limit)
