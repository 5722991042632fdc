"""The whole tree of settings, frozen."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from model.errors import SettingsError
from model.tasks import ALWAYS
from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
from streams.settings.sections import (
    ArmSettings,
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
    RescoringSettings,
    WorkerSettings,
)
from streams.settings.stages import StageSettings, overridden
from streams.state.user_state import StateSettings

ArmName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*\Z", max_length=64)]
DEFAULT_ARM = "default"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree; `seed` feeds everything that draws at random."""

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    events: EventLimits = EventLimits()
    state: StateSettings = StateSettings()
    counters: CounterSettings = CounterSettings()
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
