"""All dashboards."""

from __future__ import annotations

from pathlib import Path

from ops.dashboards.board import Board
from ops.dashboards.boards import experiments, gateway, learner, models, overview, stores, worker
from ops.dashboards.further import with_further

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"


def boards() -> list[Board]:
    """In the order of their names in the menu."""
    rooms = (overview, worker, gateway, stores, learner, experiments, models)
    return with_further([room.board() for room in rooms])
