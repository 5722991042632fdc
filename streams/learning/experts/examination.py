"""How likely a place is to be looked at, compared with the first one.

It begins as 1 / rank ** eta. Where one item stood now here, now there, by exploration, by arms or because its
rivals differed, the ratio of its click rates at two adjacent places is the ratio of their examination
(intervention harvesting: Agarwal et al., "Estimating Position Bias without Intrusive Interventions", WSDM
2019). What an item would have drawn must be the same at both places, so that an item only counts with slates
in which its frozen score was about the same. The ratios of all items are put together as Mantel and Haenszel
do, who weigh each by what it can say, and with what was believed before by their variances (Greenland and
Robins, "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41, 1985).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.kept_slates import PLACES_MAX

F64 = NDArray[np.float64]
PLACES = 10
"""The first places, whose ratios are estimated; the places beyond follow the curve that was believed."""
ITEMS = 2_048
BAND = 0.5
"""Frozen scores within so much of each other are about the same."""
EVERY = 256
"""Slates from one estimate to the next."""
HALF_LIFE = 20_000.0
"""Slates after which what was counted counts half."""
CLICKS_MIN = 10.0
"""At each of two places, of items that were met at both: with fewer, nothing is estimated."""
BELIEF_VARIANCE = 0.25
"""Of the logarithm of a ratio as it was believed."""
RATIO_MIN, RATIO_MAX = 0.8, 8.0
CREDIT_MAX = 8


class ExaminationState(NamedTuple):
    """`chance`: of the first `PLACES` to be looked at, the first one's being 1. `moved`: the choices that
    each of the ratios between them rests on, [PLACES - 1].
    """

    chance: tuple[float, ...]
    moved: tuple[float, ...]


class Examination:
    """`log_chance` float64 [PLACES_MAX]. `harvest`: whether it is estimated, or stays as it was believed.
    `curves` [1 + D, PLACES_MAX]: it, and what it may be in truth, 1 / rank ** eta for each of `doubts`.
    """

    def __init__(self, eta: float, harvest: bool = True, doubts: Sequence[float] = ()) -> None:
        self.harvest = harvest
        self.curves: F64 = -np.outer((eta, *doubts), np.log(np.arange(1, PLACES_MAX + 1)))
        self.log_chance: F64 = self.curves[0]
        self._believed: F64 = self.log_chance.copy()
        slots = ITEMS if harvest else 1
        self.owners: NDArray[np.int64] = np.zeros((slots, 2), np.int64)  # whose slot it is, and its credit
        self.shown: F32 = np.zeros((slots, PLACES), np.float32)
        self.chosen: F32 = np.zeros((slots, PLACES), np.float32)
        self.slates: NDArray[np.int64] = np.zeros(1, np.int64)
        self.moved: F64 = np.zeros(PLACES - 1)

    def see(
        self, rows: NDArray[np.int32], base: F32, known: NDArray[np.bool_], chosen: NDArray[np.int64]
    ) -> None:
        """Take one slate that was shown: its rows and frozen scores [n], which of them are `known`, and the
        places that were `chosen` as the best.
        """
        if not self.harvest:
            return
        count_places(rows, base, known, chosen, self.owners, self.shown, self.chosen)
        self.slates[0] += 1
        if self.slates[0] % EVERY == 0:
            self._estimate()

    def _estimate(self) -> None:
        ratios = np.empty(PLACES - 1)
        estimate_ratios(self.shown, self.chosen, self._believed, ratios, self.moved)
        self.log_chance[1:PLACES] = -np.cumsum(ratios)
        beyond = self._believed[PLACES:] - self._believed[PLACES - 1]
        self.log_chance[PLACES:] = self.log_chance[PLACES - 1] + beyond
        kept = np.float32(0.5 ** (EVERY / HALF_LIFE))
        self.shown *= kept
        self.chosen *= kept

    def report(self) -> ExaminationState:
        """The curve, and what it rests on."""
        return ExaminationState(
            tuple(np.exp(self.log_chance[:PLACES]).tolist()), tuple(np.round(self.moved, 1).tolist())
        )


@compiled
def count_places(
    rows: NDArray[np.int32],
    base: F32,
    known: NDArray[np.bool_],
    places: NDArray[np.int64],
    owners: NDArray[np.int64],
    shown: F32,
    chosen: F32,
) -> None:
    """Count where the items stood. A slot is an item's for as long as it is met there as often as others."""
    slots = len(owners)
    for i in range(min(len(rows), PLACES)):
        if not known[i]:
            continue
        band = np.int64(math.floor(base[i] / BAND))
        owner = (np.int64(rows[i]) + 1) * np.int64(1_048_576) + band % np.int64(1_048_576)
        slot = ((owner * np.int64(2_654_435_761)) >> np.int64(16)) % np.int64(slots)
        if owners[slot, 0] == owner:
            owners[slot, 1] = min(owners[slot, 1] + 1, CREDIT_MAX)
        elif owners[slot, 1] > 0:
            owners[slot, 1] -= 1
            continue
        else:
            owners[slot, 0], owners[slot, 1] = owner, 1
            shown[slot] = 0.0
            chosen[slot] = 0.0
        shown[slot, i] += 1.0
        for c in range(len(places)):
            if places[c] == i:
                chosen[slot, i] += 1.0


@compiled
def estimate_ratios(shown: F32, chosen: F32, believed: F64, ratios: F64, moved: F64) -> None:
    """Fill `ratios` [PLACES - 1] with the logarithm of how much more a place is looked at than the next."""
    for k in range(len(ratios)):
        here, there, spread = 0.0, 0.0, 0.0
        clicks_here, clicks_there = 0.0, 0.0
        for i in range(len(shown)):
            n1, n0 = float(shown[i, k]), float(shown[i, k + 1])
            if n1 > 0.0 and n0 > 0.0:
                a, b, n = float(chosen[i, k]), float(chosen[i, k + 1]), n1 + n0
                here += a * n0 / n
                there += b * n1 / n
                spread += ((a + b) * n1 * n0 - a * b * n) / (n * n)
                clicks_here += a
                clicks_there += b
        ratio = believed[k] - believed[k + 1]
        moved[k] = clicks_here + clicks_there
        if min(clicks_here, clicks_there) >= CLICKS_MIN and spread > 0.0:
            found, variance = math.log(here / there), spread / (here * there)
            part = BELIEF_VARIANCE / (BELIEF_VARIANCE + variance)
            ratio += part * (found - ratio)
            ratio = min(max(ratio, math.log(RATIO_MIN)), math.log(RATIO_MAX))
        ratios[k] = ratio
