"""One user's feed, as it changes; the user is one who is active now."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from streams.datasets.interactions import Interactions
from streams.demo.gateway_client import GatewayClient, RefusedError
from streams.gateway.feeds import Feed

WINDOW, BUSY = 500, 5  # a user with 5 of the next 500 events is worth watching
QUIET_S = 15.0  # the watch moves to the next user after this time without an event
PATIENCE_S = 20.0  # after this time, it takes any user
LOOK_AFTER_S = 0.1  # after an event, like a page that loads again


@dataclass(frozen=True)
class Act:
    """The last event of the watched user."""

    item: str
    rating: float
    clicked: bool


@dataclass(frozen=True)
class Place:
    """One place of the feed. `moved`: places up since the last feed, None if the item is new to it.

    `reason_text`: words for the reason that are specific to this item.
    """

    item: str
    reason: str
    reason_item: str | None
    moved: int | None
    reason_text: str | None = None


class Watch:
    """The watched user, what they did and what they see."""

    def __init__(self) -> None:
        self.user = ""
        self.act: Act | None = None
        self.acts = 0
        self.places: list[Place] = []
        self.rung = self.arm = ""
        self._slate_id = ""
        self._active_s = time.monotonic() - QUIET_S

    def consider(self, user: str, stream: Interactions, at: int) -> None:
        """Event `at` of the stream is `user`'s: watch this user, if the watched one is quiet."""
        now_s = time.monotonic()
        if user == self.user:
            self._active_s = now_s
            return
        quiet_s = now_s - self._active_s
        if quiet_s < QUIET_S:
            return
        if quiet_s > PATIENCE_S or stream.user[at : at + WINDOW].count(user) >= BUSY:
            self.user, self._active_s = user, now_s
            self.act, self.acts, self.places, self._slate_id, self.arm = None, 0, [], "", ""

    def acted(self, item: str, rating: float, clicked: bool) -> None:
        """Note that the gateway accepted the watched user's event."""
        self.act = Act(item, rating, clicked)
        self.acts += 1

    async def look(self, client: GatewayClient, user: str) -> None:
        """Read the feed again, like a page, a moment after the event."""
        await asyncio.sleep(LOOK_AFTER_S)
        try:
            feed = await client.feed(user, 10, impression=True)
        except RefusedError:
            return  # the player counts refusals; a page that does not load shows its last content
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
                item.reason.text,
            )
            for number, item in enumerate(feed.items)
        ]
        self._slate_id, self.rung, self.arm = feed.slate_id, feed.rung, feed.arm
