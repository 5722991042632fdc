"""Items that have to do with the same people, places and things as what the user met lately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.difference import find_by_difference
from streams.ranking.candidates.lists import Lists
from streams.signals.entity_signals import ENTITY_OFF, ENTITY_TASTE


class Entities:
    """Score: the weight of the entities that a candidate shares with the user's last items, less what it
    shares with those that the user did not like.

    Brings nothing where no knowledge graph is loaded.
    """

    name = "entities"

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        shared = context.entities(chosen)
        if shared is not None:
            find_by_difference(shared, ENTITY_TASTE, ENTITY_OFF, context, chosen, lists)
