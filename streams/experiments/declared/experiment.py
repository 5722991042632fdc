"""One experiment as it is declared, in the settings file or over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from streams.experiments.declared.adaptive import AdaptiveSettings

NAME = r"^[a-z0-9][a-z0-9_-]*\Z"
Name = Annotated[str, Meta(pattern=NAME, max_length=32)]
Text = Annotated[str, Meta(min_length=1, max_length=1_000)]
Metric = Annotated[str, Meta(min_length=1, max_length=64)]
Moment = Annotated[datetime, Meta(tz=True)]
TOGETHER = "+"
"""Between the arms of an interleaved slate: `ranking=plain+bold`, control's first."""
PREFERENCE = "preference"
"""The metric of interleaved experiments."""
METRICS_MOST = 10
"""So many metrics an experiment may name."""
Part = Annotated[float, Meta(ge=0.0001, le=1)]

SEGMENTS: dict[str, tuple[int, int]] = {"new": (0, 5), "light": (5, 50), "heavy": (50, 2**62)}
"""Of users, by how often they have acted: from the first number on, below the second."""


class ExperimentArm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to make slates. `weight`: its part of the experiment's users is its weight by the sum of all.

    `model`: the registered model that scores its slates; "" for the active one. `stages`: what differs from
    the sections `candidates`, `rescoring`, `reweighting`, `feed` and `exploration`, as in `[arms.NAME]`.
    """

    weight: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    model: Annotated[str, Meta(max_length=128)] = ""
    stages: dict[str, Any] = msgspec.field(default_factory=dict)


class Guardrail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`worst`: the relative change of the metric against control that stops an arm: -0.02 where 2% less is
    too much less, 0.1 where 10% more is too much more.
    """

    metric: Metric
    worst: Annotated[float, Meta(gt=-1, le=100)]


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose slates take part; what is empty asks for nothing. `profile`: a user's field must have one of
    these values. `segments`: names of `SEGMENTS`. `surfaces`: where the slate is to be shown.
    """

    profile: dict[str, Annotated[tuple[str, ...], Meta(min_length=1, max_length=1_000)]] = msgspec.field(
        default_factory=dict
    )
    segments: tuple[Literal["new", "light", "heavy"], ...] = ()
    surfaces: tuple[str, ...] = ()


class ExperimentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unit`: who keeps an arm, a user or a session. `layer`: experiments of one layer share its users out
    among them, layers are independent of each other; "" for a layer of the experiment's own, under its name.
    `share`: the part of the layer's users that takes part. `holdout`: the part of the layer that gets no
    experiment; the same in all experiments of a layer.

    `control`: the arm that the others are compared with. `testers`: the arm of users who are no part of the
    draw. `starts`, `ends`: between these times alone; none for as long as it runs.

    `primary`: the metric that decides; `secondary`: others that are read beside it. `users`: how many are
    expected to take part; `minimum_effect`: the smallest relative change that matters. `alpha`: the error
    that all looks together may make. `window_days`: of each user, so many days count from their first slate
    on; none for all. `reading`: at any time, or ("group") at `looks` times that the expected users say.
    `design`: users are drawn to arms, or ("interleaved") each user's slates are drafted of the orders of both
    arms, and their clicks are votes. `trigger`: whose slates count: "none" for all users, "slate" for those
    whose slate differs between arms. `allocation`: weights as declared, or ("adaptive") moved to the arms
    that do better, as `adaptive` says.
    """

    hypothesis: Text
    arms: dict[Name, ExperimentArm]
    control: Name
    primary: Metric
    users: Annotated[int, Meta(ge=1, le=10**10)]
    minimum_effect: Annotated[float, Meta(gt=0, le=100)]
    unit: Literal["user", "session"] = "user"
    layer: Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9_-]*)?\Z", max_length=32)] = ""
    share: Part = 1.0
    holdout: Annotated[float, Meta(ge=0, le=0.9)] = 0.0
    target: Target = msgspec.field(default_factory=Target)
    testers: dict[Annotated[str, Meta(min_length=1, max_length=128)], Name] = msgspec.field(
        default_factory=dict
    )
    starts: Moment | None = None
    ends: Moment | None = None
    secondary: Annotated[tuple[Metric, ...], Meta(max_length=METRICS_MOST - 1)] = ()
    guardrails: tuple[Guardrail, ...] = ()
    alpha: Annotated[float, Meta(gt=0, le=0.5)] = 0.05
    window_days: Annotated[float, Meta(gt=0, le=365)] | None = None
    reading: Literal["sequential", "group"] = "sequential"
    looks: Annotated[int, Meta(ge=0, le=1_000)] = 0
    trigger: Literal["none", "slate"] = "none"
    allocation: Literal["fixed", "adaptive"] = "fixed"
    adaptive: AdaptiveSettings = AdaptiveSettings()
    design: Literal["arms", "interleaved"] = "arms"

    @property
    def adapts(self) -> bool:
        """Whether its weights move by themselves."""
        return self.allocation == "adaptive"

    @property
    def starts_ms(self) -> int:
        """From when on, in ms since the epoch."""
        return -1 if self.starts is None else round(1_000 * self.starts.timestamp())

    @property
    def ends_ms(self) -> int:
        """Up to when, in ms since the epoch."""
        return 2**62 if self.ends is None else round(1_000 * self.ends.timestamp())

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that it names, the primary one first."""
        guarded = (each.metric for each in self.guardrails)
        return tuple(dict.fromkeys((self.primary, *guarded, *self.secondary)))

    @property
    def interleaved(self) -> bool:
        """Whether slates are made of the orders of both arms."""
        return self.design == "interleaved"

    @property
    def other(self) -> str:
        """Of an interleaved experiment, the arm that is not control."""
        return next(arm for arm in self.arms if arm != self.control)

    @property
    def weights(self) -> dict[str, float]:
        """What users are drawn to: each arm, as declared; of an interleaved experiment, both together."""
        if self.interleaved:
            return {f"{self.control}{TOGETHER}{self.other}": 1.0}
        return {arm: each.weight for arm, each in self.arms.items()}

    def sides(self, arm: str) -> tuple[str, ...]:
        """The arms that make a slate of `arm`, which is one of them, or what users are drawn to; none for any
        other.
        """
        if self.interleaved and arm in self.weights:
            return self.control, self.other
        return (arm,) if arm in self.arms else ()

    def layer_of(self, name: str) -> str:
        """The layer that it is of, where it has this name."""
        return self.layer or name
