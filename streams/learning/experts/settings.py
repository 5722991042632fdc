"""What learns from lessons, and within which bounds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ExpertName = Annotated[str, Meta(pattern=r"^(frozen|kalman:[0-9.]+|river:[A-Za-z_][A-Za-z0-9_.]*)\Z")]
LevelKind = Literal["arm", "segment"]
SegmentPart = Annotated[str, Meta(min_length=1, max_length=128)]
ExperimentName = Annotated[str, Meta(min_length=1, max_length=32)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Eta = Annotated[float, Meta(ge=0, le=4)]
Hourly = Annotated[int, Meta(gt=0, le=60_000)]

DEFAULT_EXPERTS = ("frozen", "kalman:1", "kalman:0.995")


class ReweightingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Online adaptive reweighting.

    `enabled`: what was learned moves the scores of slates; an arm may say otherwise.
    `experts`: "frozen" (the order that the model gives, always the first), "kalman:DISCOUNT" (a linear model;
    of what it knew before a lesson it keeps the part DISCOUNT) and "river:PATH" (a classifier of river's by
    its path, as in "river:linear_model.LogisticRegression").
    `signals`: the columns that experts read, besides `base`; () for those of `signals.DEFAULT_SIGNALS`.
    `levels`: what has mixtures of its own besides the global one, `levels_max` of each kind. `arms_of`: the
    experiments whose arms have them; () for those of the settings whose arms differ in scores. `segment_by`:
    what makes a segment: "surface", "activity" (how much the user did, see `segments`), a field of the
    profile ("country", or "profile.country"), or several of them together.
    `share`: of its weight, that an expert gives to all of them after each choice. `prior_variance`: of a
    weight before any lesson. `step_max`: a weight moves so far at most in one choice. `loss_max`: an expert
    falls behind the best one by so many nats at most in one choice. `surprise_nats`: a choice that is less
    likely than a random one by more than this counts less. `silence`: what a slate without an answer counts,
    as a part of a choice.
    `eta`: place r is taken to be looked at in proportion to r ** -eta, until enough is known (`harvest`: that
    is estimated where items move between places). `doubts`: what eta may be in truth, too: the guard lets in
    what is better under each of these curves as well, and gives up what is worse under any.
    `per_user_hour`: lessons of a user that teach in an hour, and `times_busy` as many as a busy user's (see
    `caps`); `per_item_hour`: choices of an item.
    `guard_alpha`: how likely the guard may let an adapted order in that is not better, or, under one curve,
    switch one off that is not worse; 0 for no guard, and then the adapted order is served from the first
    lesson on. `trial`: of this part of the slates the places are drafted of the frozen and the adapted order,
    so the guard also goes by which of them brings what is chosen, whatever the curve; of a third as many
    once the adapted order is in force; 0 for none. `drift`:
    detectors of river's that mark changes of the loss; () for none.
    """

    enabled: bool = True
    experts: tuple[ExpertName, ...] = DEFAULT_EXPERTS
    signals: tuple[str, ...] = ()
    levels: tuple[LevelKind, ...] = ("arm", "segment")
    levels_max: Annotated[int, Meta(gt=0, le=1_000)] = 16
    arms_of: Annotated[tuple[ExperimentName, ...], Meta(max_length=8)] = ()
    segment_by: Annotated[tuple[SegmentPart, ...], Meta(min_length=1, max_length=8)] = ("surface",)
    share: Annotated[float, Meta(ge=0, lt=1)] = 0.002
    prior_variance: Annotated[float, Meta(gt=0, le=100)] = 0.1
    step_max: Annotated[float, Meta(gt=0, le=100)] = 0.5
    loss_max: Annotated[float, Meta(gt=0, le=100)] = 3.0
    surprise_nats: Annotated[float, Meta(gt=0, le=100)] = 1.0
    silence: Unit = 0.1
    eta: Eta = 0.0
    doubts: tuple[Eta, ...] = (0.5, 1.0)
    harvest: bool = False
    per_user_hour: Hourly = 120
    times_busy: Annotated[float, Meta(ge=1, le=60_000)] = 2.0
    per_item_hour: Hourly = 1_000
    guard_alpha: Annotated[float, Meta(ge=0, lt=0.5)] = 0.01
    trial: Annotated[float, Meta(ge=0, le=0.5)] = 0.3
    drift: tuple[str, ...] = ("ADWIN", "PageHinkley")

    def __post_init__(self) -> None:
        if self.experts[:1] != ("frozen",):
            raise ValueError('experts must begin with "frozen", which is what the system falls back to')
        if len(set(self.experts)) < len(self.experts):
            raise ValueError("experts: each may be named once")
        if len({part.removeprefix("profile.") for part in self.segment_by}) < len(self.segment_by):
            raise ValueError("segment_by: each may be named once")
        for name in self.experts:
            kind, _, told = name.partition(":")
            if kind == "kalman" and not 0.5 <= _number(told) <= 1:
                raise ValueError(f"expert {name!r}: expected a discount from 0.5 to 1, as in 'kalman:0.995'")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
