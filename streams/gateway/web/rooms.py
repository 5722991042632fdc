"""The rooms that bring pages: each has folders `templates`, `static` and `texts`, under its own prefix."""

from __future__ import annotations

from pathlib import Path

ROOMS = {
    "web": Path(__file__).parent,
    "console": Path(__file__).parents[1] / "console",
    "demo": Path(__file__).parents[1] / "demo_app",
}
"""The prefix of a room's files and texts, and where they lie: `console/overview.html`, `console.title`."""


def folders(kind: str) -> dict[str, Path]:
    """Each room's folder of one kind ("templates", "static", "texts"), where it has one."""
    return {name: room / kind for name, room in ROOMS.items() if (room / kind).is_dir()}
