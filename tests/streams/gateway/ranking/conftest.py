"""An app with a ranker over a store that a worker wrote, served on a free port."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.serving.ranker import Ranker, open_ranker
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.worker.conftest import NOW_MS, Desk, click


@dataclass
class Site:
    """`http` speaks to `app`; `ranker` is its ranker, `desk` the worker that writes to its store."""

    http: httpx.AsyncClient
    ranker: Ranker
    desk: Desk
    store: MemoryStore
    sink: RecordingSink
    clock: ManualClock
    app: Gateway


Opened = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture(scope="session")
def ranked_settings(tmp_path_factory: pytest.TempPathFactory, three_models: Path) -> Settings:
    folder = tmp_path_factory.mktemp("ranked") / "models"
    shutil.copytree(three_models, folder)
    return override(
        Settings(),
        {
            "model": {"registry": str(folder), "active": "first"},
            "worker": {"ledger_every_ms": 20},
            "gateway": {"timeout_ms": 3_000, "body_max_bytes": 2_000_000},
        },
    )


@pytest.fixture
def site(ranked_settings: Settings) -> Opened:
    @asynccontextmanager
    async def opened(**sections: object) -> AsyncIterator[Site]:
        settings = override(ranked_settings, sections)
        store, sink, clock = MemoryStore(), RecordingSink(), ManualClock(NOW_MS + 1_000)
        desk = Desk(store, settings)
        await desk.take(*(click(n, f"u{n % 3}", f"item-{n % 24}") for n in range(60)))
        async with AsyncExitStack() as running:
            running.push_async_callback(desk.replica.close)
            ranker = await running.enter_async_context(open_ranker(settings, store, clock))
            app = create_app(settings, store, sink, clock, ranker=ranker)
            served: Any = app  # httpx has its own types of ASGI
            transport = httpx.ASGITransport(served, raise_app_exceptions=False)
            async with (
                app.described.lifespan(),
                httpx.AsyncClient(transport=transport, base_url="http://headrace") as http,
            ):
                yield Site(http, ranker, desk, store, sink, clock, app)

    return opened
