"""How far slates are drawn instead of taken best first."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class ExplorationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`share`: of the slates that are drawn; the others are best first. `places`: which places of a slate
    (from 1) are drawn, the best of what is left takes the others; none for all of them.

    `pool`: so many of the best candidates may be drawn, and as many as the slate has places at least.
    `temperature`: what scores are divided by: the higher, the more even the chances. `policy`: whether the
    scores are those of the slate ("gumbel"), or are drawn from what the learner believes ("thompson").
    """

    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    places: tuple[Annotated[int, Meta(gt=0, le=200)], ...] = ()
    pool: Annotated[int, Meta(gt=0, le=1_000)] = 50
    temperature: Annotated[float, Meta(gt=0, le=1_000)] = 1.0
    policy: Literal["gumbel", "thompson"] = "gumbel"

    @property
    def samples(self) -> bool:
        """Whether any slate is drawn from what the learner believes."""
        return self.share > 0 and self.policy == "thompson"
