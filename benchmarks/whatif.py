"""How often `headrace experiments whatif` holds what the arm does when it runs.

    python -m benchmarks.whatif --interactions FILE [--runs 12] [--json FILE]

Simulated users, fitted on the data (docs/simulation.md), click through a core that draws its slates. From
each of these logs the arm is estimated. Then it runs itself, with the same users and other luck. The truth is
what it gets over all runs together; its own error is told, and is a part of each comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from streams.commands.options import add_dataset, dataset_from
from streams.datasets.dataset import Dataset
from streams.experiments.off_policy.intervals import Interval
from streams.experiments.off_policy.slate_reading import SlateReading, read_slates
from streams.offline.replay.options import silent
from streams.offline.simulation.play import simulate
from streams.offline.simulation.preparation import Entrant, SimulationOptions
from streams.offline.simulation.scenario import Scenario
from streams.offline.whatif.arm_file import ASKED, with_arm
from streams.offline.whatif.replayed import replayed
from streams.settings.reading import override
from streams.settings.tree import Settings

LOGGED = {"exploration": {"share": 1.0, "temperature": 1.0}}
ARM = "[stages.exploration]\ntemperature = 0.5\n"
"""Nearer to the best first."""


def log_of(
    dataset: Dataset, settings: Settings, arm: str, scenario: Scenario, folder: Path, seed: int
) -> Path:
    """One simulated run."""
    options = SimulationOptions(model="none", log=folder, seed=seed)
    asyncio.run(simulate(dataset, [Entrant("one", settings, (arm,))], scenario, options, silent))
    return folder / "events-0.jsonl"


def reading_of(dataset: Dataset, log: Path, settings: Settings, seed: int, places: int) -> SlateReading:
    options = SimulationOptions(model="none", seed=seed)
    return read_slates(asyncio.run(replayed(dataset, log, settings, options, silent)).rows.first(places))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_dataset(parser)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--visits", type=int, default=4_000)
    parser.add_argument("--places", type=int, default=5)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures; runs that are there stay"
    )
    args = parser.parse_args()
    base = override(Settings(), LOGGED)
    dataset = dataset_from(args, base).first(args.limit)
    scenario = Scenario(visits=args.visits, places=args.places)
    runs: list[dict[str, Any]] = (
        json.loads(args.json.read_text()) if args.json is not None and args.json.exists() else []
    )
    with TemporaryDirectory(prefix="headrace-whatif-") as name:
        folder = Path(name)
        file = folder / "arm.toml"
        file.write_text(ARM, encoding="utf-8")
        settings = with_arm(base, file)
        for seed in range(args.first_seed, args.first_seed + args.runs):
            log = log_of(dataset, settings, "default", scenario, folder / f"log-{seed}", seed)
            told = reading_of(dataset, log, settings, seed, args.places)
            own = log_of(dataset, settings, ASKED, scenario, folder / f"arm-{seed}", seed + 1_000)
            truth = reading_of(dataset, own, settings, seed + 1_000, args.places).logged
            runs.append(
                {
                    "seed": seed,
                    "logged": told.logged.value,
                    "truth": truth.value,
                    "estimates": {
                        each.name: None if each.value is None else each.value[:3] for each in told.estimates
                    },
                }
            )
            if args.json is not None:
                args.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    _print(runs)


def _print(runs: list[dict[str, Any]]) -> None:
    truths = np.array([run["truth"] for run in runs], float)
    truth, error = float(truths.mean()), float(truths.std(ddof=1) / np.sqrt(len(truths)))
    logged = float(np.mean([run["logged"] for run in runs]))
    table = Table(
        "",
        "mean",
        "half width",
        "holds the truth",
        "refused",
        title=f"as it ran {logged:.4f}, the arm itself {truth:.4f} +- {error:.4f}, {len(runs)} runs",
    )
    for name in runs[0]["estimates"]:
        each = [run["estimates"][name] for run in runs]
        read = [Interval(value, low, high, 0) for value, low, high in filter(None, each)]
        half = float(np.mean([(one.high - one.low) / 2 for one in read]))
        held = sum(one.low - 2 * error <= truth <= one.high + 2 * error for one in read)
        mean = float(np.mean([one.value for one in read]))
        table.add_row(
            name, f"{mean:.4f}", f"{half:.4f}", f"{held} of {len(read)}", str(len(each) - len(read))
        )
    Console().print(table)


if __name__ == "__main__":
    main()
