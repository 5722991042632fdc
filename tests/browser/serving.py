"""A gateway that a browser can ask: the real app behind its host check, on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from streams.clock import Clock, SystemClock
from streams.gateway.address_check import AddressCheck
from streams.gateway.app import create_app
from streams.gateway.host_check import HostCheck
from streams.kafka.producer import EventSink
from streams.serving.ranker import Ranker
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink

ENDED_WITHIN_S = 60.0


@contextmanager
def served(
    settings: Settings | None = None,
    store: Store | None = None,
    sink: EventSink | None = None,
    clock: Clock | None = None,
    ranker: Ranker | None = None,
    port: int = 0,
) -> Iterator[str]:
    """The address of a gateway in a thread, e.g. "http://127.0.0.1:23456"; it ends with the block."""
    settings = settings or Settings()
    app = create_app(
        settings, store or MemoryStore(), sink or RecordingSink(), clock or SystemClock(), ranker=ranker
    )
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        HostCheck(AddressCheck(app), settings.gateway),
        interface="asgi3",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        # Browsers keep connections, and live streams, open.
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="gateway", daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        assert server.started, "the gateway did not begin; its log says why"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(ENDED_WITHIN_S)
        listener.close()
        assert not thread.is_alive(), f"the gateway did not end within {ENDED_WITHIN_S:g} s"
