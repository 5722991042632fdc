"""Messages to events: decoded and checked, their texts as vectors, or dead letters with the reason."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from model.errors import BrokerUnavailableError, EventError, ModelError, StoreUnavailableError
from model.schema import F32
from streams.batch import Incoming, rounded
from streams.clock import Clock
from streams.events import AnyEvent, Control, EventLimits, Item, Review
from streams.recommender import items_of
from streams.texts import of_item, of_review
from streams.worker.dead_letters import DeadLetter, dead_letter
from streams.worker.message import Message, read
from streams.worker.metrics import WorkerMetrics

UNREADABLE = "unreadable"
"""The reason of a letter whose record no rule speaks of."""

Encode = Callable[[list[str]], F32]
"""Texts to vectors [n, 64] of length 1 (zero for an empty text)."""


class Read(NamedTuple):
    """A message that could be read; `words` is the vector of its text, where it has one."""

    message: Message
    incoming: Incoming
    words: F32 | None = None

    @property
    def event(self) -> AnyEvent:
        return self.incoming.event


class ModelCheck(Protocol):
    """Raises `ModelError` where a model can't be activated; may take a moment."""

    async def __call__(self, name: str) -> None: ...


class Reader:
    """Reads batches. `encode` None: texts have no vectors."""

    def __init__(
        self,
        limits: EventLimits,
        clock: Clock,
        metrics: WorkerMetrics,
        check_model: ModelCheck,
        encode: Encode | None = None,
    ) -> None:
        self.limits, self.clock, self.metrics = limits, clock, metrics
        self.check_model, self.encode = check_model, encode

    async def read(self, messages: Sequence[Message]) -> tuple[list[Read], list[DeadLetter]]:
        """The events in their order, and what could not be read."""
        started, now_ms = time.perf_counter(), self.clock.now_ms()
        reads: list[Read] = []
        letters: list[DeadLetter] = []
        for message in messages:
            try:
                incoming = read(message, now_ms, self.limits)
                if isinstance(incoming.event, Control):
                    await self._check(incoming.event)
                reads.append(Read(message, incoming))
            except EventError as error:
                letters.append(DeadLetter(message, error.reason, str(error), now_ms))
            except (BrokerUnavailableError, StoreUnavailableError):
                raise
            except Exception as error:  # whatever is in a record costs no other one anything
                letters.append(dead_letter(message, UNREADABLE, error, now_ms))
        self.metrics.stage_s.labels("decode").observe(time.perf_counter() - started)
        return await self._with_words(reads, letters), letters

    async def _check(self, event: Control) -> None:
        try:
            await self.check_model(event.model)
        except ModelError as error:
            raise EventError("bad_model", str(error)) from error

    async def _with_words(self, reads: list[Read], letters: list[DeadLetter]) -> list[Read]:
        texts = {at: text for at, each in enumerate(reads) if (text := text_of(each.event))}
        if self.encode is None or not texts:
            return reads
        started = time.perf_counter()
        try:
            vectors = rounded(await asyncio.to_thread(self.encode, list(texts.values())))
        except Exception as error:
            if len(reads) > 1:  # one by one, so that the others have theirs
                parts = [await self._with_words([each], letters) for each in reads]
                return [each for part in parts for each in part]
            # Where it is the encoder that fails, it fails here too, and no record is to blame.
            await asyncio.to_thread(self.encode, ["plain words"])
            letters.append(dead_letter(reads[0].message, UNREADABLE, error, self.clock.now_ms()))
            return []
        self.metrics.stage_s.labels("encode").observe(time.perf_counter() - started)
        for at, vector in zip(texts, vectors, strict=True):
            reads[at] = reads[at]._replace(words=vector)
        return reads


def text_of(event: AnyEvent) -> str:
    """The text that the encoder reads of an event; "" for none."""
    match event:
        case Item():
            return of_item(event.title, event.categories, event.tags, event.text)
        case Review():
            return of_review(event.title, event.text)
        case _:
            return ""


def user_of(event: AnyEvent) -> str | None:
    """The user whose state an event changes, if any."""
    return None if isinstance(event, Item | Control) else event.user_id


def items_named(event: AnyEvent) -> Sequence[str]:
    """The items that must be met before an event is applied."""
    match event:
        case Item():
            return (event.item_id,)
        case Control():
            return ()
        case _:
            return items_of(event)
