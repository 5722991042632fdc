"""The whole tree of settings, frozen."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from model.actions import ActionName, code_of
from model.tasks import Task, meant, ordered
from streams.counters.settings import CounterSettings
from streams.events.schema import EventLimits
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
from streams.state.action_meaning import ActionSettings, Meanings, RatingSettings, built_in
from streams.state.user_state import StateSettings


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree; `seed` feeds everything that draws at random. `actions`: what each action means, the
    built-in ones and an app's own, by name.
    """

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    events: EventLimits = EventLimits()
    actions: dict[ActionName, ActionSettings] = msgspec.field(default_factory=built_in)
    ratings: RatingSettings = RatingSettings()
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
    seed: int = 7

    def __post_init__(self) -> None:
        check_actions(self)

    @property
    def meanings(self) -> Meanings:
        """What actions mean, as tables."""
        return Meanings(self.actions, self.ratings, self.feed.repeat)

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
