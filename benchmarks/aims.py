"""What the loss's terms for diversity and fairness do on real data, and what they cost.

  headrace train --interactions FILE --items FILE --name some --keep FOLDER
  python -m benchmarks.aims FOLDER --json benchmarks/results/aims.json

The networks have the same examples, passes and seed, and differ in one weight. Whole pools of held-out
examples judge them: NDCG@10, the difference within the first ten (mean of 1 - cosine of their texts), and the
share of their places that items of less than mean popularity have.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from model import examples
from model.checkpoint import load_checkpoint
from model.evaluate import Estimate, ndcg
from model.examples import Shard
from model.plan import TrainPlan
from model.ranking import places, scores_of
from model.schema import F32
from model.train import Progress, train
from streams.bench.machine import this_machine
from streams.commands.options import progress_bar

WEIGHTS = (("none", 0.0, 0.0), ("diversity", 1.0, 0.0), ("diversity", 4.0, 0.0), ("fairness", 0.0, 3.0),
           ("fairness", 0.0, 30.0))  # fmt: skip
FIRST = 10


def unlike(click: F32, shards: Sequence[Shard]) -> Estimate:
    """The mean of 1 - cosine over pairs of the first ten's texts, over the examples."""
    found = []
    for top, shard, at in _tops(click, shards):
        text = shard.text[shard.candidates[at, top]].astype(np.float64)
        cosines = text @ text.T
        found.append(1.0 - cosines[np.triu_indices(len(top), 1)].mean())
    return _mean(found)


def tail_share(click: F32, shards: Sequence[Shard], column: int, middle: float) -> Estimate:
    """The share of the first ten with a feature below `middle`, over the examples."""
    return _mean(
        [
            (shard.candidate_features[at, top, column] < middle).mean()
            for top, shard, at in _tops(click, shards)
        ]
    )


def _tops(click: F32, shards: Sequence[Shard]) -> list[tuple[np.ndarray[Any, Any], Shard, int]]:
    best = np.argsort(-np.nan_to_num(click, nan=-np.inf), axis=1, kind="stable")[:, :FIRST]
    owners = [(shard, at) for shard in shards for at in range(len(shard))]
    return [(best[k], shard, at) for k, (shard, at) in enumerate(owners)]


def _mean(values: Sequence[float]) -> Estimate:
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what `headrace train --keep` wrote")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    net, tasks, vocabulary = load_checkpoint(arguments.folder)
    every = examples.load(arguments.folder / examples.KEPT)
    widest = max(each.candidates.shape[1] for each in every)
    shards = [each for each in every if each.candidates.shape[1] < widest]
    held_out = [each for each in every if each.candidates.shape[1] == widest]
    found = np.concatenate([each.found for each in held_out])
    column = net.schema.candidate_features.index("popular_ever")
    middle = float(net.rescorer.candidate_scale.mean[column])
    say, rows = progress_bar(), []
    for name, diversity, fairness in WEIGHTS:
        plan = TrainPlan(epochs=arguments.epochs, diversity=diversity, fairness=fairness)
        label = f"{name} {diversity or fairness:g}" if diversity or fairness else name

        def report(progress: Progress, label: str = label) -> None:
            say(label, progress.done, progress.total)

        trained = train(shards, (), net.schema, net.plan, plan, tasks, vocabulary, report)
        click = scores_of(trained, held_out, vocabulary)[..., 0]
        rows.append(
            {
                "term": label,
                "ndcg@10": ndcg(places(click, found))._asdict(),
                "unlike@10": unlike(click, held_out)._asdict(),
                "tail_share@10": tail_share(click, held_out, column, middle)._asdict(),
            }
        )
    table = Table()
    for head in rows[0]:
        table.add_column(head)
    for row in rows:
        table.add_row(*(_shown(each) for each in row.values()))
    Console().print(table)
    if arguments.json:
        facts = {
            "machine": msgspec.to_builtins(this_machine()),
            "epochs": arguments.epochs,
            "examples": len(found),
        }
        arguments.json.write_text(json.dumps({**facts, "rows": rows}, indent=2) + "\n")


def _shown(value: object) -> str:
    return f"{value['value']:.4f} ±{value['error']:.4f}" if isinstance(value, dict) else str(value)


if __name__ == "__main__":
    main()
