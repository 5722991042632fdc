"""An arm that crosses a guardrail is stopped, with the reason in the log; others are left alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.clock import ManualClock
from streams.experiments.readings.reading import Reading
from streams.experiments.readings.words import verdict
from streams.experiments.registry import changes
from streams.experiments.registry.audit import Entry
from streams.experiments.registry.planned import plan_of
from streams.experiments.registry.state import Experiment, Registry, decode, encode
from streams.serving.experiment_readings import Course, course
from streams.settings.tree import Settings
from streams.stores.commit import Commit, digest_of
from streams.stores.memory import MemoryStore
from streams.worker.experiment_watch import ACTOR, ExperimentWatch
from tests.streams.experiments.declarations import raw, running
from tests.streams.experiments.sums import increments
from tests.streams.worker.conftest import NOW_MS

SETTINGS = Settings()
DISLIKES = SETTINGS.known_metrics["dislikes"]
GUARDED = raw(3, guardrails=[{"metric": "dislikes", "worst": 0.1}])


async def looked(
    rates: dict[str, float], declaration: dict[str, Any] = GUARDED
) -> tuple[MemoryStore, Registry]:
    """The store after two looks at such dislikes, and what is registered then."""
    store, registry = MemoryStore(), running(e=declaration)
    await store.put_experiments(encode(registry), digest_of(None), b"entry")
    await store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"e": increments(DISLIKES, rates, 600)}), "w")
    watch = ExperimentWatch(SETTINGS, store, ManualClock(NOW_MS))
    for _ in range(2):
        await watch.look(decode(await store.experiments()))
    return store, decode(await store.experiments())


async def test_an_arm_that_does_harm_is_stopped_once() -> None:
    store, registry = await looked({"arm0": 0.1, "arm1": 0.2, "arm2": 0.1})
    assert registry.experiments["e"].stopped_arms == ("arm1",)
    assert registry.experiments["e"].state == "running"
    log = [msgspec.json.decode(raw, type=Entry) for raw in (await store.experiments_log())[1:]]
    assert [(each.action, each.actor, each.said["arm"]) for each in log] == [("stop-arm", ACTOR, "arm1")]
    assert "dislikes" in log[0].said["why"]
    assert len(await store.read_sums_history("e")) == 2


async def test_an_arm_that_does_none_goes_on() -> None:
    store, registry = await looked({"arm0": 0.1, "arm1": 0.1, "arm2": 0.08})
    assert registry.experiments["e"].stopped_arms == ()
    assert len(await store.experiments_log()) == 1


async def test_without_guardrails_sums_are_noted_and_nothing_is_stopped() -> None:
    store, registry = await looked({"arm0": 0.1, "arm1": 0.9, "arm2": 0.1}, raw(3))
    assert registry.experiments["e"].stopped_arms == ()
    assert len(await store.read_sums_history("e")) == 2


CLICKS = SETTINGS.known_metrics["click_through"]
ADAPTIVE = raw(3, allocation="adaptive", adaptive={"every_hours": 1, "even": 500}, users=10_000)
HOUR_MS = 3_600_000


class Moving:
    """An adaptive experiment that began at `NOW_MS`, looked at by and by."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), ManualClock(NOW_MS)
        self.watch = ExperimentWatch(SETTINGS, self.store, self.clock)
        self.batches = 0

    async def begin(self) -> None:
        registry = running(now_ms=NOW_MS, e=ADAPTIVE)
        await self.store.put_experiments(encode(registry), digest_of(None), b"entry")

    async def came(self, rates: dict[str, float], users: int = 600) -> None:
        self.batches += 1
        sums = {"e": increments(CLICKS, rates, users, seed=self.batches)}
        await self.store.commit(Commit({}, {}, {}, {}, {}, arm_sums=sums), "w")

    async def look(self, hours: float, watch: ExperimentWatch | None = None) -> Registry:
        """What is registered after a look so many hours from the start on."""
        self.clock.ms = NOW_MS + round(hours * HOUR_MS)
        await (watch or self.watch).look(decode(await self.store.experiments()))
        return decode(await self.store.experiments())

    async def log(self) -> list[Entry]:
        return [msgspec.json.decode(raw, type=Entry) for raw in (await self.store.experiments_log())[1:]]


async def test_weights_move_to_the_better_arm_at_their_times_with_an_entry_in_the_log() -> None:
    moving = Moving()
    await moving.begin()
    await moving.came({"arm0": 0.1, "arm1": 0.2, "arm2": 0.1})
    assert len((await moving.look(0.9)).experiments["e"].phases) == 1
    experiment = (await moving.look(1.1)).experiments["e"]
    assert [phase.number for phase in experiment.phases] == [1, 2]
    assert experiment.phases[1].since_ms == NOW_MS + round(1.1 * HOUR_MS)
    weights = experiment.weights
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-5)
    delta = experiment.declared.adaptive.delta(1_800)
    assert weights["arm1"] == pytest.approx(delta / 3 + 1 - delta, abs=0.01)
    assert min(weights.values()) == pytest.approx(delta / 3, abs=0.01)
    (entry,) = await moving.log()
    assert (entry.action, entry.actor, entry.said["period"]) == ("reweigh", "allocation", 2)
    assert entry.said["weights"] == weights
    assert entry.said["users"] == 1_800
    assert len((await moving.look(1.9)).experiments["e"].phases) == 2
    # Nobody came since: the weights stay, and so does the period.
    experiment = (await moving.look(2.1)).experiments["e"]
    assert (experiment.phase, experiment.weighed_ms) == (2, NOW_MS + round(2.1 * HOUR_MS))


async def test_what_was_known_in_former_periods_counts_by_their_weights() -> None:
    moving = Moving()
    await moving.begin()
    await moving.came({"arm0": 0.1, "arm1": 0.12, "arm2": 0.11}, 300)
    first = (await moving.look(1.5)).experiments["e"].weights
    await moving.came({"arm0~2": 0.1, "arm1~2": 0.12, "arm2~2": 0.2}, 300)
    second = (await moving.look(2.5)).experiments["e"].weights
    assert first["arm1"] > first["arm2"]
    assert second["arm2"] > 0.5 > second["arm1"]


async def read_now(moving: Moving, experiment: Experiment) -> Reading:
    """What it has come to."""
    come = await course(moving.store, "e", experiment, SETTINGS.known_metrics, moving.clock.now_ms())
    assert isinstance(come, Course)
    return come.read()


async def test_two_that_lead_for_a_moment_weigh_once() -> None:
    moving = Moving()
    await moving.begin()
    await moving.came({"arm0": 0.1, "arm1": 0.2, "arm2": 0.1})
    before = decode(await moving.store.experiments())
    await moving.look(1.1)
    other = ExperimentWatch(SETTINGS, moving.store, moving.clock)
    await other.look(before)  # it has not heard of it yet
    assert len(await moving.log()) == 1


async def test_a_stopped_arm_gets_no_weight() -> None:
    moving = Moving()
    await moving.begin()
    await moving.came({"arm0": 0.1, "arm1": 0.2, "arm2": 0.1})
    stopped = changes.arm_stopped(decode(await moving.store.experiments()), "e", "arm2", NOW_MS).registry
    raw = await moving.store.experiments()
    await moving.store.put_experiments(encode(stopped), digest_of(raw), b"entry")
    experiment = (await moving.look(1.1)).experiments["e"]
    assert set(experiment.weights) == {"arm0", "arm1"}
    assert [each.arm for each in (await read_now(moving, experiment)).primary] == ["arm1"]


async def test_the_reading_names_the_best_arm_and_judges_each_period_by_its_shares() -> None:
    moving = Moving()
    await moving.begin()
    await moving.came({"arm0": 0.1, "arm1": 0.2, "arm2": 0.1})
    experiment = (await moving.look(1.1)).experiments["e"]
    seen = await read_now(moving, experiment)
    assert (seen.best, seen.blocked) == ("arm1", False)
    assert verdict(plan_of(experiment) or pytest.fail("no plan"), seen).startswith("arm1 is the best arm.")
    # 600 users each, where most should have come to one arm.
    await moving.came({"arm0~2": 0.1, "arm1~2": 0.2, "arm2~2": 0.1})
    assert (await read_now(moving, experiment)).blocked


async def test_an_adaptive_experiment_is_noted_twice_a_period() -> None:
    moving = Moving()
    await moving.begin()
    for hours in (0.1, 0.2, 0.3, 0.7, 0.8):
        await moving.look(hours)
    assert len(await moving.store.read_sums_history("e")) == 2
