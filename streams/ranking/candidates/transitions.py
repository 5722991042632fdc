"""What followed the user's last items, in everyone's streams."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import SourceContext
from streams.ranking.candidates.source import best
from streams.signals.pair_signals import FOLLOWS_SHARE, SHARE_OFF


class Transitions:
    """Score: the share of events after each of the last items that went to the candidate, newer first;
    of those that the user did not like it is taken off.
    """

    name = "transitions"

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        pairs = context.pairs
        scores = pairs.column(FOLLOWS_SHARE) - pairs.column(SHARE_OFF)
        return best(pairs.rows, scores, context.blocked, context.limit)
