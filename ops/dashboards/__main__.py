"""Write the dashboards: `python -m ops.dashboards`, or `make dashboards`.

Run it after a metric was added, changed or removed. A dashboard that names what no process exports is an
error. A metric that is on no dashboard is one, too: give it a panel in `ops/dashboards/boards/`.
"""

from __future__ import annotations

import re
import sys

from ops.dashboards.all_boards import FOLDER, NOT_SHOWN, boards
from ops.dashboards.exported import exported


def not_on(contents: str) -> list[str]:
    """The metrics that no query of these dashboards asks for and that have no reason for it."""
    queries = re.findall(r'^ *"expr": (".*")', contents, re.MULTILINE)
    shown = {word for query in queries for word in re.findall(r"\w+", query)}
    return [
        name
        for name, metric in exported().items()
        if name not in NOT_SHOWN and shown.isdisjoint(metric.series)
    ]


def main() -> int:
    """Write what changed; 1 where a metric is on no dashboard."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    contents = {board.file: board.rendered() for board in boards()}
    for file in FOLDER.glob("*.json"):
        if file.name not in contents:
            file.unlink()
    for name, content in contents.items():
        (FOLDER / name).write_text(content)
        print(FOLDER / name)
    if missing := not_on("".join(contents.values())):
        print(f"on no dashboard: {', '.join(missing)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
