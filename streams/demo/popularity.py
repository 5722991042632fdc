"""Plain popularity on the same events: the ten most met items that the user has not met."""

from __future__ import annotations

import numpy as np

from streams.datasets.interactions import Interactions
from streams.offline.replay.baselines import Popularity, first_of, tie_order

K = 10


class PopularityBaseline:
    """Counts the stream as the player plays it; the first `until` events count from the start."""

    def __init__(self, stream: Interactions, until: int, seed: int) -> None:
        self._users = {user: number for number, user in enumerate(dict.fromkeys(stream.user))}
        self._items = {item: number for number, item in enumerate(dict.fromkeys(stream.item))}
        self._counts = Popularity(len(self._items))
        self._met = np.zeros((len(self._users), len(self._items)), np.bool_)
        self._order = tie_order(len(self._items), seed)
        for user, item in zip(stream.user[:until], stream.item[:until], strict=True):
            self.learn(user, item)

    def has_met(self, user: str, item: str) -> bool:
        """Whether the user has met the item before: the demo does not compare such events."""
        return bool(self._met[self._users[user], self._items[item]])

    def hits(self, user: str, item: str) -> bool:
        """Whether the item is among the first ten for this user; call it before `learn`."""
        number = self._users[user]
        met = self._met[number]
        return self._items[item] in first_of(K, self._counts.scores(number, met), met, self._order)

    def learn(self, user: str, item: str) -> None:
        """Note that the user has met the item."""
        self._counts.learn(self._users[user], self._items[item], 0)
        self._met[self._users[user], self._items[item]] = True
