"""schemathesis asks every operation of /schema, with what it calls valid and with what it does not.

Whatever is asked: no 5xx, no status, content type or body that the document does not have. New routes are
asked as soon as they are described.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from litestar.testing import TestClient
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok
from schemathesis.transport.serialization import Binary

from streams.clock import ManualClock
from streams.gateway.address_check import AddressCheck
from streams.gateway.app import create_app
from streams.gateway.host_check import HostCheck
from streams.gateway.serve import listen
from streams.kafka.topics import ensure_topics
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

pytestmark = pytest.mark.patient

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
NOT_STARTED = {"no_ranker"}
"""Reasons of a 503 that say that a part is not there, which this test does not start."""
ADDRESS_MAX = 65_000
"""Longer addresses uvicorn refuses by itself, in plain text."""
BOUNDED = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    """A text or bytes as they are, anything else as lines of JSON."""
    if isinstance(value, Binary):
        return value.data
    if isinstance(value, str):
        return value.encode(errors="replace")
    rows = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture(scope="module")
def address(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway behind the real server; what one operation writes, the next ones find."""
    tree: dict[str, Any] = {
        "kafka": {"bootstrap": kafka_bootstrap, "prefix": "any."},
        "model": {"registry": str(tmp_path_factory.mktemp("models"))},
        "gateway": {"port": 0},
        "live": {"longest_s": 0.1},  # an answer that has no end must come to one here
    }
    config = override(Settings(), tree)
    asyncio.run(ensure_topics(config.kafka))
    app = create_app(config, MemoryStore(), RecordingSink(), ManualClock(NOW_MS))
    with listen(config.gateway) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                HostCheck(AddressCheck(app), config.gateway),
                interface="asgi3",
                http="httptools",
                log_config=None,
            )
        )
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        serving.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            serving.join(20)


def operations() -> list[Any]:
    """All that the document describes."""
    app = create_app(Settings(), MemoryStore(), RecordingSink(), ManualClock(NOW_MS))
    with TestClient(app) as client:
        document = schemathesis.openapi.from_dict(client.get("/schema").json())
    return [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_any_operation(address: str, operation: Any, mode: GenerationMode) -> None:
    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        answer = case.call(base_url=address, timeout=30)
        if len(str(answer.request.url)) >= ADDRESS_MAX:
            assert answer.status_code == 400  # the server's own answer: no such request reaches the app
            return
        is_missing = answer.status_code == 503 and answer.json().get("reason") in NOT_STARTED
        case.validate_response(answer, checks=CHECKS[is_missing:])

    try:
        ask()
    except (Unsatisfiable, SkipTest):
        # An operation without parameters and body has nothing that could be wrong.
        assert mode is GenerationMode.NEGATIVE
