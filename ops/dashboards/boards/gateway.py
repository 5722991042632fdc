"""Gateways and what ranks on request: routes, latency, impressions, ranking, search."""

from __future__ import annotations

from ops.dashboards.board import Board, lines
from ops.dashboards.promql import gauge, mean, quantile, rate, share


def board() -> Board:
    return Board(
        name="gateway",
        title="gateways",
        says="Routes and their latency, feeds, impressions, ranking on request, search, tracing.",
        jobs=("gateway",),
        rows={
            "Requests": [
                lines("By route", rate("headrace_gateway_requests", "route", unit="reqps"), stacked=True),
                lines("By status", rate("headrace_gateway_requests", "status", unit="reqps"), stacked=True),
                lines(
                    "Events refused",
                    rate("headrace_gateway_events", "reason", unit="eps", result="!accepted"),
                    says="Events that were rejected, or that Kafka did not confirm, by reason.",
                ),
            ],
            "Latency": [
                lines(
                    "Kafka's acknowledgement",
                    quantile(0.5, "headrace_gateway_produce_seconds"),
                    quantile(0.99, "headrace_gateway_produce_seconds"),
                ),
                lines(
                    "Read of a feed",
                    quantile(0.5, "headrace_gateway_feed_read_seconds"),
                    quantile(0.99, "headrace_gateway_feed_read_seconds"),
                ),
                lines("Parts that are reached", gauge("min", "headrace_gateway_part_up", "part"), most=1),
            ],
            "Feeds": [
                lines("By rung", rate("headrace_gateway_feeds", "rung", unit="reqps"), stacked=True),
                lines("Places", share("headrace_gateway_places", "feed"), stacked=True, most=1),
                lines("Withdrawn places", rate("headrace_gateway_withdrawn_places")),
            ],
            "Impressions": [
                lines("Logged and dropped", rate("headrace_gateway_impressions", "result")),
                lines("Waiting", gauge("sum", "headrace_gateway_impressions_waiting", "instance")),
            ],
            "Ranking on request": [
                lines("Time, p50", quantile(0.5, "headrace_ranker_seconds", "stage")),
                lines("Time, p99", quantile(0.99, "headrace_ranker_seconds", "stage")),
                lines("Refused", rate("headrace_ranker_refused", "reason", unit="reqps")),
                lines("Waiting", gauge("sum", "headrace_ranker_waiting", "instance")),
                lines("Requests in one go", mean("headrace_ranker_batch_requests", unit="short")),
            ],
            "Search": [
                lines("Time, p50", quantile(0.5, "headrace_search_seconds", "kind")),
                lines("Time, p99", quantile(0.99, "headrace_search_seconds", "kind")),
                lines("Items in the index", gauge("max", "headrace_search_items", "instance")),
                lines("Changes that wait", gauge("max", "headrace_search_waiting_items", "instance")),
                lines("Items left out", gauge("max", "headrace_search_left_out_items", "instance")),
                lines("Last commit failed", gauge("max", "headrace_search_failing", "instance"), most=1),
            ],
            "Resources": [
                lines(
                    "Processor",
                    rate("process_cpu_seconds", "instance", unit="none", job="gateway"),
                    says="Cores that the process uses.",
                ),
                lines(
                    "Memory",
                    gauge("max", "process_resident_memory_bytes", "instance", unit="bytes", job="gateway"),
                    says="Resident memory.",
                ),
                lines(
                    "Open files",
                    gauge("max", "process_open_fds", "instance", job="gateway"),
                    says="Files and sockets that the process holds open: each live connection is one.",
                ),
            ],
        },
    )
