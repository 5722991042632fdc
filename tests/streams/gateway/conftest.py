"""The app around an in-memory store and a sink that a test can break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from model.errors import BrokerUnavailableError
from streams.clock import ManualClock
from streams.events.schema import AnyEvent
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.kafka.producer import Acknowledgement
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore

NOW_MS = 1_763_934_000_000


@dataclass
class RecordingSink:
    """Keeps what is delivered. `confirms`: how many of each delivery are confirmed, the rest are not."""

    confirms: int = 1_000_000
    delivered: list[AnyEvent] = field(default_factory=list)
    accepted_ms: list[int] = field(default_factory=list)
    started: bool = False
    stopped: bool = False

    async def start(self) -> None:
        self.started = True

    async def deliver(
        self, events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float
    ) -> Acknowledgement:
        taken = events[: self.confirms]
        self.delivered += taken
        self.accepted_ms.append(accepted_ms)
        missing = len(events) - len(taken)
        return Acknowledgement(
            [True] * len(taken) + [False] * missing, "the broker is down" if missing else ""
        )

    async def check(self, timeout_s: float) -> None:
        if self.confirms == 0:
            raise BrokerUnavailableError("the broker is down")

    async def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def app(sink: RecordingSink, store: MemoryStore, clock: ManualClock, registry: CollectorRegistry) -> Gateway:
    settings = Settings(gateway=GatewaySettings(events_max=5, body_max_bytes=2_000_000, timeout_ms=2_000))
    return create_app(settings, store, sink, clock, registry)


@pytest.fixture
def client(app: Gateway) -> Iterator[TestClient[Gateway]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
