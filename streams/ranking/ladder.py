"""The control of the degradation ladder: the best rung on which what waits is still in time.

A rung is judged by the wait that it leads to. So the worker steps down before the wait is there, and steps up
as soon as it can pay for the better rung. It learns what an event costs on each rung from its own batches. It
asks no clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.ranking.degradation import RUNGS, Rung
from streams.settings.ranking import LadderSettings

CLIMB_BELOW = 0.7
"""A rung is left upwards only where the wait is foreseen below this part of what it may be there."""

LOWEST = RUNGS[-1]

MEMORY_EVENTS = 1_000
"""After so many events a batch counts half of what it did for the cost of its rung."""

FEW_EVENTS = 200
"""A batch that was held up says little where it is one of the first."""

HALVED_AFTER_EVENTS = 16_000
"""What was too dear is tried again in the end: its cost is halved for so many events on lower rungs."""


@dataclass
class _Cost:
    """Sums over the batches of one rung, the newest ones above all."""

    ms: float = 0.0
    events: float = 0.0

    @property
    def event_ms(self) -> float:
        """0 where nothing is known; less than it was while little is."""
        return self.ms / max(self.events, FEW_EVENTS)

    def learn(self, events: int, ms: float) -> None:
        kept = 0.5 ** (events / MEMORY_EVENTS)
        self.ms, self.events = kept * self.ms + ms, kept * self.events + events

    def doubt(self, events: int) -> None:
        self.ms *= 0.5 ** (events / HALVED_AFTER_EVENTS)


class Ladder:
    """`choose` before each batch, `took` once it is known how long it held up the next one.

    >>> ladder = Ladder(LadderSettings(fewer_at_ms=100, counters_at_ms=100, popular_at_ms=150))
    >>> ladder.choose(99, events=10), ladder.choose(101, events=10), ladder.choose(151, events=10)
    ('full', 'counters', 'popular')
    >>> ladder.took("full", events=200, ms=100)
    >>> ladder.choose(10, events=100), ladder.choose(60, events=100)  # its end is foreseen: 60 ms + 50 ms
    ('full', 'counters')
    """

    def __init__(self, settings: LadderSettings) -> None:
        self._most_ms = _most_ms(settings)
        self._costs = {rung: _Cost() for rung in self._most_ms}
        self.rung: Rung = "full"

    def choose(self, waited_ms: float, events: int, behind: int = 0) -> Rung:
        """The rung of a batch of `events`, the oldest of which has waited `waited_ms`; `behind`: how many
        more are there already.

        Down as far as it must, at once; up with some slack, so that a wait near a bound does not make the
        rung go back and forth.
        """
        last = RUNGS.index(self.rung)
        for rung, most_ms in self._most_ms.items():
            slack = CLIMB_BELOW if RUNGS.index(rung) < last else 1.0
            if self.foreseen_ms(rung, waited_ms, events, behind) < slack * most_ms:
                self.rung = rung
                return rung
            self._costs[rung].doubt(events)
        self.rung = LOWEST
        return self.rung

    def foreseen_ms(self, rung: Rung, waited_ms: float, events: int, behind: int) -> float:
        """The longest wait, if this batch gets `rung` and all that is behind it the last one: the batch's
        oldest event waits until the batch is done, the newest one behind it until all is done.
        """
        batch_ms = events * self._costs[rung].event_ms
        return batch_ms + max(waited_ms, behind * self._costs[LOWEST].event_ms)

    def took(self, rung: Rung, events: int, ms: float) -> None:
        """A batch of `events` on `rung` held up the next one for `ms`."""
        self._costs[rung].learn(events, ms)


def _most_ms(settings: LadderSettings) -> dict[Rung, float]:
    """The wait up to which each rung in use is taken, from the best one down."""
    begins: dict[Rung, float] = {
        "full": 0.0,
        "fewer": settings.fewer_at_ms,
        "counters": settings.counters_at_ms,
        "popular": settings.popular_at_ms,
    }
    most_ms: dict[Rung, float] = {LOWEST: math.inf}
    next_ms = begins[LOWEST]
    for rung in RUNGS[-2::-1]:
        if begins[rung] < next_ms:
            most_ms[rung] = next_ms
            next_ms = begins[rung]
    return dict(reversed(most_ms.items()))
