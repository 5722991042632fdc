"""How long lists wait for their answers, as the stream itself shows it, and room for their features."""

from __future__ import annotations

import msgspec
import numpy as np

from streams.datasets.interactions import Interactions
from streams.learning.settings import LearningSettings
from streams.settings.tree import Settings

SHORTEST_S = 60.0
COVERED = 0.99
COLUMNS_MOST = 128
"""So many columns' room a place is given."""


def fitting_wait(settings: Settings, stream: Interactions, until: int) -> Settings:
    """Settings whose lists wait as long as `COVERED` of the clicks of the first `until` events took, and
    `SHORTEST_S` at least: what is learned late is of less use. Learning settings that a user has set stay.
    """
    if settings.learning != LearningSettings() or stream.shown is None or stream.slate is None:
        return settings
    shown_ms = {slate.slate_id: slate.ts_ms for slates in stream.shown[:until] for slate in slates}
    delays = [
        int(stream.ts_ms[k]) - shown_ms[slate_id]
        for k, slate_id in enumerate(stream.slate[:until])
        if slate_id in shown_ms
    ]
    if not delays:
        return settings
    wait_s = max(SHORTEST_S, float(np.quantile(delays, COVERED)) / 1_000.0)
    learning = msgspec.structs.replace(settings.learning, wait_s=min(wait_s, settings.learning.wait_s))
    return msgspec.structs.replace(settings, learning=learning)


def roomy(settings: Settings, stream: Interactions) -> Settings:
    """With room for the features of every place of the lists, which may be longer than a feed: a worker keeps
    them of `state.pending_items` places.
    """
    longest = max((len(slate.items) for slates in stream.shown or () for slate in slates), default=0)
    state = msgspec.structs.replace(settings.state, pending_items=max(settings.state.pending_items, longest))
    needed = state.pending_slates * (1_024 + 2 * COLUMNS_MOST * longest)
    learning = msgspec.structs.replace(
        settings.learning, user_bytes=min(1_048_576, max(settings.learning.user_bytes, needed))
    )
    return msgspec.structs.replace(settings, state=state, learning=learning)
