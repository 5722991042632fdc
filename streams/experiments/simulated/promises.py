"""What is promised of readings, and whether a simulation kept it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from streams.experiments.simulated.proof import Options, Proof

LEAST_ALARMS = 0.01
"""A test that never alarms has no power."""
POWER = 0.8
MISMATCH_ALARMS = 0.01
DOUBT = 2.0
"""A promise is broken when the figure is off by so many standard errors, which are small for many runs."""


class Promise(msgspec.Struct, frozen=True):
    """`figure`: as simulated. `low`, `high`: what was promised of it; `kept`: but for chance."""

    what: str
    figure: float
    low: float
    high: float
    kept: bool


def promises(proof: Proof) -> list[Promise]:
    """Each of them, in the order of the report."""
    return list(_promises(proof))


def _promises(proof: Proof) -> Iterator[Promise]:
    options = proof.options
    for each in proof.kinds:
        for name, seen in each.alarms.items():
            if name.startswith("sequence"):
                what = f"{each.kind}: alarms ever, no difference, {name}"
                yield _promise(what, seen.share, LEAST_ALARMS, options.alpha, options.runs)
        guard = each.alarms["guardrail, CUPED"].share
        yield _promise(f"{each.kind}: guardrail stops without harm", guard, 0.0, options.alpha, options.runs)
        covered, planted = 1.0 - options.alpha, options.planted
        yield _promise(f"{each.kind}: lift covered at all looks", each.covered_ever, covered, 1.0, planted)
        if _planned(options):
            power = each.power["sequence, CUPED"].share
            yield _promise(f"{each.kind}: planned effect found", power, POWER, 1.0, planted)
    if (moving := proof.adaptive) is not None:
        level, runs = options.alpha, moving.runs
        yield _promise("adaptive weights: alarms ever, no difference", moving.alarms, 0.0, level, runs)
        yield _promise("adaptive weights: a best arm named, no difference", moving.misnamed, 0.0, level, runs)
        yield _promise(
            "adaptive weights: lifts covered at all looks", moving.covered, 1.0 - level, 1.0, moving.planted
        )
        yield _promise(
            "adaptive weights: clicks lost, against equal ones",
            moving.regret,
            0.0,
            moving.equal_regret,
            moving.planted,
        )
    fair, *wrong = proof.mismatches
    yield _promise(f"mismatch alarms, {fair.what}", fair.share, 0.0, MISMATCH_ALARMS, fair.runs)
    for found in wrong:
        yield _promise(f"mismatch found, {found.what}", found.share, POWER, 1.0, found.runs)


def _planned(options: Options) -> bool:
    return options.effect is None


def _promise(what: str, figure: float, low: float, high: float, runs: int) -> Promise:
    doubt = {edge: DOUBT * math.sqrt(edge * (1.0 - edge) / runs) for edge in (low, high)}
    return Promise(what, figure, low, high, low - doubt[low] <= figure <= high + doubt[high])
