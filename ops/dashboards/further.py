"""Plain panels for metrics that no dashboard has by itself: a new metric is seen before somebody has thought
of where it belongs.
"""

from __future__ import annotations

import re

from ops.dashboards.board import Board, Panel, lines
from ops.dashboards.exported import Metric, exported
from ops.dashboards.promql import gauge, quantile, rate

ROW = "Further metrics"
HOME = {"worker": "worker", "gateway": "gateway"}
"""The dashboard of a metric, by the job that exports it."""

NOT_SHOWN = {
    "process_virtual_memory_bytes": "mostly addresses that are not used: columns are reserved ahead",
    "process_start_time_seconds": "a restart shows in the other lines",
    "process_max_fds": "a setting of the system",
    "python_info": "the version of Python does not change while a process runs",
}
"""Metrics that need no panel, and why."""


def not_on(contents: str) -> list[Metric]:
    """The metrics that no query of these dashboards asks for and that have no reason for it."""
    queries = re.findall(r'^ *"expr": (".*")', contents, re.MULTILINE)
    shown = {word for query in queries for word in re.findall(r"\w+", query)}
    return [
        metric
        for metric in exported().values()
        if metric.name not in NOT_SHOWN and shown.isdisjoint(metric.series)
    ]


def with_further(boards: list[Board]) -> list[Board]:
    """The dashboards, with a row of what is on none of them."""
    left = not_on("".join(board.rendered() for board in boards))
    rows: dict[str, list[Panel]] = {}
    for metric in left:
        rows.setdefault(HOME[metric.job], []).append(plain(metric))
    return [
        board._replace(rows={**board.rows, ROW: rows[board.name]}) if board.name in rows else board
        for board in boards
    ]


def plain(metric: Metric) -> Panel:
    """A metric as its kind says: a rate, quantiles, or the largest value."""
    labels, title = sorted(metric.labels), metric.name.removeprefix("headrace_").replace("_", " ")
    unit = "s" if metric.name.endswith("_seconds") else "bytes" if metric.name.endswith("_bytes") else "short"
    match metric.kind:
        case "counter":
            return lines(title, rate(metric.name, *labels))
        case "histogram":
            quantiles = (quantile(q, metric.name, *labels, unit=unit) for q in (0.5, 0.99))
            return lines(title, *quantiles)
        case _:
            return lines(title, gauge("max", metric.name, *(labels or ["instance"]), unit=unit))
