"""A worker's parts around a store in memory, with Kafka and the models played by simple stand-ins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from model.errors import BrokerUnavailableError, ModelError
from streams.clock import ManualClock
from streams.events.schema import TOPIC_OF, AnyEvent, Click, encode, key_of
from streams.kafka.dead_letters import DeadLetter
from streams.kafka.message import Message
from streams.serving.experiments import ServedExperiments
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.stores.memory import MemoryStore
from streams.worker.batches import Batches
from streams.worker.chores import Chores
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Reader
from streams.worker.store_watch import StoreWatch
from streams.worker.waiting import Waiting

NOW_MS = 1_700_000_000_000


@dataclass
class Box:
    """Dead letters in a list; the first `refusals` calls fail."""

    letters: list[DeadLetter] = field(default_factory=list)
    refusals: int = 0

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise BrokerUnavailableError("no answer")
        self.letters.extend(letters)

    async def stop(self) -> None:
        return None


@dataclass
class PlayedLog:
    """A log that begins at `first` and ends at `last_end`; remembers what was to be read again."""

    first: int = 0
    last_end: int = 10**9
    reread_from: list[tuple[str, int]] = field(default_factory=list)
    seeks: int = 0

    async def earliest(self, place: str) -> int:
        return self.first

    async def end(self, place: str, after: int) -> int:
        return self.last_end

    async def reread(self, place: str, offset: int) -> int:
        self.reread_from.append((place, offset))
        self.seeks += 1
        return self.seeks

    def assigned(self) -> list[str]:
        return ["clicks-0", "reviews-0"]


@dataclass
class PlayedModels:
    """Knows the models in `known`; remembers the orders."""

    known: tuple[str, ...] = ("m1",)
    orders: list[str] = field(default_factory=list)
    wanted: frozenset[str] = frozenset()
    mending: asyncio.Task[None] | None = None

    async def check(self, name: str) -> None:
        if name not in self.known:
            raise ModelError(f"no model {name!r}")

    async def swap(self) -> None:
        return None

    def fell_back(self, asked: Mapping[str, int]) -> None:
        return None

    async def activated(self, name: str) -> None:
        self.orders.append(name)

    async def mend(self) -> None:
        return None

    def want(self, models: frozenset[str]) -> None:
        self.wanted = models

    def serves(self, model: str) -> bool:
        return model in self.known

    def why(self, model: str) -> str:
        return ""

    async def release(self) -> None:
        return None


class Desk:
    """Everything that one worker is made of, over a store that several may share."""

    def __init__(self, store: MemoryStore, settings: Settings = Settings()) -> None:
        self.store, self.settings = store, settings
        self.clock = ManualClock(NOW_MS)
        self.box, self.log, self.models = Box(), PlayedLog(), PlayedModels()
        self.metrics = WorkerMetrics()
        self.replica = Replica(settings, store, self.clock)
        reader = Reader(settings.events, self.clock, self.metrics, self.models.check)
        self.waiting = Waiting(lambda: self.clock.now_ms() / 1_000)
        self.batches = Batches(
            *(
                settings,
                store,
                self.replica,
                self.models,
                reader,
                self.box,
                self.log,
                self.metrics,
                self.clock,
            ),
            waiting=self.waiting,
        )

    def chores(self) -> Chores:
        return Chores(
            self.settings,
            self.store,
            self.replica,
            self.models,
            ServedExperiments(self.store, self.replica, self.models),
            self.batches.recovery.recover,
            self.metrics,
            self.clock,
            StoreWatch(self.settings.redis, self.store, self.metrics),
        )

    async def take(self, *messages: Message) -> list[Message]:
        return await self.batches.handle(messages)

    def counted(self, name: str, **labels: str) -> float:
        self.batches.counting.catch_up()
        return self.metrics.registry.get_sample_value(f"headrace_worker_{name}", labels) or 0.0


def message(event: AnyEvent, offset: int, partition: int = 0) -> Message:
    return Message(
        TOPIC_OF[type(event)],
        partition,
        offset,
        NOW_MS,
        key_of(event),
        encode(event),
        {"headrace-accepted": b"%d" % (NOW_MS - 5)},
    )


def click(offset: int, user: str = "ann", item: str = "i1", partition: int = 0) -> Message:
    event = Click(event_id=f"{partition}-{offset}", ts=NOW_MS, user_id=user, item_id=item)
    return message(event, offset, partition)


async def interactions(store: MemoryStore, user: str = "ann") -> int:
    """How many a user's stored state has."""
    return user_state_codec.decode((await store.states([user]))[0]).interactions


async def counted(store: MemoryStore) -> int:
    """What a new worker would count."""
    desk = Desk(store)
    async with desk.replica.lock:
        await desk.replica.rebuild()
    return desk.replica.recommender.counters.interactions


async def until(seen: Callable[[], bool]) -> None:
    """Returns once it is seen; what happens in another thread takes as long as it takes."""
    async with asyncio.timeout(60):
        while not seen():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.001)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def desk(store: MemoryStore) -> Desk:
    return Desk(store)
