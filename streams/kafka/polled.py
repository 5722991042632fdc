"""What librdkafka's client has read of its partitions: messages become chunks of records.

librdkafka gives a partition's events in the order of their offsets and leaves out what is no event. So a hole
between two messages of one reading is none of ours. Where the readable log ends, it says so
(`_PARTITION_EOF`): only this tells that nothing but markers lies behind the last event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any, NamedTuple

from confluent_kafka import KafkaError
from faust.types import TP

from streams.kafka.record import Chunk, Record
from streams.kafka.spans import ClientPartition, Partition, Span, next_seek, onward

END, RESET = KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET
UNDECODABLE = {
    KafkaError._BAD_MSG,
    KafkaError._BAD_COMPRESSION,
    KafkaError._NOT_IMPLEMENTED,  # a codec that nobody knows
    KafkaError.INVALID_MSG,
    KafkaError.MSG_SIZE_TOO_LARGE,  # a batch announces more bytes than there are
}


_headers = methodcaller("headers")
"""The client returns although it has set an exception, which a plain call may raise some lines later."""


@dataclass(slots=True)
class _Place:
    """A partition. `position`: what is read next, None before anything is known of it. `end`: as last heard;
    `read_to_end`: the last position at which nothing more could be read. `halted`: its next batch is taken
    apart elsewhere, so what comes meanwhile is left.

    Other threads look: the span is written first, then `position`.
    """

    tp: TP
    position: int | None
    seek: int
    end: int | None = None
    read_to_end: int = -1
    halted: bool = False


class Polled(NamedTuple):
    """`resets`: partitions of which Kafka does not hold what is read next. `broken`: those whose next batch,
    from that offset on, can't be decoded. `refusals`: whatever else the client has reported.
    """

    chunks: dict[TP, Chunk]
    resets: list[TP]
    broken: dict[TP, int]
    refusals: list[KafkaError]


@dataclass(slots=True)
class _Reading:
    """The records of one partition in one poll, read from `position` to `end`."""

    position: int
    end: int
    records: list[Record] = field(default_factory=list)


class Polling:
    """The partitions of a client. One thread polls and tells this object; any thread may ask `known`,
    `spans` and `partitions`. `end_of`: where a partition ends, as the client last heard.
    """

    def __init__(self, end_of: Callable[[Partition], int | None]) -> None:
        self._end_of = end_of
        self._places: dict[Partition, _Place] = {}
        self.spans: dict[Partition, Span] = {}

    @property
    def partitions(self) -> set[TP]:
        return {place.tp for place in list(self._places.values())}

    def known(self, partition: Partition) -> ClientPartition | None:
        """None where this client does not have the partition."""
        place = self._places.get(partition)
        if place is None:
            return None
        position, end = place.position, place.end
        span = self.spans.get(partition)
        last = -1 if span is None else span.last
        if position is not None and end is not None and place.read_to_end == position:
            return ClientPartition(position, position, max(0, end - position), last)
        return ClientPartition(position, end, 0, last)

    def more_to_come(self, partition: Partition, last: int) -> bool:
        """Whether `known` says that events behind offset `last` will come, or that the client has not asked
        yet; False where this client does not have the partition.

        The intake asks this of each empty partition for each event, so nothing is made for the answer.
        """
        place = self._places.get(partition)
        if place is None:
            return False
        position, end = place.position, place.end
        span = self.spans.get(partition)
        if position is None or end is None or (span is not None and span.last > last):
            return True
        return position < end and place.read_to_end != position

    def assign(self, starts: Mapping[TP, int | None]) -> None:
        """Begin anew, with these partitions, each at an offset; None where it is not known."""
        seek = next_seek()
        self.spans = {tp: Span(start, start, start) for tp, start in starts.items() if start is not None}
        self._places = {tp: _Place(tp, start, seek) for tp, start in starts.items()}

    def moved(self, partition: Partition, offset: int, seek: int | None = None) -> bool:
        """The client goes on at `offset`, behind the seek of that number, if it has the partition."""
        place = self._places.get(partition)
        if place is None:
            return False
        self.spans[partition] = Span(offset, offset, offset)
        place.position, place.halted = offset, False
        place.seek = place.seek if seek is None else seek
        return True

    def heard(self, partition: Partition, end: int) -> None:
        """The partition ends at `end`, also for what can't be read yet."""
        place = self._places.get(partition)
        if place is not None:
            place.end = end

    def take(self, messages: Iterable[Any]) -> Polled:
        """What a poll has brought, in its order."""
        readings: dict[TP, _Reading] = {}
        polled = Polled({}, [], {}, [])
        for message in messages:
            error = message.error()
            place = self._places.get((message.topic(), message.partition()))
            if error is not None and (place is None or error.code() not in (END, RESET, *UNDECODABLE)):
                polled.refusals.append(error)
            elif place is None or place.halted:
                continue  # it was taken away, or will be read again from behind what is taken apart
            elif error is None:
                self._read(place, message, readings, polled)
            elif error.code() == END:
                reading = readings.setdefault(place.tp, _reading(place, message.offset()))
                reading.end = place.read_to_end = max(message.offset(), reading.end)
            elif error.code() == RESET:
                place.halted = True
                polled.resets.append(place.tp)
            else:
                at = readings[place.tp].end if place.tp in readings else place.position or 0
                place.halted, polled.broken[place.tp] = True, max(message.offset(), at)
        for tp, reading in readings.items():
            place = self._places[tp]
            place.end = self._end_of(tp)
            chunk = self._publish(place, reading)
            if reading.records:
                polled.chunks[tp] = chunk
        return polled

    def salvaged(self, tp: TP, position: int, records: list[Record], end: int) -> Chunk | None:
        """The chunk of a batch of a halted partition, which was taken apart from `position` to `end`. The
        client goes on there. None where the partition has moved meanwhile.
        """
        place = self._places.get(tp)
        if place is None or not place.halted or (place.position or 0) > position:
            return None
        place.halted = False
        return self._publish(place, _Reading(_reading(place, position).position, end, records))

    def _read(self, place: _Place, message: Any, readings: dict[TP, _Reading], polled: Polled) -> None:
        offset = message.offset()
        try:
            headers = _headers(message) or ()
        except (SystemError, UnicodeDecodeError):  # the client takes every name of a header for UTF-8
            place.halted, polled.broken[place.tp] = True, offset
            return
        reading = readings.get(place.tp)
        if reading is None:
            reading = readings[place.tp] = _reading(place, offset)
        kind, time_ms = message.timestamp()
        written_s = time_ms / 1_000 if kind else -1.0
        reading.records.append(Record(place.tp, offset, written_s, message.key(), message.value(), headers))
        reading.end = offset + 1

    def _publish(self, place: _Place, reading: _Reading) -> Chunk:
        """Note what was read."""
        events_end = reading.records[-1].offset + 1 if reading.records else None
        span, since = onward(self.spans.get(place.tp), reading.position, events_end, reading.end)
        self.spans[place.tp] = span
        place.position = reading.end
        return Chunk(reading.records, since, place.seek)


def _reading(place: _Place, offset: int) -> _Reading:
    """A reading that comes upon `offset` first: it began where the client stood, if that is known."""
    begun = offset if place.position is None or offset < place.position else place.position
    return _Reading(begun, begun)
