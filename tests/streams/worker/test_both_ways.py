"""One stream, once as JSON through a worker and once as the files of a dataset, comes to the same bytes.

Both are written here out of the same plain rows, so that neither is made by the code of the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from model.examples import Shard
from model.schema import F32
from model.shards import ShardFiles, shard_folders
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset
from streams.events.schema import TOPIC_OF, decode, key_of
from streams.examples.collector import ExampleCollector
from streams.examples.folder import LEARN
from streams.kafka.message import Message
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import KeptSlate
from streams.learning.lesson import Lesson, decode_lesson
from streams.learning.steps import Step
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import encode_all
from streams.offline.training.warming import prepare, records
from streams.ranking import slate as stored_slate
from streams.ranking.slate import Slate
from streams.recommender import Recommender
from streams.settings.models import ExampleSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.catalog import encode_item
from streams.state.ledger import decode_record
from streams.stores.ledger_entries import LedgerEntry
from streams.stores.memory import MemoryStore
from streams.worker.examples_log import ExamplesLog
from tests.model.random_shards import assert_same
from tests.streams.core import toy_model
from tests.streams.worker.conftest import Desk

BEGIN_MS = 1_700_000_000_000
EVENTS, USERS, ITEMS, ANNOUNCED = 160, 9, 40, 30
LEARNS = {"reweighting": {"enabled": True}}
Row = dict[str, Any]


def encode(texts: Sequence[str]) -> F32:
    """A vector of each text that depends on nothing else, and that rounding changes."""
    assert all(text.strip() for text in texts)
    found = [np.random.default_rng(list(text.encode())).normal(size=64) for text in texts]
    return np.stack([(each / np.linalg.norm(each)).astype(np.float32) for each in found])


def item_rows(draw: np.random.Generator) -> list[Row]:
    rows = []
    for n in range(ANNOUNCED):
        row: Row = {
            "item": f"i{n}",
            "title": f"Item {n}" if n % 4 else "",
            "categories": [f"c{n % 3}", "all"],
        }
        row |= {
            "tags": [f"t{n % 5}"],
            "text": f"About {n}." if n % 3 else "",
            "price": 1.5 * n if n % 2 else None,
        }
        row["image_vector"] = draw.normal(size=4).tolist() if n % 5 else None
        row["audio_vector"] = draw.normal(size=3 if n % 7 else 2).tolist() if n % 2 else None
        rows.append(row)
    return rows


def event_rows(draw: np.random.Generator) -> list[Row]:
    """Clicks after a search and without one, reviews with stars, with words, with both."""
    rows, ts = [], BEGIN_MS
    for k in range(EVENTS):
        ts += int(draw.integers(1, 90_000))
        row: Row = {"user": f"u{draw.integers(USERS)}", "item": f"i{draw.integers(ITEMS)}", "ts": ts}
        row |= {"action": "", "rating": None, "text": "", "title": "", "query": ""}
        match k % 5:
            case 0:
                row |= {"action": "cart", "query": f"find {k % 20}"}
            case 1:
                row |= {"action": "view"}
            case 2:
                row |= {"rating": float(draw.integers(1, 6))}
            case 3:
                row |= {"rating": 4.5, "text": f"I liked number {k}.", "title": "Good" if k % 2 else ""}
            case _:
                row |= {"text": f"No stars for {k}."}
        rows.append(row)
    return rows


USER_ROWS = [
    {"user": f"u{n}", "age": str(20 + n), "city": "Oslo" if n % 2 else "Rome"} for n in range(0, USERS, 2)
]


class Rows(NamedTuple):
    items: list[Row]
    events: list[Row]


@pytest.fixture(scope="module")
def rows() -> Rows:
    draw = np.random.default_rng(11)
    return Rows(item_rows(draw), event_rows(draw))


def settings_of(folder: Path) -> Settings:
    settings = override(
        Settings(), {"model": {"image_dim": 4, "audio_dim": 3}, "feed": {"size": 8}, **LEARNS}
    )
    return msgspec.structs.replace(settings, examples=ExampleSettings(str(folder), whole=0.0, rotate_s=1e9))


class Outcome(NamedTuple):
    """What a way came to; states without their deliveries, slates without the times of their stages."""

    core: Recommender
    states: dict[str, bytes]
    items: list[bytes | None]
    slates: list[bytes]
    examples: Shard


def plain_state(raw: bytes) -> bytes:
    return user_state_codec.encode(replace(user_state_codec.decode(raw), offsets={}))


def plain_slate(slate: Slate) -> bytes:
    return stored_slate.encode(msgspec.structs.replace(slate, times={}))


# As a dataset.


def dataset_of(rows: Rows, folder: Path) -> Dataset:
    for name, each in (("items", rows.items), ("events", rows.events), ("users", USER_ROWS)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in each))
    events, items, users = (str(folder / f"{name}.jsonl") for name in ("events", "items", "users"))
    return load_dataset(DatasetSpec(events, items, users))


def silent(stage: str, done: int, total: int) -> None:
    pass


def replayed(rows: Rows, settings: Settings, folder: Path) -> Outcome:
    dataset = dataset_of(rows, folder)
    run: Prequential = prepare(dataset, settings, encode, silent)
    core, collector = run.recommender, ExampleCollector(run.recommender, settings.seed, shard_size=None)
    core.serve(toy_model(core.pipeline))
    slates = []
    while run.at < len(dataset.interactions):
        event = run.event(run.at)
        run.collect(collector)
        run.learn()
        state = run.states[event.user_id]
        looks: list[KeptSlate] = []
        request = core.request(state, event.ts, user=event.user_id, cause=event.event_id, trial=True)
        (slate,) = core.recommend([request], looks)
        run.slates[event.user_id] = core.keep(event.user_id, run.slates[event.user_id], looks[0]).kept
        slates.append(plain_slate(slate))
    core.learn_closed()
    (examples,) = collector.shards()
    states = {user: plain_state(user_state_codec.encode(state)) for user, state in run.states.items()}
    said = encode_all((item.joined for item in dataset.items.values()), encode, "", silent)
    begin = int(dataset.interactions.ts_ms[0])
    items = {each.item_id: encode_item(each) for each in records(dataset, said, begin)}
    return Outcome(core, states, [items.get(each) for each in core.catalog.ids], slates, examples)


# Over the wire.


def wire(rows: Rows) -> tuple[list[Row], list[Row], list[Row]]:
    """Items, profiles and events, as an app writes them."""
    begin = rows.events[0]["ts"]
    items = []
    for row in rows.items:
        told = {name: value for name, value in row.items() if name != "item" and value is not None}
        items.append({"type": "item", "event_id": row["item"], "ts": begin, "item_id": row["item"], **told})
    users = []
    for row in USER_ROWS:
        profile = {name: value for name, value in row.items() if name != "user"}
        name = f"profile {row['user']}"
        users.append(
            {"type": "user", "event_id": name, "ts": begin, "user_id": row["user"], "profile": profile}
        )
    events = []
    for k, row in enumerate(rows.events):
        told = {"event_id": str(k), "ts": row["ts"], "user_id": row["user"], "item_id": row["item"]}
        if row["rating"] is not None or row["text"]:
            said = {name: row[name] for name in ("rating", "title", "text") if row[name] not in (None, "")}
            events.append({"type": "review", **told, **said})
        else:
            query = {"query": row["query"]} if row["query"] else {}
            events.append({"type": "click", **told, "action": row["action"], **query})
    return items, users, events


class Sender:
    """Messages with the next offset of their topic, accepted when they happened."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.offsets = settings, dict.fromkeys(TOPIC_OF.values(), 0)

    def __call__(self, told: Row) -> Message:
        raw = json.dumps(told).encode()
        event = decode(raw, told["ts"], self.settings.events)
        topic = TOPIC_OF[type(event)]
        offset, self.offsets[topic] = self.offsets[topic], self.offsets[topic] + 1
        headers = {"headrace-accepted": b"%d" % told["ts"]}
        return Message(topic, 0, offset, told["ts"], key_of(event), raw, headers)


async def worked(rows: Rows, settings: Settings, store: MemoryStore) -> Outcome:
    desk = Desk(store, settings)
    desk.batches.reader.encode = encode
    desk.batches.folding.examples = log = ExamplesLog(settings, desk.replica.core, desk.metrics, desk.clock)
    items, users, events = wire(rows)
    sent = Sender(settings)
    desk.clock.ms = events[0]["ts"]
    await desk.take(*map(sent, items))
    await desk.take(*map(sent, users))
    async with desk.replica.lock:
        desk.replica.serve(toy_model(desk.replica.recommender.pipeline))
    slates = []
    for told in events:
        desk.clock.ms = told["ts"]
        await desk.take(sent(told))
        await desk.chores().follow()  # what the event has closed is learned before the next one
        slates.append(plain_slate(stored_slate.decode(found(await store.feed(told["user_id"])))))
    await log.stop()
    assert not desk.box.letters
    core = desk.replica.recommender
    names = sorted({told["user_id"] for told in (*users, *events)})
    states = {
        name: plain_state(found(raw)) for name, raw in zip(names, await store.states(names), strict=True)
    }
    (examples,) = ShardFiles(shard_folders(Path(settings.examples.folder) / LEARN))
    return Outcome(core, states, await store.items(core.catalog.ids), slates, examples)


def found(raw: bytes | None) -> bytes:
    assert raw is not None
    return raw


# Compared.


def columns(core: Recommender) -> dict[str, bytes]:
    """All that a core has counted and knows of items, without the room it has for more."""
    count, pairs = len(core.catalog), core.counters.pairs
    known = {name: each[:count] for name, each in vars(core.catalog).items() if isinstance(each, np.ndarray)}
    del known["revised"]  # each process numbers what it does by itself
    known |= {f"view {name}": each[:count] for name, each in core.catalog.modalities.items()}
    counted = {
        name: each[:count] if len(each) >= count else each
        for name, each in vars(core.counters.popularity).items()
        if isinstance(each, np.ndarray)
    }
    neighbours = {
        f"{name} of {row}": getattr(pairs, name)[begin : begin + length]
        for row, (begin, length) in enumerate(zip(pairs.start[:count], pairs.length[:count], strict=True))
        for name in ("neighbour", "count")
    }
    arrays = known | counted | neighbours | {"outgoing": pairs.outgoing[:count]}
    numbers = {"interactions": core.counters.interactions, "landmark": core.counters.popularity.landmark_ms}
    return {
        **{name: each.tobytes() for name, each in arrays.items()},
        **{name: str(each).encode() for name, each in numbers.items()},
        "ids": "\n".join(core.catalog.ids).encode(),
    }


async def test_a_stream_is_the_same_as_a_dataset_and_over_the_wire(rows: Rows, tmp_path: Path) -> None:
    settings, store = settings_of(tmp_path / "examples"), MemoryStore()
    one = await worked(rows, settings, store)
    other = replayed(rows, settings, tmp_path)
    assert one.core.catalog.ids == other.core.catalog.ids
    assert one.states == other.states
    assert one.items == other.items
    mine, theirs = columns(one.core), columns(other.core)
    assert {name for name, each in mine.items() if each != theirs[name]} == set()
    for k, (left, right) in enumerate(zip(one.slates, other.slates, strict=True)):
        assert left == right, (
            f"slate after event {k}: {stored_slate.decode(left)} and {stored_slate.decode(right)}"
        )
    assert_same(one.examples, other.examples)
    assert one.core.learner.pack() == other.core.learner.pack()
    # What the ledger tells makes a third core the same.
    follower = Desk(store, settings)
    async with follower.replica.lock:
        await follower.replica.rebuild()
    told = columns(follower.replica.recommender)
    assert {name for name, each in told.items() if each != theirs[name]} == set()
    assert follower.replica.recommender.learner.pack() == other.core.learner.pack()


async def test_the_stream_holds_all_that_could_differ(rows: Rows, tmp_path: Path) -> None:
    """That the comparison can fail: words, searches, views, profiles and items that nobody announced."""
    made = replayed(rows, settings_of(tmp_path / "examples"), tmp_path)
    for name in ("words", "liked", "query", "profile"):
        assert np.any(getattr(made.examples, name)), name
    catalog = made.core.catalog
    assert len(catalog) > ANNOUNCED
    assert (catalog.reviews > 0).any()
    assert catalog.own_text.any()
    for view in catalog.modalities.values():
        assert np.any(view[:ANNOUNCED])
        assert not np.all(view[:ANNOUNCED].any(1))
    lessons = made.core.learner.counts()
    assert lessons["answered"] > lessons["other_columns"], "none taught anything"
    exact = encode(["I liked number 3."])
    assert (exact != exact.astype(np.float16)).any()


# What was shown, and what came of it.


def feed_rows(draw: np.random.Generator) -> list[Row]:
    """Slates of a few items, some of them clicked, some a long time after the one before."""
    rows, ts = [], BEGIN_MS
    for k in range(120):
        ts += int(draw.choice([5_000, 400_000]))
        shown = [f"i{n}" for n in draw.choice(ITEMS, int(draw.integers(2, 7)), replace=False)]
        clicked = [item for item in shown if draw.random() < 0.3]
        row: Row = {"user": f"u{draw.integers(USERS)}", "ts": ts, "slate": f"list {k}"}
        rows.append({**row, "shown": shown, "clicked": clicked})
    rows[-1]["clicked"] = rows[-1]["shown"][:1]  # what comes after the last click is left out
    return rows


def lessons_of(entries: Sequence[LedgerEntry]) -> list[Lesson]:
    """Those that the workers told each other."""
    records = [decode_record(entry.payload) for entry in entries]
    return [decode_lesson(raw) for record in records for raw in record.lessons]


def plain_lesson(lesson: Lesson, core: Recommender) -> tuple[object, ...]:
    """Clicks of one time have no order that both ways must share; rows are numbered as they are met."""
    items = [core.catalog.ids[row] for row in lesson.rows]
    answers = sorted(answer._replace(value=0.0) for answer in lesson.answers)
    return (lesson.user, lesson.slate_id, lesson.shown_ms, items, answers)


async def test_slates_of_a_dataset_are_joined_as_those_on_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no worker makes slates of its own, the two know the same of each user's slates."""
    rows = feed_rows(np.random.default_rng(12))
    settings = override(Settings(), {"learning": {"wait_s": 300.0}, **LEARNS})
    (tmp_path / "shown.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = "user=user,ts=ts,impressions=shown,clicked=clicked,slate=slate"
    dataset = load_dataset(DatasetSpec(str(tmp_path / "shown.jsonl"), columns=columns))
    run: Prequential = prepare(dataset, settings, encode, silent)
    learned: list[Lesson] = []
    monkeypatch.setattr(run.recommender.learner, "learn", learned.append)
    while run.at < len(dataset.interactions):
        run.learn()
    run.recommender.learn_closed()

    store, sent = MemoryStore(), Sender(settings)
    desk = Desk(store, settings)
    desk.batches.reader.encode = encode
    async with desk.replica.lock:
        await desk.replica.rebuild()  # else the first batch takes another core
    core = desk.replica.recommender
    monkeypatch.setattr(core, "keep", lambda user, kept, slate: Step(kept, []))
    for k, row in enumerate(rows):
        desk.clock.ms = row["ts"]
        shared = {"ts": row["ts"], "user_id": row["user"], "slate_id": row["slate"]}
        shown = {"type": "impression", "event_id": f"shown-{k}", "items": row["shown"], **shared}
        acts = [{"type": "click", "item_id": item, **shared} for item in row["clicked"]]
        for at, act in enumerate(acts):
            act["event_id"] = f"click {k} {at}"
        await desk.take(*map(sent, [shown, *acts]))
    assert not desk.box.letters
    told = lessons_of(await store.read_ledger("0-0", 1_000))
    assert sorted([plain_lesson(each, core) for each in told], key=repr) == sorted(
        [plain_lesson(each, run.recommender) for each in learned], key=repr
    )
    assert {lesson.kind for lesson in learned} == {"answered", "silent"}
    shown_there = core.counters.popularity.shown[: len(core.catalog)]
    rows_here = [run.recommender.catalog.rows[item] for item in core.catalog.ids]
    np.testing.assert_array_equal(shown_there, run.recommender.counters.popularity.shown[rows_here])
    users = sorted({row["user"] for row in rows})
    loaded = await store.load([], [], users)
    for user, raw in zip(users, loaded.slates, strict=True):
        assert [slate.slate_id for slate in kept_slates_codec.decode(raw).slates] == [
            slate.slate_id for slate in run.slates[user].slates
        ]
