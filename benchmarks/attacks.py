"""What honest users lose where some of all users are hostile: every attack, with and without a drift.

    headrace train --interactions ml-100k.inter --limit 10000 --registry FOLDER --name small
    python -m benchmarks.attacks --interactions ml-100k.inter --limit 20000 --model FOLDER/small \\
        --json benchmarks/results/attacks.json

A world of simulated users (`headrace simulate`) for each attack and seed, against the same users without one.
A figure is the mean over seeds, with its standard error between seeds: other users, other luck, another
course of learning. `--shield counters` is as if hostile users moved no counter, `--shield learner` as if they
taught nothing: where harm comes from. The file is written after each seed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import numpy as np

from benchmarks.machine import made
from streams.commands.options import add_dataset, add_settings, dataset_from, settings_from
from streams.datasets.dataset import Dataset
from streams.learning.lesson import Lesson
from streams.offline.replay.options import silent
from streams.offline.simulation.measures import Columns, columns_of, gained
from streams.offline.simulation.preparation import Entrant, SimulationOptions, prepared
from streams.offline.simulation.scenario import AttackKind, Scenario, read_scenario
from streams.recommender import Recommender
from streams.settings.tree import Settings

PACKAGES = ("numpy", "numba", "onnxruntime")
COMMAND = "python -m benchmarks.attacks"
HOSTILE = "hostile"


class Cell(NamedTuple):
    """One column of the table."""

    attack: str
    share: float
    drift: bool
    adapts: bool


def shield(core: Recommender, from_hostile: Sequence[str]) -> None:
    """Keep hostile users' events from the counters, or their lessons from the learner."""
    count, show, apply, learn = core._count, core.show, core.apply, core.learn
    put: dict[str, Any] = vars(core)

    def applied(state: Any, event: Any, *others: Any) -> Any:
        put["_count"] = (lambda done: None) if hostile(event) else count
        return apply(state, event, *others)

    def shown(kept: Any, event: Any, counts: bool = True) -> Any:
        return show(kept, event, counts and not hostile(event))

    def learned(lessons: Sequence[Lesson]) -> None:
        learn([each for each in lessons if not each.user.startswith(HOSTILE)])

    if "counters" in from_hostile:
        put |= {"apply": applied, "show": shown}
    if "learner" in from_hostile:
        put |= {"learn": learned}


def hostile(event: Any) -> bool:
    """Whether it comes from a hostile user, by the name that the simulator gives them."""
    return bool(event.user_id.startswith(HOSTILE))


async def played(
    dataset: Dataset, settings: Settings, scenario: Scenario, model: str, shields: Sequence[str]
) -> Columns:
    """The honest users' visits in one world."""
    options = SimulationOptions(seed=settings.seed, model=model, paired=False)
    with ExitStack() as files:
        ready = await prepared(dataset, [Entrant("one", settings)], scenario, options, silent, files)
        (play,) = ready.plays
        if scenario.attack is not None:
            shield(play.world.recommender, shields)
        for visit, next_ms in ready.with_next():
            await play.visit(visit, next_ms)
        await play.until()
        return columns_of(play.seen)


def cells(args: argparse.Namespace) -> list[Cell]:
    """What is measured."""
    adapting = (False, True) if args.frozen else (True,)
    return [Cell(*each) for each in product(args.attacks, args.shares, args.drifts, adapting)]


def losses(
    dataset: Dataset, settings: Settings, args: argparse.Namespace, seed: int
) -> Iterator[tuple[Cell, float]]:
    """Of each cell what honest users gain, as a part of what they have without the attack."""
    unharmed: dict[tuple[bool, bool], Columns] = {}
    for cell in cells(args):
        own = msgspec.structs.replace(
            settings,
            seed=seed,
            reweighting=msgspec.structs.replace(settings.reweighting, enabled=cell.adapts),
        )
        tree: dict[str, Any] = {"visits": args.visits, "clicks": args.clicks}
        if cell.drift:
            tree["drift"] = {"at": args.visits // 2}
        without = cell.drift, cell.adapts
        if without not in unharmed:
            world = played(dataset, own, read_scenario(None, tree), args.model, ())
            unharmed[without] = asyncio.run(world)
        attack = {"share": cell.share, "kind": cell.attack}
        scenario = read_scenario(None, {**tree, "attack": attack})
        hit = asyncio.run(played(dataset, own, scenario, args.model, args.shield))
        yield cell, gained(hit, unharmed[without]).value


def summary(found: dict[Cell, list[float]]) -> list[dict[str, Any]]:
    """Of each cell the mean over seeds, its standard error, and the seeds' own figures."""
    return [
        {
            **cell._asdict(),
            "gained": float(np.mean(values)),
            "error": float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
            "seeds": values,
        }
        for cell, values in found.items()
    ]


def main(argv: Sequence[str] | None = None) -> None:
    kinds = get_args(AttackKind)
    parser = argparse.ArgumentParser(prog="benchmarks.attacks", description=__doc__.split("\n")[0])
    add_dataset(parser)
    add_settings(parser)
    parser.add_argument("--limit", type=int, help="the first events alone")
    parser.add_argument("--model", required=True, help="a folder of an exported model")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--visits", type=int, default=3_000)
    parser.add_argument("--clicks", type=float, default=1.0, help="on a slate of popular items")
    parser.add_argument("--attacks", nargs="+", choices=kinds, default=list(kinds))
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.2], help="of all users")
    parser.add_argument("--drifts", type=int, nargs="+", choices=[0, 1], default=[0, 1])
    parser.add_argument("--frozen", action="store_true", help="the frozen order, too")
    parser.add_argument("--shield", nargs="+", choices=["counters", "learner"], default=[])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    settings = settings_from(args)
    dataset = dataset_from(args, settings).first(args.limit)
    found: dict[Cell, list[float]] = {}
    for seed in args.seeds:
        for cell, value in losses(dataset, settings, args, seed):
            found.setdefault(cell, []).append(value)
            print(f"seed {seed}, {cell}: {100 * value:+.2f}%", flush=True)
        if args.json is not None:
            told = {
                "visits": args.visits,
                "clicks": args.clicks,
                "shield": args.shield,
                "cells": summary(found),
            }
            text = json.dumps({"made": made(COMMAND, PACKAGES), **told}, indent=2)
            args.json.write_text(text + "\n", encoding="utf-8")
    for each in summary(found):
        error = "" if each["error"] is None else f" ± {100 * each['error']:.2f}"
        print(
            f"{each['attack']}, {each['share']:.0%}, drift {each['drift']}, adapts {each['adapts']}: "
            f"{100 * each['gained']:+.2f}%{error}"
        )


if __name__ == "__main__":
    main()
