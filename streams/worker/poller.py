"""A thread that polls librdkafka's client, and alone speaks to it.

The client (confluent-kafka) lets one thread at a time call it, and a poll lasts until a message comes. So
what others want of it waits for the thread's next turn, for `WAIT_S` at most.

The thread polls whatever the worker waits for, since only a poll answers a rebalance. Partitions that bring
more than the worker takes are paused.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, TopicPartition
from confluent_kafka import KafkaError as ClientError
from faust.types import TP

from model.errors import SettingsError
from streams.kafka.librdkafka import Statistics
from streams.kafka.polled import Polling
from streams.kafka.record import Chunk, Record
from streams.kafka.spans import Partition

log = logging.getLogger(__name__)

WAIT_S = 0.1
WAIT_PAUSED_S = 0.01
"""A poll waits so long for a message, and less where a paused partition may be resumed."""

AT_ONCE = 500
"""So many messages are handed over at once, at most."""

WAITING_EVENTS = 8_192
"""With so many events handed over and not taken yet, nothing more is fetched until half of them are taken."""

EARLIEST = -2
"""The timestamp for which Kafka names a partition's first offset."""

FORBIDDEN = {
    ClientError.TOPIC_AUTHORIZATION_FAILED,
    ClientError.GROUP_AUTHORIZATION_FAILED,
    ClientError.CLUSTER_AUTHORIZATION_FAILED,
}

Starts = dict[TP, int | None]
"""Where each partition is begun; None where that is not known."""


class Told(Protocol):
    """Who hears of it, in the thread that polls."""

    def brought(self, chunks: dict[TP, Chunk]) -> None: ...

    def broken(self, partition: TP, position: int) -> None:
        """The batch there can't be decoded; `go_on_behind` is awaited."""
        ...

    def committed(self, good: bool) -> None: ...

    def failed(self, error: ClientError) -> None:
        """The client goes on by itself."""
        ...

    def reported(self, statistics: Statistics) -> None: ...

    def assigned(self, starts: Starts) -> None:
        """Returns once the worker is ready for events of these partitions."""
        ...

    def revoked(self) -> None:
        """Returns once the worker has done with its partitions."""
        ...


class Poller:
    """`configure` makes the client's configuration, given what it calls: of errors, statistics, commits.
    `waiting`: how many of the events that were brought were not taken yet; `held_back`: of which partitions
    no more is wanted for now. `timeout_s`: of a question to a broker.

    Raises `SettingsError` where the client does not take the configuration.
    """

    def __init__(
        self,
        configure: Callable[[Any, Any, Any], dict[str, Any]],
        told: Told,
        waiting: Callable[[], int],
        held_back: set[TP],
        timeout_s: float,
    ) -> None:
        self.polling = Polling(self._end_of)
        self.orders: deque[Callable[[], None]] = deque()
        self.commits: deque[list[TopicPartition]] = deque()
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self._told, self._waiting, self._held_back, self._timeout_s = told, waiting, held_back, timeout_s
        self._paused: set[TP] = set()
        self._resting = self._rebalancing = False
        try:
            self._client = Consumer(configure(self._failed, self._statistics, self._committed))
        except KafkaException as error:
            raise SettingsError(f"Kafka's client does not take the kafka settings: {error}") from error
        self.thread = threading.Thread(target=self._run, name="Kafka's client", daemon=True)

    def subscribe(self, topics: list[str]) -> None:
        """An order, like those that follow: to be called in the thread."""
        self._client.subscribe(topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def seek(self, partition: TP, offset: int, number: int) -> None:
        """Go on at `offset`, behind the seek of that number, if the client has the partition."""
        if self.polling.moved(partition, offset, number):
            self._go_to(partition, offset)

    def go_on_behind(self, partition: TP, position: int, records: list[Record], end: int) -> None:
        """What was broken was taken apart: it has these records, and the next batch begins at `end`."""
        chunk = self.polling.salvaged(partition, position, records, end)
        if chunk is not None:
            self._go_to(partition, end)
            if chunk.records:
                self._told.brought({partition: chunk})

    def pause(self) -> None:
        """Pause what is held back, or everything; and nothing else."""
        assigned = self.polling.partitions
        paused = assigned if self._resting else self._held_back & assigned
        if resumed := (self._paused - paused) & assigned:
            self._client.resume([TopicPartition(*tp) for tp in resumed])
        if begun := paused - self._paused:
            self._client.pause([TopicPartition(*tp) for tp in begun])
        self._paused = paused

    def obey_commits(self) -> None:
        """In a rebalance the answer is waited for: partitions go when it ends."""
        while self.commits:
            places = self.commits.popleft()
            try:
                self._client.commit(offsets=places, asynchronous=not self._rebalancing)
            except KafkaException as error:
                self._committed(error.args[0], places)
            else:
                if self._rebalancing:
                    self._committed(None, places)

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._turn()
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self._client.close()

    def _turn(self) -> None:
        self.obey_commits()
        for _ in range(len(self.orders)):
            self.orders.popleft()()
        self._rest()
        first = self._client.poll(WAIT_PAUSED_S if self._paused or self.orders else WAIT_S)
        if first is None:
            return
        polled = self.polling.take([first, *self._client.consume(AT_ONCE, 0)])
        if polled.chunks:
            self._told.brought(polled.chunks)
        for error in polled.refusals:
            self._failed(error)
        for partition, position in polled.broken.items():
            self._told.broken(partition, position)
        if polled.resets:
            self._reset(polled.resets)

    def _rest(self) -> None:
        """Fetch nothing while too much waits."""
        if self._resting != (self._waiting() > (WAITING_EVENTS // 2 if self._resting else WAITING_EVENTS)):
            self._resting = not self._resting
            self.pause()

    def _end_of(self, partition: Partition) -> int | None:
        with contextlib.suppress(KafkaException):
            _, end = self._client.get_watermark_offsets(TopicPartition(*partition), cached=True)
            return int(end) if end >= 0 else None
        return None

    def _go_to(self, partition: TP, offset: int) -> None:
        try:
            self._client.seek(TopicPartition(*partition, offset))
        except KafkaException:  # the client reads it no longer: Kafka does not hold what came next
            self._begin_again()

    def _begin_again(self) -> None:
        """Read on everywhere, from where each partition is."""
        known = {tp: self.polling.known(tp) for tp in self.polling.partitions}
        self._assign({tp: None if each is None else each.position for tp, each in known.items()})

    def _assign(self, starts: Mapping[TP, int | None]) -> None:
        places = [TopicPartition(*tp, OFFSET_STORED if at is None else at) for tp, at in starts.items()]
        self._client.assign(places)
        self._client.resume(places)
        self._paused = set()
        self.pause()

    def _reset(self, partitions: Collection[TP]) -> None:
        """Go on where Kafka has something left: what came next is gone, or the topic was made anew."""
        partitions = [tp for tp in partitions if self.polling.known(tp) is not None]
        begins = self._first_offsets(partitions)
        for tp, offset in begins.items():
            log.warning("%s-%d: what came next is gone from Kafka; going on at offset %d", *tp, offset)
            self.polling.moved(tp, offset)
        if begins:
            self._begin_again()
        if left := [tp for tp in partitions if tp not in begins]:
            self.orders.append(lambda: self._reset(left))

    def _first_offsets(self, partitions: Collection[TP]) -> dict[TP, int]:
        """Where each begins, of those of which a broker says so."""
        asked = [TopicPartition(*tp, EARLIEST) for tp in partitions]
        try:
            found = self._client.offsets_for_times(asked, timeout=self._timeout_s) if asked else []
        except KafkaException as error:
            log.warning("can't ask where partitions begin: %s", error)
            return {}
        return {TP(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

    def _committed_offsets(self, places: list[TopicPartition]) -> Starts:
        """Where the group is in each partition; where it has not been, the partition's first offset."""
        starts: Starts = {TP(each.topic, each.partition): None for each in places}
        try:
            found = self._client.committed(places, timeout=self._timeout_s) if places else []
        except KafkaException as error:
            log.warning("can't ask what the group has committed: %s", error)
            return starts
        starts |= {TP(each.topic, each.partition): each.offset for each in found if each.offset >= 0}
        return starts | self._first_offsets([tp for tp, offset in starts.items() if offset is None])

    def _assigned(self, _: Any, places: list[TopicPartition]) -> None:
        starts = self._committed_offsets(places)
        self.orders.clear()  # they are about what was read before
        self._resting = False
        self.polling.assign(starts)
        with self._rebalance():
            self._told.assigned(starts)
        self._assign(starts)

    def _revoked(self, _: Any, places: list[TopicPartition]) -> None:
        with self._rebalance():
            self._told.revoked()
        self.polling.assign({})

    def _lost(self, client: Any, places: list[TopicPartition]) -> None:
        log.warning("the group counts this worker out: its partitions are lost")
        self._revoked(client, places)

    @contextlib.contextmanager
    def _rebalance(self) -> Any:
        self._rebalancing = True
        try:
            yield
        finally:
            self._rebalancing = False

    def _committed(self, error: Any, places: list[TopicPartition]) -> None:
        failed = error or next((place.error for place in places if place.error), None)
        if failed:
            log.warning("can't commit offsets, trying again: %s", failed)
        self._told.committed(not failed)

    def _failed(self, error: ClientError) -> None:
        """The client goes on by itself, but for what it may not read."""
        if error.code() in FORBIDDEN or error.fatal():
            raise KafkaException(error)
        self._told.failed(error)

    def _statistics(self, raw: str) -> None:
        statistics = Statistics(raw)
        for topic, partition, _, end in statistics.ends():
            self.polling.heard((topic, partition), end)
        self._told.reported(statistics)
