"""Every combination of design, allocation, trigger, unit and reading is refused, or goes all the way."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from streams.experiments.arm_sums import ArmSums
from streams.experiments.declared.refusal import DeclarationError
from streams.experiments.interleaving.votes import Votes
from streams.experiments.metrics import known_metrics, plain_sums
from streams.experiments.readings.reading import reading
from streams.experiments.registry import changes
from streams.experiments.registry.measuring import measured_of
from streams.experiments.registry.planned import plan_of
from streams.ranking.arm_plans import ArmPlans
from streams.ranking.pipeline import source_names
from streams.serving.experiment_readings import VotesCourse
from streams.settings.tree import Settings
from tests.streams.experiments.declarations import raw, running

KNOWN = known_metrics({}, Settings().meanings)
ARMS = {"plain": {}, "new": {"stages": {"feed": {"size": 5}}}}
ALL = list(
    product(
        ("arms", "interleaved"),
        ("fixed", "adaptive"),
        ("none", "slate"),
        ("user", "session"),
        ("sequential", "group"),
    )
)


def declared(design: str, allocation: str, trigger: str, unit: str, how: str) -> dict[str, Any]:
    primary = "preference" if design == "interleaved" else "click_through"
    return raw(
        ARMS, design=design, allocation=allocation, trigger=trigger, unit=unit, reading=how,
        looks=5 if how == "group" else 0, primary=primary,
    )  # fmt: skip


def works(combination: tuple[str, ...]) -> bool:
    """False where it is refused."""
    try:
        registry = running(now_ms=5, e=declared(*combination))
    except DeclarationError:
        return False
    plans = ArmPlans(Settings(), source_names())
    plans.run(registry)
    texts = {plans.assignment.arms(f"u{n}") for n in range(40)}
    for text in texts:
        assert (plans.of(text, "full").against is None) == ("+" not in text)
    measured = measured_of(registry, KNOWN).experiments["e"]
    assert {text.removeprefix("e=") for text in texts} == measured.arms
    each = registry.experiments["e"]
    plan = plan_of(each)
    if plan is None:
        assert VotesCourse(each.declared, [(7, Votes(0, 0, 0))]).read().state == "open"
    else:
        empty: dict[tuple[str, str], ArmSums] = plain_sums({}, KNOWN.values())
        assert reading(plan, empty).primary[0].state == "early"
    stopped = changes.stopped(registry, "e", 9).registry
    gone = measured_of(changes.removed(stopped, "e").registry, KNOWN)
    assert gone.over == measured_of(stopped, KNOWN).over == {measured.key}
    return True


@pytest.mark.parametrize("design", ["arms", "interleaved"])
def test_each_is_refused_or_works(design: str) -> None:
    found = [each for each in ALL if each[0] == design and works(each)]
    if design == "interleaved":
        assert found == [("interleaved", "fixed", "none", "user", "sequential")]
    else:
        fixed = [each for each in ALL if each[:2] == ("arms", "fixed")]
        adaptive = [("arms", "adaptive", trigger, "user", "sequential") for trigger in ("none", "slate")]
        assert found == fixed + adaptive
