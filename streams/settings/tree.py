"""The whole tree of settings, frozen."""

from __future__ import annotations

import msgspec

from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
from streams.learning.settings import LearningSettings
from streams.settings.sections import (
    CandidateSettings,
    ExampleSettings,
    FeedSettings,
    GatewaySettings,
    GraphSettings,
    KafkaSettings,
    LadderSettings,
    ModelSettings,
    RedisSettings,
    RenewalSettings,
    WorkerSettings,
)
from streams.state.user_state import StateSettings


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree; `seed` feeds everything that draws at random."""

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    events: EventLimits = EventLimits()
    state: StateSettings = StateSettings()
    counters: CounterSettings = CounterSettings()
    learning: LearningSettings = LearningSettings()
    candidates: CandidateSettings = CandidateSettings()
    feed: FeedSettings = FeedSettings()
    ladder: LadderSettings = LadderSettings()
    model: ModelSettings = ModelSettings()
    graph: GraphSettings = GraphSettings()
    worker: WorkerSettings = WorkerSettings()
    examples: ExampleSettings = ExampleSettings()
    renewal: RenewalSettings = RenewalSettings()
    gateway: GatewaySettings = GatewaySettings()
    seed: int = 7
