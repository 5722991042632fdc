"""The settings of network and training are checked when they are read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from model.plan import NetworkPlan, TrainPlan


def test_the_defaults_are_plans() -> None:
    for plan in (NetworkPlan(), TrainPlan()):
        assert msgspec.convert(msgspec.to_builtins(plan), type(plan)) == plan


@pytest.mark.parametrize(
    ("kind", "values", "named"),
    [
        (NetworkPlan, {"width": 32, "heads": 5}, "not a multiple of heads 5"),
        (NetworkPlan, {"fusion": "magic"}, "fusion"),
        (NetworkPlan, {"encoder": "magic"}, "encoder"),
        (NetworkPlan, {"forget_id": 1.0}, "forget_id"),
        (NetworkPlan, {"id_buckets": -1}, "id_buckets"),
        (NetworkPlan, {"wdith": 1}, "wdith"),
        (TrainPlan, {"epochs": 0}, "epochs"),
        (TrainPlan, {"learning_rate": 0}, "learning_rate"),
        (TrainPlan, {"weighting": "magic"}, "weighting"),
        (TrainPlan, {"diversity": -1.0}, "diversity"),
        (TrainPlan, {"validate": 1.0}, "validate"),
    ],
)
def test_what_is_out_of_range_is_named(kind: Any, values: dict[str, object], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.convert(values, kind)
