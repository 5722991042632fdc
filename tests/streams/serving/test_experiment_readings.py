"""What an experiment has come to, out of a store."""

from __future__ import annotations

import pytest

from model.errors import ExperimentError
from streams.experiments.arm_totals import fields_of, terms_of
from streams.experiments.interleaving.votes import Votes
from streams.experiments.metrics import CROSSED
from streams.experiments.registry import changes
from streams.experiments.registry.state import NONE
from streams.serving.experiment_readings import Course, VotesCourse, course
from streams.settings.tree import Settings
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.experiments.declarations import experiment, raw, running
from tests.streams.experiments.sums import increments

KNOWN = Settings().known_metrics
CLICKS = KNOWN["click_through"]


async def added(store: MemoryStore, fields: dict[str, int], key: str = "e") -> None:
    await store.commit(Commit({}, {}, {}, {}, {}, arm_sums={key: fields}), "w")


async def test_a_difference_is_found_and_said() -> None:
    store, registry = MemoryStore(), running(e=raw())
    await added(store, increments(CLICKS, {"arm0": 0.1, "arm1": 0.2}, 500))
    await store.append_sums_history("e", 5)
    await added(store, increments(CLICKS, {"arm0": 0.1, "arm1": 0.2}, 500, seed=4))
    await added(store, {f"arm1:{CROSSED}:0": 7})
    seen = await course(store, "e", registry.experiments["e"], KNOWN, 9)
    assert isinstance(seen, Course)
    assert [ts for ts, _ in seen.points] == [5, 9]
    assert [sums["arm1", "click_through"].users for _, sums in seen.points] == [500, 1_000]
    (arm,) = seen.read().primary
    assert (arm.arm, arm.state) == ("arm1", "better")
    assert arm.value == pytest.approx(0.2, abs=0.01)
    assert not seen.read().blocked
    assert seen.crossed == {"arm1": 7}


async def test_a_phase_has_sums_of_its_own() -> None:
    store, registry = MemoryStore(), running(e=raw())
    await added(store, increments(CLICKS, {"arm0": 0.1, "arm1": 0.2}, 50))
    weighed = experiment(arms={"arm0": {"weight": 3}, "arm1": {}})
    second = changes.declared(registry, "e", weighed, 900).registry.experiments["e"]
    await added(store, increments(CLICKS, {"arm0": 0.1}, 20), "e~2")
    seen = await course(store, "e", second, KNOWN, 999)
    assert isinstance(seen, Course)
    assert {key: sums.users for key, sums in seen.points[-1][1].items()} == {("arm0", "click_through"): 20}


async def test_where_only_control_is_left_the_course_ends_with_the_stop() -> None:
    """Control goes on taking users after that, and the other arm does not: that is no mismatch."""
    store, registry = MemoryStore(), running(e=raw())
    await added(store, increments(CLICKS, {"arm0": 0.1, "arm1": 0.01}, 500))
    await store.append_sums_history("e", 5)
    stopped = changes.arm_stopped(registry, "e", "arm1", 6).registry.experiments["e"]
    await added(store, increments(CLICKS, {"arm0": 0.1}, 500, seed=4))
    await store.append_sums_history("e", 7)
    seen = await course(store, "e", stopped, KNOWN, 9)
    assert isinstance(seen, Course)
    assert [ts for ts, _ in seen.points] == [5]
    assert not seen.read().blocked
    assert seen.read().primary[0].state == "worse"


async def test_what_has_not_started_has_no_course() -> None:
    declared = changes.declared(NONE, "e", experiment(), 5).registry.experiments["e"]
    with pytest.raises(ExperimentError, match="has not started"):
        await course(MemoryStore(), "e", declared, KNOWN, 9)


async def test_an_interleaved_one_is_read_by_its_votes() -> None:
    store = MemoryStore()
    registry = running(e=raw({"plain": {}, "new": {}}, design="interleaved", primary="preference"))
    for ts, values in ((5, [(1, 1, 0, 1)] * 30), (None, [(-1, 1, 0, 1)] * 28 + [(0, 1, 0, 1)])):
        numbers = [sum(each) for each in zip(*map(terms_of, values), strict=True)]
        fields = fields_of("plain+new", KNOWN["preference"].key)
        await added(store, dict(zip(fields, numbers, strict=True)))
        if ts is not None:
            await store.append_sums_history("e", ts)
    seen = await course(store, "e", registry.experiments["e"], KNOWN, 9)
    assert isinstance(seen, VotesCourse)
    assert seen.points == [(5, Votes(30, 30, 0)), (9, Votes(59, 30, 28))]
    reading = seen.read()
    assert (reading.arm, reading.control) == ("new", "plain")
    assert (reading.state, reading.decided_at) == ("better", 30), "what was decided stays decided"
