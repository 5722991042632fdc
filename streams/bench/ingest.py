"""Events in: how many the gateway accepts, how fast, and what one costs each process."""

from __future__ import annotations

from collections.abc import Callable

from streams.bench.gateway_load import GatewayOptions, GatewayStep, measure_requests
from streams.bench.gateway_row import GatewayRow
from streams.demo.progress import Steps
from streams.settings.tree import Settings

STEPS = (GatewayStep(clients=1), GatewayStep(clients=32), GatewayStep(clients=8, per_request=10))


def measure_ingest(
    options: GatewayOptions, settings: Settings, steps: Steps, say: Callable[[GatewayRow], None]
) -> list[GatewayRow]:
    """A row for each step; `settings.gateway.port` must be free."""
    return measure_requests("events", options, settings, steps, say)
