"""What followed the user's last items, in everyone's streams."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.difference import find_by_difference
from streams.ranking.candidates.lists import Lists
from streams.signals.pair_signals import FOLLOWS_SHARE, SHARE_OFF


class Transitions:
    """Score: the share of events after each of the last items that went to the candidate, newer first;
    of those that the user did not like it is taken off.
    """

    name = "transitions"

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        find_by_difference(context.pairs(chosen), FOLLOWS_SHARE, SHARE_OFF, context, chosen, lists)
