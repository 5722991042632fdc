"""The result of the played events: counts, hits and freshness."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

STAGES = {
    "accepted": ("event", "accepted"),
    "applied": ("accepted", "applied"),
    "pushed": ("applied", "pushed"),
    "accepted to pushed": ("accepted", "pushed"),
}
"""Stages of freshness, as from and to of a slate's `times`."""
MODEL, POPULAR = "model", "popular"
"""The arms of the demo's experiment."""
SAMPLES = 1_500
RATE_OVER_S = 10.0


class Freshness:
    """The latest slates' times, by stage.

    >>> freshness = Freshness()
    >>> freshness.take("s-1", {"event": 0.0, "accepted": 2.0, "applied": 7.0, "pushed": 10.0})
    >>> freshness.quantiles()["accepted to pushed"]
    (8.0, 8.0)
    """

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {stage: deque(maxlen=SAMPLES) for stage in STAGES}
        self._seen: deque[str] = deque(maxlen=SAMPLES)

    def take(self, slate_id: str, times: Mapping[str, float]) -> None:
        """Take the times of a slate, once; a slate that no event caused has none."""
        if slate_id in self._seen or not all(
            name in times for name in ("event", "accepted", "applied", "pushed")
        ):
            return
        self._seen.append(slate_id)
        for stage, (begin, end) in STAGES.items():
            self._samples[stage].append(times[end] - times[begin])

    def __len__(self) -> int:
        return len(self._seen)

    def quantiles(self, quantiles: Sequence[float] = (0.5, 0.99)) -> dict[str, tuple[float, ...]]:
        """In ms, for each stage; NaN for a stage without slates."""
        return {
            stage: tuple(np.quantile(list(values), quantiles).tolist())
            if values
            else (math.nan,) * len(quantiles)
            for stage, values in self._samples.items()
        }


@dataclass
class Tally:
    """Counts since the start. `compared`: events of users of each arm; `hits`: of the feeds that the arm
    served, and of plain popularity ("popularity") on the same events as the model's. `rungs`, `modelled` (how
    many a model ranked) and `freshness`: of the feeds of users of the model's arm. `errors`: failed requests,
    by kind of error.
    """

    clicks: int = 0
    reviews: int = 0
    impressions: int = 0
    feeds: int = 0
    modelled: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    rungs: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    freshness: Freshness = field(default_factory=Freshness)
    started_s: float = field(default_factory=time.monotonic)
    _accepted_s: deque[float] = field(default_factory=lambda: deque(maxlen=20_000))

    @property
    def accepted(self) -> int:
        """Events that the gateway has confirmed."""
        return self.clicks + self.reviews

    def accept(self, clicked: bool) -> None:
        """Count an event that the gateway accepted."""
        if clicked:
            self.clicks += 1
        else:
            self.reviews += 1
        self._accepted_s.append(time.monotonic())

    def rate(self) -> float:
        """Accepted events a second, lately."""
        now_s = time.monotonic()
        span_s = min(RATE_OVER_S, now_s - self.started_s)
        lately = sum(1 for then_s in self._accepted_s if now_s - then_s <= span_s)
        return lately / span_s if span_s > 0 else 0.0

    def events_of(self, who: str) -> int:
        """Over how many events the hit rate of `who` is: an arm, or "popularity"."""
        return self.compared[POPULAR if who == POPULAR else MODEL]

    def hit_rate(self, who: str) -> float:
        """HR@10 over the compared events; 0 before the first one."""
        compared = self.events_of(who)
        return self.hits[who] / compared if compared else 0.0

    def hit_rate_error(self, who: str) -> float:
        """One standard error of the hit rate."""
        rate, compared = self.hit_rate(who), self.events_of(who)
        return math.sqrt(rate * (1 - rate) / compared) if compared else 0.0
