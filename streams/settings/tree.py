"""The whole tree of settings, frozen."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
from streams.settings.sections import (
    DEFAULT_NAMESPACE,
    ArmSettings,
    CandidateSettings,
    DerivedPrefix,
    ExampleSettings,
    FeedSettings,
    GatewaySettings,
    GraphSettings,
    KafkaSettings,
    LadderSettings,
    ModelSettings,
    Namespace,
    RedisSettings,
    RenewalSettings,
    WorkerSettings,
    kafka_prefix,
    redis_prefix,
)
from streams.state.user_state import StateSettings


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree; `seed` feeds everything that draws at random.

    `namespace`: deployments with different ones share a Kafka and a Redis and see nothing of each other.
    `kafka.prefix` and `redis.prefix` follow it where they are not set. `arms`: by name, what is different for
    some of the requests.

    >>> Settings(namespace="shop").kafka.prefix, Settings(namespace="shop").redis.prefix
    ('shop.', 'shop:')
    """

    namespace: Namespace = DEFAULT_NAMESPACE
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    events: EventLimits = EventLimits()
    state: StateSettings = StateSettings()
    counters: CounterSettings = CounterSettings()
    candidates: CandidateSettings = CandidateSettings()
    feed: FeedSettings = FeedSettings()
    ladder: LadderSettings = LadderSettings()
    model: ModelSettings = ModelSettings()
    graph: GraphSettings = GraphSettings()
    worker: WorkerSettings = WorkerSettings()
    examples: ExampleSettings = ExampleSettings()
    renewal: RenewalSettings = RenewalSettings()
    gateway: GatewaySettings = GatewaySettings()
    arms: dict[str, ArmSettings] = msgspec.field(default_factory=dict)
    seed: int = 7

    def __post_init__(self) -> None:
        sections = (("kafka", self.kafka, kafka_prefix), ("redis", self.redis, redis_prefix))
        for name, section, derive in sections:
            if isinstance(section.prefix, DerivedPrefix):
                followed = msgspec.structs.replace(section, prefix=derive(self.namespace))
                msgspec.structs.force_setattr(self, name, followed)


def written(settings: Settings) -> dict[str, Any]:
    """The settings as plain values, from which they are read again. What follows from others is left out."""
    tree: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    for name, section in (("kafka", settings.kafka), ("redis", settings.redis)):
        if isinstance(section.prefix, DerivedPrefix):
            del tree[name]["prefix"]
    return tree
