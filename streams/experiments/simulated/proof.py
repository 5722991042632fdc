"""Whether readings keep their promises, by simulation: false alarms, coverage, power, time to decide."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from model.errors import SettingsError
from streams.experiments.readings.corrections import Flags
from streams.experiments.readings.lift import Lift
from streams.experiments.readings.moments import F64
from streams.experiments.readings.planning import alarms, drift, effect_found
from streams.experiments.simulated.adaptive import AdaptiveFigures, adapted
from streams.experiments.simulated.methods import (
    DecisionFigures,
    ReadLifts,
    decided,
    delta,
    fixed,
    group,
    harm,
    peeking,
    seen,
    sequential,
)
from streams.experiments.simulated.mismatches import MismatchFigures, found
from streams.experiments.simulated.users import KINDS, Kind, looks_of, simulate

Progress = Callable[[str, int, int], None]
Folded = tuple[F64, F64]
PLANNED_POWER = 0.9
"""The planned effect is found with this chance; .8 is promised, and a seed's luck shall not break it."""
PILOT_USERS = 200_000
MISMATCH_USERS = 2_000_000
AA, PLANTED, PILOT, FAIR, LOST, SHIFTED, ADAPTIVE = range(7)
OF_ARMS = 3.0
"""Four arms share the users of two, and are all compared: so much larger an effect is found as well."""
FEWEST_ADAPTIVE = 1_000
"""Users of a run; with fewer no period has enough."""


class Options(msgspec.Struct, frozen=True):
    """`runs` without an effect, `planted` with one. `users` enter each; `window` of them enter while a user's
    window lasts; a look after `every`. `effect`: relative; none for the one that `users` are planned for.
    """

    seed: int = 7
    runs: int = 2_000
    planted: int = 1_000
    users: int = 10_000
    window: int = 1_000
    every: int = 100
    alpha: float = 0.05
    effect: float | None = None
    kinds: tuple[Kind, ...] = KINDS

    def __post_init__(self) -> None:
        def refuse(option: str, value: object, expected: str) -> None:
            raise SettingsError(f"--{option} {value}: expected {expected}")

        if self.seed < 0:
            refuse("seed", self.seed, "0 or more")
        if min(self.runs, self.planted) < 2:
            refuse("runs" if self.runs < 2 else "planted", min(self.runs, self.planted), "at least 2")
        if self.every < 1 or self.users < 2 * self.every:
            refuse("users", self.users, f"at least two looks, of --every {self.every} users each")
        if self.window < 1:
            refuse("window", self.window, "at least 1 user")
        if not 0.0 < self.alpha < 0.5:
            refuse("alpha", self.alpha, "above 0 and below .5")
        if self.effect is not None and not 0.0 < abs(self.effect) <= 0.6:
            refuse("effect", self.effect, "a relative lift between -.6 and .6 that is not 0")


class KindFigures(msgspec.Struct, frozen=True):
    """The figures of one kind of metric. `noise_cut`: the share of the variance that CUPED takes away.
    `effect`: the planted one. `alarms`, `power`: by method. `covered_ever`: the share of runs whose sequence
    has the truth in it at every look. `covered_end`: at the last look, by the usual interval with Fieller's
    ends; `covered_delta`: by the delta method's.
    """

    kind: Kind
    noise_cut: float
    effect: float
    alarms: dict[str, DecisionFigures]
    power: dict[str, DecisionFigures]
    covered_ever: float
    covered_end: float
    covered_delta: float


class Proof(msgspec.Struct, frozen=True):
    """`foreseen_alarms`: by numerical integration, for normal estimates. `adaptive`: with weights that move;
    none where no ratio is played.
    """

    options: Options
    foreseen_alarms: float
    kinds: list[KindFigures]
    mismatches: list[MismatchFigures]
    adaptive: AdaptiveFigures | None = None


def prove(options: Options, progress: Progress) -> Proof:
    """Play everything; the same options give the same figures."""
    looks = options.users // options.every
    kinds = [_kind(options, kind, progress) for kind in options.kinds]
    return Proof(
        options,
        alarms(options.alpha, looks),
        kinds,
        _mismatches(options, progress),
        _adaptive(options, kinds, progress),
    )


def _adaptive(options: Options, kinds: list[KindFigures], progress: Progress) -> AdaptiveFigures | None:
    ratio = next((each for each in kinds if each.kind == "ratio"), None)
    if ratio is None or options.users < FEWEST_ADAPTIVE:
        return None
    effect = abs(ratio.effect) if options.effect is not None else min(0.6, OF_ARMS * ratio.effect)
    played = options.runs, options.planted, options.users
    return adapted((options.seed, ADAPTIVE), *played, effect, options.alpha, progress)


def _kind(options: Options, kind: Kind, progress: Progress) -> KindFigures:
    bare, cut = _pilot(options, kind)
    effect = options.effect
    if effect is None:
        effect = effect_found(cut, options.users, drift(options.alpha, PLANNED_POWER))
        if effect > 0.6:
            raise SettingsError(
                f"--users {options.users}: too few for {kind}, whose least effect would be {effect:.0%};"
                " give more users, or an --effect"
            )
    windows, open_ended = _play(options, kind, 0.0, options.runs, AA, progress)
    false = {
        "sequence, CUPED": _sequence(options, windows.cuped, windows),
        "sequence": _sequence(options, windows.raw, windows),
        "sequence, CUPED, open-ended": _sequence(options, open_ended.cuped, open_ended),
        "sequence, open-ended": _sequence(options, open_ended.raw, open_ended),
        **_others(options, windows, 0.0),
        "guardrail, CUPED": _harm(options, windows),
        "z test at each look": _decided(
            options, windows.raw, peeking(windows.raw, windows.readable, options.alpha)
        ),
    }
    planted, _ = _play(options, kind, effect, options.planted, PLANTED, progress)
    found_by = {
        "sequence, CUPED": _sequence(options, planted.cuped, planted, effect),
        "sequence": _sequence(options, planted.raw, planted, effect),
        **_others(options, planted, effect),
    }
    lift, readable, level = planted.cuped, planted.readable, options.alpha
    return KindFigures(
        kind,
        1.0 - cut / bare,
        effect,
        false,
        found_by,
        1.0 - float(sequential(lift, readable, level, options.users, effect).any(axis=1).mean()),
        1.0 - float(fixed(lift, readable, level, effect)[:, -1].mean()),
        1.0 - float(delta(lift, readable, level, effect)[:, -1].mean()),
    )


def _others(options: Options, runs: ReadLifts, truth: float) -> dict[str, DecisionFigures]:
    level, ready = options.alpha, runs.readable
    return {
        name: _decided(options, lift, decides, truth)
        for name, lift, decides in (
            ("O'Brien-Fleming, CUPED", runs.cuped, group(runs.cuped, ready, level, "obrien-fleming")),
            ("O'Brien-Fleming", runs.raw, group(runs.raw, ready, level, "obrien-fleming")),
            ("Pocock, CUPED", runs.cuped, group(runs.cuped, ready, level, "pocock")),
            ("fixed horizon, CUPED", runs.cuped, fixed(runs.cuped, ready, level)),
            ("fixed horizon", runs.raw, fixed(runs.raw, ready, level)),
        )
    }


def _sequence(options: Options, lift: Lift, runs: ReadLifts, truth: float = 0.0) -> DecisionFigures:
    decides = sequential(lift, runs.readable, options.alpha, options.users)
    return _decided(options, lift, decides, truth)


def _harm(options: Options, runs: ReadLifts) -> DecisionFigures:
    decides = harm(runs.cuped, runs.readable, options.alpha, options.users, 0.0)
    return _decided(options, runs.cuped, decides)


def _decided(options: Options, lift: Lift, decides: Flags, truth: float = 0.0) -> DecisionFigures:
    return decided(lift, decides, options.every, truth)


def _pilot(options: Options, kind: Kind) -> tuple[float, float]:
    """The variance of a lift of 0 times users: as it comes, and with CUPED."""
    users = PILOT_USERS
    windows, _ = simulate((options.seed, PILOT), kind, users, options.window, users, 0.0)
    runs = seen(looks_of(windows[None]))
    bare, cut = (float((lift.variance * lift.users)[0, -1]) for lift in (runs.raw, runs.cuped))
    return bare, cut


def _play(
    options: Options, kind: Kind, effect: float, runs: int, purpose: int, progress: Progress
) -> tuple[ReadLifts, ReadLifts]:
    """All runs: with windows, and open-ended."""
    what = f"{kind}, {'an effect' if effect else 'no difference'}"

    def one(run: int) -> Folded:
        seed = (options.seed, purpose, KINDS.index(kind), run)
        return simulate(seed, kind, options.users, options.window, options.every, effect)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            played = list(_counted(pool.map(one, range(runs)), what, runs, progress))
        except BaseException:  # Ctrl-C: the runs that have not begun would all be played first
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    windows, open_ended = (seen(looks_of(np.stack(each))) for each in zip(*played, strict=True))
    return windows, open_ended


def _counted(each: Iterator[Folded], what: str, runs: int, progress: Progress) -> Iterator[Folded]:
    for done, one in enumerate(each, 1):
        yield one
        progress(what, done, runs)


def _mismatches(options: Options, progress: Progress) -> list[MismatchFigures]:
    cases = (
        ("fair shares", 0.5, options.runs, MISMATCH_USERS // 20, FAIR),
        ("1% of one arm's users lost", 0.99 / 1.99, options.planted, MISMATCH_USERS, LOST),
        ("49 to 51", 0.51, options.planted, MISMATCH_USERS // 8, SHIFTED),
    )
    told = []
    for done, (what, share, runs, users, purpose) in enumerate(cases, 1):
        told.append(found(what, share, runs, users, 0.01, (options.seed, purpose)))
        progress("mismatches", done, len(cases))
    return told
