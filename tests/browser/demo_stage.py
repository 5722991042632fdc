"""The demo application with a small catalog, over a store in memory. What the gateway accepts is applied at
once, by the parts that a worker is made of.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from streams.clock import SystemClock
from streams.events.schema import TOPIC_OF, AnyEvent, Click, Impression, Item, User, encode, key_of
from streams.experiments.registry.state import encode as encode_registry
from streams.kafka.message import Message
from streams.kafka.producer import Acknowledgement
from streams.serving.ranker import Ranker
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import digest_of
from streams.stores.memory import MemoryStore
from tests.browser.serving import served
from tests.streams.experiments.declarations import raw, running
from tests.streams.gateway.conftest import RecordingSink
from tests.streams.worker.conftest import Desk

FILMS = (
    ("The Long Canal", "Drama"),
    ("Night Train to Bergen", "Thriller", "Drama"),
    ("流浪的水车", "科幻", "冒险"),
    ("A Very Long Title about the People Who Kept the Mill, and What Came of It in the End", "Documentary"),
    ("Millrace", "Comedy"),
    ("Señor Agua", "Comedy", "Romance"),
    ("Water", "Documentary"),
    ("Harvest of Stars", "Science Fiction"),
    ("The Ninth Wheel", "Thriller"),
    ("Kingfisher", "Animation", "Children's"),
    ("Salt and Lamp", "Drama", "Romance"),
    ("月光下的磨坊", "剧情"),
    ("Floodgate", "Action", "Thriller"),
    ("The Cartographer's Dog", "Adventure"),
    ("Quiet Hours", "Drama"),
    ("Lanterns", "Animation"),
    ("Cobalt", "Film-Noir", "Crime"),
    ("Two Sluices", "Comedy"),
)
ELSEWHERE = "https://pictures.example/cover.png"
"""No page may load it."""


class WorkedSink(RecordingSink):
    """Kafka and a worker in one. `works`: whether the worker does; what waits is applied once it does."""

    def __init__(self, store: MemoryStore, settings: Settings) -> None:
        super().__init__()
        self.works = True
        self.desk = Desk(store, settings)
        self._offsets: Counter[str] = Counter()
        self._waiting: list[Message] = []

    async def deliver(
        self, events: Sequence[AnyEvent], accepted_ms: int, timeout_s: float
    ) -> Acknowledgement:
        taken = await super().deliver(events, accepted_ms, timeout_s)
        self._waiting += [self._message(event, accepted_ms) for event in events[: self.confirms]]
        if self.works:
            await self.work()
        return taken

    async def work(self) -> None:
        """Apply what waits."""
        messages, self._waiting = self._waiting, []
        self.desk.clock.ms = time.time_ns() // 1_000_000
        await self.desk.take(*messages)

    def _message(self, event: AnyEvent, accepted_ms: int) -> Message:
        topic = TOPIC_OF[type(event)]
        self._offsets[topic] += 1
        headers = {"headrace-accepted": b"%d" % accepted_ms}
        offset = self._offsets[topic] - 1
        return Message(topic, 0, offset, accepted_ms, key_of(event), encode(event), headers)


@dataclass
class Stage:
    """The demo's address, the sink behind it, and what the gateway was sent but for impressions."""

    address: str
    sink: WorkedSink

    @property
    def events(self) -> list[AnyEvent]:
        return [each for each in self.sink.delivered if not isinstance(each, Impression)]


@contextmanager
def stage(items: bool = True, experiment: bool = True, **sections: object) -> Iterator[Stage]:
    """A demo that is served; `items`: with a catalog and users who have met some of it."""
    # A busy machine is no failure of the ranker: its second would be over, and the browser be told 503.
    patient = {"gateway": {"demo_app": "loopback"}, "ranker": {"timeout_ms": 20_000}}
    settings = override(Settings(), patient | sections)
    store = MemoryStore()
    sink = WorkedSink(store, settings)
    _run_apart(_filled(store, sink, items, experiment))
    sink.delivered.clear()
    ranker = Ranker(settings, store, SystemClock())
    with served(settings, store, sink, ranker=ranker) as address:
        while ranker.trouble:
            time.sleep(0.02)
        yield Stage(f"{address}/demo", sink)


def _run_apart(filling: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own: a test's own loop runs already."""
    thread = threading.Thread(target=asyncio.run, args=(filling,))
    thread.start()
    thread.join()


def _film(number: int, title: str, kinds: list[str], now_ms: int) -> Item:
    """Some have a price, some a maker and a picture elsewhere, some a text."""
    return Item(
        event_id=f"item {number}",
        ts=now_ms - 60_000,
        item_id=f"f{number}",
        title=title,
        categories=kinds,
        price=9.5 + number if number % 4 == 0 else None,
        attributes={"brand": "Mill Street", "poster": ELSEWHERE} if number % 3 == 0 else {},
        text="A film about water." if number % 2 else "",
    )


async def _filled(store: MemoryStore, sink: WorkedSink, items: bool, experiment: bool) -> None:
    now_ms = time.time_ns() // 1_000_000
    if experiment:
        arms = {"all": {}, "new": {"stages": {"candidates": {"sources": ["fresh"]}}}}
        declared = raw(arms, target={"profile": {"age": ["30"]}})
        registry = encode_registry(running(ranking=declared))
        await store.put_experiments(registry, digest_of(None), b"entry")
    if items:
        films: list[AnyEvent] = [_film(n, title, kinds, now_ms) for n, (title, *kinds) in enumerate(FILMS)]
        people: list[AnyEvent] = [
            User(
                event_id=f"user {n}",
                ts=now_ms - 50_000,
                user_id=f"u{n}",
                profile={"age": "30", "work": "miller"},
            )
            for n in range(6)
        ]
        clicks: list[AnyEvent] = [
            Click(
                event_id=f"click {n}", ts=now_ms - 40_000 + n, user_id=f"u{n % 6}", item_id=f"f{n * 7 % 18}"
            )
            for n in range(40)
        ]
        await sink.deliver([*films, *people, *clicks], now_ms - 30_000, 1.0)
        await sink.desk.chores().popular()
