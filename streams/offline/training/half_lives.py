"""Half-lives that fit a stream: a shop's day is not a cinema's."""

from __future__ import annotations

import msgspec

from streams.counters.settings import CounterSettings
from streams.datasets.interactions import Interactions
from streams.settings.tree import Settings

PACE_OF_LAST = 0.2
HALF_LIVES_EVENTS = (500.0, 5_000.0, 50_000.0)
PAIR_HALF_LIFE_EVENTS = 20_000.0
FRESH_HALF_LIFE_EVENTS = 2_000.0


def adapted(settings: Settings, stream: Interactions, until: int) -> Settings:
    """Settings whose half-lives last a number of events at the pace of the stream's last fifth.

    The pace of the whole past fits only a steady stream; a growing store is faster now than ever before.

    Half-lives that a user has set stay.
    """
    begin = int(until * (1.0 - PACE_OF_LAST))
    span_s = float(stream.ts_ms[until - 1] - stream.ts_ms[begin]) / 1_000.0
    own, usual = settings.counters, CounterSettings()
    told = own.half_lives_s != usual.half_lives_s or own.pair_half_life_s != usual.pair_half_life_s
    if told or span_s <= 0:
        return settings
    pace = span_s / (until - begin)
    short, mid, long = (pace * events for events in HALF_LIVES_EVENTS)
    counters = msgspec.structs.replace(
        settings.counters, half_lives_s=(short, mid, long), pair_half_life_s=pace * PAIR_HALF_LIFE_EVENTS
    )
    candidates = msgspec.structs.replace(settings.candidates, fresh_half_life_s=pace * FRESH_HALF_LIFE_EVENTS)
    return msgspec.structs.replace(settings, counters=counters, candidates=candidates)
