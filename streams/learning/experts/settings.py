"""What learns from lessons, and within which bounds."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

ExpertName = Annotated[str, Meta(pattern=r"^(frozen|kalman:[0-9.]+|river:[A-Za-z_][A-Za-z0-9_.]*)\Z")]
Unit = Annotated[float, Meta(ge=0, le=1)]

DEFAULT_EXPERTS = ("frozen", "kalman:1", "kalman:0.9995", "kalman:0.995")


class ReweightingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Online adaptive reweighting.

    `experts`: "frozen" (the order that the model gives, always among them), "kalman:DISCOUNT" (a linear
    model; of what it knew before a lesson it keeps the part DISCOUNT) and "river:PATH" (a classifier of
    river's by its path, as in "river:linear_model.LogisticRegression").
    `signals`: the columns that experts read, besides `base`; () for those of `signals.DEFAULT_SIGNALS`.
    `share`: of its weight, that an expert gives to all of them after each choice. `prior_variance`: of a
    weight before any lesson. `step_max`: a weight moves so far at most in one choice. `loss_max`: an expert
    falls behind the best one by so many nats at most in one choice. `surprise_nats`: a choice that is less
    likely than a random one by more than this counts less. `silence`: what a slate without an answer counts,
    as a part of a choice. `eta`: place r is taken to be looked at in proportion to r ** -eta.
    """

    experts: tuple[ExpertName, ...] = DEFAULT_EXPERTS
    signals: tuple[str, ...] = ()
    share: Annotated[float, Meta(ge=0, lt=1)] = 0.002
    prior_variance: Annotated[float, Meta(gt=0, le=100)] = 0.1
    step_max: Annotated[float, Meta(gt=0, le=100)] = 0.5
    loss_max: Annotated[float, Meta(gt=0, le=100)] = 3.0
    surprise_nats: Annotated[float, Meta(gt=0, le=100)] = 1.0
    silence: Unit = 0.1
    eta: Annotated[float, Meta(ge=0, le=4)] = 0.5

    def __post_init__(self) -> None:
        if self.experts[:1] != ("frozen",):
            raise ValueError('experts must begin with "frozen", which is what the system falls back to')
        if len(set(self.experts)) < len(self.experts):
            raise ValueError("experts: each may be named once")
        for name in self.experts:
            kind, _, told = name.partition(":")
            if kind == "kalman" and not 0.5 <= _number(told) <= 1:
                raise ValueError(f"expert {name!r}: expected a discount from 0.5 to 1, as in 'kalman:0.995'")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
