"""Whether the adapted order is worse than the frozen one on what users chose: a test that may be read at any
time.

Each slate that was answered says by how much the adapted order would have had the chosen places further up
than the frozen one, d in [-1, 1] (`advantage`). While adaptation is on, the guard bets against it: it stakes
a part of what it has on d < 0. If the adapted order is not worse, no way of betting can be expected to win,
so that the guard ever holds 1 / alpha is at most as likely as alpha, however long the stream is and whenever
one looks (Ville; Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024).
Then adaptation goes off, and the guard bets against the frozen order in the same way.

It begins off: adaptation is served when it has shown itself better on slates in the frozen order. Where the
model is right, there is nothing to show, and slates stay as they were.

What it has is spread over several stakes, and over bets that begin at each slate t with 1 / (t (t + 1)) of it
(Shin, Ramdas and Rinaldo, "E-detectors", 2024): what was right for long may become wrong, and the bets that
begin late have lost nothing before. So an order that was better for t slates is given up after about
log(t ** 2 / alpha) of evidence.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

F64 = NDArray[np.float64]
STAKES = np.array([0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625])
"""Parts of its money that each bettor stakes: small ones find small harm, after long."""
SWITCHES_KEPT = 32
PLACES_COUNTED = 20
"""From here on places count as looked at as seldom as this one: a rare look must not weigh without bound."""


class GuardState(NamedTuple):
    """`on`: whether the adapted order is served. `evidence`: against the order that is served, as the
    logarithm of what the guard holds; it switches at log(1 / alpha). `switches`: the numbers of the level's
    lessons at which it switched, the latest ones.
    """

    on: bool
    evidence: float
    switches: tuple[int, ...]


class Guard:
    """A fold of advantages. `alpha`: how likely it ever switches off what is not worse; 0 for no guard."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.held: F64 = np.zeros(len(STAKES))
        # On, slates since it switched, switches ever. Without a guard it is always on.
        self.state: F64 = np.array([0.0 if alpha else 1.0, 0.0, 0.0])
        self.switches: F64 = np.zeros(SWITCHES_KEPT)

    @property
    def on(self) -> bool:
        """Whether the adapted order is served."""
        return bool(self.state[0])

    @property
    def decided(self) -> bool:
        """Whether it has ever switched by itself."""
        return bool(self.state[2])

    def follow(self, on: bool) -> None:
        """Begin anew as another guard is, unless this one has switched by itself."""
        if self.alpha and not self.decided:
            self.state[:2] = on, 0.0
            self.held[:] = 0.0

    def bet(self, advantage: float, lesson: int) -> None:
        """Take the advantage of the adapted order on one slate."""
        if self.alpha:
            bet(advantage, lesson, self.alpha, self.held, self.state, self.switches)

    def evidence(self) -> float:
        """The logarithm of what it holds."""
        return math.log(float(self.held.mean()) + 1.0 / (self.state[1] + 1.0))

    def report(self) -> GuardState:
        """Where it stands."""
        ever = int(self.state[2])
        kept = range(max(0, ever - SWITCHES_KEPT), ever)
        return GuardState(
            self.on, self.evidence(), tuple(int(self.switches[at % SWITCHES_KEPT]) for at in kept)
        )


@compiled
def bet(advantage: float, lesson: int, alpha: float, held: F64, state: F64, switches: F64) -> None:
    """Move what is held by one slate, and switch where it is enough."""
    worse = -advantage if state[0] else advantage
    state[1] += 1.0
    total = 0.0
    for k in range(len(held)):
        held[k] = (held[k] + 1.0 / (state[1] * (state[1] + 1.0))) * (1.0 + STAKES[k] * worse)
        total += held[k]
    if total / len(held) + 1.0 / (state[1] + 1.0) >= 1.0 / alpha:
        switches[int(state[2]) % len(switches)] = lesson
        state[0], state[1], state[2] = 1.0 - state[0], 0.0, state[2] + 1.0
        held[:] = 0.0


@compiled
def advantage(
    adapted: F32,
    frozen: F32,
    offsets: F64,
    known: NDArray[np.bool_],
    places: NDArray[np.int64],
    signs: F64,
    weights: F64,
) -> float:
    """How much further up the adapted order has what was chosen, of one slate, from -1 to 1.

    A place counts 1 / log2(1 + its rank); what was disliked counts against the order. A choice of a place
    that is seldom looked at counts for the others that were not seen: without that, the order that was shown
    would always seem the better one. Shapes as in `mixture.learn`.
    """
    seldom, total = 0.0, 0.0
    for i in range(min(len(known), PLACES_COUNTED)):
        if known[i]:
            seldom = min(seldom, offsets[i])
    for c in range(len(places)):
        at = places[c]
        gain = _gain(adapted, known, at) - _gain(frozen, known, at)
        total += signs[c] * min(weights[c], 1.0) * gain * min(1.0, math.exp(seldom - offsets[at]))
    return total / max(len(places), 1)


@compiled
def _gain(scores: F32, known: NDArray[np.bool_], at: int) -> float:
    rank = 1.0
    for i in range(len(scores)):
        if known[i] and i != at:
            rank += 1.0 if scores[i] > scores[at] else 0.5 if scores[i] == scores[at] else 0.0
    return 1.0 / math.log2(1.0 + rank)
