"""The baselines, in the same pass and over all items that may be recommended to the user."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streams.datasets.interactions import Interactions
from streams.offline.replay.baselines import Baseline, Popularity, Transitions, first_of, rank_of, tie_order


class Compared:
    """The baselines in the same pass, over all items that may be recommended to the user.

    `blocks`: whether an event, by its number, keeps its item from coming back to its user.
    """

    def __init__(
        self, stream: Interactions, seed: int, blocks: Callable[[int], bool] = lambda _: True
    ) -> None:
        self.users = {user: number for number, user in enumerate(dict.fromkeys(stream.user))}
        self.items = {item: number for number, item in enumerate(dict.fromkeys(stream.item))}
        size = len(self.items)
        self.baselines: tuple[Baseline, ...] = (Popularity(size), Transitions(size))
        self.recommended: dict[str, set[int]] = {each.name: set() for each in self.baselines}
        self._met: list[list[int]] = [[] for _ in self.users]
        self._seen = np.zeros(size, np.bool_)
        self._order = tie_order(size, seed)
        self._stream, self._blocks = stream, blocks

    def ranks(self, k: int) -> list[int]:
        """The place of event k's item for each baseline; 0 where the item was never seen before."""
        user, item = self.users[self._stream.user[k]], self.items[self._stream.item[k]]
        met = ~self._seen
        met[self._met[user]] = True
        ranks = []
        for each in self.baselines:
            scores = each.scores(user, met)
            ranks.append(rank_of(item, scores, met, self._order))
            self.recommended[each.name].update(first_of(10, scores, met, self._order).tolist())
        return ranks

    def learn(self, k: int) -> None:
        """Event k is over."""
        user, item = self.users[self._stream.user[k]], self.items[self._stream.item[k]]
        for each in self.baselines:
            each.learn(user, item, int(self._stream.ts_ms[k]))
        if self._blocks(k):
            self._met[user].append(item)
        self._seen[item] = True
