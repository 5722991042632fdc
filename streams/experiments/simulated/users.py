"""Simulated users of an experiment of two arms, one run at a time, as sums at each look.

One user enters at each tick. A fifth are heavy: they come more often, and stay longer. A fifth are new:
nothing is known of them from before. Arms are drawn by a fair coin. A look is taken after every so many
users, in two ways: `windows` has the users whose window is over, with what they did in it; `open_ended` has
all who entered, with all that they did so far.

The four kinds of metrics:

| kind | x | y | what arm B changes |
|---|---|---|---|
| ratio | clicks | impressions | the chance of a click |
| mean | minutes, of skewed visits | 1 | the minutes |
| conversion | 1 for a user who converts, after a while | 1 | the chance |
| revenue | sum of rare orders with a heavy tail | 1 | the value of an order |

Each change multiplies the mean, so the true relative lift is known exactly.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np

from model.compiled import compiled
from streams.experiments.readings.moments import F64

Kind = Literal["ratio", "mean", "conversion", "revenue"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RATIO, MEAN, CONVERSION, REVENUE = range(4)
FOLDED = 15
"""Users, 4 sums and the 10 different products of an arm."""

HEAVY, NEW = 0.2, 0.2
SLATE = 10
"""Impressions of a visit."""


class Looks(NamedTuple):
    """The sums at each look: `users` [..., looks, 2], `sums` [..., 2, 4], `products` [..., 2, 4, 4]; the arms
    are A, then B.
    """

    users: F64
    sums: F64
    products: F64


def looks_of(folded: F64) -> Looks:
    """From [..., looks, 2, FOLDED]."""
    rows, columns = np.triu_indices(4)
    products = np.empty((*folded.shape[:-1], 4, 4))
    products[..., rows, columns] = products[..., columns, rows] = folded[..., 5:]
    return Looks(folded[..., 0], folded[..., 1:5], products)


def simulate(
    seed: tuple[int, ...], kind: Kind, users: int, window: int, every: int, effect: float
) -> tuple[F64, F64]:
    """One run: windows and open-ended, each [looks, 2, FOLDED].

    `users`: how many enter. `window`: in ticks. `every`: users between looks. `effect`: true lift of B.
    """
    looks = users // every
    windows, open_ended = np.zeros((looks, 2, FOLDED)), np.zeros((looks, 2, FOLDED))
    play(
        np.random.default_rng(seed),
        KINDS.index(kind),
        looks * every,
        float(window),
        every,
        effect,
        windows,
        open_ended,
    )
    return np.cumsum(windows, axis=0), np.cumsum(open_ended, axis=0)


@compiled
def play(
    rng: np.random.Generator,
    kind: int,
    users: int,
    window: float,
    every: int,
    effect: float,
    windows: F64,
    open_ended: F64,
) -> None:
    """Let each user enter and behave; adds to `windows` and `open_ended` what changes at each look."""
    for entered in range(users):
        heavy, new = rng.random() < HEAVY, rng.random() < NEW
        arm = int(rng.random() < 0.5)
        better = 1.0 + effect * arm
        gap, stays = (window / 12.0, 0.95) if heavy else (window / 3.0, 0.8)
        its_level = level(rng, kind)
        x_before, y_before = (0.0, 0.0) if new else earlier(rng, kind, its_level, window / gap)
        values = np.array([0.0, 0.0 if kind == RATIO else 1.0, x_before, y_before])
        within = values.copy()
        look = entered // every
        nothing = np.zeros(4)
        change(open_ended[look, arm], nothing, values)
        open_ended[look, arm, 0] += 1.0
        converts = kind == CONVERSION and rng.random() < its_level * better
        since = rng.exponential(window / 3.0) if kind == CONVERSION else 0.0
        more = kind != CONVERSION or converts
        while more and (since <= window or entered + since < users):
            x, y = visit(rng, kind, its_level, better)
            if since <= window:
                within[0] += x
                within[1] += y
            if entered + since < users and (x != 0.0 or y != 0.0):
                after = values.copy()
                after[0] += x
                after[1] += y
                change(open_ended[int(entered + since) // every, arm], values, after)
                values = after
            since += rng.exponential(gap)
            more = kind != CONVERSION and rng.random() < stays
        change(windows[look, arm], nothing, within)
        windows[look, arm, 0] += 1.0


@compiled
def level(rng: np.random.Generator, kind: int) -> float:
    """What sets a user apart: chance of a click, mean minutes, chance to convert, chance of an order."""
    if kind == RATIO:
        return rng.beta(1.5, 13.5)
    if kind == MEAN:
        return float(np.exp(rng.normal(0.0, 0.5)))
    if kind == CONVERSION:
        return 0.6 * rng.beta(0.5, 2.5)
    return rng.beta(0.5, 4.5)


@compiled
def visit(rng: np.random.Generator, kind: int, level: float, better: float) -> tuple[float, float]:
    """What one visit adds to x and y."""
    if kind == RATIO:
        return float(rng.binomial(SLATE, min(1.0, level * better))), float(SLATE)
    if kind == MEAN:
        return better * level * rng.exponential(1.0), 0.0
    if kind == CONVERSION:
        return 1.0, 0.0
    if rng.random() < level:
        return better * np.exp(rng.normal(0.0, 1.0)), 0.0
    return 0.0, 0.0


@compiled
def earlier(rng: np.random.Generator, kind: int, level: float, visits: float) -> tuple[float, float]:
    """x and y of the window before; `visits`: how many are expected."""
    if kind == CONVERSION:
        return (1.0 if rng.random() < level else 0.0), 1.0
    x, y = 0.0, 0.0 if kind == RATIO else 1.0
    for _ in range(rng.poisson(visits)):
        x_one, y_one = visit(rng, kind, level, 1.0)
        x += x_one
        y += y_one
    return x, y


@compiled
def change(folded: F64, before: F64, after: F64) -> None:
    """Add the difference that a user's new values make."""
    at = 5
    for one in range(4):
        folded[1 + one] += after[one] - before[one]
        for other in range(one, 4):
            folded[at] += after[one] * after[other] - before[one] * before[other]
            at += 1
