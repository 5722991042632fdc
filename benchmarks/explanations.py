"""Do reasons name what the score uses? How far the score falls without the history item that each names.

    python -m benchmarks.explanations --interactions ml-100k.inter --items ml-100k.item \\
        --users ml-100k.user --json benchmarks/explanations.json

The benchmark trains a model on the first part of the stream. Along the second part, the served int8 model
scores the first places of slates again without each of the user's last ten items
(`streams.ranking.leave_one_out`).

    exact      the item whose removal lowers the score most: the best that any method can do
    reason     the one that the feed's reason names, where it names one
    gradients  the largest part by integrated gradients, with the checkpoint
    attention  the largest weight, mean of the heads
    newest     the last one
    random     the mean over all ten
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import made
from benchmarks.walk import add_arguments, trained
from model.attribution import attention, attribute
from model.checkpoint import load_checkpoint
from model.evaluate import Estimate
from model.network import FusionNet
from model.schema import F32, RescorerInputs
from streams.offline.training.fit import Fitted
from streams.ranking.draft import Draft
from streams.ranking.leave_one_out import drops
from streams.ranking.model_in_service import ModelInService

RECENT = 10
LEAST = 3  # history items, so that there is a choice
NONE = -1
METHODS = ("exact", "reason", "gradients", "attention", "newest")
PACKAGES = ("numpy", "onnxruntime", "torch")


class Seen(NamedTuple):
    """Of one slate: drops [items, places], and the item that each method names at each place (-1: none)."""

    drops: F32
    named: dict[str, NDArray[np.intp]]


def look(fitted: Fitted, net: FusionNet, places: int) -> Seen | None:
    """The next event's slate, explained in every way; None if the history is too short."""
    draft, _ = fitted.run.predict(explain=True)
    recent = list(dict.fromkeys(draft.history[:RECENT].tolist()))
    model = fitted.run.recommender.pipeline.models.active
    if model is None or len(recent) < LEAST or not len(draft.order):
        return None
    pipeline = fitted.run.recommender.pipeline
    chosen = draft.order[:places]
    fallen = drops(pipeline, draft, chosen.tolist(), recent, fitted.run.recommender.settings.state)
    inputs = [torch.from_numpy(each) for each in inputs_of(model, draft, chosen)]
    first = np.zeros(len(chosen), np.intp)
    rows = pipeline.catalog.rows
    reasons = [reason.item_id for reason in (draft.reasons or ())[:places]]
    where = {row: at for at, row in enumerate(recent)}
    columns = [draft.history[: net.schema.history].tolist().index(row) for row in recent]
    return Seen(
        fallen,
        {
            "exact": fallen.argmax(0),
            "reason": np.array([NONE if name is None else where[rows[name]] for name in reasons], np.intp),
            "gradients": attribute(net, inputs, first).history[:, columns].argmax(1),
            "attention": attention(net, inputs, first).mean(1)[:, columns].argmax(1),
            "newest": np.zeros(len(chosen), np.intp),
        },
    )


def inputs_of(model: ModelInService, draft: Draft, chosen: NDArray[np.intp]) -> RescorerInputs:
    """The model's inputs of each chosen candidate, one a row."""
    return RescorerInputs(
        *model.user_inputs(draft.batch.users.of([draft.number] * len(chosen))),
        model.vectors[draft.rows[chosen]][:, None],
        draft.features[chosen][:, model.columns][:, None],
    )


def summary(seen: Sequence[Seen]) -> dict[str, Any]:
    """For each method the mean drop, that of a random item at the same places, how often the first is above.

    Standard errors are over slates: places of one slate are not independent.
    """
    found: dict[str, Any] = {}
    for method in METHODS:
        mine, random, above = [], [], []
        for each in seen:
            names = each.named[method]
            there = np.flatnonzero(names != NONE)
            if len(there):
                fallen, mean = each.drops[names[there], there], each.drops[:, there].mean(0)
                mine.append(fallen.mean())
                random.append(mean.mean())
                above.append((fallen > mean).mean())
        more = np.subtract(mine, random)
        found[method] = {
            "slates": len(mine),
            "places": int(sum((each.named[method] != NONE).sum() for each in seen)),
            "drop": _plain(mine),
            "random_drop": _plain(random),
            "more_than_random": _plain(more.tolist()),
            "share_above_random": _plain(above),
        }
    return found


def _plain(values: Sequence[float]) -> dict[str, float]:
    estimate = Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))
    return {"value": round(estimate.value, 4), "error": round(estimate.error, 4)}


def main() -> None:
    """Train, walk, print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Deletion tests of explanations.")
    add_arguments(parser)
    parser.add_argument("--slates", type=int, default=1_000, help="how many to explain (1000)")
    parser.add_argument("--places", type=int, default=5, help="of each slate (5)")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    seen: list[Seen] = []
    with trained(args) as walk:
        net, run = load_checkpoint(walk.kept).net, walk.fitted.run
        length = walk.until - walk.warm
        stride = max(length // args.slates, 1)
        while run.at < walk.until:
            if (run.at - walk.warm) % stride == 0:
                found = look(walk.fitted, net, args.places)
                if found is not None:
                    seen.append(found)
            run.learn()
            walk.say("explaining", run.at - walk.warm, length)
    figures = summary(seen)
    print(f"{'':10} {'places':>6} {'drop':>15} {'at random':>15} {'more':>15} {'above':>6}")
    for method, row in figures.items():
        cells = [
            f"{row[key]['value']:.3f} ({row[key]['error']:.3f})"
            for key in ("drop", "random_drop", "more_than_random")
        ]
        print(
            f"{method:10} {row['places']:6} "
            + " ".join(f"{cell:>15}" for cell in cells)
            + f" {row['share_above_random']['value']:6.3f}"
        )
    if args.json is not None:
        report = {
            **made(
                f"python -m benchmarks.explanations --interactions {Path(args.interactions).name} "
                f"--warm {args.warm} --until {args.until} --slates {args.slates} --places {args.places}",
                PACKAGES,
            ),
            "training": msgspec.to_builtins(walk.settings.model.training),
            "slates": len(seen),
            "methods": figures,
        }
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
