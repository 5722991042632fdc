"""Slates that are answered teach all workers the same, in one order, and move the slates that follow."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from streams.events.schema import TOPIC_OF, Click, Impression
from streams.learning.lesson import Lesson
from streams.learning.settings import LearningSettings
from streams.ranking.slate import Slate, decode, encode
from streams.recommender import Recommender
from streams.serving import kept_counters
from streams.serving.lessons import learn, taught_by
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.ledger_entries import START, LedgerEntry, Snapshot, order_of
from streams.stores.memory import MemoryStore
from tests.streams.core import toy_model
from tests.streams.worker.conftest import NOW_MS, Desk, message

WAIT_MS, ITEMS, PLACES = 60_000, 40, 6
SETTINGS = msgspec.structs.replace(
    override(  # adapts at once
        Settings(),
        {"reweighting": {"enabled": True, "guard_alpha": 0}, "candidates": {"quotas": "thompson"}},
    ),
    learning=LearningSettings(wait_s=WAIT_MS / 1_000),
)
OFF = override(SETTINGS, {"reweighting": {"enabled": False}})


class Readers:
    """Users who look at their feeds and click on the third place; each turn is one event later.

    `slates`: those that were made, without the times that they took.
    """

    def __init__(self, store: MemoryStore, seed: int = 1) -> None:
        self.store, self.draw = store, random.Random(seed)
        self.ts, self.sent, self.offsets = NOW_MS, 0, Counter[tuple[str, int]]()
        self.slates: list[Slate] = []

    async def turn(self, desk: Desk, partition: int = 0) -> None:
        """A user of those in the worker's partition comes back, looks at what they are shown, and clicks."""
        user = f"user-{partition}-{self.draw.randrange(4)}"
        self.ts += WAIT_MS + 1_000
        raw = await self.store.feed(user)
        if raw is None:
            await self.act(desk, partition, Click, user, item_id=f"i{self.draw.randrange(ITEMS)}")
            return
        slate = decode(raw)
        items = [item.item_id for item in slate.items[:PLACES]]
        await self.act(desk, partition, Impression, user, slate_id=slate.slate_id, items=items)
        await self.act(
            desk, partition, Click, user, slate_id=slate.slate_id, item_id=items[min(2, len(items) - 1)]
        )

    async def act(self, desk: Desk, partition: int, kind: Any, user: str, **told: Any) -> None:
        self.sent += 1
        self.ts += 10
        desk.clock.ms = self.ts
        event = kind(event_id=f"e{self.sent}", ts=self.ts, user_id=user, **told)
        place = (TOPIC_OF[kind], partition)
        await desk.take(message(event, self.offsets[place], partition))
        self.offsets[place] += 1
        raw = await self.store.feed(user)
        if kind is Click and raw is not None:
            self.slates.append(msgspec.structs.replace(decode(raw), times={}))


async def served(store: MemoryStore, settings: Settings = SETTINGS) -> Desk:
    """A worker with a model; a later one knows what the earlier ones did."""
    desk = Desk(store, settings)
    await store.intern([f"i{n}" for n in range(ITEMS)])
    async with desk.replica.lock:
        await desk.replica.rebuild()
        desk.replica.serve(toy_model(desk.replica.recommender.pipeline))
    return desk


async def told(store: MemoryStore) -> list[Lesson]:
    entries = await store.read_ledger(START, 10_000)
    return [lesson for entry in entries for lesson in taught_by(entry).lessons]


def known(desk: Desk) -> bytes:
    return learned(desk.replica.recommender)


def learned(core: Recommender) -> bytes:
    """What its learner knows, and what its sources earned."""
    assert core.earnings is not None
    return core.learner.pack() + core.earnings.pack()


async def clean(store: MemoryStore, settings: Settings = SETTINGS) -> bytes:
    """What one run over the ledger learns."""
    recommender = Recommender(settings)
    recommender.learn(await told(store))
    return learned(recommender)


async def test_workers_that_write_in_turns_learn_in_one_order(store: MemoryStore) -> None:
    """One follows after each batch of its own, one seldom, and one is killed now and then."""
    readers = Readers(store)
    often, seldom, killed = [await served(store) for _ in range(3)]
    for turn in range(60):
        desk = (often, seldom, killed)[turn % 3]
        await readers.turn(desk, turn % 3)
        if desk is often:
            await often.chores().follow()
        if turn % 20 == 13:
            await seldom.chores().follow()
            await seldom.replica.save_snapshot()
        if turn % 7 == 5:
            killed = await served(store)
    for desk in (often, seldom, killed):
        await desk.chores().follow()
        assert known(desk) == await clean(store)
    assert len(await told(store)) > 30
    late = await served(store)
    assert known(late) == known(often)


async def test_what_is_learned_depends_on_the_order(store: MemoryStore) -> None:
    """That the test above can fail."""
    readers, desk = Readers(store), await served(store)
    for _ in range(30):
        await readers.turn(desk)
    lessons = await told(store)
    packs = []
    for order in (lessons, lessons[::-1]):
        recommender = Recommender(SETTINGS)
        recommender.learn(order)
        packs.append(recommender.learner.pack())
    assert packs[0] != packs[1]


async def test_a_worker_learns_from_its_own_slates_without_waiting_for_others(store: MemoryStore) -> None:
    readers, desk = Readers(store), await served(store)
    for _ in range(12):
        await readers.turn(desk)
        assert await desk.chores().follower.turn() == 0, "nobody else wrote"
    assert known(desk) == await clean(store)
    assert desk.replica.recommender.learned_to == desk.replica.position


async def test_answers_move_the_slates_that_follow(store: MemoryStore) -> None:
    """Everybody clicks on the third place: what stands there comes to stand higher."""
    made = []
    for settings in (SETTINGS, OFF):
        its = MemoryStore()
        readers, desk = Readers(its), await served(its, settings)
        for _ in range(40):
            await readers.turn(desk)
            await desk.chores().follow()
        made.append(readers.slates)
    adapted, frozen = made
    assert [slate.items for slate in adapted] != [slate.items for slate in frozen]
    assert len({slate.slate_id for slate in adapted}) == len(adapted)


async def test_until_something_is_learned_slates_are_byte_for_byte_as_without(store: MemoryStore) -> None:
    """Nobody follows the ledger, so nothing is learned."""
    made = []
    for settings in (SETTINGS, OFF):
        its = MemoryStore()
        readers, desk = Readers(its), await served(its, settings)
        for _ in range(25):
            await readers.turn(desk)
        made.append([encode(slate) for slate in readers.slates])
    assert made[0] == made[1]


async def test_a_page_that_comes_again_teaches_nothing(store: MemoryStore) -> None:
    readers, desk = Readers(store), await served(store)
    for _ in range(12):
        await readers.turn(desk)
    entries = await store.read_ledger(START, 1_000)
    core = Recommender(SETTINGS)
    core.learned_to = START
    taught = [taught_by(entry) for entry in entries]
    middle = len(taught) // 2
    for after, page in (
        (START, taught[:middle]),
        (START, taught[: middle + 3]),
        (taught[middle - 1].position, taught[middle:]),
    ):
        assert learn(core, after, page)
    assert learned(core) == await clean(store)
    assert core.learned_to == entries[-1].position


async def test_lessons_behind_a_gap_wait_for_those_before(store: MemoryStore) -> None:
    readers, desk = Readers(store), await served(store)
    for _ in range(12):
        await readers.turn(desk)
    taught = [taught_by(entry) for entry in await store.read_ledger(START, 1_000)]
    core = Recommender(SETTINGS)
    core.learned_to = START
    assert not learn(core, taught[4].position, taught[5:])
    assert core.learned_to == START
    assert learned(core) == learned(Recommender(SETTINGS))


async def test_a_snapshot_of_another_learner_is_taken_without_it(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    readers, desk = Readers(store), await served(store)
    for _ in range(12):
        await readers.turn(desk)
    await desk.chores().follow()
    await desk.replica.save_snapshot()
    heir = await served(store, OFF)
    core = heir.replica.recommender
    assert core.counters.interactions == desk.replica.recommender.counters.interactions
    assert core.learner.counts() == {"answered": 0, "silent": 0}
    assert "the learner begins anew" in caplog.text
    assert core.learned_to == desk.replica.position
    await readers.turn(heir)
    await readers.turn(heir)
    await heir.chores().follow()
    assert sum(core.learner.counts().values()) > 0, "it goes on from there"


async def test_learning_goes_on_while_the_counters_are_read_anew(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower has read a page, and the counters begin again before it has learned from it."""
    readers, desk = Readers(store), await served(store)
    for _ in range(12):
        await readers.turn(desk)
    read, pages = store.read_ledger, list[list[LedgerEntry]]()

    async def disturbed(after: str, limit: int) -> list[LedgerEntry]:
        entries = await read(after, limit)
        if not pages:
            pages.append(entries)
            async with desk.replica.lock:
                await desk.replica.rebuild()
        return entries

    with monkeypatch.context() as disturbing:
        disturbing.setattr(store, "read_ledger", disturbed)
        await desk.chores().follow()
    assert pages[0]
    await desk.chores().follow()
    assert known(desk) == await clean(store)


async def test_what_a_snapshot_has_learned_is_not_learned_again(store: MemoryStore) -> None:
    """Its learner may be ahead of the place from which the ledger is read on."""
    readers, desk = Readers(store), await served(store)
    for _ in range(12):
        await readers.turn(desk)
    await desk.chores().follow()
    core = desk.replica.recommender
    entries = await store.read_ledger(START, 1_000)
    ahead, behind = entries[-1].position, entries[len(entries) // 2].position
    assert core.learned_to == ahead
    payload = kept_counters.copied(core).pack()
    await store.save_snapshot(Snapshot(behind, desk.replica.writer, ahead, payload))
    heir = await served(store)
    assert known(heir) == await clean(store)
    assert order_of(heir.replica.recommender.learned_to) == order_of(ahead)


async def test_a_bandit_says_what_it_explores(store: MemoryStore) -> None:
    """Its slates are drawn by what was learned: what is not the best has a reason of its own, and counts."""
    bandit = {"exploration": {"share": 1.0, "policy": "thompson", "temperature": 0.5}}
    readers, desk = Readers(store), await served(store, override(OFF, bandit))
    for _ in range(20):
        await readers.turn(desk)
        await desk.chores().follow()
    assert readers.slates
    explored = 0
    for slate in readers.slates:
        assert slate.propensities is not None
        explored += sum(item.reason.kind == "explored" for item in slate.items)
    assert explored > 0
    assert desk.counted("explored_places_total", arm="default") == explored
    told_of = [lesson.propensities for lesson in await told(store)]
    assert all(len(each) for each in told_of)
    calm, plain = Readers(its := MemoryStore()), await served(its, OFF)
    await calm.turn(plain)
    assert plain.counted("explored_places_total", arm="default") == 0
