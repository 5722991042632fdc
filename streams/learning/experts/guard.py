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

How seldom a place is looked at is not known: it is believed, or estimated from a stream that nobody drew at
random. Under a curve that falls too fast an order that turns the slate round looks better than the one that
is shown; under one that falls too slowly the one that is shown looks better, whatever it is. So the guard
bets under several curves. It lets in what is better under each of them, and gives up what is worse under
any: a doubt speaks for the frozen order. Where one of the curves is right, it is at most as likely to let in
what is not better as under that curve alone. What is better it may give up.

Some slates are a trial (`streams.learning.trial`): drafted of both orders, so that no curve is needed to see
which of them brings what is chosen. The guard begins with half of its money for these, and half for the
curves. What it holds is the mean of both, so either may decide, and alpha holds for them together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

F64 = NDArray[np.float64]
STAKES = np.array([0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625])
"""Parts of its money that each bettor stakes: small ones find small harm, after long."""
SWITCHES_KEPT = 32
FORMER_STATE_BYTES = 24
"""Of a guard's state in former builds, which held no trials."""
PLACES_COUNTED = 20
"""From here on places count as looked at as seldom as this one: a rare look must not weigh without bound."""


class GuardState(NamedTuple):
    """`on`: whether the adapted order is served. `evidence`: against the order that is served, as the
    logarithm of what the guard holds under the curve that decides; it switches at log(1 / alpha). `switches`:
    the numbers of the level's lessons at which it switched, the latest ones. `slates`: so many it has bet on
    since it switched, or began. `wealth`: what it holds under each of its curves and, where there are trials,
    by these; each began with 1.
    """

    on: bool
    evidence: float
    switches: tuple[int, ...]
    slates: int = 0
    wealth: tuple[float, ...] = ()


class Guard:
    """A fold of advantages, under so many `curves` and, where there are trials, of what these say. `alpha`:
    how likely it ever switches off what is not worse; 0 for no guard.
    """

    def __init__(self, alpha: float, curves: int = 1, trials: bool = False) -> None:
        self.alpha = alpha
        self.held: F64 = np.zeros((curves + trials, len(STAKES)))
        # On, slates since it switched, switches ever, trials since it switched. Without a guard it is on.
        self.state: F64 = np.array([0.0 if alpha else 1.0, 0.0, 0.0, 0.0])
        self._curves = curves
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
            self.state[0] = on
            self.begin_anew()

    def begin_anew(self) -> None:
        """Forget its bets, and go on as it is, on or off."""
        self.state[1] = self.state[3] = 0.0
        self.held[:] = 0.0

    def bet(self, advantages: Sequence[float], lesson: int, lead: float = math.nan) -> None:
        """Take the advantage of the adapted order on one slate, under each curve, and what a trial says
        (`trial.lead`).
        """
        if self.alpha:
            said = np.array(advantages, np.float64)
            bet(said, lead, lesson, self.alpha, self.held, self.state, self.switches)

    def evidence(self) -> float:
        """The logarithm of what it holds. In plain numpy, as `_wealth` has it: a gateway that only reports it
        loads no compiled code, which takes a second the first time.
        """
        held = self.wealth()
        curves, trials = held[: self._curves], held[self._curves :]
        decides = max(curves) if self.on else min(curves)
        return math.log((decides + trials[0]) / 2.0 if trials else decides)

    def wealth(self) -> tuple[float, ...]:
        """What it holds under each curve and, where there are trials, by these; with what is not bet yet."""
        bets = np.repeat(self.state[[1, 3]], [self._curves, len(self.held) - self._curves])
        return tuple((self.held.mean(axis=1) + 1.0 / (bets + 1.0)).tolist())

    def report(self) -> GuardState:
        """Where it stands."""
        ever = int(self.state[2])
        kept = range(max(0, ever - SWITCHES_KEPT), ever)
        switches = tuple(int(self.switches[at % SWITCHES_KEPT]) for at in kept)
        return GuardState(self.on, self.evidence(), switches, int(self.state[1]), self.wealth())


@compiled
def bet(
    advantages: F64, lead: float, lesson: int, alpha: float, held: F64, state: F64, switches: F64
) -> None:
    """Move what is held [C, or C + 1 where there are trials, stakes] by the advantages [C] and the lead (NaN
    for none) of one slate, and switch where it is enough.
    """
    against, curves = -1.0 if state[0] else 1.0, len(advantages)
    state[1] += 1.0
    for c in range(curves):
        _stake(held[c], against * advantages[c], state[1])
    if len(held) > curves and lead == lead:
        state[3] += 1.0
        _stake(held[curves], against * lead, state[3])
    if _wealth(held, state, curves) >= 1.0 / alpha:
        switches[int(state[2]) % len(switches)] = lesson
        state[0], state[1], state[2], state[3] = 1.0 - state[0], 0.0, state[2] + 1.0, 0.0
        held[:] = 0.0


@compiled
def _stake(held: F64, won: float, slates: float) -> None:
    """What each of the stakes holds after the slate of this number, and what begins with it."""
    begins = 1.0 / (slates * (slates + 1.0))
    for k in range(len(held)):
        held[k] = (held[k] + begins) * (1.0 + STAKES[k] * won)


@compiled
def _wealth(held: F64, state: F64, curves: int) -> float:
    """What is held in all: under the curve that decides, and by trials; what has not begun is kept."""
    least, most, stakes = math.inf, 0.0, held.shape[1]
    for c in range(curves):
        total = held[c].sum() / stakes
        least, most = min(least, total), max(most, total)
    wealth = (most if state[0] else least) + 1.0 / (state[1] + 1.0)
    if len(held) > curves:
        tried = held[curves].sum() / stakes + 1.0 / (state[3] + 1.0)
        wealth = (wealth + tried) / 2.0
    return float(wealth)


@compiled
def compare(
    adapted: F32,
    frozen: F32,
    curves: F64,
    known: NDArray[np.bool_],
    places: NDArray[np.int64],
    signs: F64,
    weights: F64,
    out: F64,
) -> None:
    """Fill out [C] with how much further up the adapted order has what was chosen, of one slate, from -1 to
    1, under each of the curves [C, at least n], logarithms of examination.

    A place counts 1 / log2(1 + its rank); what was disliked counts against the order. A choice of a place
    that is seldom looked at counts for the others that were not seen: without that, the order that was shown
    would always seem the better one. Shapes as in `mixture.learn`.
    """
    seldom = np.zeros(len(curves))
    for i in range(min(len(known), PLACES_COUNTED)):
        if known[i]:
            for e in range(len(curves)):
                seldom[e] = min(seldom[e], curves[e, i])
    out[:] = 0.0
    for c in range(len(places)):
        at = places[c]
        gain = _gain(adapted, known, at) - _gain(frozen, known, at)
        gain *= signs[c] * min(weights[c], 1.0) / len(places)
        for e in range(len(curves)):
            out[e] += gain * min(1.0, math.exp(seldom[e] - curves[e, at]))


@compiled
def _gain(scores: F32, known: NDArray[np.bool_], at: int) -> float:
    rank = 1.0
    for i in range(len(scores)):
        if known[i] and i != at:
            rank += 1.0 if scores[i] > scores[at] else 0.5 if scores[i] == scores[at] else 0.0
    return 1.0 / math.log2(1.0 + rank)
