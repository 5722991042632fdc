"""The numbers of one step of requests to the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from streams.bench.asking import Answered
from streams.bench.requests import RequestPlan


@dataclass(frozen=True)
class GatewayRow:
    """One step: answered requests a second, latency, and CPU a request by process.

    `offered`: requests a second of an open loop, 0 for a closed one. `failed`: requests without the right
    answer. `messages`: what they wrote to Kafka, impressions or events; `folded`: how many of these the
    workers had read when the row was made, `drained_s` after the last answer. `feeds_p50_ms` and
    `feeds_p99_ms`: latency of the reads of feeds beside; 0 where there were none.
    """

    clients: int
    offered: float
    per_request: int
    requests: int
    failed: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]
    messages: int
    folded: int
    drained_s: float
    feeds_p50_ms: float = 0.0
    feeds_p99_ms: float = 0.0


def row_of(
    plan: RequestPlan,
    answered: Answered,
    cpu_s: Mapping[str, float],
    messages: int,
    folded: int,
    drained_s: float,
    feeds: Answered | None = None,
) -> GatewayRow:
    """Combine what the generator wrote, what the processes used, and what the gateway and workers counted.
    feeds: what became of the reads of feeds beside. A read that failed is a failed request.
    """
    count = len(answered.latency_ms)
    p50_ms, p99_ms = _quantiles(answered)
    feeds_p50_ms, feeds_p99_ms = (0.0, 0.0) if feeds is None else _quantiles(feeds)
    return GatewayRow(
        clients=plan.clients,
        offered=plan.rate,
        per_request=plan.per_request,
        requests=count,
        failed=answered.failed + (0 if feeds is None else feeds.failed),
        rate=round(count / answered.seconds, 1),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        cpu_us={name: round(1e6 * spent / max(1, count), 1) for name, spent in cpu_s.items()},
        messages=messages,
        folded=folded,
        drained_s=round(drained_s, 2),
        feeds_p50_ms=feeds_p50_ms,
        feeds_p99_ms=feeds_p99_ms,
    )


def _quantiles(answered: Answered) -> tuple[float, float]:
    """Median and 99th percentile of the latency; NaN for none."""
    found = np.quantile(answered.latency_ms, (0.5, 0.99)) if answered.latency_ms else (np.nan, np.nan)
    return round(float(found[0]), 3), round(float(found[1]), 3)
