"""One user's feed, as it changes: chosen among those who are just now active."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from streams.demo.gateway_client import GatewayClient, RefusedError
from streams.gateway.feeds import Feed
from streams.replay.interactions import Interactions

WINDOW = 400  # events ahead in which the watched user is the one who acts most
QUIET_S = 4.0  # the next user is watched when this one has done nothing for so long
LOOK_AFTER_S = 0.1  # after an event, as a page would be loaded anew


@dataclass(frozen=True)
class Act:
    """What the watched user did last."""

    item: str
    rating: float
    clicked: bool


@dataclass(frozen=True)
class Place:
    """One place of the feed. `moved`: places up since the feed before, None where the item is new to it."""

    item: str
    reason: str
    reason_item: str | None
    moved: int | None


class Watch:
    """The watched user, what they did and what they see."""

    def __init__(self) -> None:
        self.user = ""
        self.act: Act | None = None
        self.acts = 0
        self.places: list[Place] = []
        self.rung = ""
        self._slate_id = ""
        self._active_s = float("-inf")

    def consider(self, user: str, stream: Interactions, at: int) -> None:
        """Event `at` of the stream is `user`'s; watch the busiest one once the watched one is quiet."""
        now_s = time.monotonic()
        if user == self.user:
            self._active_s = now_s
        elif now_s - self._active_s > QUIET_S:
            self.user, _ = Counter(stream.user[at : at + WINDOW]).most_common(1)[0]
            self._active_s = now_s
            self.act, self.acts, self.places, self._slate_id = None, 0, [], ""

    def acted(self, item: str, rating: float, clicked: bool) -> None:
        """The watched user's event was accepted."""
        self.act = Act(item, rating, clicked)
        self.acts += 1

    async def look(self, client: GatewayClient, user: str) -> None:
        """Read the feed again, as a page would, a moment after the event."""
        await asyncio.sleep(LOOK_AFTER_S)
        try:
            feed = await client.feed(user, 10, impression=True)
        except RefusedError:
            return  # the player counts what is refused; a page that did not load shows what it showed
        if user == self.user:
            self.see(feed)

    def see(self, feed: Feed) -> None:
        """Take a feed and note how its places moved."""
        if feed.slate_id == self._slate_id:
            return
        before = {place.item: number for number, place in enumerate(self.places)}
        self.places = [
            Place(
                item.item_id,
                item.reason.kind,
                item.reason.item_id,
                before[item.item_id] - number if item.item_id in before else None,
            )
            for number, item in enumerate(feed.items)
        ]
        self._slate_id, self.rung = feed.slate_id, feed.rung
