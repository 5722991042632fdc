"""The whole tree of settings, frozen."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from model.errors import SettingsError
from model.tasks import ALWAYS
from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
from streams.learning.settings import LearningSettings
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
    RescoringSettings,
    WorkerSettings,
    kafka_prefix,
    redis_prefix,
)
from streams.settings.stages import StageSettings, overridden
from streams.state.user_state import StateSettings

ArmName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*\Z", max_length=64)]
DEFAULT_ARM = "default"


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
    learning: LearningSettings = LearningSettings()
    candidates: CandidateSettings = CandidateSettings()
    rescoring: RescoringSettings = RescoringSettings()
    feed: FeedSettings = FeedSettings()
    arms: dict[ArmName, ArmSettings] = {}
    ladder: LadderSettings = LadderSettings()
    model: ModelSettings = ModelSettings()
    graph: GraphSettings = GraphSettings()
    worker: WorkerSettings = WorkerSettings()
    examples: ExampleSettings = ExampleSettings()
    renewal: RenewalSettings = RenewalSettings()
    gateway: GatewaySettings = GatewaySettings()
    seed: int = 7

    def __post_init__(self) -> None:
        sections = (("kafka", self.kafka, kafka_prefix), ("redis", self.redis, redis_prefix))
        for name, section, derive in sections:
            if isinstance(section.prefix, DerivedPrefix):
                followed = msgspec.structs.replace(section, prefix=derive(self.namespace))
                msgspec.structs.force_setattr(self, name, followed)

    @property
    def stages(self) -> StageSettings:
        """What the stages go by where no arm says otherwise."""
        return StageSettings(self.candidates, self.rescoring, self.feed)

    def stages_of(self, arm: str) -> StageSettings:
        """The stage settings of an arm; `SettingsError` where it is unknown or overrides what isn't there.

        An arm may weigh the tasks of `model.tasks` and those that `feed.task_weights` names already.
        """
        if arm == DEFAULT_ARM:
            return self.stages
        if arm not in self.arms:
            known = ", ".join([DEFAULT_ARM, *self.arms])
            raise SettingsError(f"arm {arm!r} is not declared; expected one of {known}: add [arms.{arm}]")
        where = f"settings: arms.{arm}.stages"
        stages = overridden(self.stages, self.arms[arm].stages, where)
        tasks = ({*self.model.tasks} - {*ALWAYS}) | {*self.feed.task_weights}
        if unknown := [name for name in stages.feed.task_weights if name not in tasks]:
            raise SettingsError(
                f"{where}: feed.task_weights names {', '.join(unknown)}; expected some of"
                f" {', '.join(sorted(tasks)) or '(none)'}, the tasks besides {' and '.join(ALWAYS)}:"
                f" add [model.tasks.{unknown[0]}]"
            )
        return stages

    def model_of(self, arm: str) -> str:
        """The model that an arm names; "" for the active one."""
        return self.arms[arm].model if arm in self.arms else ""


def written(settings: Settings) -> dict[str, Any]:
    """The settings as plain values, from which they are read again. What follows from others is left out."""
    tree: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    for name, section in (("kafka", settings.kafka), ("redis", settings.redis)):
        if isinstance(section.prefix, DerivedPrefix):
            del tree[name]["prefix"]
    return tree
