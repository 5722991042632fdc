"""The benchmark of requests on a stack of its own: every request is answered, and every message counted."""

from __future__ import annotations

import msgspec
from rich.console import Console

from streams.bench.gateway_load import GatewayOptions, GatewayStep, measure_requests
from streams.bench.gateway_row import GatewayRow
from streams.bench.world import BenchOptions
from streams.demo.demo import with_gateway_port
from streams.demo.progress import Steps
from streams.settings.tree import Settings


def options(*steps: GatewayStep) -> GatewayOptions:
    return GatewayOptions(steps=steps, seconds=0.5, warm_seconds=0.2, world=BenchOptions(users=20, workers=0))


def test_reads_and_events_are_answered_and_counted_without_a_worker() -> None:
    told: list[GatewayRow] = []
    with Steps(Console(quiet=True)) as steps:
        asked = options(GatewayStep(clients=2), GatewayStep(clients=4, rate=50.0))
        reads = measure_requests("feed", asked, with_gateway_port(Settings()), steps, told.append)
        asked = options(GatewayStep(clients=2, per_request=3))
        events = measure_requests("events", asked, with_gateway_port(Settings()), steps, told.append)
    assert told == [*reads, *events]
    closed, opened = reads
    assert (opened.requests, opened.offered) == (25, 50.0)
    for row in told:
        assert row.failed == 0
        assert row.requests > 0
        assert row.messages == row.requests * row.per_request
        assert 0 < row.p50_ms <= row.p99_ms
        assert set(row.cpu_us) == {"gateway", "worker", "Kafka", "Valkey", "generator"}
    assert closed.clients == 2
    assert msgspec.json.decode(msgspec.json.encode(told), type=list[GatewayRow]) == told
