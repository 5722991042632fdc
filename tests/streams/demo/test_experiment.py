from __future__ import annotations

import numpy as np
import pytest

from streams.clock import ManualClock
from streams.demo import experiment
from streams.demo.tally import MODEL, POPULAR
from streams.experiments.arm_sums import arm_sums
from streams.experiments.readings.reading import Reading, reading
from streams.experiments.readings.tracks import Sums
from streams.experiments.registry.planned import plan_of
from streams.ranking.arm_plans import ArmPlans
from streams.ranking.pipeline import source_names
from streams.serving.declaring import check_declaration
from streams.serving.experiment_registry import audit, read_registry
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.memory import MemoryStore

NOW_MS = 1_763_934_000_000


async def test_it_is_declared_and_started_as_any_other() -> None:
    store = MemoryStore()
    check_declaration(Settings(), experiment.NAME, experiment.EXPERIMENT)
    registry = await experiment.start(store, ManualClock(NOW_MS))
    assert registry == await read_registry(store)
    assert registry.experiments[experiment.NAME].standing(NOW_MS) == "running"
    found = await audit(store)
    assert [each.action for each in found.entries] == ["declare", "start"]
    assert found.verdict.whole


async def test_users_are_halved_and_the_arms_differ() -> None:
    plans = ArmPlans(Settings(), source_names())
    plans.run(await experiment.start(MemoryStore(), ManualClock(NOW_MS)))
    profiles = {f"u{number}": {"gender": "FM"[number % 2]} for number in range(4_000)}
    arm_of = experiment.drawn_by(plans.assignment.arms, profiles)
    arms = [arm_of(user) for user in profiles]
    assert {arm_of(f"visitor-{number}") for number in range(40)} == {""}  # these are in no experiment
    assert set(arms) == {MODEL, POPULAR}
    assert abs(arms.count(MODEL) - 2_000) < 4 * np.sqrt(1_000)
    model, popular = (plans.of(f"{experiment.NAME}={arm}", "full").plan for arm in (MODEL, POPULAR))
    assert model.settings == Settings().stages
    assert not popular.settings.rescoring.enabled
    assert [source_names()[column] for column in popular.asked] == ["popular"]


async def read(model: tuple[int, float], popular: tuple[int, float]) -> Reading:
    """A reading of so many users of each arm, who see 40 places and click some of them."""
    registry = await experiment.start(MemoryStore(), ManualClock(NOW_MS))
    plan = plan_of(registry.experiments[experiment.NAME])
    assert plan is not None
    rng, sums = np.random.default_rng(3), dict[tuple[str, str], object]()
    for arm, (users, rate) in ((MODEL, model), (POPULAR, popular)):
        values = np.zeros((users, 4))
        values[:, 0], values[:, 1] = rng.binomial(40, rate, users), 40
        sums[arm, "click_through"] = arm_sums(values)
    found: Sums = sums  # type: ignore[assignment]
    return reading(plan, found)


@pytest.mark.parametrize(
    ("model", "popular", "says"),
    [
        ((60, 0.2), (110, 0.1), "(missing are 40 and 0)"),
        ((0, 0.2), (0, 0.1), "(missing are 100 and 100)"),
        ((150, 0.2), (150, 0.0), "too little to say how sure"),
        ((300, 0.2), (300, 0.1), "decided at 600 users: better"),
        ((400, 0.2), (10, 0.1), "not have the users of their shares"),
    ],
)
async def test_its_line_says_what_is_known(
    model: tuple[int, float], popular: tuple[int, float], says: str
) -> None:
    assert says in experiment.line(await read(model, popular))


async def test_an_open_reading_has_its_interval_and_no_decision() -> None:
    found = await read((110, 0.02), (110, 0.018))
    line, arm = experiment.line(found), found.primary[0]
    assert arm.adjusted.low is not None
    assert f"(between {arm.adjusted.low:+.1%} and {arm.adjusted.high:+.1%})" in line
    assert "decided" not in line


def test_a_newcomer_is_told_how_to_look_at_it() -> None:
    settings = override(Settings(), {"redis": {"url": "redis://127.0.0.1:7777/0"}})
    _, look = experiment.introduction(settings, 240)
    assert (
        look == "look at it: HEADRACE_REDIS__URL=redis://127.0.0.1:7777/0 headrace experiments show ranking"
    )
    *_, look = experiment.introduction(override(settings, {"namespace": "shop"}), 240)
    assert "HEADRACE_NAMESPACE=shop" in look
