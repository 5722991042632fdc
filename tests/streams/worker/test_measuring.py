"""A worker measures experiments: what it writes of users and of arms is one transaction."""

from __future__ import annotations

from typing import Any

from streams.events.schema import AnyEvent, Click, Impression
from streams.experiments.arm_totals import ArmTotals
from streams.experiments.measured import MeasuredExperiment, measured
from streams.settings.processes import WorkerSettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.memory import MemoryStore
from tests.streams.worker.conftest import NOW_MS, Desk, message

CLICK_THROUGH = Settings().known_metrics["click_through"]
RUNNING = measured([MeasuredExperiment("ranking", frozenset({"bold"}), (CLICK_THROUGH,))])


def desk(store: MemoryStore, states_kept: int = 4_096, running: bool = True) -> Desk:
    made = Desk(store, Settings(worker=WorkerSettings(states_kept=states_kept)))
    if running:
        made.replica.measured = RUNNING
    return made


def click(n: int, **more: Any) -> AnyEvent:
    return Click(event_id=f"c{n}", ts=NOW_MS + n, user_id="ann", item_id=f"i{n}", **more)


def shown(n: int) -> AnyEvent:
    return Impression(
        event_id=f"s{n}", ts=NOW_MS + n, user_id="ann", slate_id=f"s{n}", items=["x", "y"], arm="ranking=bold"
    )


async def totals(store: MemoryStore) -> ArmTotals:
    return (await store.read_arm_sums("ranking"))["bold", CLICK_THROUGH.key]


async def test_states_and_sums_are_written_together_and_read_again() -> None:
    store = MemoryStore()
    for states_kept in (4_096, 0):  # the second one reads each state again
        worker = desk(store, states_kept)
        begin = 0 if states_kept else 2
        for n in range(begin, begin + 2):
            await worker.take(message(shown(2 * n), n), message(click(2 * n + 1), n))
            await worker.take(message(shown(2 * n), n), message(click(2 * n + 1), n))
    sums = await totals(store)
    assert (sums.users, sums.sums) == (1, (4, 8, 0, 0))
    assert (sums.products[0], sums.products[1], sums.products[4]) == (16, 32, 64)


async def test_an_experiment_that_begins_finds_what_users_did_before() -> None:
    """Their states are read for impressions from then on, also by a worker that has them at hand."""
    store = MemoryStore()
    worker = desk(store, running=False)
    await worker.take(message(click(1), 0), message(shown(2), 0))
    assert await store.read_arm_sums("ranking") == {}
    worker.replica.measured = RUNNING
    await worker.take(message(shown(3), 1))
    (raw,) = await store.states(["ann"])
    state = user_state_codec.decode(raw)
    assert state.interactions == 1
    assert (await totals(store)).sums == (0, 2, 1, 0)


async def test_another_worker_that_wrote_first_voids_both() -> None:
    store = MemoryStore()
    first, second = desk(store), desk(store)
    await first.take(message(shown(1), 0))
    await second.take(message(shown(1), 0), message(click(2), 0))
    await first.take(message(click(2), 0), message(click(3), 1), message(shown(4), 1))
    assert first.counted("fenced_batches_total") >= 1
    assert (await totals(store)).sums == (2, 4, 0, 0)


async def test_a_state_that_cannot_be_read_is_not_begun_anew() -> None:
    store = MemoryStore()
    worker = desk(store)
    store._states.put("ann", b"damaged")
    await worker.take(message(shown(1), 0), message(click(2), 0))
    assert [letter.reason for letter in worker.box.letters] == ["state_unreadable"] * 2
    assert await store.states(["ann"]) == [b"damaged"]
    assert await store.read_arm_sums("ranking") == {}
