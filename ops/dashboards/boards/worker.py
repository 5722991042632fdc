"""Workers, one by one: what they take, how long each stage lasts, and what they cost."""

from __future__ import annotations

from ops.dashboards.board import Board, lines
from ops.dashboards.objectives import FRESHNESS_P99_S
from ops.dashboards.promql import gauge, mean, quantile, rate


def board() -> Board:
    return Board(
        name="worker",
        title="workers",
        says="Each worker: events, batches, stages, counters, examples and resources.",
        jobs=("worker",),
        rows={
            "State": [
                lines("Ready", gauge("max", "headrace_worker_ready", "instance"), most=1),
                lines("Keeps snapshots", gauge("max", "headrace_worker_leader", "instance"), most=1),
                lines("Counters read anew", rate("headrace_worker_rebuilds", "instance")),
            ],
            "Events": [
                lines("Applied", rate("headrace_worker_events", "instance", unit="eps", result="applied")),
                lines(
                    "By topic", rate("headrace_worker_events", "topic", "result", unit="eps"), stacked=True
                ),
                lines("Without effect", rate("headrace_worker_skipped_events", "reason", unit="eps")),
                lines("Late", rate("headrace_worker_late_events", "instance", unit="eps")),
                lines("Actions", rate("headrace_worker_actions", "action", unit="eps"), stacked=True),
                lines("Wait in the worker", gauge("sum", "headrace_worker_queued_events", "instance")),
            ],
            "Batches": [
                lines(
                    "Events in a batch",
                    quantile(0.5, "headrace_worker_batch_events", unit="short"),
                    quantile(0.99, "headrace_worker_batch_events", unit="short"),
                    mean("headrace_worker_batch_events", unit="short"),
                ),
                lines("Stages, p50", quantile(0.5, "headrace_worker_stage_seconds", "stage")),
                lines("Stages, p99", quantile(0.99, "headrace_worker_stage_seconds", "stage")),
                lines(
                    "Freshness, p99",
                    quantile(0.99, "headrace_worker_accepted_to_pushed_seconds", "instance"),
                    at_most=FRESHNESS_P99_S,
                ),
                lines(
                    "From the event's own time, p99",
                    quantile(0.99, "headrace_worker_event_to_applied_seconds", "instance"),
                ),
                lines("States", rate("headrace_worker_states", "source"), stacked=True),
            ],
            "Slates": [
                lines("By rung", rate("headrace_worker_slates", "rung"), stacked=True),
                lines("Failed", rate("headrace_worker_ranking_failures", "instance")),
                lines("Places drawn", rate("headrace_worker_explored_places", "arm")),
            ],
            "Examples": [
                lines("Examples", rate("headrace_worker_examples", "kind")),
                lines("Shards", rate("headrace_worker_example_shards", "kind")),
                lines("Failures", rate("headrace_worker_example_failures", "reason")),
            ],
            "Resources": [
                lines(
                    "Processor",
                    rate("process_cpu_seconds", "instance", unit="none", job="worker"),
                    says="Cores that the process uses.",
                ),
                lines(
                    "Memory",
                    gauge("max", "process_resident_memory_bytes", "instance", unit="bytes", job="worker"),
                    says="Resident memory.",
                ),
                lines(
                    "Open files",
                    gauge("max", "process_open_fds", "instance", job="worker"),
                    says="Files and sockets that the process holds open.",
                ),
            ],
        },
    )
