"""What a slate costs besides the model: by rung of the ladder, by stage, by how many are made in one batch.

    python -m benchmarks.slates [--items 1700] [--json FILE]

A synthetic catalogue with random text vectors; users with histories from a Zipf stream. No model is served:
the rungs "full" and "fewer" gather candidates and features, and then keep the order of the pool. Stages are
measured on the rung "full", for users who dislike something and for users who do not.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import made
from streams.bench.synthetic import catalogue, warm_core
from streams.ranking.degradation import RUNGS, Rung
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.user_state import UserState

BATCHES = (1, 3, 16, 64)
EVENTS, USERS, NOW_MS = 20_000, 400, 1_700_000_000_000
ROUNDS, SLATES = 7, 192  # the best of so many rounds of about so many slates each


def by_stage(core: Recommender, requests: Sequence[RankRequest], batch: int) -> dict[str, float]:
    """CPU time of one slate in each stage, and of what is made of a draft, in microseconds: of each batch the
    best of `ROUNDS`.
    """
    pipeline = core.pipeline
    best: dict[tuple[str, int], float] = {}
    for _ in range(ROUNDS):
        for at in range(0, SLATES, batch):
            part = RankBatch(requests[at : at + batch])
            for stage in (*pipeline.gathering, *pipeline.ordering):
                asked = [b for b, request in enumerate(part.requests) if stage.enable(request)]
                started = time.thread_time()
                if asked:
                    stage.run(part, asked)
                _note(best, type(stage).__name__, at, time.thread_time() - started)
            started = time.thread_time()
            core.looks([core.slate(draft) for draft in part.drafts()], part)
            _note(best, "slate", at, time.thread_time() - started)
    found: dict[str, float] = {}
    for (name, _), spent in best.items():
        found[name] = found.get(name, 0.0) + spent / SLATES * 1e6
    return found


def _note(best: dict[tuple[str, int], float], name: str, at: int, spent: float) -> None:
    best[name, at] = min(best.get((name, at), float("inf")), spent)


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


def measure(core: Recommender, states: Mapping[str, UserState]) -> dict[Rung, list[float]]:
    """For each rung the time of a slate in batches of `BATCHES`."""
    found: dict[Rung, list[float]] = {}
    for rung in RUNGS:
        requests = [
            core.request(state, NOW_MS, rung=rung, user=user, cause="e") for user, state in states.items()
        ]
        core.recommend(requests[:8])  # compiled code is loaded
        found[rung] = [cpu_us(core, requests, batch) for batch in BATCHES]
    return found


def measure_stages(core: Recommender, states: Mapping[str, UserState]) -> dict[str, dict[str, list[float]]]:
    """For users with and without dislikes, and each stage, the time of a slate in batches of `BATCHES`."""
    found: dict[str, dict[str, list[float]]] = {}
    for who, forget in (("with dislikes", False), ("without", True)):
        requests = [
            core.request(_unrated(state) if forget else state, NOW_MS, user=user, cause="e")
            for user, state in states.items()
        ]
        core.recommend(requests[:8])
        columns = [by_stage(core, requests, batch) for batch in BATCHES]
        found[who] = {name: [column[name] for column in columns] for name in columns[0]}
        found[who]["all"] = [sum(column.values()) for column in columns]
    return found


def _unrated(state: UserState) -> UserState:
    """The user without what their ratings say."""
    return replace(state, ratings=np.full(len(state.ratings), np.nan, np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description="What a slate costs besides the model.")
    parser.add_argument("--items", type=int, default=1_700)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    settings = Settings()
    records = catalogue(arguments.items, 64, NOW_MS, settings.seed)
    core, states = warm_core(settings, records, USERS, EVENTS, NOW_MS, settings.seed)
    rungs, stages = measure(core, states), measure_stages(core, states)
    _show(f"CPU us a slate, {arguments.items:,} items", "rung", rungs)
    for who, costs in stages.items():
        _show(f"by stage, users {who}", "stage", costs)
    if arguments.json is not None:
        command = f"python -m benchmarks.slates --items {arguments.items}"
        figures = {rung: dict(zip(map(str, BATCHES), costs, strict=True)) for rung, costs in rungs.items()}
        tree = {**made(command, ["numpy", "numba"]), "cpu_us": figures, "stages": stages}
        arguments.json.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


def _show(
    title: str, what: str, costs: Mapping[str, Sequence[float]] | Mapping[Rung, Sequence[float]]
) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column(what)
    for batch in BATCHES:
        table.add_column(f"batch of {batch}", justify="right")
    for name, row in costs.items():
        table.add_row(name, *(f"{cost:.0f}" for cost in row))
    Console().print(table)


if __name__ == "__main__":
    main()
