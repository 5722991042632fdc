"""The gateway's metrics. Labels take values from fixed sets: nothing that a client sends becomes a label."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import Message, Scope
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class GatewayMetrics:
    """The gateway's own registry and the metrics in it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "headrace_gateway_requests",
            "Requests answered, by route and status.",
            ("route", "status"),
            registry=registry,
        )
        self.events = Counter(
            "headrace_gateway_events",
            "Events received, by type, result (accepted, rejected, unconfirmed) and reason.",
            ("type", "result", "reason"),
            registry=registry,
        )
        # Looking up a counter by its labels costs more than counting.
        self._answers, self._results = cache(self.requests.labels), cache(self.events.labels)
        self.produce_s = Histogram(
            "headrace_gateway_produce_seconds",
            "Time until Kafka acknowledged the events of one request.",
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.feed_read_s = Histogram(
            "headrace_gateway_feed_read_seconds",
            "Time to read one feed from the store.",
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.feeds = Counter(
            "headrace_gateway_feeds",
            "Feeds served, by the rung of the degradation ladder that made them.",
            ("rung",),
            registry=registry,
        )
        places = Counter(
            "headrace_gateway_places",
            "Places of feeds served: ranked for their user (own), or filled up (popular).",
            ("feed",),
            registry=registry,
        )
        self._own, self._filled = places.labels("own"), places.labels("popular")
        self._withdrawn = Counter(
            "headrace_gateway_withdrawn_places",
            "Places of stored feeds that were left out, since their items can't be had any more.",
            registry=registry,
        )
        self.impressions = Counter(
            "headrace_gateway_impressions",
            "Impressions of served feeds: logged to Kafka, or dropped.",
            ("result",),
            registry=registry,
        )
        self.impressions_waiting = Gauge(
            "headrace_gateway_impressions_waiting",
            "Impressions that wait to be written to Kafka.",
            registry=registry,
        )
        self.up = Gauge(
            "headrace_gateway_part_up",
            "1 where a check of the last seconds reached the part, else 0.",
            ("part",),
            registry=registry,
        )

    def count_places(self, own: int, filled: int, withdrawn: int) -> None:
        """Count the places of one feed, and the withdrawn ones that the gateway left out of it."""
        self._own.inc(own)
        if filled:
            self._filled.inc(filled)
        if withdrawn:
            self._withdrawn.inc(withdrawn)

    def count_event(self, kind: str, result: str, reason: str) -> None:
        """Count what became of one event."""
        self._results(kind, result, reason).inc()

    def count_answer(self, route: str, status: int) -> None:
        """Count an answer by the route's template, never by its path."""
        self._answers(route, status).inc()

    async def count_request(self, message: Message, scope: Scope) -> None:
        """Litestar's `before_send` hook."""
        if message["type"] == "http.response.start":
            self.count_answer(scope.get("path_template") or "none", message["status"])


def metrics_route(metrics: GatewayMetrics, before: Callable[[], Awaitable[None]]) -> HTTPRouteHandler:
    """GET /metrics. before: brings up to date what is only worth its price when somebody looks."""

    @get("/metrics", summary="Prometheus metrics", tags=["operations"], media_type=CONTENT_TYPE_PLAIN_0_0_4)
    async def scrape() -> Response[bytes]:
        await before()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return scrape
