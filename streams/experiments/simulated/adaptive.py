"""Simulated experiments whose weights move: false alarms, coverage, and what it costs to find the best arm.

Users enter as in `users`, with a ratio as their metric and all of their window at once. Weights move after
every twentieth part of the users, by the code that moves them live, and everything is read then. Meanwhile
everybody comes to click half as much again, so that plain sums of arms are misled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import NamedTuple

import msgspec
import numpy as np

from model.compiled import compiled
from streams.experiments.allocation.inference import apart
from streams.experiments.allocation.mixture import best_chances, mixed
from streams.experiments.declared.adaptive import AdaptiveSettings
from streams.experiments.readings.corrections import Flags
from streams.experiments.readings.lift import adjusted, interval, unadjusted
from streams.experiments.readings.moments import F64, Ratio
from streams.experiments.readings.sequence import rho_for, stretch
from streams.experiments.readings.tracks import TUNED_AT, can_be_read
from streams.experiments.readings.weighted import PeriodSums, intrinsic_users, weighted
from streams.experiments.simulated.users import (
    FOLDED,
    HEAVY,
    NEW,
    RATIO,
    change,
    earlier,
    level,
    looks_of,
    visit,
)

ARMS, PERIODS, MORE = 4, 20, 0.5
AT_ONCE = 200
"""Runs that are read together."""
Progress = Callable[[str, int, int], None]


class PlayedRuns(NamedTuple):
    """`folded` [runs, periods, arms, FOLDED]: what the users of each period did. `chances` [runs, periods,
    arms]: by which they were drawn.
    """

    folded: F64
    chances: F64


class AdaptiveFigures(msgspec.Struct, frozen=True):
    """Of runs without a difference: `alarms`, that ever call an arm different from control; `misnamed`, that
    name a best arm; `plain_alarms`, of the same sums without weights. Of runs in which the last arm is better
    by `effect`: `covered`, that hold all lifts at all looks; `named`, that name it, and at how many users in
    the median; `regret`, the share of clicks that is lost against giving everybody the best arm. `equal_`:
    with weights that stay.
    """

    runs: int
    planted: int
    effect: float
    alarms: float
    misnamed: float
    plain_alarms: float
    covered: float
    named: float
    users: float
    regret: float
    equal_named: float
    equal_users: float
    equal_regret: float


def adapted(
    seed: tuple[int, ...], runs: int, planted: int, users: int, effect: float, alpha: float, told: Progress
) -> AdaptiveFigures:
    """Play all of it. `effect`: relative, of the best arm."""
    moves, stays = AdaptiveSettings(even=max(100, users // 10)), AdaptiveSettings(least=1.0)
    alike, better = np.ones(ARMS), np.array([1.0] * (ARMS - 1) + [1.0 + effect])

    def play(what: str, purpose: int, count: int, arms: F64, settings: AdaptiveSettings) -> PlayedRuns:
        return _played((*seed, purpose), count, users, arms, settings, lambda n: told(what, n, count))

    none = play("adaptive, no difference", 0, runs, alike, moves)
    some = play("adaptive, an effect", 1, planted, better, moves)
    equal = play("equal weights, an effect", 2, planted, better, stays)
    named, named_equal = (_named(each, alpha, users) for each in (some, equal))
    return AdaptiveFigures(
        runs,
        planted,
        effect,
        float(_lifts_leave_out(none, alike, alpha, users).any(1).mean()),
        float((_named(none, alpha, users) >= 0).any(1).mean()),
        float(_lifts_leave_out(_without_weights(none), alike, alpha, users).any(1).mean()),
        1.0 - float(_lifts_leave_out(some, better, alpha, users).any(1).mean()),
        *_right(named, users),
        _regret(some, better),
        *_right(named_equal, users),
        _regret(equal, better),
    )


def _played(
    seed: tuple[int, ...],
    runs: int,
    users: int,
    better: F64,
    settings: AdaptiveSettings,
    done: Callable[[int], None],
) -> PlayedRuns:
    def one(run: int) -> tuple[F64, F64]:
        return play_one((*seed, run), users, better, settings)

    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for number, each in enumerate(pool.map(one, range(runs)), 1):
                found.append(each)
                done(number)
        except BaseException:  # Ctrl-C: the runs that have not begun would all be played first
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return PlayedRuns(np.stack([each[0] for each in found]), np.stack([each[1] for each in found]))


def play_one(seed: tuple[int, ...], users: int, better: F64, settings: AdaptiveSettings) -> tuple[F64, F64]:
    """One run: what users did [periods, arms, FOLDED], and their chances [periods, arms]."""
    rng, arms, each = np.random.default_rng(seed), len(better), users // PERIODS
    folded, chances = np.zeros((PERIODS, arms, FOLDED)), np.full((PERIODS, arms), 1.0 / arms)
    for period in range(PERIODS):
        if period:
            known = [weighted(_of_arm(folded[:period], chances[:period], arm)) for arm in range(arms)]
            value = np.array([ratio.value for ratio in known])
            with np.errstate(divide="ignore", invalid="ignore"):
                squared = np.array([ratio.variance / ratio.users for ratio in known])
            chances[period] = mixed(best_chances(value, squared), settings.delta(period * each))
        enter(rng, each, chances[period], better * (1.0 + MORE * period / PERIODS), folded[period])
    return folded, chances


@compiled
def enter(rng: np.random.Generator, users: int, chances: F64, better: F64, into: F64) -> None:
    """Let users enter, be drawn and do what they do; adds to `into` [arms, FOLDED]."""
    nothing = np.zeros(4)
    for _ in range(users):
        heavy, new = rng.random() < HEAVY, rng.random() < NEW
        left, arm = rng.random(), 0
        while arm < len(chances) - 1 and left >= chances[arm]:
            left -= chances[arm]
            arm += 1
        gap, stays = (1.0 / 12.0, 0.95) if heavy else (1.0 / 3.0, 0.8)
        its_level = level(rng, RATIO)
        values = np.zeros(4)
        if not new:
            values[2], values[3] = earlier(rng, RATIO, its_level, 1.0 / gap)
        since, more = 0.0, True
        while more and since <= 1.0:
            x, y = visit(rng, RATIO, its_level, better[arm])
            values[0] += x
            values[1] += y
            since += rng.exponential(gap)
            more = rng.random() < stays
        change(into[arm], nothing, values)
        into[arm, 0] += 1.0


def _of_arm(folded: F64, chances: F64, arm: int) -> PeriodSums:
    """An arm's sums: folded [..., periods, arms, FOLDED], chances [..., periods, arms]."""
    known = looks_of(folded)
    return PeriodSums(
        known.users[..., arm], known.sums[..., arm, :], known.products[..., arm, :, :], chances[..., arm]
    )


def _at_looks(played: PlayedRuns) -> list[PeriodSums]:
    """Of each arm [runs, looks, periods]: at a look there are the periods so far."""
    so_far = np.tril(np.ones((PERIODS, PERIODS)))[..., None, None]
    folded = played.folded[:, None] * so_far
    return [_of_arm(folded, played.chances[:, None], arm) for arm in range(folded.shape[-2])]


def _without_weights(played: PlayedRuns) -> PlayedRuns:
    """As if arms had had equal chances all along."""
    return PlayedRuns(played.folded, np.full_like(played.chances, 1.0 / played.chances.shape[-1]))


def _parts(played: PlayedRuns) -> Sequence[PlayedRuns]:
    return [
        PlayedRuns(played.folded[at : at + AT_ONCE], played.chances[at : at + AT_ONCE])
        for at in range(0, len(played.folded), AT_ONCE)
    ]


def _lifts_leave_out(played: PlayedRuns, better: F64, alpha: float, planned: int) -> Flags:
    """At which looks the interval of any lift against the first arm, by CUPED, leaves the truth out."""
    return np.concatenate([_leave_out(part, better, alpha, planned) for part in _parts(played)])


def _leave_out(played: PlayedRuns, better: F64, alpha: float, planned: int) -> Flags:
    control, *others = _at_looks(played)
    own, share = weighted(control), alpha / len(others)
    rho = rho_for(share, TUNED_AT * planned * 2.0 / (len(others) + 1))
    found = np.zeros(own.users.shape, bool)
    for other, truth in zip(others, better[1:] / better[0] - 1.0, strict=True):
        arm = weighted(other)
        low, high = interval(adjusted(own, arm), stretch(intrinsic_users(control, other), share, rho))
        readable = can_be_read(own, arm, unadjusted(own, arm))
        found |= readable & ((low > truth) | (high < truth))
    return found


def _named(played: PlayedRuns, alpha: float, planned: int) -> F64:
    """The number of the arm that is called the best at each look [runs, looks]; -1 for none."""
    return np.concatenate([_best(part, alpha, planned) for part in _parts(played)])


def _best(played: PlayedRuns, alpha: float, planned: int) -> F64:
    known = _at_looks(played)
    ratios: list[Ratio] = [weighted(each) for each in known]
    pairs = list(combinations(range(len(known)), 2))
    rho = rho_for(alpha / len(pairs), TUNED_AT * planned * 2.0 / len(known))
    above = np.ones((len(known), *ratios[0].users.shape), bool)
    for one, other in pairs:
        value, radius = apart(
            (known[one], known[other]), (ratios[one], ratios[other]), alpha / len(pairs), rho
        )
        above[one] &= value > radius
        above[other] &= -value > radius
    found: F64 = np.where(above.any(0), above.argmax(0), -1).astype(float)
    return found


def _right(named: F64, users: int) -> tuple[float, float]:
    """How many of the runs name the last arm, and after how many users; all of them where never."""
    right = named == ARMS - 1
    first = np.where(right.any(1), right.argmax(1) + 1, PERIODS)
    return float(right.any(1).mean()), float(np.median(first)) * users / PERIODS


def _regret(played: PlayedRuns, better: F64) -> float:
    """The share of clicks that is lost against the best arm."""
    users = played.folded[..., 0].sum((0, 1))
    return 1.0 - float((users * better).sum() / (users.sum() * better.max()))
