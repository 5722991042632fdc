"""How often intervals of off-policy estimates hold the truth, on synthetic logs whose truth is known exactly.

    python -m benchmarks.off_policy_coverage [--runs 1000] [--json FILE]

Users are of 20 types, which differ in how often they come and in what they like, and each user is luckier or
less so than their type: rows of one user hang together. The truth is the reward of a row (a slate) under the
target, with each type's rows as often as they come.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.experiments.off_policy.doubly_robust import dr, dros, sndr, switch_dr
from streams.experiments.off_policy.intervals import Interval, bernstein, bootstrap, normal
from streams.experiments.off_policy.marginals import marginals
from streams.experiments.off_policy.reward_model import cross_fitted
from streams.experiments.off_policy.slates import cascade_dr, iips, rips
from streams.experiments.off_policy.slope import slope
from streams.experiments.off_policy.terms import F64, Terms, weights_of
from streams.experiments.off_policy.weighting import ipw, snipw

TYPES, ITEMS, PLACES = 20, 8, 4
LUCK = 0.15
LAMBDAS = (1.0, 10.0, 100.0, 1_000.0, float("inf"))
Intervals = dict[str, Interval]


class Population(NamedTuple):
    """Of each type: mean number of rows [T]; scores of the logging arm and the target, and the mean reward of
    each item, [T, A].
    """

    often: F64
    logging: F64
    target: F64
    reward: F64

    @property
    def share(self) -> F64:
        """Of all rows, those of each type, [T]."""
        return np.asarray(self.often / self.often.sum())


def population(seed: int = 7) -> Population:
    """The types: a few come ten times as often as the others."""
    rng = np.random.default_rng(seed)
    reward = rng.uniform(LUCK, 0.7, (TYPES, ITEMS))
    logging = rng.normal(0.0, 0.7, (TYPES, ITEMS))
    return Population(1.0 + rng.pareto(1.5, TYPES).clip(0, 20), logging, 0.5 * logging + 2.5 * reward, reward)


class Drawn(NamedTuple):
    """Rows: the user and type of each, [n], and their mean rewards [n, A]."""

    users: NDArray[np.int64]
    kinds: NDArray[np.int64]
    mean: F64


def drawn(of: Population, users: int, rng: np.random.Generator) -> Drawn:
    kinds = rng.integers(0, TYPES, users)
    luck = LUCK * rng.choice([-1.0, 1.0], users)
    rows = 1 + rng.poisson(of.often[kinds] - 1.0)
    each = np.repeat(np.arange(users), rows)
    return Drawn(each, kinds[each], of.reward[kinds[each]] + luck[each][:, None])


def softmax(scores: F64) -> F64:
    likely = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(likely / likely.sum(-1, keepdims=True))


def single(of: Population, users: int, seed: int) -> Intervals:
    """Intervals of one log of single choices. The model of the rewards is wrong by up to .2."""
    rng = np.random.default_rng((seed, 1))
    rows = drawn(of, users, rng)
    at = np.arange(len(rows.users))
    logging, target = softmax(of.logging)[rows.kinds], softmax(of.target)[rows.kinds]
    action = (np.cumsum(logging, 1) < rng.random((len(at), 1))).sum(1).clip(max=ITEMS - 1)
    reward = (rng.random(len(at)) < rows.mean[at, action]).astype(float)
    weight = weights_of(target[at, action], logging[at, action])
    model = _told_rewards(of)[rows.kinds]
    told = model[at, action], (target * model).sum(1)

    def shrinking(parameter: float) -> Terms:
        return dros(reward, weight, *told, parameter)

    terms = {
        "IPW": ipw(reward, weight),
        "SNIPW": snipw(reward, weight),
        "DR": dr(reward, weight, *told),
        "SNDR": sndr(reward, weight, *told),
        "Switch-DR at 10": switch_dr(reward, weight, *told, 10.0),
        "DRos by SLOPE": shrinking(slope(shrinking, LAMBDAS)),
    }
    most = float((softmax(of.target) / softmax(of.logging)).max())
    return {
        **{f"{name}, normal": normal(each, rows.users) for name, each in terms.items()},
        "SNIPW, bootstrap": bootstrap(terms["SNIPW"], rows.users, seed, draws=400),
        "IPW, Bernstein": bernstein(terms["IPW"], rows.users, most),
    }


def slates(of: Population, users: int, seed: int) -> Intervals:
    """Intervals of one log of slates, drawn from a Plackett-Luce ranking."""
    rng = np.random.default_rng((seed, 2))
    rows = drawn(of, users, rng)
    n, at = len(rows.users), np.arange(len(rows.users))
    scores = of.logging[rows.kinds]
    action = np.argsort(-(scores + rng.gumbel(size=scores.shape)), 1)[:, :PLACES]
    logged, target, meant = np.empty((n, PLACES)), np.empty((n, PLACES)), np.empty((n, PLACES, 1))
    features = _told_rewards(of)[rows.kinds]
    free = np.ones((n, ITEMS), bool)
    for place in range(PLACES):
        chances = [softmax(np.where(free, each[rows.kinds], -np.inf)) for each in (of.logging, of.target)]
        logged[:, place], target[:, place] = (each[at, action[:, place]] for each in chances)
        meant[:, place, 0] = (chances[1] * features).sum(1)
        free[at, action[:, place]] = False
    shown = np.take_along_axis(features, action, 1)[:, :, None]
    click = looks() * np.take_along_axis(rows.mean, action, 1)
    reward = (rng.random((n, PLACES)) < click).astype(float)
    told = cross_fitted(rows.users, reward, shown, meant)
    here = rows.kinds[:, None], np.arange(PLACES), action
    target_at, logged_at = (_standing(each)[here] for each in (of.target, of.logging))
    terms = {
        "IIPS": iips(reward, target_at, logged_at),
        "RIPS": rips(reward, target, logged),
        "nRIPS": rips(reward, target, logged, normalise=True),
        "cascade-DR": cascade_dr(reward, target, logged, told.predicted, told.expected),
    }
    return {f"{name}, normal": normal(each, rows.users) for name, each in terms.items()}


def looks() -> F64:
    return np.asarray(np.arange(1, PLACES + 1) ** -0.7)


def _told_rewards(of: Population) -> F64:
    """[T, A]: what the reward model knows of each item: the mean reward, with an error."""
    return np.asarray(of.reward + np.random.default_rng(5).uniform(-0.2, 0.2, of.reward.shape))


def _standing(scores: F64) -> F64:
    """[T, K, A]: how likely each item stands at each place."""
    return np.stack(
        [np.stack([marginals(row, np.full(PLACES, item)) for item in range(ITEMS)], 1) for row in scores]
    )


def truths(of: Population) -> tuple[float, float]:
    """Of a row of single choices, and of a slate."""
    one = (softmax(of.target) * of.reward).sum(1)
    slate = np.einsum("tka,ta,k->t", _standing(of.target), of.reward, looks())
    return float(of.share @ one), float(of.share @ slate)


class Covered(NamedTuple):
    """Over all runs: the share of intervals that hold the truth; how far the mean estimate is from it; the
    width of the intervals on average.
    """

    share: float
    bias: float
    width: float


Make = Callable[[Population, int, int], Intervals]
"""Of a population, a number of users and a seed."""


def coverage(make: Make, truth: float, runs: int, users: int) -> Mapping[str, Covered]:
    of = population()
    found = [make(of, users, seed) for seed in range(runs)]
    covered = {}
    for name in found[0]:
        value, low, high = np.array([each[name][:3] for each in found]).T
        holds = (low <= truth) & (truth <= high)
        covered[name] = Covered(float(holds.mean()), float(value.mean() - truth), float((high - low).mean()))
    return covered


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    of_row, of_slate = truths(population())
    tree = {
        "runs": args.runs,
        "users": args.users,
        "single": {"truth": of_row, **_told(coverage(single, of_row, args.runs, args.users))},
        "slates": {"truth": of_slate, **_told(coverage(slates, of_slate, args.runs, args.users))},
    }
    table = Table("estimator, interval", "holds the truth", "bias", "width", title="95% intervals")
    for kind in ("single", "slates"):
        for name, each in tree[kind].items():
            if name != "truth":
                row = f"{each['share']:.3f}", f"{each['bias']:+.4f}", f"{each['width']:.4f}"
                table.add_row(name, *row)
    Console().print(table)
    if args.json is not None:
        args.json.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


def _told(covered: Mapping[str, Covered]) -> dict[str, dict[str, float]]:
    return {name: each._asdict() for name, each in covered.items()}


if __name__ == "__main__":
    main()
