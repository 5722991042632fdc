"""What a slate costs by how many candidates meet the network: CPU time, all sizes in turn.

    python -m benchmarks.pool_cost --model var/demo/models/NAME [--sizes 200,160,120,80,64]

One process, a synthetic catalogue, users with histories from a Zipf stream, nothing else of the worker. The
least of the rounds counts, since whatever else runs on the machine only adds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.core_cost import NOW_MS, opened
from streams.learning.kept_slates import KeptSlate
from streams.ranking.request import RankRequest
from streams.recommender import Recommender

BATCHES, SLATES = (1, 3, 32), 192


def cpu_us(core: Recommender, requests: list[RankRequest], batch: int) -> float:
    """CPU time of one slate with what is kept of it, in microseconds."""
    kept: list[KeptSlate] = []
    started = time.thread_time()
    for at in range(0, SLATES, batch):
        core.recommend(requests[at : at + batch], kept)
    return (time.thread_time() - started) / SLATES * 1e6


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="What a slate costs by how many candidates it has.")
    parser.add_argument("--model", required=True, type=Path, help="a model's folder in its registry")
    parser.add_argument("--sizes", default="200,160,120,80,64", metavar="SIZE,SIZE")
    parser.add_argument("--items", type=int, default=1_700)
    parser.add_argument("--rounds", type=int, default=16)
    args = parser.parse_args()
    worker = opened(args.model, args.items)
    sizes = [int(size) for size in args.sizes.split(",")]
    asked = {}
    for size in sizes:
        plan = worker.core.plan({"candidates": {"pool": size}})
        users = list(worker.states.items())[:SLATES]
        asked[size] = [
            worker.core.request(state, NOW_MS, plan=plan, user=user, cause="e") for user, state in users
        ]
    best = {(size, batch): float("inf") for size in sizes for batch in BATCHES}
    for _ in range(args.rounds):
        for size, batch in best:
            best[size, batch] = min(best[size, batch], cpu_us(worker.core, asked[size], batch))
    table = Table(title="us of CPU a slate", title_justify="left")
    for column in ("batches of", *map(str, sizes)):
        table.add_column(column, justify="right")
    for batch in BATCHES:
        table.add_row(str(batch), *(f"{best[size, batch]:,.0f}" for size in sizes))
    Console().print(table)


if __name__ == "__main__":
    main()
