"""A thread that polls librdkafka's client, and alone speaks to it.

The client (confluent-kafka) lets one thread at a time call it, and a poll lasts until a message comes. So
what others want of it waits for the thread's next turn, for `WAIT_S` at most.

The thread polls whatever the worker waits for, since only a poll answers a rebalance. Partitions that bring
more than the worker takes are paused (`pauses.py`).
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
from streams.kafka.starts import Starts, first_offsets, starts_of
from streams.worker.pauses import Pauses

log = logging.getLogger(__name__)

WAIT_S = 0.1
WAIT_PAUSED_S = 0.01
"""A poll waits so long for a message, and less where a paused partition may be resumed."""

AT_ONCE = 500
"""So many messages are handed over at once, at most."""


class PollListener(Protocol):
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
    `timeout_s`: of a question to a broker.

    Raises `SettingsError` where the client does not take the configuration.
    """

    def __init__(
        self,
        configure: Callable[[Any, Any, Any], dict[str, Any]],
        told: PollListener,
        pauses: Pauses,
        timeout_s: float,
    ) -> None:
        self.polling = Polling(self._end_of)
        self.orders: deque[Callable[[], None]] = deque()
        self.commits: deque[list[TopicPartition]] = deque()
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self._told, self._pauses, self._timeout_s = told, pauses, timeout_s
        self._rebalancing = False
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

    def obey_commits(self) -> None:
        """In a rebalance the answer is waited for: partitions go when it ends."""
        while self.commits:
            places = self.commits.popleft()
            try:
                if self._rebalancing:
                    self._committed(None, self._client.commit(offsets=places, asynchronous=False))
                else:
                    self._client.commit(offsets=places)
            except KafkaException as error:
                self._committed(error.args[0], places)

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
        self._pauses.look(self._client, self.polling)
        first = self._client.poll(WAIT_PAUSED_S if self._pauses or self.orders else WAIT_S)
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

    def _end_of(self, partition: Partition) -> int | None:
        try:
            _, end = self._client.get_watermark_offsets(TopicPartition(*partition), cached=True)
        except KafkaException:
            return None
        return int(end) if end >= 0 else None

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
        self._pauses.forget()

    def _reset(self, partitions: Collection[TP]) -> None:
        """Go on where Kafka has something left: what came next is gone, or the topic was made anew."""
        partitions = [tp for tp in partitions if self.polling.known(tp) is not None]
        begins = first_offsets(self._client, partitions, self._timeout_s)
        for tp, offset in begins.items():
            log.warning("%s-%d: what came next is gone from Kafka; going on at offset %d", *tp, offset)
            self.polling.moved(tp, offset)
        if begins:
            self._begin_again()
        if left := [tp for tp in partitions if tp not in begins]:
            self.orders.append(lambda: self._reset(left))

    def _assigned(self, _: Any, places: list[TopicPartition]) -> None:
        starts = starts_of(self._client, places, self._timeout_s)
        self.orders.clear()  # they are about what was read before
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
        if error.code() == ClientError.TOPIC_AUTHORIZATION_FAILED or error.fatal():
            raise KafkaException(error)
        self._told.failed(error)

    def _statistics(self, raw: str) -> None:
        statistics = Statistics(raw)
        for topic, partition, _, end in statistics.ends():
            self.polling.heard((topic, partition), end)
        self._told.reported(statistics)
