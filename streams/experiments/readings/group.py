"""Group-sequential bounds where a largest size is declared: how much of alpha each look may spend.

Lan and DeMets, "Discrete sequential boundaries for clinical trials" (Biometrika 1983): any looks, at any
shares of the largest size, as long as a spending function says how much alpha may be gone by then. Bounds are
found by numerical integration (`crossing`). Between looks nothing is decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from streams.experiments.readings.crossing import START, WIDEST, InsideDensity, carried, out_of
from streams.experiments.readings.moments import F64

Spending = Literal["obrien-fleming", "pocock"]
SPENT_ENOUGH = 1e-12


def spent(share: float, alpha: float, spending: Spending) -> float:
    """The alpha of both sides that may be gone at this share of the largest size (Lan and DeMets 1983:
    alpha_1 is O'Brien-Fleming's, careful early; alpha_2 is Pocock's, about even).
    """
    from scipy.special import ndtr, ndtri

    share = min(1.0, max(0.0, share))
    if spending == "pocock":
        return alpha * math.log(1.0 + (math.e - 1.0) * share)
    if share == 0.0:
        return 0.0
    # Each side by itself, as programs since Reboussin et al. (Controlled Clinical Trials 2000) do.
    return float(4.0 * (1.0 - ndtr(ndtri(1.0 - alpha / 4.0) / math.sqrt(share))))


def bounds(shares: Sequence[float], alpha: float, spending: Spending) -> F64:
    """The bound of |Z| at each look [looks].

    `shares`: of the largest size, increasing; above 1 where more came than was declared (the last look then
    spends what is left). Infinite where a look may spend nothing.
    """
    inside, gone, found = START, 0.0, np.full(len(shares), np.inf)
    for look, share in enumerate(shares):
        allowed = spent(share, alpha, spending)
        if allowed - gone > SPENT_ENOUGH:
            found[look] = _bound(inside, share, allowed - gone)
            gone = allowed
        inside = carried(inside, share, float(found[look]))
    return found


def _bound(inside: InsideDensity, time: float, chance: float) -> float:
    """The bound that is crossed for the first time now with this chance, of both sides."""
    from scipy.optimize import brentq

    def above(bound: float) -> float:
        return sum(out_of(inside, time, bound)) - chance

    return float(brentq(above, 0.0, WIDEST, xtol=1e-9))


def looks_due(shares: Sequence[float], looks: int) -> list[int]:
    """Of the shares at which figures are there, the first at or after each planned look (k / looks).

    >>> looks_due([0.1, 0.3, 0.35, 0.7, 1.05], 4)
    [1, 3, 4]
    """
    found: list[int] = []
    due = 1
    for at, share in enumerate(shares):
        if due <= looks and share * looks >= due - 1e-9:
            found.append(at)
            due = int(share * looks + 1e-9) + 1
    return found
