"""/healthz says that the process is alive; /readyz which part is not."""

from __future__ import annotations

import asyncio

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from model.errors import StoreUnavailableError
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink

Client = TestClient[Litestar]


def test_ready_when_all_parts_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "parts": {"kafka": {"ready": True}, "store": {"ready": True}}}


def test_kafka_down(client: Client, sink: RecordingSink, registry: CollectorRegistry) -> None:
    sink.confirms = 0
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["parts"] == {
        "kafka": {"ready": False, "trouble": "the broker is down"},
        "store": {"ready": True},
    }
    assert client.get("/healthz").status_code == 200
    assert registry.get_sample_value("headrace_gateway_part_up", {"part": "kafka"}) == 0
    assert registry.get_sample_value("headrace_gateway_part_up", {"part": "store"}) == 1


@pytest.mark.parametrize("hangs", [False, True])
def test_the_store_down(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    async def ping() -> None:
        if hangs:
            await asyncio.Event().wait()
        raise StoreUnavailableError("redis did not answer")

    monkeypatch.setattr(store, "ping", ping)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["kafka"] == {"ready": True}
    assert "answer" in answer.json()["parts"]["store"]["trouble"]


def test_the_app_starts_and_stops_the_producer(app: Litestar, sink: RecordingSink) -> None:
    with TestClient(app) as client:
        assert sink.started
        assert client.get("/healthz").json() == {"status": "alive"}
        assert not sink.stopped
    assert sink.stopped
