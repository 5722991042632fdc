"""What a slate costs besides the model, by rung of the ladder and by how many are made in one batch.

    python -m benchmarks.slates [--items 1700] [--json FILE]

A synthetic catalogue with random text vectors; users with histories from a Zipf stream. No model is served:
the rungs "full" and "fewer" gather candidates and features, and then keep the order of the pool.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

from rich.console import Console
from rich.table import Table

from benchmarks.machine import made
from streams.bench.synthetic import catalogue, warm_core
from streams.ranking.degradation import RUNGS, Rung
from streams.ranking.request import RankRequest
from streams.recommender import Recommender
from streams.settings.tree import Settings

BATCHES = (1, 3, 16, 64)
EVENTS, USERS, NOW_MS = 20_000, 400, 1_700_000_000_000
ROUNDS, SLATES = 7, 192  # the best of so many rounds of about so many slates each


def cpu_us(core: Recommender, requests: Sequence[RankRequest], batch: int) -> float:
    """CPU time of one slate, in microseconds."""
    parts = [requests[at : at + batch] for at in range(0, SLATES, batch)]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for part in parts:
            core.recommend(part)
        best = min(best, time.process_time() - started)
    return best / (len(parts) * batch) * 1e6


def measure(items: int) -> dict[Rung, list[float]]:
    """For each rung the time of a slate in batches of `BATCHES`."""
    settings = Settings()
    records = catalogue(items, 64, NOW_MS, settings.seed)
    core, states = warm_core(settings, records, USERS, EVENTS, NOW_MS, settings.seed)
    found: dict[Rung, list[float]] = {}
    for rung in RUNGS:
        requests = [
            core.request(state, NOW_MS, rung=rung, user=user, cause="e") for user, state in states.items()
        ]
        core.recommend(requests[:8])  # compiled code is loaded
        found[rung] = [cpu_us(core, requests, batch) for batch in BATCHES]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What a slate costs besides the model.")
    parser.add_argument("--items", type=int, default=1_700)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.items)
    table = Table(title=f"CPU us a slate, {arguments.items:,} items", title_justify="left")
    table.add_column("rung")
    for batch in BATCHES:
        table.add_column(f"batch of {batch}", justify="right")
    for rung, costs in found.items():
        table.add_row(rung, *(f"{cost:.0f}" for cost in costs))
    Console().print(table)
    if arguments.json is not None:
        command = f"python -m benchmarks.slates --items {arguments.items}"
        figures = {rung: dict(zip(map(str, BATCHES), costs, strict=True)) for rung, costs in found.items()}
        tree = {**made(command, ["numpy", "numba"]), "cpu_us": figures}
        arguments.json.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
