"""Clients that go away at the worst moments leave nothing behind: no slot, no follower, no task."""

from __future__ import annotations

import asyncio

import pytest

from streams.settings.live import LiveSettings
from tests.streams.gateway.live.serving import Served, served

RESETS = 200


def left(here: Served) -> tuple[int, int, int]:
    """Slots that are taken, followers, and tasks of the server's requests."""
    live = here.app._live
    return live.slots.taken, len(live._fan_out.followers()), len(here.server.server_state.tasks)


async def test_resets_at_any_moment_leave_no_slot_taken() -> None:
    """A third resets before the first byte of the answer, a third once it has begun, a third among feeds."""
    settings = LiveSettings(connections_max=RESETS, per_user_max=RESETS)
    async with served(settings) as here:
        await here.push()
        for round_ in range(2):  # the second round needs every slot of the first
            streams = [await here.dial(f"u{number % 7}") for number in range(RESETS)]
            for stream in streams[::3]:
                stream.reset()
            for number, stream in enumerate(streams):
                if number % 3:
                    await stream.head()
            for stream in streams[1::3]:
                stream.reset()
            for number in range(7):
                await here.push(f"u{number}", f"s{round_}-{number}")
            for stream in streams[2::3]:
                stream.reset()
            await here.eventually(lambda: left(here) == (0, 0, 0))
            assert here.open() == 0
        assert (await here.connect()).status == 200


async def test_resets_while_the_first_read_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer has not begun, and can't: the client is gone by the time there is one."""
    settings = LiveSettings(connections_max=RESETS, per_user_max=RESETS)
    async with served(settings, timeout_ms=60_000) as here:
        await here.push()
        real, may_go = here.store.read_feeds, asyncio.Event()

        async def read_feeds(*asked: list[str]) -> object:
            await may_go.wait()
            return await real(*asked)

        monkeypatch.setattr(here.store, "read_feeds", read_feeds)
        streams = [await here.dial() for _ in range(RESETS)]
        await here.eventually(lambda: left(here)[0] == RESETS)
        for stream in streams:
            stream.reset()
        may_go.set()
        await here.eventually(lambda: left(here) == (0, 0, 0))


async def test_a_request_that_is_cancelled_gives_its_slot_back() -> None:
    """As the server does with what is left when its deadline for the end has passed."""
    async with served() as here:
        await here.connect()
        assert left(here)[0] == 1
        for task in here.server.server_state.tasks:
            task.cancel()
        await here.eventually(lambda: left(here) == (0, 0, 0))


async def test_half_closed_connections_are_noticed_by_their_pings() -> None:
    """The client has sent its FIN, and reads no more: the answer to the next ping is a reset."""
    async with served(LiveSettings(ping_every_s=0.1)) as here:
        stream = await here.connect()
        await stream.next(1)
        stream.close()
        await here.eventually(lambda: left(here) == (0, 0, 0))
