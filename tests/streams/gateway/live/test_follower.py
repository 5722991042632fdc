"""One connection: the newest feed waits and no other, whatever comes in whichever order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from streams.gateway.live.follower import Follower, LiveFeed
from streams.gateway.live.metrics import LiveMetrics
from streams.gateway.shelf import ShownPart
from streams.settings.live import LiveSettings
from tests.streams.gateway.test_feeds import slate

SHOWN = ShownPart(slate("u"), 5, 5)


def feed(number: int) -> LiveFeed:
    return LiveFeed(str(number), b"{}", SHOWN)


@dataclass
class Gate:
    """An outlet that lets through when it is told to."""

    sent: list[str] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    async def room(self) -> None:
        await self.free.wait()

    async def feed(self, feed: LiveFeed) -> None:
        self.sent.append(feed.revision)

    async def ping(self) -> None:
        self.sent.append("ping")

    async def end(self) -> None:
        self.ended = True

    def abort(self) -> None:
        raise AssertionError("nothing is slow here")


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@given(
    steps=st.lists(st.integers(0, 5) | st.sampled_from(["open", "shut"]), max_size=30),
    known=st.none() | st.integers(0, 5).map(str),
)
def test_the_newest_of_what_waited_is_sent_and_nothing_twice(
    steps: list[int | str], known: str | None
) -> None:
    asyncio.run(play(steps, known))


async def play(steps: list[int | str], known: str | None) -> None:
    metrics, gate, told = LiveMetrics(CollectorRegistry()), Gate(), list[str]()
    follower = Follower("u", 5, known, gate, LiveSettings(), metrics, lambda each: told.append(each.revision))
    follower.open()
    expected, has, waits, is_free = list[str](), known, None, False
    for step in [*steps, "open"]:
        if isinstance(step, int):
            follower.offer(feed(step))
            waits = None if str(step) == has else str(step)
        else:
            is_free = step == "open"
            gate.free.set() if is_free else gate.free.clear()
        if is_free and waits is not None:
            expected.append(waits)
            has, waits = waits, None
        await settled()
    assert gate.sent == expected == told
    follower.end("shutdown")
    follower.offer(feed(9))
    await settled()
    assert gate.ended
    assert "9" not in gate.sent
    follower.close()


async def test_nothing_is_sent_before_the_answer_has_begun() -> None:
    gate = Gate()
    gate.free.set()
    follower = Follower("u", 5, None, gate, LiveSettings(), LiveMetrics(CollectorRegistry()), lambda _: None)
    follower.offer(feed(1))
    follower.look_after(asyncio.get_running_loop().time() + 20)
    await settled()
    assert gate.sent == []
    follower.open()
    await settled()
    assert gate.sent == ["1"]
    follower.look_after(asyncio.get_running_loop().time() + 20)
    await settled()
    assert gate.sent == ["1", "ping"]
    follower.close()
