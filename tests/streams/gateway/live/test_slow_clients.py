"""A client that reads slowly gets the newest feed and none of the others; one that never reads is cut off."""

from __future__ import annotations

import asyncio

from streams.settings.live import LiveSettings
from tests.streams.gateway.live.serving import served

FEEDS = 400
SMALL = 2_048


async def test_the_newest_feed_wins() -> None:
    """Whatever lies in buffers was sent before the client fell behind; after that comes the newest one."""
    async with served(LiveSettings(slow_after_s=60.0)) as here:
        await here.push(slate_id="first")
        slow = await here.dial(query="?n=20&impression=true", receive_bytes=SMALL)
        quick = await here.connect(query="?n=20")
        await slow.head()
        for number in range(FEEDS):
            await here.push(slate_id=f"s{number}")
            while (await quick.next(1))[0].last_event_id != f"s{number}":
                pass
        seen: list[str] = []
        while f"s{FEEDS - 1}" not in seen:
            seen.append((await slow.next(1))[0].last_event_id)
        assert len(seen) < FEEDS / 4, "nothing queues up"
        assert seen[-1] == f"s{FEEDS - 1}"
        order = [int(name[1:]) for name in seen[1:]]
        assert order == sorted(set(order)), "older ones never come after newer ones, and none comes twice"
        skipped = here.value("live_feeds_total", result="skipped")
        assert skipped == 1 + FEEDS - len(seen)
        await here.push(slate_id="after")
        assert (await slow.next(1))[0].last_event_id == "after"
        await here.eventually(lambda: len(here.impressions()) == len(seen) + 1)
        assert [each.slate_id for each in here.impressions()] == [*seen, "after"], "what was skipped is none"


async def test_who_does_not_read_is_cut_off() -> None:
    async with served(LiveSettings(slow_after_s=0.3, ping_every_s=0.1)) as here:
        await here.push(slate_id="first")
        stuck = await here.dial(query="?n=20", receive_bytes=SMALL)
        await stuck.head()
        for number in range(200):
            await here.push(slate_id=f"s{number}")
            await asyncio.sleep(0.001)
        await here.eventually(lambda: here.value("live_closed_total", cause="slow") == 1)
        assert here.open() == 0
        await here.eventually(lambda: not here.server.server_state.connections)
        await stuck.until_closed()
        assert not stuck.ended, "it was cut off"


async def test_others_do_not_wait_for_a_slow_one() -> None:
    async with served(LiveSettings(slow_after_s=60.0)) as here:
        await here.dial(query="?n=20", receive_bytes=SMALL)
        quick = await here.connect()
        await quick.next(1)
        for number in range(200):
            await here.push(slate_id=f"s{number}")
            assert (await quick.next(1))[0].last_event_id == f"s{number}"
