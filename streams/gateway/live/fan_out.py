"""Who follows whom in this gateway: a feed that was written is read once, however many follow its user.

The reads of a user come one after the other, so a later one never gives way to an earlier one. Reads of many
users in one turn of the loop are joined as those of the feed route are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from streams.gateway.errors import ProblemError
from streams.gateway.feeds import FeedReads, feed_content
from streams.gateway.live.follower import Follower, LiveFeed
from streams.gateway.live.revision import revision_of

log = logging.getLogger(__name__)

RETRY_S = 0.5
"""After so long a feed that could not be read is read again, while somebody follows it."""
AT_ONCE = 256
"""Users whose feeds are read side by side where all are read anew."""
PAUSE_S = 0.005


class _Followed:
    """One user's followers. `asked`: their feed is to be read, or read once more."""

    __slots__ = ("asked", "followers", "news", "reader")

    def __init__(self) -> None:
        self.followers: dict[Follower, None] = {}
        self.asked = self.news = False
        self.reader: asyncio.Task[None] | None = None


class FanOut:
    """All followers of a gateway."""

    def __init__(self, reads: FeedReads) -> None:
        self._reads = reads
        self._users: dict[str, _Followed] = {}

    async def add(self, follower: Follower) -> None:
        """From now on the follower is offered each new feed; first of all the present one. Raises
        `ProblemError` where that can't be read: then the follower has to be removed like any other.
        """
        followed = self._users.setdefault(follower.user, _Followed())
        followed.followers[follower] = None
        self._read(follower.user, followed)
        assert follower.first is not None
        await follower.first
        follower.first = None

    def remove(self, follower: Follower) -> None:
        """It is offered nothing more."""
        followed = self._users.get(follower.user)
        if followed is not None and follower in followed.followers:
            del followed.followers[follower]
            if not followed.followers:
                del self._users[follower.user]

    def hear(self, users: Iterable[str]) -> None:
        """Their feeds were written, or are gone."""
        for user in users:
            if (followed := self._users.get(user)) is not None:
                followed.news = True
                self._read(user, followed)

    async def read_all(self) -> None:
        """Read the feeds of all who are followed: some may have been written, and nobody heard of it."""
        users = list(self._users)
        for at in range(0, len(users), AT_ONCE):
            for user in users[at : at + AT_ONCE]:
                if (followed := self._users.get(user)) is not None:
                    self._read(user, followed)
            await asyncio.sleep(PAUSE_S)  # others have their turn

    def followers(self) -> list[Follower]:
        """All of them."""
        return [follower for followed in self._users.values() for follower in followed.followers]

    def _read(self, user: str, followed: _Followed) -> None:
        followed.asked = True
        if followed.reader is None:
            followed.reader = asyncio.create_task(self._read_on(user, followed))

    async def _read_on(self, user: str, followed: _Followed) -> None:
        """Read until nothing was written meanwhile, or nobody follows any more."""
        try:
            while followed.asked and followed.followers:
                followed.asked = False
                news, followed.news = followed.news, False
                sizes = list({follower.n for follower in followed.followers})
                try:
                    found = await self._feeds(user, sizes, news)
                except Exception as error:
                    if not isinstance(error, ProblemError):
                        log.exception("a followed feed can't be read")
                    _give_up(followed.followers, error)
                    followed.asked = True
                    followed.news = followed.news or news
                    await asyncio.sleep(RETRY_S)
                    continue
                feeds = dict(zip(sizes, found, strict=True))
                for follower in list(followed.followers):
                    if (feed := feeds.get(follower.n)) is not None:
                        follower.offer(feed)
                        if follower.first is not None and not follower.first.done():
                            follower.first.set_result(None)
        finally:
            followed.reader = None

    async def _feeds(self, user: str, sizes: Sequence[int], news: bool) -> Sequence[LiveFeed]:
        if len(sizes) == 1:  # as nearly always: without a task for it
            return [await self._live(user, sizes[0], news)]
        return await asyncio.gather(*(self._live(user, n, news) for n in sizes))

    async def _live(self, user: str, n: int, news: bool) -> LiveFeed:
        shown = await self._reads.read(user, n)
        made_ms = shown.slate.times.get("made") if news and shown.stored else None
        return LiveFeed(revision_of(shown), feed_content(shown, user), shown, made_ms)


def _give_up(followers: Iterable[Follower], error: Exception) -> None:
    """Tell those who wait for a first feed that it can't be read; the others go on with what they have."""
    for follower in followers:
        if follower.first is not None and not follower.first.done():
            follower.first.set_exception(error)
