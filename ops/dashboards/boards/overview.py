"""The first page: whether events become fresh feeds, and where it is stuck if they don't."""

from __future__ import annotations

from ops.dashboards.board import Board, lines, number
from ops.dashboards.objectives import BELOW_FULL_MOST, FRESHNESS_P99_S, LAG_EVENTS, WAIT_S
from ops.dashboards.promql import gauge, mean, quantile, rate, share

PUSHED, STAGES = "headrace_worker_accepted_to_pushed_seconds", "headrace_worker_stage_seconds"


def board() -> Board:
    return Board(
        name="overview",
        title="overview",
        says="Throughput, freshness against its objective, lag, rungs and errors of the whole system.",
        jobs=("worker", "gateway"),
        rows={
            "Now": [
                number("Workers ready", gauge("sum", "headrace_worker_ready"), at_least=1),
                number("Freshness, p99", quantile(0.99, PUSHED), at_most=FRESHNESS_P99_S),
                number(
                    "Events that wait in Kafka",
                    gauge("sum", "headrace_worker_lag_events"),
                    at_most=LAG_EVENTS,
                ),
                number(
                    "Slates below full",
                    share("headrace_worker_slates", rung="!full"),
                    says="The share of slates that workers made on a lower rung of the ladder.",
                    at_most=BELOW_FULL_MOST,
                ),
            ],
            "Throughput": [
                lines(
                    "Events accepted",
                    rate("headrace_gateway_events", "type", result="accepted", unit="eps"),
                    says="Events that gateways wrote to Kafka, by type.",
                    stacked=True,
                ),
                lines("Events taken by workers", rate("headrace_worker_events", "result", unit="eps")),
                lines("Feeds served", rate("headrace_gateway_feeds", "rung", unit="reqps"), stacked=True),
            ],
            "Freshness": [
                lines(
                    "From acceptance to the feed",
                    quantile(0.5, PUSHED),
                    quantile(0.95, PUSHED),
                    quantile(0.99, PUSHED),
                    at_most=FRESHNESS_P99_S,
                ),
                lines(
                    "Stages of a batch, p99",
                    quantile(0.99, STAGES, "stage"),
                    says="The dashed line: a longer wait means cheaper slates (ladder.counters_at_ms).",
                    at_most=WAIT_S,
                ),
                lines("Stages of a batch, mean", mean(STAGES, "stage"), stacked=True),
            ],
            "Lag and rungs": [
                lines("Lag", gauge("sum", "headrace_worker_lag_events", "topic"), at_most=LAG_EVENTS),
                lines("Rungs of slates", share("headrace_worker_slates", "rung"), stacked=True, most=1),
                lines(
                    "Partitions that stand still",
                    gauge("sum", "headrace_worker_stalled_partitions", "instance"),
                ),
            ],
            "Errors": [
                lines(
                    "Errors of gateways",
                    rate("headrace_gateway_requests", "route", "status", unit="reqps", status="~5.."),
                    says="Requests that were answered with a status of 500 and more, by route and status.",
                ),
                lines("Dead letters", rate("headrace_worker_dead_letters", "reason")),
                lines(
                    "Failures of workers",
                    rate("headrace_worker_store_errors", legend="store"),
                    rate("headrace_worker_broker_errors", legend="Kafka"),
                    rate("headrace_worker_ranking_failures", legend="ranking"),
                    rate("headrace_worker_example_failures", legend="examples"),
                    says="Calls that the store or Kafka did not answer, slates and examples that failed.",
                ),
            ],
        },
    )
