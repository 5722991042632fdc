"""What Headrace stands on: the store and Kafka, as the processes see them, and where traces go."""

from __future__ import annotations

from ops.dashboards.board import Board, lines
from ops.dashboards.objectives import LAG_EVENTS
from ops.dashboards.promql import gauge, mean, quantile, rate


def board() -> Board:
    return Board(
        name="stores",
        title="store and broker",
        says="Kafka and the store as workers and gateways see them: errors, lag, gaps, the ledger, traces.",
        jobs=("worker", "gateway"),
        rows={
            "Store": [
                lines("Calls without an answer", rate("headrace_worker_store_errors", "instance")),
                lines("Not as it should be", gauge("max", "headrace_worker_store_concern", "kind"), most=1),
                lines(
                    "Reads and transactions, p99",
                    quantile(0.99, "headrace_worker_stage_seconds", "stage", stage="~load|commit"),
                    quantile(0.99, "headrace_gateway_feed_read_seconds", legend="feed read"),
                    says="What workers load and commit, and what gateways read.",
                ),
                lines("Batches refused", rate("headrace_worker_fenced_batches", "instance")),
                lines(
                    "Ledger entries of others", rate("headrace_worker_ledger_entries_followed", "instance")
                ),
                lines("Snapshot", gauge("max", "headrace_worker_snapshot_bytes", unit="bytes")),
                lines("Kept slates lost", rate("headrace_worker_kept_slates_lost")),
            ],
            "Kafka": [
                lines("Writes without an acknowledgement", rate("headrace_worker_broker_errors", "instance")),
                lines("Acknowledgement, mean", mean("headrace_gateway_produce_seconds", "instance")),
                lines("Lag", gauge("sum", "headrace_worker_lag_events", "topic"), at_most=LAG_EVENTS),
                lines(
                    "Behind an open transaction", gauge("sum", "headrace_worker_held_back_events", "topic")
                ),
                lines("Gaps in the offsets", rate("headrace_worker_gaps", "result")),
                lines(
                    "Partitions that stand still",
                    gauge("sum", "headrace_worker_stalled_partitions", "instance"),
                ),
            ],
            "Traces": [
                lines("Events traced", rate("headrace_tracing_events", "result", unit="eps")),
                lines("Spans", rate("headrace_tracing_spans", "result")),
                lines("Spans that wait", gauge("max", "headrace_tracing_waiting_spans", "instance")),
            ],
        },
    )
