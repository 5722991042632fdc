"""What the slates of a replay give their places to, by how the user then rates the item.

    headrace replay --interactions ml-100k.inter --items ml-100k.item --limit 20000 --slates now.jsonl
    python -m benchmarks.low_ratings --interactions ml-100k.inter --items ml-100k.item --limit 20000 \\
        --slates before.jsonl --slates now.jsonl --json benchmarks/results/low-ratings.json

It reads the slates themselves, so that those of builds that don't report these figures are judged alike:

    low@10          of the events whose item is rated up to 2: how often it stood among the first ten before
    high HR, NDCG   of the events whose item is rated 4 or more
    all HR          of all events

An event counts where its item was known and the user had not met it. Differences are of the same events, with
their own standard error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import made
from model.actions import HIGH_RATING, LOW_RATING
from model.evaluate import Estimate
from streams.commands.options import add_dataset, add_settings, dataset_from, settings_from
from streams.datasets.dataset import Dataset

K = 10
PACKAGES = ("numpy",)
COMMAND = "python -m benchmarks.low_ratings"


def ranked(dataset: Dataset, until: int) -> NDArray[np.bool_]:
    """Of the events from `until` on, which can be ranked: their item is known, and new to the user."""
    stream, known, met = dataset.interactions, set(dataset.items), set()
    found = []
    for k in range(len(stream)):
        pair = stream.user[k], stream.item[k]
        if k >= until:
            found.append(stream.item[k] in known and pair not in met)
        known.add(stream.item[k])
        met.add(pair)
    return np.array(found, np.bool_)


def places(path: Path, dataset: Dataset, until: int) -> NDArray[np.int64]:
    """The place (from 1) of each event's item on the slate before it; 0 where it was not on it."""
    found = np.zeros(len(dataset.interactions) - until, np.int64)
    with path.open() as lines:
        for line in lines:
            slate = json.loads(line)
            k = int(slate["cause"])
            items = [place[0] for place in slate["items"]]
            if dataset.interactions.item[k] in items:
                found[k - until] = items.index(dataset.interactions.item[k]) + 1
    return found


def figures(place: NDArray[np.int64], fair: NDArray[np.bool_], rating: NDArray[np.float32]) -> dict[str, Any]:
    """For each figure one value an event."""
    hit = ((place > 0) & (place <= K)).astype(float)
    gain = hit / np.log2(np.maximum(place, 1) + 1)
    low, high = fair & (rating <= LOW_RATING), fair & (rating >= HIGH_RATING)
    return {
        f"low@{K}": hit[low],
        f"high hr@{K}": hit[high],
        f"high ndcg@{K}": gain[high],
        f"all hr@{K}": hit[fair],
        f"all ndcg@{K}": gain[fair],
    }


def estimate(values: NDArray[np.float64]) -> Estimate:
    """The mean and its standard error."""
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.low_ratings", description=__doc__.split("\n")[0])
    add_dataset(parser)
    add_settings(parser)
    parser.add_argument("--warm", type=float, default=0.5, help="share that the replay warmed on (0.5)")
    parser.add_argument("--slates", type=Path, action="append", required=True, help="a replay's slates")
    parser.add_argument("--limit", type=int, help="the first events alone, as in the replay")
    parser.add_argument(
        "--begin", type=float, default=0.0, help="share of the predicted part to leave out (0)"
    )
    parser.add_argument("--json", type=Path, help="where to write the figures")
    args = parser.parse_args(argv)
    dataset = dataset_from(args, settings_from(args)).first(args.limit)
    until = int(len(dataset.interactions) * args.warm)
    fair, rating = ranked(dataset, until), dataset.interactions.rating[until:]
    fair[: int(len(fair) * args.begin)] = False
    runs = {path.name: figures(places(path, dataset, until), fair, rating) for path in args.slates}
    first = next(iter(runs.values()))
    report: dict[str, Any] = {"events": {name: len(values) for name, values in first.items()}}
    for run, found in runs.items():
        report[run] = {name: estimate(values)._asdict() for name, values in found.items()}
        if found is not first:
            report[f"{run} less {next(iter(runs))}"] = {
                name: estimate(values - first[name])._asdict() for name, values in found.items()
            }
    print(json.dumps(report, indent=1))
    if args.json is not None:
        args.json.write_text(json.dumps({**made(COMMAND, PACKAGES), **report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
