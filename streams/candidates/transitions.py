"""What followed the user's last items, in everyone's streams."""

from __future__ import annotations

from streams.candidates.source import Found, best
from streams.query import Query
from streams.signals import FOLLOWS_SHARE


class Transitions:
    """Score: the share of events after each of the last items that went to the candidate, newer first."""

    name = "transitions"

    def find(self, query: Query) -> Found:
        touched = query.signals.touched
        return best(touched, query.signals.values[touched, FOLLOWS_SHARE], query.blocked, query.limit)
