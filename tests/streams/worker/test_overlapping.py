"""A batch is folded while the one before it is being written: what counts is what is in the store."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import StoreUnavailableError
from streams.batch import BatchResult, process
from streams.events.schema import Review
from streams.kafka.message import Message
from streams.settings.processes import WorkerSettings
from streams.settings.tree import Settings
from streams.stores.base import Loaded
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from streams.worker import batches, writing
from tests.streams.worker.conftest import NOW_MS, Desk, click, counted, interactions, message, until


@pytest.fixture(autouse=True, scope="module")
def no_pauses() -> None:
    patch = pytest.MonkeyPatch()
    for module in (batches, writing):
        patch.setattr(module, "RETRY_S", (0.0, 0.001))


@pytest.fixture(autouse=True)
def threads_take_turns_all_the_time() -> Iterator[None]:
    """What only luck keeps apart does not stay apart for long."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class SlowStore(MemoryStore):
    """Commits wait until `gate` is open, the answers to loads until `answers` is; `calls` says what came in
    which order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self.calls: list[str] = []

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        self.calls.append("load")
        loaded = await super().load(users, partitions, slates_of)
        await self.answers.wait()
        return loaded

    async def commit(self, commit: Commit, writer: str) -> str:
        self.calls.append("commit")
        await self.gate.wait()
        return await super().commit(commit, writer)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_next_batch_is_folded_but_not_written_before_the_last_one() -> None:
    store = SlowStore()
    desk = Desk(store)
    first = await desk.batches.begin([click(0), click(1, "bob")])
    second = asyncio.create_task(desk.batches.begin([click(2), click(3, "cy")]))
    await until(lambda: desk.replica.recommender.counters.interactions == 4)
    assert store.calls == ["load", "commit", "load"], "only cy had to be read"
    assert not first.done()
    assert not second.done()
    store.gate.set()
    assert len(await (await second)) == len(await first) == 2
    assert [await interactions(store, user) for user in ("ann", "bob", "cy")] == [2, 1, 1]
    assert await counted(store) == 4
    assert not desk.replica.lock.locked()


@pytest.mark.parametrize("behind", [0, 1])
async def test_where_more_waits_the_core_has_the_next_batch_before_the_last_one_is_sent(
    behind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SlowStore()
    store.gate.set()
    desk = Desk(store)
    await desk.take(click(0))
    desk.batches.folding.behind = lambda: behind
    call = desk.replica.core.call

    async def noted(function: Any, *arguments: Any) -> Any:
        store.calls.append(function.__name__.strip("_"))
        return await call(function, *arguments)

    monkeypatch.setattr(desk.replica.core, "call", noted)
    store.calls.clear()
    for n in (1, 2):
        last = await desk.batches.begin([click(n)])
    await last
    assert store.calls == (["made", "made"] + ["commit"] * 2 if behind else ["made", "commit"] * 2)
    assert await interactions(store) == 3


async def test_an_answer_that_tells_of_before_a_commit_is_no_sign_of_an_emptied_store() -> None:
    """Its question was asked before the batch in flight was written, and it came after that."""
    store = SlowStore()
    desk = Desk(store)
    first = await desk.batches.begin([click(0)])
    store.answers.clear()
    second = asyncio.create_task(desk.batches.begin([click(1, "bob")]))
    await until(lambda: store.calls == ["load", "commit", "load"])
    store.gate.set()
    await first
    store.answers.set()
    await (await second)
    assert (desk.counted("fenced_batches_total"), desk.counted("rebuilds_total")) == (0, 1), (
        "the one at start"
    )
    assert not desk.replica.forgotten
    assert [await interactions(store, user) for user in ("ann", "bob")] == [1, 1]
    assert desk.replica.recommender.counters.interactions == await counted(store) == 2


async def test_a_store_that_was_emptied_during_a_load_is_found_out() -> None:
    store = SlowStore()
    store.gate.set()
    desk = Desk(store)
    await desk.take(click(0), click(1))
    MemoryStore.__init__(store)
    await desk.take(click(2, "bob"))
    assert desk.counted("rebuilds_total") == 2
    assert desk.log.reread_from == [("clicks-0", 0), ("reviews-0", 0)], "Kafka makes it whole again"


async def test_a_batch_is_written_while_the_next_one_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes: the loop is free for the answer."""
    store, go_on, folding = SlowStore(), threading.Event(), threading.Event()
    desk = Desk(store)
    first = await desk.batches.begin([click(0)])

    def slow(*arguments: Any, **more: Any) -> BatchResult:
        folding.set()
        go_on.wait(60)
        return process(*arguments, **more)

    monkeypatch.setattr("streams.worker.folding.process", slow)
    second = asyncio.create_task(desk.batches.begin([click(1)]))
    await until(folding.is_set)
    store.gate.set()
    assert [message.offset for message in await first] == [0]
    assert not second.done()
    assert desk.batches.busy, "a core that never comes back is noticed"
    go_on.set()
    assert [message.offset for message in await (await second)] == [1]
    assert await interactions(store) == 2


async def test_a_batch_that_is_given_up_is_not_folded_behind_ones_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker is told to stop while its core works: the counters are read anew before anything else."""
    store, go_on, folding = SlowStore(), threading.Event(), threading.Event()
    store.gate.set()
    desk = Desk(store)
    await desk.take(click(0))

    def slow(*arguments: Any, **more: Any) -> BatchResult:
        folding.set()
        go_on.wait(60)
        return process(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr("streams.worker.folding.process", slow)
        begun = asyncio.create_task(desk.batches.begin([click(1)]))
        await until(folding.is_set)
        begun.cancel()
        await turns()
        assert desk.replica.lock.locked(), "the core still works"
        go_on.set()
        await asyncio.wait([begun])
    await until(lambda: not desk.replica.lock.locked())
    assert not desk.replica.sound
    await desk.take(click(1), click(2))
    assert await interactions(store) == 3
    assert desk.replica.recommender.counters.interactions == await counted(store) == 3


async def test_users_at_hand_are_not_read_again() -> None:
    store = SlowStore()
    store.gate.set()
    desk = Desk(store)
    for n in range(4):
        await desk.take(click(n))
    assert store.calls == ["load"] + ["commit"] * 4
    desk.batches.moved()
    await desk.take(click(4))
    assert store.calls[5:] == ["load", "commit"], "partitions have moved: another may have written"
    assert await interactions(store, "ann") == 5
    assert [desk.counted("states_total", source=source) for source in ("read", "kept")] == [2, 3]


async def test_a_state_that_was_changed_by_hand_is_not_overwritten() -> None:
    store, other = SlowStore(), MemoryStore()
    store.gate.set()
    desk = Desk(store)
    await desk.take(click(0))
    rated = Review(event_id="r", ts=NOW_MS, user_id="ann", item_id="i1", rating=3.0)
    await Desk(other).take(click(0), message(rated, 0))
    (repaired,) = await other.states(["ann"])
    assert repaired is not None
    await store.commit(Commit({}, {}, {"ann": repaired}, {}, {}), "somebody")
    await desk.take(click(1))
    assert await interactions(store, "ann") == 3
    assert desk.counted("fenced_batches_total") == 1
    assert desk.replica.recommender.counters.interactions == await counted(store) == 2


async def test_who_waits_for_the_counters_gets_them_between_two_batches() -> None:
    store = SlowStore()
    desk = Desk(store)
    first = await desk.batches.begin([click(0)])
    seen: list[int] = []

    async def look() -> None:
        async with desk.replica.lock:
            seen.append(desk.replica.recommender.counters.interactions)

    looking = asyncio.create_task(look())
    await turns()
    second = asyncio.create_task(desk.batches.begin([click(1)]))
    await turns()
    assert not seen
    store.gate.set()
    await looking
    assert seen == [1], "never what is folded and not written"
    await (await second)
    assert (await first)[0].offset == 0
    assert await counted(store) == 2


async def test_what_was_folded_on_a_refused_batch_is_void() -> None:
    """The first of them comes too late: another worker has written a part of it."""
    store = SlowStore()
    zombie, heir = Desk(store), Desk(store)
    store.gate.set()
    await zombie.take(click(0))
    store.gate.clear()
    first = await zombie.batches.begin([click(1), click(2)])
    second = asyncio.create_task(zombie.batches.begin([click(3), click(4, "bob")]))
    await until(lambda: zombie.replica.recommender.counters.interactions == 5)
    zombies_gate = store.gate
    store.gate = asyncio.Event()
    store.gate.set()
    await heir.take(click(1))
    zombies_gate.set()
    assert [message.offset for message in await first] == [1, 2]
    assert [message.offset for message in await (await second)] == [3, 4]
    assert zombie.counted("fenced_batches_total") == 1
    assert [await interactions(store, user) for user in ("ann", "bob")] == [4, 1]
    assert zombie.replica.recommender.counters.interactions == await counted(store) == 5


def states_kept(count: int) -> Settings:
    return Settings(worker=WorkerSettings(states_kept=count))


USERS = ("ann", "bob", "cy", "dan")
Mishap = Literal["none", "late", "away", "answer lost", "heir first"]


class Kafka:
    """A log of clicks on two partitions, and how far a worker has been given them."""

    def __init__(self, count: int) -> None:
        self.logs: dict[str, list[Message]] = {"clicks-0": [], "clicks-1": []}
        for n in range(count):
            user = USERS[n * 7 // 3 % len(USERS)]
            log = self.logs[f"clicks-{USERS.index(user) % 2}"]
            log.append(click(len(log), user, f"i{n % 5}", USERS.index(user) % 2))

    @property
    def all(self) -> list[Message]:
        return [message for log in self.logs.values() for message in log]


class Reading:
    """What one worker is given next; it may ask for some of it again, and then has more of the former reading
    in the same batch.
    """

    def __init__(self, kafka: Kafka, desk: Desk) -> None:
        self.kafka, self.desk = kafka, desk
        self.next = dict.fromkeys(kafka.logs, 0)
        self.drops = False
        self.seek = dict.fromkeys(kafka.logs, 0)

    def take(self, count: int) -> list[Message]:
        taken = []
        for place, offset in self.desk.log.reread_from:
            if place in self.next:
                taken += self._read(place, count)
                self.next[place] = offset
                self.seek[place] = self.desk.log.seeks
        self.desk.log.reread_from.clear()
        for place, log in self.kafka.logs.items():
            if self.drops and self.next[place] + 1 < len(log):  # the next one tells of it
                self.next[place] += 1
            taken += self._read(place, count)
        return taken

    def _read(self, place: str, count: int) -> list[Message]:
        part = self.kafka.logs[place][self.next[place] : self.next[place] + count]
        self.next[place] += len(part)
        return [message._replace(seek=self.seek[place]) for message in part]


class Trying(MemoryStore):
    """A store to which the next mishap of a list happens at each commit of the worker that is tried."""

    def __init__(self, mishaps: list[Mishap]) -> None:
        super().__init__()
        self.mishaps = iter(mishaps)
        self.heir: Reading | None = None
        self.alone = False

    async def commit(self, commit: Commit, writer: str) -> str:
        if self.alone:
            return await super().commit(commit, writer)
        match next(self.mishaps, "none"):
            case "late":  # the next batch is folded meanwhile
                await asyncio.sleep(0.002)
            case "away":
                raise StoreUnavailableError("away")
            case "answer lost":
                await super().commit(commit, writer)
                raise StoreUnavailableError("the answer was lost")
            case "heir first":
                assert self.heir is not None
                self.alone = True
                self.heir.desk.batches.moved()
                if messages := self.heir.take(3):
                    await self.heir.desk.take(*messages)
                self.alone = False
        return await super().commit(commit, writer)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["none", "none", "late", "away", "answer lost", "heir first"]), max_size=25),
    st.lists(st.integers(1, 4), min_size=5, max_size=30),
    st.integers(0, 4),
    st.lists(st.booleans(), min_size=5, max_size=9).filter(lambda drops: not all(drops)),
)
def test_whatever_happens_each_event_counts_once(
    mishaps: list[Mishap], sizes: list[int], kept: int, drops: list[bool]
) -> None:
    asyncio.run(whatever_happens(mishaps, sizes, kept, drops))


async def whatever_happens(mishaps: list[Mishap], sizes: list[int], kept: int, drops: list[bool]) -> None:
    store, kafka = Trying(mishaps), Kafka(60)
    desk = Desk(store, states_kept(kept))
    reading, store.heir = Reading(kafka, desk), Reading(kafka, Desk(store, states_kept(kept)))
    flight: asyncio.Task[list[Message]] | None = None
    for at in range(400):
        reading.drops = drops[at % len(drops)]
        messages = reading.take(sizes[at % len(sizes)])
        if not messages and flight is not None:
            await flight  # it may ask for some of it again
            messages = reading.take(sizes[at % len(sizes)])
        if not messages:
            break
        begun = await desk.batches.begin(messages)
        if flight is not None:
            assert flight.done(), "the one before is written by now"
            await flight
        flight = begun
        if at % 5 == 0:
            await desk.chores().follow()
    assert flight is not None
    await flight
    await desk.chores().follow()
    expected = Counter((message.key or b"").decode() for message in kafka.all)
    assert {user: await interactions(store, user) for user in USERS} == expected
    assert (await store.load([], list(kafka.logs))).progress == {
        place: len(log) - 1 for place, log in kafka.logs.items()
    }
    assert desk.replica.recommender.counters.interactions == await counted(store) == len(kafka.all)
