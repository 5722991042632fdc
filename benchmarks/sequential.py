"""Headrace beside SASRec and eSASRec on one stream; all of them train on the way, in one run.

    python -m benchmarks.sequential --interactions ratings.csv --items movies.csv --json FILE

The first half of the events warms and trains. The models predict each later event among all items that its
user has not met, before they learn it. After every `--renew-every` events each model goes on training:
Headrace as in `headrace replay`, the sequence models with `--renew-passes` over everything so far. NDCG@10 on
the last fifth of the first half chooses the number of their first passes. They exclude items that no user has
met, which helps them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.baselines.sequential import NOTHING, SequentialKind, SequentialSettings, SequentialTrainer
from model.evaluate import Estimate, hit_rate, ndcg, ndcg_difference
from streams.bench.machine import Machine, this_machine
from streams.commands.options import add_dataset, add_settings, dataset_from, progress_bar, settings_from
from streams.offline.replay.options import Progress, ReplayOptions
from streams.offline.replay.prequential import replay

WARM, TRAINED = 0.5, 0.4
MODELS: tuple[tuple[str, SequentialKind], ...] = (("SASRec", "sasrec"), ("eSASRec", "ligr"))
SCORED_TOGETHER = 128
I32 = NDArray[np.int32]


class Figures(msgspec.Struct, frozen=True):
    """`ahead`: by how much Headrace's NDCG@10 is higher, paired. `passes`: of the first training."""

    hr10: Estimate
    ndcg10: Estimate
    ahead: Estimate | None = None
    passes: int | None = None


class SequentialReport(msgspec.Struct, frozen=True):
    machine: Machine
    events: int
    ranked: int
    renewed_every: int
    models: dict[str, Figures]


class Sequences:
    """A stream for the sequence models: `item` [n] numbers from 1, in order of first occurrence."""

    def __init__(self, users: list[str], items: list[str]) -> None:
        numbers: dict[str, int] = {}
        self.user = users
        self.item = np.array([numbers.setdefault(each, len(numbers) + 1) for each in items], np.int64)
        self.items = len(numbers)

    def until(self, end: int) -> dict[str, list[int]]:
        """Each user's items up to event `end`, oldest first."""
        found: dict[str, list[int]] = {}
        for user, item in zip(self.user[:end], self.item[:end].tolist(), strict=True):
            found.setdefault(user, []).append(item)
        return found

    def ranks(self, trainer: SequentialTrainer, begin: int, end: int) -> I32:
        """The place of the item of each event from `begin` to `end`; 0: met before, or by nobody yet."""
        met, length = self.until(begin), trainer.settings.length
        known = np.zeros(self.items + 1, np.bool_)
        known[np.unique(self.item[:begin])] = True
        ranks: list[int] = []
        for first in range(begin, end, SCORED_TOGETHER):
            chunk = range(first, min(first + SCORED_TOGETHER, end))
            histories = np.full((len(chunk), length), NOTHING, np.int64)
            blocked = np.zeros((len(chunk), self.items + 1), np.bool_)
            for row, k in enumerate(chunk):
                mine = met.setdefault(self.user[k], [])
                newest = mine[: -length - 1 : -1]
                histories[row, : len(newest)] = newest
                blocked[row, mine] = True
                blocked[row] |= ~known
                mine.append(int(self.item[k]))
                known[self.item[k]] = True
            scores = np.where(blocked, -np.inf, trainer.scores(histories))
            wanted = scores[np.arange(len(chunk)), self.item[chunk.start : chunk.stop]]
            places = (scores >= wanted[:, None]).sum(1)
            ranks += np.where(np.isfinite(wanted), places, 0).tolist()
        return np.array(ranks, np.int32)


def passes_for(
    sequences: Sequences,
    settings: SequentialSettings,
    warm: int,
    most: int,
    step: int,
    say: Callable[[int], None],
) -> int:
    """How many passes over the first part of the first half rank its last fifth best."""
    trained = int(warm * TRAINED / WARM)
    trainer, best, chosen = SequentialTrainer(settings, sequences.items), -1.0, step
    learn = list(sequences.until(trained).values())
    for done in range(step, most + 1, step):
        trainer.passes(learn, step)
        ranks = sequences.ranks(trainer, trained, warm)
        found = ndcg(ranks[ranks > 0]).value
        if found > best:
            best, chosen = found, done
        say(done)
    return chosen


def continual(
    sequences: Sequences, settings: SequentialSettings, warm: int, every: int, passes: int, renew: int,
    say: Callable[[int], None],
) -> I32:  # fmt: skip
    """The ranks of all events of the second half, by a model that goes on with its training."""
    trainer = SequentialTrainer(settings, sequences.items)
    trainer.passes(list(sequences.until(warm).values()), passes)
    total, ranks = len(sequences.item), []
    for begin in range(warm, total, every):
        end = min(begin + every, total)
        ranks.append(sequences.ranks(trainer, begin, end))
        if end < total:
            trainer.passes(list(sequences.until(end).values()), renew)
        say(end - warm)
    return np.concatenate(ranks)


def measure(args: argparse.Namespace, progress: Progress) -> SequentialReport:
    """All models over the same events."""
    machine, settings = this_machine(), settings_from(args)
    dataset = dataset_from(args, settings).first(args.limit)
    stream = dataset.interactions
    warm, total = int(len(stream) * WARM), len(stream)
    sequences = Sequences(list(stream.user), list(stream.item))
    options = ReplayOptions(WARM, settings.seed, renew_every=args.renew_every)
    predictions = replay(dataset, options, settings, progress).predictions
    ours, ranked = predictions.rank, predictions.ranked
    models = {"headrace": Figures(hit_rate(ours[ranked]), ndcg(ours[ranked]))}
    for name, kind in MODELS:
        chosen = SequentialSettings(kind=kind, seed=settings.seed)
        passes = passes_for(
            sequences, chosen, warm, args.passes, args.step,
            partial(_report, progress, f"{name}: choosing", args.passes),
        )  # fmt: skip
        ranks = continual(
            sequences, chosen, warm, args.renew_every, passes, args.renew_passes,
            partial(_report, progress, f"{name}: predicting", total - warm),
        )[ranked]  # fmt: skip
        ahead = ndcg_difference(ours[ranked], ranks)
        models[name] = Figures(hit_rate(ranks), ndcg(ranks), ahead, passes)
    return SequentialReport(machine, total, int(ranked.sum()), args.renew_every, models)


def _report(progress: Progress, stage: str, total: int, done: int) -> None:
    progress(stage, done, total)


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_dataset(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N events")
    parser.add_argument("--renew-every", type=int, default=5_000, metavar="N", help="events (5000)")
    parser.add_argument("--renew-passes", type=int, default=2, metavar="N", help="over all so far (2)")
    parser.add_argument(
        "--passes", type=int, default=60, metavar="N", help="at most, of the first training (60)"
    )
    parser.add_argument("--step", type=int, default=5, metavar="N", help="passes between two looks (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    add_settings(parser)
    args = parser.parse_args()
    report = measure(args, progress_bar())
    table = Table("model", "HR@10", "NDCG@10", "headrace ahead by, NDCG@10", "passes")
    for name, each in report.models.items():
        shown = [
            "" if it is None else f"{it.value:.4f} ±{it.error:.4f}"
            for it in (each.hr10, each.ndcg10, each.ahead)
        ]
        table.add_row(name, *shown, "" if each.passes is None else str(each.passes))
    Console().print(table)
    if args.json is not None:
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


if __name__ == "__main__":
    main()
