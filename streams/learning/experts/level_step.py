"""One lesson of one level in one piece of compiled code: what its mixture says of the slate, what its experts
learn from it, and what its guard makes of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.learning.experts.guard import bet, compare
from streams.learning.experts.mixture import Bounds, Experts, learn
from streams.learning.experts.scoring import mixed_score

F64 = NDArray[np.float64]
LATELY = 200
"""Choices over which losses are averaged."""


@compiled
def take(
    experts: Experts,
    bounds: Bounds,
    alpha: float,
    held: F64,
    state: F64,
    switches: F64,
    lessons: NDArray[np.int64],
    losses: F64,
    last: F64,
    x: F64,
    base: F32,
    curves: F64,
    known: NDArray[np.bool_],
    places: NDArray[np.int64],
    signs: F64,
    weights: F64,
    drawn: float,
    lead: float,
    given: F64,
    mixed: F32,
) -> None:
    """Take the choices of a slate of n places; shapes as in `mixture.learn`, curves as in `Slate`.

    given [E, n]: scores of experts that are not linear; the rows of the others are filled.
    alpha, held, state, switches: of the guard; lead: what a trial says, NaN for nothing. lessons [1]: how
    many made a choice. losses, last [E + 1]: of late and of this lesson. base, mixed [n]: the frozen scores,
    and what the mixture says before it learns, which is filled.
    """
    mixed_score(experts, x, given, base, len(x), False, mixed)
    learn(experts, bounds, x, curves[0], known, places, signs, weights, drawn, given, last)
    if not len(places):
        return
    lessons[0] += 1
    part = 1.0 / min(lessons[0], LATELY)
    for e in range(len(losses)):
        losses[e] += part * (last[e] - losses[e])
    if alpha > 0.0 and drawn == drawn:
        ahead = np.empty(len(curves))
        compare(mixed, base, curves, known, places, signs, weights, ahead)
        bet(ahead, lead, lessons[0], alpha, held, state, switches)
