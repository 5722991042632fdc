"""How the weights of an adaptive experiment move: `[experiments.NAME.adaptive]`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

HOUR_MS = 3_600_000
PERIODS_MAX = 30
"""So many periods an experiment has; the weights of the last one stay."""


class AdaptiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """delta_t = max(least, (t / even)^-falls) for t > `even` users, 1 before: the arms are alike until then.
    `falls` is below 1/4, or no interval would close. `least` > 0 keeps every arm at least / K for good.
    `every_hours`: weights move at these times, counted from the start, whatever is known by then.
    """

    every_hours: Annotated[float, Meta(ge=0.0001, le=8_760)] = 24.0
    even: Annotated[int, Meta(ge=100)] = 1_000
    falls: Annotated[float, Meta(ge=0, lt=0.25)] = 0.24
    least: Annotated[float, Meta(ge=0.01, le=1)] = 0.1

    def delta(self, users: int) -> float:
        """How much of the traffic is dealt evenly after so many users.

        >>> AdaptiveSettings(even=100, falls=0.2, least=0.1).delta(100)
        1.0
        >>> round(AdaptiveSettings(even=100, falls=0.2, least=0.1).delta(3_200), 3)
        0.5
        """
        return max(self.least, float((max(users, self.even) / self.even) ** -self.falls))

    @property
    def every_ms(self) -> int:
        """How long a period lasts at least."""
        return round(self.every_hours * HOUR_MS)
