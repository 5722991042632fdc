"""The metrics of live feeds."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS_S = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
KINDS = ("sse", "websocket")
CAUSES = ("client", "slow", "shutdown", "aged", "failed")


class LiveMetrics:
    """Of one gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        connections = Gauge(
            "headrace_gateway_live_connections",
            "Connections that follow a feed.",
            ("kind",),
            registry=registry,
        )
        self.connections = {kind: connections.labels(kind) for kind in KINDS}
        feeds = Counter(
            "headrace_gateway_live_feeds",
            "Feeds for one connection: pushed, or skipped since a newer one took its place in time.",
            ("result",),
            registry=registry,
        )
        self.pushed, self.skipped = feeds.labels("pushed"), feeds.labels("skipped")
        closed = Counter(
            "headrace_gateway_live_closed",
            "Connections that ended: by the client, not reading (slow), with the gateway (shutdown), after "
            "live.longest_s (aged), or by an error (failed).",
            ("cause",),
            registry=registry,
        )
        self.closed = {cause: closed.labels(cause) for cause in CAUSES}
        self.lag_s = Histogram(
            "headrace_gateway_live_lag_seconds",
            "From when a feed was made to when it was pushed, of feeds that were news.",
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.hears = Gauge(
            "headrace_gateway_live_hears",
            "1 while the gateway hears of new feeds; 0: the store is away, or nobody has followed one yet.",
            registry=registry,
        )
