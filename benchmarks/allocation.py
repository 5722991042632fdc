"""What adaptive allocation brings and costs, against equal weights that stay.

    python -m benchmarks.allocation [--runs 500] [--json FILE]

Users come 250 a period, and click or not. After each period weights follow from what is known, and everything
is read again. `alarms`: runs in which any reading named a best arm while all were the same, and everybody
came to click more, from 20% to 40%. `held`: runs in which all intervals held the true differences at all
times. `named`: runs that named the best arm by the end, and after how many users (median of these); `on it`:
users who had it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from streams.experiments.allocation.inference import AllocationReading, Period, known_of_periods, reading
from streams.experiments.allocation.mixture import weights
from streams.experiments.arm_sums import NOBODY, ArmSums
from streams.experiments.declared.adaptive import AdaptiveSettings
from streams.experiments.readings.moments import ratio
from streams.experiments.readings.weighted import weighted

EACH, PERIODS = 250, 40
SETTINGS = {
    "adaptive": AdaptiveSettings(),
    "equal weights": AdaptiveSettings(least=1.0),
}
WORLDS = {
    "two arms alike": ((0.2, 0.2), 0.2),
    "four arms alike": ((0.2, 0.2, 0.2, 0.2), 0.2),
    "20% against 25%": ((0.2, 0.25), 0.0),
    "20%, 21%, 22% against 28%": ((0.2, 0.21, 0.22, 0.28), 0.0),
}


def clicked(users: int, clicks: int) -> ArmSums:
    """Sums of users of whom so many click, once each."""
    sums, products = np.array([clicks, users, 0.0, 0.0]), np.zeros((4, 4))
    products[0, 0] = products[0, 1] = products[1, 0] = clicks
    products[1, 1] = users
    return ArmSums(users, sums, products)


def played(chances: tuple[float, ...], drift: float, settings: AdaptiveSettings, seed: int) -> list[Period]:
    """All periods of one run."""
    rng, found, count = np.random.default_rng(seed), list[Period](), 0
    known = {f"arm {k}": ratio(NOBODY) for k in range(len(chances))}
    for number in range(PERIODS):
        shares = weights(known, count, settings)
        dealt = rng.multinomial(EACH, list(shares.values()))
        more = drift * number / PERIODS
        sums = {
            arm: clicked(int(n), int(rng.binomial(n, chance + more)))
            for arm, n, chance in zip(known, dealt, chances, strict=True)
        }
        found.append(Period(shares, sums))
        known = {arm: weighted(known_of_periods(found, arm)) for arm in known}
        count += EACH
    return found


def figures(
    chances: tuple[float, ...], drift: float, settings: AdaptiveSettings, runs: int
) -> dict[str, float]:
    truth = {f"arm {k}": chance for k, chance in enumerate(chances)}
    best = max(truth, key=truth.__getitem__)
    alarms, held, named, on_it = 0, 0, list[int](), list[float]()
    for seed in range(runs):
        periods = played(chances, drift, settings, seed)
        looks = [reading(periods[:k], EACH * PERIODS) for k in range(1, PERIODS + 1)]
        alarms += any(look.best for look in looks)
        held += all(_holds(look, truth) for look in looks)
        first = next((look.users for look in looks if look.best == best), None)
        if first is not None:
            named.append(first)
        on_it.append(sum(period.sums[best].users for period in periods) / (EACH * PERIODS))
    alike = len({*chances}) == 1
    return {
        "alarms": alarms / runs if alike else float("nan"),
        "held": held / runs,
        "named": float("nan") if alike else len(named) / runs,
        "after users": float(np.median(named)) if named and not alike else float("nan"),
        "on it": float("nan") if alike else float(np.mean(on_it)),
    }


def _holds(look: AllocationReading, truth: dict[str, float]) -> bool:
    return all(each.low <= truth[each.arm] - truth[each.other] <= each.high for each in look.differences)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    tree = {
        f"{world}, {name}": figures(*of, settings, args.runs)
        for world, of in WORLDS.items()
        for name, settings in SETTINGS.items()
    }
    table = Table("", *next(iter(tree.values())), title=f"{args.runs} runs of {EACH * PERIODS:,} users")
    for name, each in tree.items():
        table.add_row(name, *("–" if value != value else f"{value:,.3g}" for value in each.values()))
    Console().print(table)
    if args.json is not None:
        told = {name: {k: None if v != v else v for k, v in each.items()} for name, each in tree.items()}
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
