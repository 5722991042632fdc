"""Write the dashboards: `python -m ops.dashboards`, or `make dashboards`.

Run it after a metric was added, changed or removed. A dashboard that names what no process exports is an
error. A metric without a panel in `ops/dashboards/boards/` gets a plain one (`ops/dashboards/further.py`).
"""

from __future__ import annotations

from ops.dashboards.all_boards import FOLDER, boards


def main() -> None:
    """Write all files, and delete those that are of no dashboard any more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    contents = {board.file: board.rendered() for board in boards()}
    for file in FOLDER.glob("*.json"):
        if file.name not in contents:
            file.unlink()
    for name, content in contents.items():
        (FOLDER / name).write_text(content)
        print(FOLDER / name)


if __name__ == "__main__":
    main()
