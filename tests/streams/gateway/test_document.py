"""The document of /schema costs those who ask for it."""

from __future__ import annotations

import pytest
from litestar.openapi.spec import OpenAPI
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.gateway import app as app_module
from streams.gateway.document import describe
from streams.gateway.parameter_bounds import Bounds
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink


def test_it_is_made_once_when_it_is_first_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[OpenAPI]()

    def counted(document: OpenAPI, settings: Settings, now_ms: int, bounds: Bounds) -> None:
        made.append(document)
        describe(document, settings, now_ms, bounds)

    monkeypatch.setattr(app_module, "describe", counted)
    clock = ManualClock(NOW_MS)
    app = app_module.create_app(Settings(), MemoryStore(), RecordingSink(), clock)
    with TestClient(app) as client:
        assert client.get("/v1/items?surprise=1").status_code == 400
        assert client.get("/v1/items?n=1").status_code == 200
        assert made == []
        clock.ms += 60_000
        first = client.get("/schema")
        assert len(made) == 1
        assert client.get("/schema").content == first.content == client.get("/schema/openapi.json").content
        assert len(made) == 1
    least = first.json()["components"]["schemas"]["Click"]["properties"]["ts"]["minimum"]
    assert least == NOW_MS - Settings().events.max_late_ms, "the examples are of the same moment"
