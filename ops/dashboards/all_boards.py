"""All dashboards, and the metrics that are on none, each with the reason."""

from __future__ import annotations

from pathlib import Path

from ops.dashboards.board import Board
from ops.dashboards.boards import experiments, gateway, learner, models, overview, stores, worker

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"

NOT_SHOWN = {
    "process_virtual_memory_bytes": "mostly addresses that are not used: columns are reserved ahead",
    "process_start_time_seconds": "a restart shows in the other lines",
    "process_max_fds": "a setting of the system",
    "python_info": "the version of Python does not change while a process runs",
}


def boards() -> list[Board]:
    """In the order of their names in the menu."""
    rooms = (overview, worker, gateway, stores, learner, experiments, models)
    return [room.board() for room in rooms]
