"""The traces of a batch's events, told once the batch is written. Of other events, the headers are looked at.

Each event that is traced has a span *process* in its own trace, from the fetch until its feed is written and
pushed, and within it those of what its batch went through. The batch has a trace of its own, with a link to
each of those: what was done for one event was done for all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.batch import Incoming
from streams.kafka.message import Message
from streams.tracing.span import Attributes, Kind, Span, Value, another, new_trace
from streams.tracing.trace_context import TRACEPARENT, TraceContext, read_traceparent
from streams.tracing.tracing import Tracing
from streams.worker.folding import FoldedBatch
from streams.worker.look_up import BatchWork

log = logging.getLogger(__name__)

NOTHING: Attributes = {}
STORE: Attributes = {"db.system.name": "redis"}


class Traced(NamedTuple):
    """A message that is traced, and the span by which it was sent."""

    message: Message
    sent: TraceContext


class Moments(NamedTuple):
    """When a batch passed what it went through, ms since the epoch: it was begun; it was read, and what the
    store knows of it was asked for; that was there; it was folded; its transaction was begun; its answer was
    read. The last two are 0 where there was nothing to write.
    """

    begun: float
    asked: float
    loaded: float
    folded: float
    pushed: float
    written: float


class _Fate(NamedTuple):
    """What became of an event. `attributes`: of its span; `error`: why it is a dead letter."""

    attributes: Attributes
    error: str = ""


class TracedBatches:
    """Looks for what is traced, and tells of it. Belongs to the worker's loop."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def traced(self, messages: Sequence[Message]) -> list[Traced]:
        """Those of a batch whose header says so."""
        found = []
        for message in messages:
            headers = message.headers
            for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
                if name == TRACEPARENT:
                    sent = read_traceparent(value)
                    if sent is not None and sent.sampled and self._tracing.admits():
                        found.append(Traced(message, sent))
                    break
        return found

    def written(
        self, traced: Sequence[Traced], moments: Moments, work: BatchWork, made: FoldedBatch | None
    ) -> None:
        """Tell of a batch that is done with."""
        try:
            self._tracing.put(_spans(traced, moments, work, made))
        except Exception:  # the batch is written: no trace is worth a worker
            log.exception("a batch has no traces")


def _spans(
    traced: Sequence[Traced], moments: Moments, work: BatchWork, made: FoldedBatch | None
) -> list[Span]:
    fates = _fates(work, made)
    batch, spans = new_trace(), list[Span]()
    processes = [another(each.sent) for each in traced]
    ended_ms = moments.written or moments.folded
    for (message, sent), process in zip(traced, processes, strict=True):
        fate = fates.get(id(message), _Fate({"headrace.result": "known"}))
        fetched_ms = message.passed.get("fetched", moments.begun)
        told: dict[str, Value] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.destination.name": message.topic,
            "messaging.destination.partition.id": str(message.partition),
            "messaging.kafka.offset": message.offset,
            **fate.attributes,
        }
        if isinstance(message.early, Incoming):
            told["headrace.event_id"] = message.early.event.event_id
        spans.append(
            Span(
                f"process {message.topic}",
                *(process, sent.span_id, fetched_ms, ended_ms, "consumer", told, (batch,), fate.error),
            )
        )
        spans += _parts(process, fetched_ms, moments, made)
    counts: Attributes = {"headrace.events": len(work.done), "headrace.traced": len(traced)}
    spans.append(Span("batch", batch, 0, moments.begun, ended_ms, "internal", counts, tuple(processes)))
    return spans


def _parts(
    process: TraceContext, fetched_ms: float, moments: Moments, made: FoldedBatch | None
) -> Iterator[Span]:
    """What a batch went through, in the trace of one of its events."""

    def part(
        name: str, start_ms: float, end_ms: float, kind: Kind = "internal", told: Attributes = NOTHING
    ) -> Span:
        return Span(name, another(process), process.span_id, start_ms, end_ms, kind, told)

    yield part("queue", fetched_ms, moments.begun)
    yield part("read", moments.begun, moments.asked)
    yield part("load", moments.asked, moments.loaded, "client", STORE)
    if made is None:
        return
    outcome = made.outcome
    # The core's own times, back from its end: what is before them is the wait for its thread.
    packed_ms = max(moments.loaded, moments.folded - 1_000 * made.encode_s)
    ranked_ms = max(moments.loaded, packed_ms - 1_000 * outcome.recommend_s)
    yield part("fold", max(moments.loaded, ranked_ms - 1_000 * outcome.fold_s), ranked_ms)
    if outcome.slates:
        yield part("rank", ranked_ms, packed_ms)
    if moments.pushed:
        yield part("write and push", moments.pushed, moments.written, "client", STORE)


def _fates(work: BatchWork, made: FoldedBatch | None) -> dict[int, _Fate]:
    """What became of each message of a batch, by its identity."""
    found = {
        id(letter.message): _Fate(
            {"headrace.result": "dead_letter", "headrace.reason": letter.reason}, letter.reason
        )
        for letter in work.letters
    }
    if made is None:
        return found
    outcome = made.outcome
    slates = {slate.cause: slate for slate in outcome.slates}
    for at, read in enumerate(work.reads):
        event_id = read.event.event_id
        told: dict[str, Value] = {"headrace.event_id": event_id, "headrace.result": "applied"}
        error = ""
        if at in outcome.skipped:
            told |= {"headrace.result": "skipped", "headrace.reason": outcome.skipped[at]}
        elif at in outcome.failed:
            told["headrace.result"], error = "dead_letter", repr(outcome.failed[at])
        elif (slate := slates.get(event_id)) is not None:
            told |= {"headrace.slate_id": slate.slate_id, "headrace.rung": slate.rung}
            told |= {"headrace.arm": slate.arm, "headrace.model": slate.model}
        found[id(read.message)] = _Fate(told, error)
    return found
