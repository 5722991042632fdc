"""The degradation ladder: lag decides how much work a slate gets."""

from __future__ import annotations

from typing import Literal

from streams.settings import LadderSettings

Rung = Literal["full", "fewer", "counters", "popular"]
RUNGS: tuple[Rung, ...] = ("full", "fewer", "counters", "popular")


def choose(lag_ms: float, settings: LadderSettings) -> Rung:
    """The rung for a batch whose oldest event has waited `lag_ms`.

    >>> [choose(lag, LadderSettings()) for lag in (0, 60, 150, 1000)]
    ['full', 'fewer', 'counters', 'popular']
    """
    if lag_ms < settings.fewer_at_ms:
        return "full"
    if lag_ms < settings.counters_at_ms:
        return "fewer"
    if lag_ms < settings.popular_at_ms:
        return "counters"
    return "popular"
