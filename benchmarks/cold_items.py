"""The ranking of items that no user has met, among each other: by text, attributes and entities alone.

    python -m benchmarks.cold_items --interactions ratings.csv --items movies.csv \\
        --begin 0.7 --json benchmarks/results/cold-items.json

Such an item hardly ever wins against items with a history, so a replay's figures only show that it loses.
Here, if the next event is the first one of its item, the benchmark ranks that item among all items without
any event, by the served model and by other methods:

    model      the click score; no candidate has a rank of a source
    learned    the user tower
    nearest    text beside that of the user's last ten items
    entities   entities shared with them, where there is a graph
    chance     what any order would have on average
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import made
from benchmarks.walk import add_arguments, trained
from model.evaluate import Estimate, hit_rate, ndcg
from model.schema import F32
from streams.offline.stream_driver import Prequential
from streams.ranking.candidates.context import RECENT
from streams.ranking.request import search_by
from streams.signals.entity_signals import ENTITY_TASTE

PACKAGES = ("numpy", "onnxruntime", "torch")
DEPTHS = (10, 100)


def look(run: Prequential) -> tuple[dict[str, int], int] | None:
    """The place of the next event's item by each method, and among how many; None if it is not new."""
    core, events = run.recommender, run.stream.interactions
    pipeline, popularity = core.pipeline, core.counters.popularity
    row = core.catalog.rows.get(events.item[run.at], -1)
    if row < 0 or popularity.events[row] > 0:
        return None
    state, now_ms = run.state(events.user[run.at]), int(events.ts_ms[run.at])
    cold = np.flatnonzero(popularity.events[: len(core.catalog)] == 0)
    cold = np.concatenate([[row], cold[cold != row]])
    search = search_by(run.searched(run.at))
    draft = core.draft(core.request(state, now_ms, search=search, score_also=tuple(cold.tolist())))
    text = core.catalog.text
    scores: dict[str, F32] = {
        "model": draft.click[-len(cold) :],
        "nearest": text[cold] @ text[draft.history[:RECENT]].sum(0),
    }
    model, context = pipeline.models.active, draft.batch.context.of(0)
    if model is not None and model.users is not None:
        scores["learned"] = model.keys[cold] @ draft.batch.seen_of([draft.number]).vectors[0]
    if context.entities is not None:
        found = context.entities.of(cold.astype(np.int32), pipeline.workspace.places)
        scores["entities"] = found[:, ENTITY_TASTE]
    return {name: place(each) for name, each in scores.items()}, len(cold)


def place(scores: F32) -> int:
    """The place of the first among all, from 1; the last of those that tie with it."""
    return int((scores[1:] >= scores[0]).sum()) + 1


def summary(
    places: Mapping[str, Sequence[int]], sizes: NDArray[np.int64]
) -> dict[str, dict[str, dict[str, float]]]:
    """HR@10, HR@100 and NDCG@10 by method, and what chance would give."""
    found = {
        name: {
            **{f"hr@{depth}": _plain(hit_rate(each, depth)) for depth in DEPTHS},
            "ndcg@10": _plain(ndcg(each)),
        }
        for name, each in places.items()
    }
    gains = np.cumsum(1.0 / np.log2(np.arange(1, DEPTHS[0] + 1) + 1))
    found["chance"] = {
        **{
            f"hr@{depth}": {"value": round(float(np.minimum(depth / sizes, 1).mean()), 5)} for depth in DEPTHS
        },
        "ndcg@10": {"value": round(float((gains[np.minimum(sizes, 10) - 1] / sizes).mean()), 5)},
    }
    return found


def _plain(estimate: Estimate) -> dict[str, float]:
    return {"value": round(estimate.value, 5), "error": round(estimate.error, 5)}


def main() -> None:
    """Train, walk, print a line for each method and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Items without any event, ranked among each other.")
    add_arguments(parser)
    parser.add_argument("--begin", type=float, help="share from which on items are ranked (that of --warm)")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    places, sizes = dict[str, list[int]](), list[int]()
    with trained(args) as walk:
        begin = walk.warm if args.begin is None else int(walk.events * args.begin)
        run = walk.fitted.run
        while run.at < walk.until:
            if run.at >= begin and (seen := look(run)) is not None:
                for name, its in seen[0].items():
                    places.setdefault(name, []).append(its)
                sizes.append(seen[1])
            run.learn()
            walk.say("walking", run.at - walk.warm, walk.until - walk.warm)
    figures = summary(places, np.array(sizes, np.int64))
    for name, row in figures.items():
        print(f"{name:10}", *(f"{figure} {each['value']:.4f}" for figure, each in row.items()))
    report: dict[str, Any] = {
        **made(
            f"python -m benchmarks.cold_items --interactions {Path(args.interactions).name} "
            f"--warm {args.warm} --begin {args.begin or args.warm} --until {args.until}"
            + (" --graph FILE --links FILE" if args.graph else ""),
            PACKAGES,
        ),
        "events": len(sizes),
        "among": {"mean": float(np.mean(sizes)), "least": min(sizes), "most": max(sizes)},
        "methods": figures,
    }
    if args.json is not None:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
