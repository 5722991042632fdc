"""What the counters keep, and for how long."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

HalfLife = Annotated[float, Meta(gt=0)]


class CounterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`half_lives_s`: of the popularity counters, short to long. `pair_half_life_s`: of the fresh pairs.

    `window`: how many of the user's last items an event is counted as following. `row_pairs`: neighbours kept
    per item; `max_pairs`: of all items together, which bounds memory (24 bytes a pair, as they come). What an
    action adds stands in its meaning (`actions.NAME.counts`).
    How much one user may move (`streams.counters.shares`). `repeats`: how often in an hour the same action of
    a user on the same item counts. `user_day`: so many of a user's events count in full, of late; beyond, all
    of them together about as much in a day. `choosy`: who chooses more than half of what they are shown
    counts less.
    """

    half_lives_s: tuple[HalfLife, HalfLife, HalfLife] = (86_400.0, 7 * 86_400.0, 60 * 86_400.0)
    pair_half_life_s: HalfLife = 14 * 86_400.0
    window: Annotated[int, Meta(gt=0, le=50)] = 10
    row_pairs: Annotated[int, Meta(ge=16)] = 1024
    max_pairs: Annotated[int, Meta(ge=1024)] = 4_000_000
    repeats: Annotated[int, Meta(ge=1)] = 3
    user_day: Annotated[float, Meta(ge=1)] = 1_000.0
    choosy: bool = True
