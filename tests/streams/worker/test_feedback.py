"""From a feed that is read to a lesson, through a worker's batches: each counts once, whatever happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events.schema import TOPIC_OF, AnyEvent, Click, Impression, Review
from streams.kafka.message import Message
from streams.learning import kept_slates_codec
from streams.learning.lesson import KINDS, Lesson, decode_lesson
from streams.learning.looks import digest_of_names
from streams.learning.settings import LearningSettings
from streams.ranking.slate import Slate, decode
from streams.settings.tree import Settings
from streams.state.ledger import decode_record
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.core import toy_model
from tests.streams.learning.slates import plain
from tests.streams.worker.conftest import NOW_MS, Desk, message

WAIT_MS = 60_000
SETTINGS = msgspec.structs.replace(Settings(), learning=LearningSettings(wait_s=WAIT_MS / 1_000))


async def lessons(store: MemoryStore) -> list[Lesson]:
    entries = await store.read_ledger("0-0", 10_000)
    return [decode_lesson(raw) for entry in entries for raw in decode_record(entry.payload).lessons]


def learned(desk: Desk) -> dict[str, int]:
    counts = desk.replica.recommender.learner.counts()
    return {kind: counts[kind] for kind in KINDS}


async def feed(store: MemoryStore, user: str) -> Slate:
    raw = await store.feed(user)
    assert raw is not None
    return decode(raw)


def click(offset: int, item: str, ts: int = NOW_MS, user: str = "ann", **more: Any) -> Message:
    return message(Click(event_id=f"c{offset}", ts=ts, user_id=user, item_id=item, **more), offset)


def impression(offset: int, slate: str, items: list[str], ts: int = NOW_MS, **more: Any) -> Message:
    event_id = more.pop("event_id", f"s{offset}")
    told = Impression(event_id=event_id, ts=ts, user_id="ann", slate_id=slate, items=items, **more)
    return message(told, offset)


async def served(store: MemoryStore) -> Desk:
    """A worker with a model, in whose catalog are thirty items."""
    desk = Desk(store, SETTINGS)
    await store.intern([f"i{n}" for n in range(30)])
    async with desk.replica.lock:
        await desk.replica.rebuild()
        desk.replica.serve(toy_model(desk.replica.recommender.pipeline))
    return desk


async def test_a_feed_that_is_read_and_clicked_is_a_lesson(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(click(0, "i1"))
    slate = await feed(store, "ann")
    items = [item.item_id for item in slate.items]
    before = await store.states(["ann"])
    await desk.take(impression(0, slate.slate_id, items[:5], NOW_MS + 100))
    assert await store.states(["ann"]) == before, "an impression needs no write of the state"
    rows = desk.replica.recommender.catalog.rows
    assert [int(desk.replica.recommender.counters.popularity.shown[rows[item]]) for item in items[:6]] == [
        *[1] * 5,
        0,
    ]
    await desk.take(click(1, items[2], NOW_MS + 700, slate_id=slate.slate_id, position=2))
    assert await lessons(store) == []
    await desk.take(click(2, "i1", NOW_MS + 101 + WAIT_MS))
    (lesson,) = await lessons(store)
    assert (lesson.user, lesson.slate_id, lesson.model) == ("ann", slate.slate_id, "toy")
    assert lesson.rows.tolist() == [rows[item] for item in items[:5]]
    assert [(each.place, each.action, each.delay_ms) for each in lesson.answers] == [(2, 1, 600)]
    names = desk.replica.recommender.columns
    assert lesson.names == digest_of_names(names)
    assert lesson.features.shape == (5, len(names))
    assert np.isfinite(lesson.features).all()
    assert learned(desk) == {"answered": 0, "silent": 0}, "it is learned when the ledger brings it"
    await desk.chores().follow()
    assert learned(desk) == {"answered": 1, "silent": 0}
    assert desk.counted("lessons_total", kind="answered") == 1
    assert desk.counted("answers_total", result="joined") == 1
    told = decode_record((await store.read_ledger("0-0", 99))[-2].payload).interactions
    assert [(each.slate_id, each.position, each.arm) for each in told] == [(slate.slate_id, 2, "default")]


async def test_silence_is_a_lesson_too(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(click(0, "i1"))
    slate = await feed(store, "ann")
    shown = [item.item_id for item in slate.items][:3]
    await desk.take(impression(0, slate.slate_id, shown, NOW_MS + 100))
    await desk.take(impression(1, slate.slate_id, shown, NOW_MS + 101 + WAIT_MS))
    (lesson,) = await lessons(store)
    assert (lesson.kind, lesson.answers) == ("silent", ())


async def test_a_producer_that_sends_an_impression_twice_counts_once(store: MemoryStore) -> None:
    """Under another offset, in another worker that has nothing at hand."""
    first, second = await served(store), await served(store)
    await first.take(impression(0, "list", ["i1", "i2"]))
    await second.take(impression(1, "list", ["i1", "i2"], event_id="s0"))
    await second.take(impression(2, "list", ["i1", "i2"], event_id="another"))
    for desk in (first, second):
        await desk.chores().follow()
        assert desk.replica.recommender.counters.popularity.shown[:4].tolist() == [0, 1, 1, 0]
    for result, reason in (("duplicate", "duplicate"), ("again", "shown")):
        assert second.counted("showings_total", result=result) == 1
        assert second.counted("skipped_events_total", reason=reason) == 1


async def test_an_impression_that_shows_nothing_new_writes_nothing_but_its_offset(store: MemoryStore) -> None:
    """Most reads are of a feed that the user has seen: the store is not to write for each of them."""
    desk = await served(store)
    await desk.take(impression(0, "list", ["i1", "i2"]))
    commits: list[Commit] = []
    written = store.commit

    async def noted(commit: Commit, writer: str) -> str:
        commits.append(commit)
        return await written(commit, writer)

    store.commit = noted  # type: ignore[method-assign]
    await desk.take(impression(1, "list", ["i2", "i1"]), impression(2, "list", ["i2"]))
    (batch,) = commits
    assert batch.progress == {"impressions-0": 2}
    assert (batch.slates, batch.states, batch.ledger) == ({}, {}, b"")
    assert desk.counted("showings_total", result="again") == 2


async def test_an_impression_that_shows_nothing_new_closes_what_is_due(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(impression(0, "old", ["i1"]), impression(1, "list", ["i2"], NOW_MS + 10))
    await desk.take(impression(2, "list", ["i2"], NOW_MS + WAIT_MS + 5))
    (lesson,) = await lessons(store)
    assert (lesson.slate_id, lesson.kind) == ("old", "silent")
    await desk.take(impression(3, "old", ["i1"], NOW_MS + 3))
    assert desk.counted("showings_total", result="late") == 1
    assert len(await lessons(store)) == 1


async def test_it_counts_once_also_after_its_slate_has_fallen(store: MemoryStore) -> None:
    desk = await served(store)
    for n in range(10):
        await desk.take(impression(n, f"list {n}", [f"i{n}"]))
    await desk.take(impression(10, "list 0", ["i0"], event_id="s0"))
    assert desk.replica.recommender.counters.popularity.shown[:10].tolist() == [1] * 10


async def test_impressions_of_one_slate_in_one_batch(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(impression(0, "list", ["i1", "i2"]), impression(1, "list", ["i1", "i2", "i3"]))
    assert desk.replica.recommender.counters.popularity.shown[:5].tolist() == [0, 1, 1, 1, 0]
    (raw,) = (await store.load([], [], ["ann"])).slates
    (slate,) = kept_slates_codec.decode(raw).slates
    assert slate.shown == (1, 2, 3)


async def test_a_new_user_who_only_reads_has_no_state(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(impression(0, "list", ["i1"]))
    assert await store.states(["ann"]) == [None]
    assert not desk.box.letters


async def test_kept_slates_that_cannot_be_read_cost_no_event(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(impression(0, "list", ["i1"]))
    other = await served(store)
    loaded = await store.load([], ["impressions-0"])
    await store.commit(Commit(loaded.progress, loaded.progress, {}, {}, {}, slates={"ann": b"\xff"}), "hand")
    await other.take(click(0, "i1", slate_id="list"))
    assert other.counted("kept_slates_lost_total") == 1
    assert other.counted("answers_total", result="unknown") == 1
    assert not other.box.letters


async def test_the_learner_is_a_part_of_the_snapshot(store: MemoryStore) -> None:
    desk = await served(store)
    await desk.take(impression(0, "list", ["i1", "i2"], NOW_MS))
    await desk.take(click(0, "i2", NOW_MS + 5, slate_id="list"))
    await desk.take(click(1, "i3", NOW_MS + WAIT_MS + 1))
    await desk.replica.save_snapshot()
    await desk.chores().follow()
    heir = await served(store)
    assert learned(heir) == learned(desk) == {"answered": 1, "silent": 0}
    await desk.replica.save_snapshot()
    heir = await served(store)
    assert learned(heir) == {"answered": 1, "silent": 0}
    assert heir.replica.recommender.learner.pack() == desk.replica.recommender.learner.pack()


# Any stream, with kills and redelivery.

USERS, ITEMS = ("ann", "bob"), 6


def stream(moves: list[tuple[str, int, int, int]]) -> list[Message]:
    """Events of two users: each with the next offset of its topic; some name a slate, some are sent twice."""
    offsets: Counter[str] = Counter()
    messages, ts = [], NOW_MS
    for number, (kind, user, item, waited_ms) in enumerate(moves):
        ts += waited_ms
        who, slate = USERS[user], f"list {item % 3}"
        event: AnyEvent
        if kind == "shown":
            items = [f"i{(item + n) % ITEMS}" for n in range(3)]
            event = Impression(event_id=f"{number}", ts=ts, user_id=who, slate_id=slate, items=items)
        elif kind == "review":
            event = Review(event_id=f"{number}", ts=ts, user_id=who, item_id=f"i{item}", rating=4.0)
        else:
            named = slate if kind == "named" else None
            event = Click(event_id=f"{number}", ts=ts, user_id=who, item_id=f"i{item}", slate_id=named)
        for _ in range(2 if kind == "twice" else 1):
            topic = TOPIC_OF[type(event)]
            messages.append(message(event, offsets[topic]))
            offsets[topic] += 1
    return messages


moves = st.lists(
    st.tuples(
        st.sampled_from(["shown", "shown", "named", "click", "review", "twice"]),
        st.integers(0, 1),
        st.integers(0, ITEMS - 1),
        st.sampled_from([10, 1_000, WAIT_MS]),
    ),
    min_size=1,
    max_size=25,
)


async def taught(messages: list[Message], cuts: list[int]) -> tuple[Any, Any, Any, Any]:
    """What a run comes to in which, at each cut, the worker is killed: after its batch was written and before
    that was acknowledged, so that its successor gets the same batch again.
    """
    store = MemoryStore()
    desk = Desk(store, SETTINGS)
    ends = sorted({min(cut, len(messages)) for cut in cuts} | {len(messages)})
    begin = 0
    for end in ends:
        part = messages[begin:end]
        for each in part:
            desk.clock.ms = NOW_MS  # slates are made at a time that no batching changes
            await desk.take(each)
        desk = Desk(store, SETTINGS)
        await desk.take(*part)
        begin = end
    rebuilt = Desk(store, SETTINGS)
    async with rebuilt.replica.lock:
        await rebuilt.replica.rebuild()
    await desk.chores().follow()
    core = rebuilt.replica.recommender
    assert core.learner.pack() == desk.replica.recommender.learner.pack()
    shown = dict(zip(core.catalog.ids, core.counters.popularity.shown.tolist(), strict=False))
    kept = [kept_slates_codec.decode(raw) for raw in (await store.load([], [], USERS)).slates]
    return plain(await lessons(store)), plain(kept), shown, core.learner.pack()


@settings(max_examples=25, deadline=None)
@given(moves, st.lists(st.integers(1, 25), max_size=4))
def test_a_run_with_kills_teaches_what_a_clean_run_does(
    events: list[tuple[str, int, int, int]], cuts: list[int]
) -> None:
    messages = stream(events)
    clean, killed = asyncio.run(taught(messages, [])), asyncio.run(taught(messages, cuts))
    assert killed == clean
