"""Lists whose users choose by place, by price and by what they have met, for whole runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset

Row = dict[str, Any]
BEGIN_S = 1_700_000_000


def lists(count: int = 400, users: int = 40, items: int = 60, places: int = 8, seed: int = 1) -> list[Row]:
    """Rows of (user, ts, shown, prices, clicked): nearly always the first place or the cheapest one."""
    rng = np.random.default_rng(seed)
    price = rng.integers(10, 200, items)
    found = []
    for number in range(count):
        shown = rng.choice(items, places, replace=False)
        liking = 3.0 * (np.arange(places) == 0) - 3.0 * np.log(price[shown] / price[shown].min())
        chance = np.exp(liking - liking.max())
        clicked = int(rng.choice(places, p=chance / chance.sum()))
        found.append(
            {
                "user": f"u{rng.integers(users)}",
                "ts": BEGIN_S + 60 * number,
                "shown": [f"i{item}" for item in shown],
                "prices": price[shown].tolist(),
                "clicked": f"i{shown[clicked]}",
            }
        )
    return found


def written(path: Path, layout: str, rows: list[Row]) -> str:
    """The rows in one layout; the `--map` that reads it."""
    if layout == "lists and the row's item":
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["user", "ts", "item", "list", "cost"])
            for row in rows:
                costs = "|".join(map(str, row["prices"]))
                out.writerow([row["user"], row["ts"], row["clicked"], "|".join(row["shown"]), costs])
        return "impressions=list,shown.price=cost"
    if layout == "ids with their clicks":
        lines = [
            f"{row['user']}\t{row['ts']}\t"
            + " ".join(f"{i}-{int(i == row['clicked'])}" for i in row["shown"])
            for row in rows
        ]
        path.write_text("\n".join(["user\tts\tlist", *lines]))
        return "impressions=list"
    if layout == "lists and what was clicked":
        flagged = [{**row, "clicked": [int(i == row["clicked"]) for i in row["shown"]]} for row in rows]
        path.write_text("\n".join(map(json.dumps, flagged)))
        return "impressions=shown,clicked=clicked,shown.price=prices"
    lines = [
        f"{row['user']},{row['ts']},{i},{int(i == row['clicked'])},{price}"
        for row in rows
        for i, price in zip(row["shown"], row["prices"], strict=True)
    ]
    path.write_text("\n".join(["user,ts,item,hit,cost", *lines]))
    return "clicked=hit,shown.price=cost"


LAYOUTS = (
    "lists and the row's item",
    "ids with their clicks",
    "lists and what was clicked",
    "one shown item a row",
)


def planted_lists(folder: Path, layout: str = LAYOUTS[0], **size: int) -> Dataset:
    """The lists, read from a file in this layout."""
    path = folder / "lists"
    columns = written(path, layout, lists(**size))
    return load_dataset(DatasetSpec(str(path), columns=columns))
