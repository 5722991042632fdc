"""Reads of feeds: how many the gateway answers, how fast, and what one costs each process.

Each read is an impression, which the workers fold. The CPU of a row includes it: the row ends when all are
folded.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.bench.gateway_load import GatewayOptions, measure_requests
from streams.bench.gateway_row import GatewayRow
from streams.demo.progress import Steps
from streams.settings.tree import Settings


def measure_feed(
    options: GatewayOptions, settings: Settings, steps: Steps, say: Callable[[GatewayRow], None]
) -> list[GatewayRow]:
    """A row for each step; `settings.gateway.port` must be free."""
    return measure_requests("feed", options, settings, steps, say)
