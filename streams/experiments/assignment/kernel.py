"""The draw itself, compiled: for one user, the experiment and the arm of each layer.

All that is random follows from one 64-bit hash of the unit (a user, or a session) and the salts, by the
finaliser of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014,
figure 16; its constants are Stafford's variant 13).

A layer's hash says which of `SLOTS` slots the unit is in, and so which experiment. Within it, each arm draws
an exponential variable whose rate is its weight, and the smallest wins: arm k with probability w_k / sum(w)
(weighted rendezvous hashing; Efraimidis and Spirakis, "Weighted random sampling with a reservoir",
Inf. Process. Lett. 97, 2006). Each arm's variable rests on its own name alone, so a new arm takes units from
the others and moves none between them, and a raised weight takes units to that arm alone.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.experiments.assignment.slots import SLOTS

NOBODY = -1

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_SLOTS = np.uint64(SLOTS)
_UNIT = 2.0**-53

U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]


@compiled
def mixed(unit: np.uint64, salt: np.uint64) -> np.uint64:
    """A hash of both: SplitMix64's output for the state `unit ^ salt`."""
    z = (unit ^ salt) + _GOLDEN
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@compiled
def draw(
    user: int, session: int, salts: U64, slices: I32, arms_from: I32, weights: NDArray[np.float64], into: I32
) -> None:
    """into int32 [layers]: the number of the arm of each layer, or `NOBODY`.

    user, session: 64-bit hashes, of which a layer goes by one. salts uint64 [layers + arms]: of the layers,
    then of the arms. slices int32 [slices, 5]: layer, whether it goes by sessions, first slot, the slot
    behind the last one, experiment; a layer's slices stand together. arms_from int32 [experiments + 1]: an
    experiment's arms, all arms in one row. weights float64 [arms].
    """
    layers = len(into)
    into[:] = NOBODY
    slot, seen, unit = 0, NOBODY, np.uint64(0)
    for at in range(len(slices)):
        layer = slices[at, 0]
        if layer != seen:
            unit = np.uint64(session) if slices[at, 1] else np.uint64(user)
            slot, seen = int(mixed(unit, salts[layer]) % _SLOTS), layer
        if not slices[at, 2] <= slot < slices[at, 3]:
            continue
        experiment, least = slices[at, 4], math.inf
        for arm in range(arms_from[experiment], arms_from[experiment + 1]):
            u = (np.float64(mixed(unit, salts[layers + arm]) >> _11) + 0.5) * _UNIT
            waits = -math.log(u) / weights[arm]
            if waits < least:
                least, into[layer] = waits, arm
