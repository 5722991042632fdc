"""One batch in the shell: read, look up, fold, write; only then it is done.

    read · encode texts · meet new items · load states and progress · leave out what was applied before
    process (the core) · dead letters · commit, everything in one transaction

A batch is written whole or not at all, and until it is known which, nothing else is done: a commit that was
not answered is repeated as it is (the store knows the writer's last one). Where another worker was ahead, the
counters of this process are read anew, and the batch is begun again with what is left of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from model.errors import (
    BrokerUnavailableError,
    FencedError,
    LedgerGapError,
    StoreError,
    StoreUnavailableError,
)
from streams import feed, ladder, state_codec
from streams.batch import Outcome, process
from streams.clock import Clock
from streams.ladder import Rung
from streams.ledger import encode_record
from streams.settings import Settings
from streams.stores.base import Commit, Loaded, Store
from streams.user_state import UserState
from streams.worker.dead_letters import DeadLetter, DeadLetters
from streams.worker.gaps import Gaps
from streams.worker.message import Message
from streams.worker.metrics import WorkerMetrics
from streams.worker.positions import beyond_the_end
from streams.worker.reading import Read, Reader, items_named, user_of
from streams.worker.replica import Replica

log = logging.getLogger(__name__)

T = TypeVar("T")

USER_TOPICS = ("clicks", "reviews", "impressions", "users")
RETRY_S = (0.05, 1.0)
"""The first and the longest pause before the store or Kafka is asked again."""


class Log(Protocol):
    """What must be asked of Kafka about a partition; a place is "topic-partition"."""

    async def earliest(self, place: str) -> int:
        """The first offset that is still there."""
        ...

    async def end(self, place: str, after: int) -> int:
        """The offset after the last one; what was heard last will do where it is above `after`."""
        ...

    async def reread(self, place: str, offset: int) -> None:
        """Go on reading at `offset`."""
        ...

    def assigned(self) -> list[str]:
        """The places that this process reads."""
        ...


class Models(Protocol):
    """The models of this process."""

    def swap(self) -> None:
        """Serve the model that was loaded meanwhile, if any; called between two batches."""
        ...

    async def activated(self, name: str) -> None:
        """The ledger says that `name` is the model now."""
        ...


class Places:
    """A set of messages, each known by its partition and offset."""

    def __init__(self) -> None:
        self._places: set[tuple[str, int]] = set()

    def add(self, message: Message) -> None:
        self._places.add((message.place, message.offset))

    def __contains__(self, message: Message) -> bool:
        return (message.place, message.offset) in self._places


class _Work(NamedTuple):
    """What is left of a batch once the store has said what was applied before."""

    reads: list[Read]
    letters: list[DeadLetter]
    states: dict[str, UserState]
    loaded: Loaded
    progress: dict[str, int]
    done: list[Message]


class Batches:
    """Takes messages in the order in which they came; returns once they are written."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        replica: Replica,
        models: Models,
        reader: Reader,
        letters: DeadLetters,
        kafka: Log,
        metrics: WorkerMetrics,
        clock: Clock,
    ) -> None:
        self.settings, self.store, self.replica, self.models = settings, store, replica, models
        self.reader, self.letters, self.kafka, self.metrics, self.clock = (
            reader,
            letters,
            kafka,
            metrics,
            clock,
        )
        self.gaps = Gaps()
        self.rung: Rung = "full"
        self.trouble = ""
        self._known: dict[str, int] = {}

    async def handle(self, messages: Sequence[Message]) -> list[Message]:
        """Write a batch; the messages that are done with. The others will be read again.

        Waits for as long as the store or Kafka are away. Raises `ProgressError` where going on would lose
        events.
        """
        self.metrics.batch_events.observe(len(messages))
        reads, letters = await self.reader.read(messages)
        pause_s, longest_s = RETRY_S
        while True:
            try:
                async with self.replica.lock:
                    return await self._attempt(messages, reads, letters)
            except FencedError as error:
                log.warning("batch fenced, the counters are read anew: %s", error)
                self.metrics.fenced.inc()
            except (StoreUnavailableError, LedgerGapError) as error:
                self._troubled(error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)

    async def _attempt(
        self, messages: Sequence[Message], reads: Sequence[Read], letters: Sequence[DeadLetter]
    ) -> list[Message]:
        await self.make_sound()
        self.models.swap()
        work = await self._look_up(messages, reads, letters)
        self.trouble = ""
        if not work.progress:
            return work.done
        try:
            outcome, position = await self._write(work)
        except BaseException:
            self.replica.sound = (
                False  # its counters are ahead of the store, or it is not known whether they are
            )
            raise
        self.replica.committed(position)
        self._known |= work.progress
        self._count(work, outcome)
        if outcome.record.activate:
            await self.models.activated(outcome.record.activate)
        return work.done

    async def make_sound(self) -> None:
        """Read the counters anew where they can't be trusted. The caller holds the replica's lock."""
        if self.replica.sound:
            return
        self.metrics.rebuilds.inc()
        await self.replica.rebuild()
        if self.replica.forgotten:  # the store was emptied: what Kafka still has makes it whole again
            places = self.kafka.assigned()
            for place, offset in (await self.store.load([], places)).progress.items():
                await self.kafka.reread(place, max(offset + 1, await self.kafka.earliest(place)))
            self.replica.forgotten = False

    async def _look_up(
        self, messages: Sequence[Message], reads: Sequence[Read], letters: Sequence[DeadLetter]
    ) -> _Work:
        started = time.perf_counter()
        await self.replica.meet([item_id for each in reads for item_id in items_named(each.event)])
        users = list(dict.fromkeys(user for each in reads if (user := user_of(each.event)) is not None))
        loaded = await self.store.load(users, sorted(_fenced_places(messages)))
        self._check_kept(loaded)
        taken, old = await self._in_order(messages, loaded.progress)
        progress: dict[str, int] = {}
        for message in messages:
            if message in taken:
                progress[message.place] = max(message.offset, progress.get(message.place, -1))
        states, unreadable = _decoded(users, loaded)
        await self.replica.know(states.values())
        fresh_letters = [letter for letter in letters if letter.message in taken]
        kept = []
        for each in reads:
            if each.message not in taken:
                continue
            user = user_of(each.event)
            if user in unreadable:
                fresh_letters.append(self._letter(each.message, "state_unreadable", unreadable[user]))
            else:
                kept.append(each)
        self.metrics.stage_s.labels("load").observe(time.perf_counter() - started)
        done = [message for message in messages if message in taken or message in old]
        return _Work(kept, fresh_letters, states, loaded, progress, done)

    async def _in_order(
        self, messages: Sequence[Message], progress: Mapping[str, int]
    ) -> tuple[Places, Places]:
        """The messages to apply, each the next one of its partition, and those that were applied before.

        Whatever else there is came too early: something before it was left out and is read again.
        """
        taken, old = Places(), Places()
        upcoming = {place: offset + 1 for place, offset in progress.items()}
        rereads: dict[str, int] = {}
        for message in messages:
            place, offset = message.place, message.offset
            if offset < upcoming[place]:
                end = await self.kafka.end(place, progress[place])
                if end <= progress[place]:
                    raise beyond_the_end(place, end, progress[place])
                self.metrics.events.labels(message.topic, "skipped").inc()
                self.metrics.skipped.labels("offset").inc()
                old.add(message)
                continue
            verdict = self.gaps.judge(place, upcoming[place], offset)
            if verdict == "reread":
                earliest = await self.kafka.earliest(place)
                if upcoming[place] < earliest == offset:
                    log.warning(
                        "%s: offsets %d to %d are gone from Kafka", place, upcoming[place], offset - 1
                    )
                    self.gaps.close(place)
                    verdict = "accept"
                else:
                    rereads[place] = max(upcoming[place], earliest)
            if verdict in ("reread", "accept"):
                self.metrics.gaps.labels(verdict).inc()
            if verdict in ("next", "accept"):
                taken.add(message)
                upcoming[place] = offset + 1
        for place, offset in rereads.items():
            await self.kafka.reread(place, offset)
        return taken, old

    def _check_kept(self, loaded: Loaded) -> None:
        """Raises `FencedError` where the store has forgotten what it once said (it was emptied, or
        restored).
        """
        for place, offset in loaded.progress.items():
            if offset < self._known.get(place, -1):
                self._known.clear()
                self.replica.forget()
                raise FencedError(f"the store has {place} at {offset}, and it was further before")
        self._known |= loaded.progress

    async def _write(self, work: _Work) -> tuple[Outcome, str]:
        now_ms = self.clock.now_ms()
        self.rung = self._rung(work.reads, now_ms)
        recommender = self.replica.recommender
        # Without a model its features are not worth their price.
        modelled = recommender.pipeline.model is not None or self.rung == "popular"
        outcome = process(
            recommender,
            [each.incoming for each in work.reads],
            work.states,
            now_ms,
            self.rung if modelled else "counters",
            {at: each.words for at, each in enumerate(work.reads) if each.words is not None},
        )
        letters = work.letters + [
            self._letter(work.reads[at].message, "apply_failed", error)
            for at, error in outcome.failed.items()
        ]
        if letters:
            await self._until_answered(lambda: self.letters.send(letters))
            for letter in letters:
                self.metrics.dead_letters.labels(letter.reason).inc()
                self.metrics.events.labels(letter.message.topic, "dead_letter").inc()
        started = time.perf_counter()
        commit = self._commit(work, outcome)
        position = await self._until_answered(lambda: self.store.commit(commit, self.replica.writer))
        self.metrics.stage_s.labels("commit").observe(time.perf_counter() - started)
        return outcome, position

    def _rung(self, reads: Collection[Read], now_ms: int) -> Rung:
        oldest = min((each.incoming.accepted_ms for each in reads), default=now_ms)
        return ladder.choose(now_ms - oldest, self.settings.ladder, self.rung)

    def _commit(self, work: _Work, outcome: Outcome) -> Commit:
        pushed_ms = self.clock.now_ms()
        for slate in outcome.slates:
            slate.times["pushed"] = pushed_ms
        return Commit(
            expected=work.loaded.progress,
            progress=work.progress,
            states={user: state_codec.encode(state) for user, state in outcome.states.items()},
            feeds={slate.user_id: feed.encode(slate) for slate in outcome.slates},
            items=outcome.items,
            ledger=encode_record(outcome.record) if outcome.record else b"",
        )

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, however long the store or Kafka are away."""
        pause_s, longest_s = RETRY_S
        while True:
            try:
                answer = await ask()
            except (StoreUnavailableError, BrokerUnavailableError) as error:
                self._troubled(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                self.trouble = ""
                return answer

    def _troubled(self, error: StoreError | BrokerUnavailableError) -> None:
        (
            self.metrics.broker_errors
            if isinstance(error, BrokerUnavailableError)
            else self.metrics.store_errors
        ).inc()
        if not self.trouble:
            log.warning("waiting: %s", error)
        self.trouble = str(error)

    def _letter(self, message: Message, reason: str, error: Exception) -> DeadLetter:
        log.error("dead letter %s at %s:%d: %r", reason, message.place, message.offset, error, exc_info=error)
        return DeadLetter(message, reason, f"{type(error).__name__}: {error}", self.clock.now_ms())

    def _count(self, work: _Work, outcome: Outcome) -> None:
        metrics, now_ms = self.metrics, self.clock.now_ms()
        metrics.stage_s.labels("fold").observe(outcome.fold_s)
        if outcome.slates:
            metrics.stage_s.labels("recommend").observe(outcome.recommend_s)
        for at in outcome.applied:
            metrics.events.labels(work.reads[at].message.topic, "applied").inc()
            metrics.applied_s.observe(max(0.0, (now_ms - work.reads[at].event.ts) / 1_000))
        for at, reason in outcome.skipped.items():
            metrics.events.labels(work.reads[at].message.topic, "skipped").inc()
            metrics.skipped.labels(reason).inc()
        for slate in outcome.slates:
            metrics.slates.labels(slate.rung).inc()
            metrics.pushed_s.observe(max(0.0, (now_ms - slate.times["accepted"]) / 1_000))
        for user, error in outcome.unranked.items():
            metrics.unranked.inc()
            log.error("no slate on rung %s for user %r: %r", self.rung, user, error, exc_info=error)


def _fenced_places(messages: Sequence[Message]) -> set[str]:
    """The partitions whose progress guards a batch: its own, and those that hold other events of the same
    users.
    """
    places = {message.place for message in messages}
    numbers = {message.partition for message in messages if message.topic in USER_TOPICS}
    return places | {f"{topic}-{number}" for topic in USER_TOPICS for number in numbers}


def _decoded(
    users: Sequence[str], loaded: Loaded
) -> tuple[dict[str, UserState], dict[str | None, StoreError]]:
    """The states, and why some could not be read."""
    states: dict[str, UserState] = {}
    unreadable: dict[str | None, StoreError] = {}
    for user, raw in zip(users, loaded.states, strict=True):
        try:
            states[user] = state_codec.decode(raw)
        except StoreError as error:
            unreadable[user] = error
    return states, unreadable
