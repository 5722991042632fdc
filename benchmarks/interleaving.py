"""How many users it takes to tell two rankers apart: interleaved, and as two arms.

    python -m benchmarks.interleaving [--users 2000] [--json FILE]

Users know what each item is worth to them. One ranker sees that with noise 1, the other one with more. A user
looks at place k with probability k^-0.7 and clicks by a logistic of the item's worth; users differ in how
much they click at all. Each user sees five slates of ten places. `needed`: users for a power of .8 at a level
of .05, from the mean and spread of what a user comes to: in two arms the mean clicks, interleaved the credit.
`at any time`: the median, over draws of users, of the users after which a reading that may be looked at again
and again says which ranker is better: `reading.preference` of team drafts, `reading.mean_credit` of the
optimised form.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.experiments.interleaving.interleaved import Interleaved
from streams.experiments.interleaving.optimised import optimised
from streams.experiments.interleaving.reading import mean_credit, preference
from streams.experiments.interleaving.team_draft import team_draft

F64 = NDArray[np.float64]
ITEMS, PLACES, SLATES, LEVEL = 30, 10, 5, 2.0
Z = 1.959964 + 0.841621
"""Quantiles of .975 and .8."""
DRAWS, STEP, MOST, PLANNED = 100, 10, 2_000, 300
Make = Callable[[list[int], list[int], int, int], Interleaved]


class Seen(NamedTuple):
    """Of one user: the worth of the items of each slate [S, I], how much they click, and both orders."""

    worth: F64
    level: float
    orders: tuple[NDArray[np.intp], NDArray[np.intp]]


def user(noise: float, rng: np.random.Generator) -> Seen:
    worth = rng.normal(size=(SLATES, ITEMS))
    first, second = (
        np.argsort(-(worth + spread * rng.normal(size=worth.shape)), 1) for spread in (1.0, noise)
    )
    return Seen(worth, LEVEL + rng.normal(), (first, second))


def clicks(of: Seen, slate: int, items: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """The places that are clicked."""
    looks = np.arange(1, len(items) + 1) ** -0.7
    chance = looks / (1.0 + np.exp(of.level - of.worth[slate, items]))
    return np.flatnonzero(rng.random(len(items)) < chance)


def in_an_arm(of: Seen, arm: int, rng: np.random.Generator) -> float:
    """Clicks a slate."""
    shown = of.orders[arm][:, :PLACES]
    return float(np.mean([len(clicks(of, slate, shown[slate], rng)) for slate in range(SLATES)]))


def interleaved(of: Seen, make: Make, seed: int, rng: np.random.Generator) -> float:
    """The credit over all slates."""
    total = 0.0
    for slate in range(SLATES):
        first, second = (order[slate].tolist() for order in of.orders)
        made = make(first, second, PLACES, SLATES * seed + slate)
        total += made.outcome(clicks(of, slate, np.array(made.items), rng).tolist())
    return total


def needed(noise: float, users: int) -> dict[str, float]:
    """Users of each way."""
    rng = np.random.default_rng(11)
    arms = [[in_an_arm(user(noise, rng), arm, rng) for _ in range(20 * users)] for arm in (0, 1)]
    gain = float(np.mean(arms[0]) - np.mean(arms[1]))
    spread = float((np.var(arms[0]) + np.var(arms[1])) / 2)
    found = {"gain": gain / float(np.mean(arms[1])), "two arms": 4 * spread * (Z / gain) ** 2}
    for name, make in (("team draft", team_draft), ("optimised", optimised)):
        credit = np.array([interleaved(user(noise, rng), make, seed, rng) for seed in range(users)])
        found[name] = _needed(credit)
        found[f"{name}, at any time"] = _median(credit, _by_sign if make is team_draft else _by_mean, rng)
    return found


def _needed(values: F64) -> float:
    return float(values.var()) * (Z / float(values.mean())) ** 2


def _by_sign(credit: F64) -> str:
    return preference(credit).verdict


def _by_mean(credit: F64) -> str:
    return mean_credit(credit, PLANNED).verdict


def _median(credit: F64, verdict: Callable[[F64], str], rng: np.random.Generator) -> float:
    return float(np.median([_stop(rng.choice(credit, MOST), verdict) for _ in range(DRAWS)]))


def _stop(credit: F64, verdict: Callable[[F64], str]) -> int:
    """After how many users there is a verdict, looked for after each 10; `MOST` where there is none by
    then.
    """
    for users in range(STEP, MOST, STEP):
        if verdict(credit[:users]):
            return users
    return MOST


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--noise", type=float, action="append", help="of the other ranker; again (1.5, 2)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    tree = {f"noise 1 against {noise}": needed(noise, args.users) for noise in args.noise or (1.5, 2.0)}
    names = list(next(iter(tree.values())))
    table = Table("rankers", *names, title="Users needed")
    for rankers, each in tree.items():
        told = [f"{value:+.1%}" if name == "gain" else f"{value:,.0f}" for name, value in each.items()]
        table.add_row(rankers, *told)
    Console().print(table)
    if args.json is not None:
        args.json.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
