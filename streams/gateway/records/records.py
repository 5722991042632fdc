"""Reads and writes of one kind of records: reads come from the store, writes go to Kafka as events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import msgspec

from model.errors import EventError, FencedError, StoreError
from streams.clock import Clock
from streams.events.schema import AnyEvent, check, encode
from streams.events.strict_json import UNREADABLE, explained, refuse_repeated_names
from streams.gateway.answers import JSON, Answer
from streams.gateway.conditional import Conditions
from streams.gateway.errors import ProblemError, problem, retry_after, unavailable
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.receipts import Result
from streams.gateway.records.kind import RecordKind, packed
from streams.gateway.records.merge_patch import merged
from streams.gateway.records.underway import (
    KEPT_MS,
    OVER_MOST,
    VERSION,
    CurrentRecord,
    Note,
    current,
    encode_note,
    note_place,
)
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.stores.commit import digest_of

log = logging.getLogger(__name__)

D = TypeVar("D")
LOOK_AGAIN_S = 0.005
EVENT_ID = "headrace-event-id"
"""The header that names the event of a write."""


class Records(Generic[D]):
    """All records of one kind. Raises `ProblemError`."""

    def __init__(
        self,
        kind: RecordKind[D],
        settings: Settings,
        store: Store,
        sink: EventSink,
        clock: Clock,
        metrics: GatewayMetrics,
    ) -> None:
        self.kind, self.store = kind, store
        self._gateway, self._limits = settings.gateway, settings.events
        self._sink, self._clock, self._metrics = sink, clock, metrics
        self._timeout_s = settings.gateway.timeout_ms / 1_000

    async def read(self, record_id: str) -> Answer:
        """The record as it is now, with its entity tag."""
        async with self.answering():
            found = await current(self.store, self.kind, record_id)
        if found.document is None:
            raise self._unknown(record_id)
        headers = (("ETag", found.tag), ("Cache-Control", "no-cache"))
        return Answer(200, packed(found.document), JSON, headers)

    async def put(self, record_id: str, raw: bytes, conditions: Conditions, event_id: str) -> Answer:
        """Replace the record, or begin it."""
        document = self._read(raw, record_id, raw)
        return await self._write(record_id, conditions, event_id, lambda _: document)

    async def patch(self, record_id: str, raw: bytes, conditions: Conditions, event_id: str) -> Answer:
        """Change what a merge patch names."""
        patch = self._patch(raw)

        def changed(document: D) -> D:
            self.kind.check_known(document, patch)
            whole = merged(msgspec.to_builtins(document), patch)
            return self._read(packed(whole), record_id, raw)

        return await self.change(record_id, conditions, event_id, changed)

    async def change(
        self, record_id: str, conditions: Conditions, event_id: str, changed: Callable[[D], D]
    ) -> Answer:
        """Make of a record that is there what `changed` makes of it."""

        def made(document: D | None) -> D:
            if document is None:
                raise self._unknown(record_id)
            return changed(document)

        return await self._write(record_id, conditions, event_id, made)

    async def delete(
        self, record_id: str, conditions: Conditions, event_id: str, deletes: Callable[[int], AnyEvent]
    ) -> Answer:
        """Delete the record, whether it is known or not, and whether it can be read or not: what is on its
        way in Kafka goes, too. `deletes`: the event that does, by its time.
        """
        await self._send(record_id, conditions, lambda found, now_ms: deletes(max(now_ms, found.ts + 1)), b"")
        headers = (("Cache-Control", "no-store"), (EVENT_ID, event_id))
        return Answer(202, packed(Result(status="accepted", event_id=event_id)), JSON, headers)

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """A block in which the store has to answer within the timeout; else the answer is 503."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except (StoreError, TimeoutError) as error:
            came = str(error) or f"no answer within {self._gateway.timeout_ms} ms"
            raise unavailable("store", came, self._gateway.retry_after_s) from None

    async def _write(
        self, record_id: str, conditions: Conditions, event_id: str, make: Callable[[D | None], D]
    ) -> Answer:
        def event(found: CurrentRecord[D], now_ms: int) -> AnyEvent:
            return self.kind.event(make(found.document), event_id, now_ms)

        note = await self._send(record_id, conditions, event)
        headers = (("ETag", note.tag), (EVENT_ID, event_id))
        return Answer(202, note.document, JSON, headers)

    async def _send(
        self,
        record_id: str,
        conditions: Conditions,
        make: Callable[[CurrentRecord[D], int], AnyEvent],
        document: bytes | None = None,
    ) -> Note:
        """Write the event that `make` makes of what is there, and the time; the note of it. document: what
        the record becomes, where the event does not say it.
        """
        name, about = note_place(self.kind, record_id)
        patient_until_s = time.monotonic() + self._timeout_s / 2
        async with self.answering():
            while True:
                found = await current(self.store, self.kind, record_id, damaged=document == b"")
                if found.sending:
                    if time.monotonic() > patient_until_s:
                        raise self._busy(record_id)
                    await asyncio.sleep(LOOK_AGAIN_S)
                    continue
                conditions.check(found.tag)
                now_ms = self._clock.now_ms()
                event = make(found, now_ms)
                self._check(event, now_ms)
                note = self._note(event, found, document)
                try:
                    sending = encode_note(note)
                    # Long enough to hear from Kafka; whoever dies meanwhile holds nobody up for longer.
                    lives_ms = 2 * self._gateway.timeout_ms
                    await self.store.put_note(name, sending, digest_of(found.note), lives_ms, about, note.ts)
                    break
                except FencedError:
                    continue
        trouble = await self._deliver(event, now_ms)
        # Kafka has not confirmed it: the record counts as what it was, until a worker shows another.
        after = (
            (found.note or b"")
            if trouble
            else encode_note(msgspec.structs.replace(note, sent=True, before=b""))
        )
        try:
            await self.store.put_note(name, after, digest_of(sending), KEPT_MS, about, note.ts)
        except FencedError:
            if not about:
                log.warning("a write of %s is not noted: another note stands in its place", name)
            # else a worker deleted the user meanwhile, and what is noted of them
        except StoreError as error:
            log.warning("a write of %s is not noted: %s", name, error)
        if trouble:
            raise self._unconfirmed(trouble)
        return note

    def _note(self, event: AnyEvent, found: CurrentRecord[D], document: bytes | None) -> Note:
        over = list(dict.fromkeys(found.over))[-OVER_MOST:]
        before = b"" if found.document is None else packed(found.document)
        after = packed(self.kind.told(event)) if document is None else document
        ts = max(event.ts, found.ts + 1)
        return Note(VERSION, False, over, event.event_id, ts, after, before)

    async def _deliver(self, event: AnyEvent, now_ms: int) -> str:
        """Write the event; why Kafka did not confirm it, "" where it did."""
        started_s = time.perf_counter()
        delivery = await self._sink.deliver([event], now_ms, self._timeout_s)
        self._metrics.produce_s.observe(time.perf_counter() - started_s)
        confirmed = all(delivery.confirmed)
        result, reason = ("accepted", "") if confirmed else ("unconfirmed", "kafka_unavailable")
        self._metrics.count_event(self.kind.name, result, reason)
        return "" if confirmed else delivery.trouble or "no acknowledgement"

    def _check(self, event: AnyEvent, now_ms: int) -> None:
        try:
            check(event, now_ms, self._limits)
            if (size := len(encode(event))) > self._limits.max_bytes:
                raise EventError(
                    "too_large", f"it has {size} bytes as Kafka gets it; at most {self._limits.max_bytes}"
                )
        except EventError as error:
            raise self._refused(error) from None

    def _read(self, raw: bytes, record_id: str, sent: bytes) -> D:
        try:
            return self.kind.read(raw, record_id, self._limits.max_bytes)
        except EventError as error:
            raise self._refused(error, sent) from None

    def _patch(self, raw: bytes) -> dict[str, Any]:
        try:
            raw.decode()
            patch = msgspec.json.decode(raw, type=dict[str, Any])
            refuse_repeated_names(raw)
            return patch
        except EventError as error:
            raise self._refused(error, raw) from None
        except msgspec.ValidationError as error:
            raise self._refused(EventError("invalid", f"{error}: a patch is an object"), raw) from None
        except UNREADABLE as error:
            raise self._refused(EventError("not_json", explained(raw, error)), raw) from None

    def _refused(self, error: EventError, sent: bytes = b"") -> ProblemError:
        self._metrics.count_event(self.kind.name, "rejected", error.reason)
        unread = error.reason == "not_json"
        return ProblemError(
            problem(
                400 if unread else 422,
                error.reason,
                expected=f"the fields of {self.kind.name}s, as GET /schema describes them",
                came=f"{len(sent)} bytes: {error}" if unread else str(error),
                remedy="correct the body; sent as it is, it will be refused again",
            )
        )

    def _unknown(self, record_id: str) -> ProblemError:
        return ProblemError(
            problem(
                404,
                f"unknown_{self.kind.name}",
                expected=f"the id of {_an(self.kind.name)} that is described",
                came=f"{record_id[:128]!r}",
                remedy=f"PUT the {self.kind.name} first",
            )
        )

    def _busy(self, record_id: str) -> ProblemError:
        wait_s = self._gateway.retry_after_s
        return ProblemError(
            problem(
                503,
                "busy",
                expected=f"no other write of {record_id[:128]!r} that waits for Kafka",
                came="one that has not been confirmed yet",
                remedy=f"send it again in {wait_s} s",
            ),
            retry_after(wait_s),
        )

    def _unconfirmed(self, trouble: str) -> ProblemError:
        wait_s = self._gateway.retry_after_s
        return ProblemError(
            problem(
                503,
                "kafka_unavailable",
                expected="an acknowledgement from Kafka within the timeout",
                came=f"none: {trouble}",
                remedy=f"send it again in {wait_s} s; it may have been written all the same",
            ),
            retry_after(wait_s),
        )


def _an(name: str) -> str:
    return f"an {name}" if name[0] in "aeio" else f"a {name}"
