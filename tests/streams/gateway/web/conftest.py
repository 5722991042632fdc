"""A client that may see pages: the test client's address is not one of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink


@pytest.fixture
def pages_client(
    sink: RecordingSink, store: MemoryStore, clock: ManualClock, registry: CollectorRegistry
) -> Iterator[TestClient[Gateway]]:
    settings = Settings(gateway=GatewaySettings(console="on", timeout_ms=2_000))
    with TestClient(create_app(settings, store, sink, clock, registry)) as client:
        yield client
