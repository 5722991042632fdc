"""/healthz says that the process is alive; /readyz which part is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from model.errors import StoreUnavailableError
from streams.clock import SystemClock
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.condition import SOUND, Condition
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import RecordingSink

Client = TestClient[Gateway]


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


def test_the_metrics_tell_of_a_part_without_anybody_who_asks_for_readiness(
    client: Client, sink: RecordingSink, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a check that failed once would keep its alert firing where nobody asks again."""

    def up() -> float | None:
        client.get("/metrics")
        return registry.get_sample_value("headrace_gateway_part_up", {"part": "kafka"})

    sink.confirms = 0
    assert client.get("/readyz").status_code == 503
    sink.confirms = 1_000_000
    assert up() == 0, "one of just now is believed"
    monkeypatch.setattr("streams.gateway.health.FRESH_S", -1.0)
    assert up() == 1
    sink.confirms = 0
    assert up() == 0


@pytest.mark.parametrize("hangs", [False, True])
def test_the_store_down(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    async def condition() -> Condition:
        if hangs:
            await asyncio.Event().wait()
        raise StoreUnavailableError("redis did not answer")

    monkeypatch.setattr(store, "condition", condition)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["kafka"] == {"ready": True}
    assert "answer" in answer.json()["parts"]["store"]["trouble"]


@pytest.mark.parametrize(
    ("condition", "says"),
    [(SOUND._replace(role="slave"), "replica"), (SOUND._replace(loading=True), "loading its data")],
)
def test_a_store_that_takes_no_writes_is_not_ready(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, condition: Condition, says: str
) -> None:
    monkeypatch.setattr(store, "condition", answering(condition))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert says in answer.json()["parts"]["store"]["trouble"]


@pytest.mark.parametrize("strict", [False, True])
def test_a_store_that_evicts_is_said_and_refused_where_strict(sink: RecordingSink, strict: bool) -> None:
    store = MemoryStore()
    store.condition = answering(SOUND._replace(policy="volatile-lru"))  # type: ignore[method-assign]
    settings = override(Settings(), {"redis": {"strict": strict}})
    with TestClient(create_app(settings, store, sink, SystemClock())) as client:
        answer = client.get("/readyz")
    assert answer.status_code == (503 if strict else 200)
    part = answer.json()["parts"]["store"]
    assert part["ready"] is not strict
    assert "volatile-lru" in part["trouble"]


def answering(condition: Condition) -> Callable[[], Coroutine[Any, Any, Condition]]:
    async def answer() -> Condition:
        return condition

    return answer


def test_the_app_starts_and_stops_the_producer(app: Gateway, sink: RecordingSink) -> None:
    with TestClient(app) as client:
        assert sink.started
        assert client.get("/healthz").json() == {"status": "alive"}
        assert not sink.stopped
    assert sink.stopped
