"""The whole tree of settings, frozen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from model.actions import ActionName, code_of
from model.errors import SettingsError
from model.tasks import ALWAYS, Task, meant, ordered
from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
from streams.experiments.declared.experiment import ExperimentSettings, Name
from streams.experiments.metric import Metric
from streams.experiments.metrics import MetricName, MetricSettings, known_metrics
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.settings import LearningSettings
from streams.settings.bounds import Namespace
from streams.settings.connections import (
    DEFAULT_NAMESPACE,
    DerivedPrefix,
    KafkaSettings,
    RedisSettings,
    kafka_prefix,
    redis_prefix,
)
from streams.settings.exploration import ExplorationSettings
from streams.settings.live import LiveSettings
from streams.settings.models import ExampleSettings, ModelSettings, RenewalSettings
from streams.settings.processes import GatewaySettings, WorkerSettings
from streams.settings.ranker import RankerSettings
from streams.settings.ranking import (
    AdaptationSettings,
    ArmSettings,
    CandidateSettings,
    FeedSettings,
    GraphSettings,
    IndexSettings,
    LadderSettings,
    RescoringSettings,
)
from streams.settings.search import SearchSettings
from streams.settings.stages import StageSettings, overridden
from streams.settings.tracing import TracingSettings
from streams.state.action_meaning import ActionSettings, Meanings, RatingSettings, built_in
from streams.state.user_state import StateSettings

ArmName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*\Z", max_length=64)]
DEFAULT_ARM = "default"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree; `seed` feeds everything that draws at random. `actions`: what each action means, the
    built-in ones and an app's own, by name.

    `namespace`: deployments with different ones share a Kafka and a Redis and see nothing of each other.
    `kafka.prefix` and `redis.prefix` follow it where they are not set. `arms`: by name, what is different for
    some of the requests. `experiments`: by name, which users get which of several arms. `metrics`: the app's
    own, by name, beside those that are built in.

    >>> Settings(namespace="shop").kafka.prefix, Settings(namespace="shop").redis.prefix
    ('shop.', 'shop:')
    """

    namespace: Namespace = DEFAULT_NAMESPACE
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    events: EventLimits = EventLimits()
    actions: dict[ActionName, ActionSettings] = msgspec.field(default_factory=built_in)
    ratings: RatingSettings = RatingSettings()
    state: StateSettings = StateSettings()
    counters: CounterSettings = CounterSettings()
    learning: LearningSettings = LearningSettings()
    candidates: CandidateSettings = CandidateSettings()
    index: IndexSettings = IndexSettings()
    rescoring: RescoringSettings = RescoringSettings()
    reweighting: ReweightingSettings = ReweightingSettings()
    feed: FeedSettings = FeedSettings()
    exploration: ExplorationSettings = ExplorationSettings()
    arms: dict[ArmName, ArmSettings] = {}
    experiments: dict[Name, ExperimentSettings] = {}
    metrics: dict[MetricName, MetricSettings] = {}
    ladder: LadderSettings = LadderSettings()
    model: ModelSettings = ModelSettings()
    graph: GraphSettings = GraphSettings()
    worker: WorkerSettings = WorkerSettings()
    examples: ExampleSettings = ExampleSettings()
    renewal: RenewalSettings = RenewalSettings()
    gateway: GatewaySettings = GatewaySettings()
    live: LiveSettings = LiveSettings()
    search: SearchSettings = SearchSettings()
    ranker: RankerSettings = RankerSettings()
    tracing: TracingSettings = TracingSettings()
    seed: int = 7

    def __post_init__(self) -> None:
        sections = (("kafka", self.kafka, kafka_prefix), ("redis", self.redis, redis_prefix))
        for name, section, derive in sections:
            if isinstance(section.prefix, DerivedPrefix):
                followed = msgspec.structs.replace(section, prefix=derive(self.namespace))
                msgspec.structs.force_setattr(self, name, followed)
        check_actions(self)
        try:
            known_metrics(self.metrics, self.meanings)
        except SettingsError as error:
            raise ValueError(str(error)) from None
        if self.kafka.partitions % self.redis.shards:
            raise ValueError(
                f"redis.shards is {self.redis.shards}, kafka.partitions {self.kafka.partitions}: the first"
                " must divide the second, so that a partition is of one shard"
            )

    @property
    def meanings(self) -> Meanings:
        """What actions mean, as tables."""
        return Meanings(self.actions, self.ratings, self.feed.repeat)

    @property
    def known_metrics(self) -> dict[str, Metric]:
        """What experiments may measure, by name."""
        return known_metrics(self.metrics, self.meanings)

    @property
    def tasks(self) -> dict[str, Task]:
        """The model's tasks, click and rating first, with the negatives that the actions say."""
        meant_by = self.meanings
        return meant(
            ordered(self.model.tasks),
            meant_by.saying("positive") if meant_by.saying("neither") else (),
            meant_by.saying("negative"),
            self.ratings.negative_to,
        )

    @property
    def stages(self) -> StageSettings:
        """What the stages go by where no arm says otherwise."""
        adaptation = AdaptationSettings(self.reweighting.enabled)
        return StageSettings(self.candidates, self.rescoring, adaptation, self.feed, self.exploration)

    def stages_of(self, arm: str) -> StageSettings:
        """The stage settings of an arm; `SettingsError` where it is unknown or overrides what isn't there.

        An arm may weigh the tasks of `model.tasks` and those that `feed.task_weights` names already.
        """
        if arm == DEFAULT_ARM:
            return self.stages
        if arm not in self.arms:
            known = ", ".join([DEFAULT_ARM, *self.arms])
            raise SettingsError(f"arm {arm!r} is not declared; expected one of {known}: add [arms.{arm}]")
        return self.stages_with(self.arms[arm].stages, f"settings: arms.{arm}.stages")

    def stages_with(self, tree: Mapping[str, Any], where: str) -> StageSettings:
        """The stage settings with those of `tree`; `SettingsError`, which begins with `where`, for what isn't
        there.
        """
        stages = overridden(self.stages, tree, where)
        if isinstance(stages.feed.repeat, tuple):
            known_actions = {**built_in(), **self.actions}
            if unknown := [name for name in stages.feed.repeat if name not in known_actions]:
                raise SettingsError(
                    f"{where}: feed.repeat names {', '.join(unknown)}; expected some of"
                    f" {', '.join(known_actions)}: add [actions.{unknown[0]}]"
                )
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


def check_actions(settings: Settings) -> None:
    """Raises `ValueError` where names of actions don't fit together."""
    names = {**built_in(), **settings.actions}
    by_code: dict[int, str] = {}
    for name, action in names.items():
        other = by_code.setdefault(code_of(name), name)
        if other != name:
            raise ValueError(
                f"actions.{name} and actions.{other} would be stored under one code; give one of them another"
                f" name, as {free_name(name, by_code)!r}"
            )
        if action.least is not None and action.value == "none":
            raise ValueError(
                f'actions.{name}: least without a value; say value = "seconds", "share" or "money"'
            )
    named = {f"actions.{name}.less": [each.less] for name, each in names.items()}
    for task, each in settings.model.tasks.items():
        named[f"model.tasks.{task}"] = [*each.actions, *(each.negatives or ())]
    if not isinstance(settings.feed.repeat, bool):
        named["feed.repeat"] = [*settings.feed.repeat]
    for where, said in named.items():
        unknown = [name for name in said if name not in names]
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)}: no such action, at `$.{where}`; expected some of {', '.join(names)}; "
                f"one of the app's own must be declared: [actions.{unknown[0]}]"
            )


def free_name(name: str, taken: Collection[int]) -> str:
    """A name like this one whose code is not among those taken."""
    return next(other for k in range(2, 1_000) if code_of(other := f"{name[:28]}_{k}") not in taken)
