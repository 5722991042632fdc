"""How likely a statistic crosses a boundary at one of several looks: numerical integration.

Armitage, McPherson and Rowe, "Repeated significance tests on accumulating data" (JRSS A 1969); Jennison and
Turnbull, "Group Sequential Methods" (2000), chapter 19. At look k the statistic is B_k = Z_k sqrt(t_k), where
B is a Brownian motion with the drift E[Z] at t = 1. The density of those not yet out is kept at the nodes of
a Gauss-Legendre rule between the bounds, and carried from look to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from streams.experiments.readings.moments import F64

NODES_A_DEVIATION = 2.0
NODES_AT_A_TIME = 32
WIDEST = 7.5
"""Bounds further out than so many standard deviations are never crossed."""


class InsideDensity(NamedTuple):
    """Who is still inside after a look: the places of B [nodes], and the density times the rule's weight."""

    time: float
    places: F64
    weights: F64


START = InsideDensity(0.0, np.zeros(1), np.ones(1))


def out_of(inside: InsideDensity, time: float, bound: float, drift: float = 0.0) -> tuple[float, float]:
    """The chances to be above +bound and below -bound (of Z) at the look at `time`, inside until then."""
    from scipy.special import ndtr

    deviation, edge = np.sqrt(time - inside.time), bound * np.sqrt(time)
    ahead = inside.places + drift * (time - inside.time)
    above = float(inside.weights @ ndtr((ahead - edge) / deviation))
    below = float(inside.weights @ ndtr((-edge - ahead) / deviation))
    return above, below


def carried(inside: InsideDensity, time: float, bound: float, drift: float = 0.0) -> InsideDensity:
    """Those who are inside the bound at the look at `time` too."""
    step, edge = time - inside.time, min(bound, WIDEST + abs(drift)) * np.sqrt(time)
    nodes = 2.0 * edge / np.sqrt(step) * NODES_A_DEVIATION
    places, rule = _rule(NODES_AT_A_TIME * (1 + int(nodes) // NODES_AT_A_TIME))
    places, rule = places * edge, rule * edge
    ahead = inside.places + drift * step
    density = np.exp(-((places[:, None] - ahead) ** 2) / (2.0 * step)) / np.sqrt(2.0 * np.pi * step)
    return InsideDensity(time, places, rule * (density @ inside.weights))


@lru_cache(maxsize=64)
def _rule(nodes: int) -> tuple[F64, F64]:
    return np.polynomial.legendre.leggauss(nodes)


def chances(times: Sequence[float], bounds: Sequence[float], drift: float = 0.0) -> F64:
    """The chance to be out for the first time at each look [looks, 2]: above and below.

    `times`: increasing, 1 at the planned end. `bounds`: of |Z| at each. `drift`: the mean of Z at time 1.
    """
    inside, found = START, np.zeros((len(times), 2))
    for look, (time, bound) in enumerate(zip(times, bounds, strict=True)):
        found[look] = out_of(inside, time, bound, drift)
        inside = carried(inside, time, bound, drift)
    return found


def drift_for(times: Sequence[float], bounds: Sequence[float], power: float) -> float:
    """The drift with which the upper bound is crossed with this chance by the last look."""
    from scipy.optimize import brentq

    def missing(drift: float) -> float:
        return float(chances(times, bounds, drift)[:, 0].sum()) - power

    return float(brentq(missing, 0.0, 12.0, xtol=1e-6))
