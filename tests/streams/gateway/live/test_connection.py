"""Behind a server that tells nothing of its transports: tests of other apps' servers, and their clients."""

from __future__ import annotations

import asyncio
from typing import Any

from streams.clock import SystemClock
from streams.gateway.app import create_app
from streams.ranking.slate import encode
from streams.settings.live import LiveSettings
from streams.settings.tree import Settings
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.asgi_requests import HOST, Asked
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.gateway.test_feeds import slate


class Talk:
    """A request, both ways of which a test holds in its hands."""

    def __init__(self, live: LiveSettings, root_path: str = "") -> None:
        self.store = MemoryStore()
        self.app = create_app(Settings(live=live), self.store, RecordingSink(), SystemClock())
        self.sent: list[Any] = []
        self.gone, self.may_send = asyncio.Event(), asyncio.Event()
        self.may_send.set()
        asked = Asked("GET", b"/v1/users/u/live", (HOST,), root_path=root_path)
        self.task = asyncio.create_task(self.app(asked.scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.may_send.wait()
        self.sent.append(message)

    async def push(self) -> None:
        await self.store.commit(Commit({}, {}, {}, {"u": encode(slate("u"))}, {}), "w")

    async def until(self, said: bytes) -> None:
        async with asyncio.timeout(60):
            while said not in b"".join(each.get("body", b"") for each in self.sent):  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def close(self) -> None:
        await self.app._live.stop()


async def test_a_client_that_is_stuck_costs_its_request_only() -> None:
    talk = Talk(LiveSettings(slow_after_s=0.1, ping_every_s=0.1))
    await talk.until(b"event: feed")
    talk.may_send.clear()
    async with asyncio.timeout(60):
        await talk.task
    assert not talk.task.cancelled()
    assert talk.app._live.slots.taken == 0
    await talk.close()


async def test_a_client_that_goes_away() -> None:
    talk = Talk(LiveSettings(), root_path="/behind")
    await talk.until(b"event: feed")
    await talk.push()
    await talk.until(b"slate-of-u")
    talk.gone.set()
    async with asyncio.timeout(60):
        await talk.task
    assert talk.app._live.slots.taken == 0
    await talk.close()


async def test_a_request_that_is_cancelled_is_cancelled() -> None:
    talk = Talk(LiveSettings())
    await talk.until(b"event: feed")
    talk.task.cancel()
    await asyncio.wait([talk.task])
    assert talk.task.cancelled()
    assert talk.app._live.slots.taken == 0
    await talk.close()
