"""Messages to events: decoded and checked, their texts as vectors, or dead letters with the reason."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from model.errors import BrokerUnavailableError, EventError, ModelError, StoreUnavailableError
from streams.batch import Incoming
from streams.clock import Clock
from streams.events.schema import AnyEvent, Control, EventLimits, Review, check_action, unknown_command
from streams.kafka.dead_letters import DeadLetter, dead_letter
from streams.kafka.message import Message, read, read_early
from streams.state.action_meaning import BUILT_IN
from streams.state.event_meaning import Encode, Opine, Said, encoded, rounded, text_of, texts_of, vectors_of
from streams.state.opinion import NO_OPINIONS, Opinions
from streams.worker.metrics import WorkerMetrics
from streams.worker.shards import check_shard

TURN_EVENTS = 32
"""After so many that it has to decode the loop has its turn: an answer of the store may be there."""
UNREADABLE = "unreadable"
"""The reason of a letter whose record no rule speaks of."""


class ReadMessage(NamedTuple):
    """A message that could be read."""

    message: Message
    incoming: Incoming

    @property
    def event(self) -> AnyEvent:
        return self.incoming.event


class ModelCheck(Protocol):
    """Raises `ModelError` where a model can't be activated; may take a moment."""

    async def __call__(self, name: str) -> None: ...


class Reader:
    """Reads batches. `encode` None: texts have no vectors. `opine`: says of reviews what they say, too (see
    `Opine`). `searches`: whether those of searches are wanted: an example reads them, and feeds that follow
    them. `actions`: those that are declared. `shards`: of the store.
    """

    def __init__(
        self,
        limits: EventLimits,
        clock: Clock,
        metrics: WorkerMetrics,
        check_model: ModelCheck,
        encode: Encode | None = None,
        searches: bool = True,
        actions: Collection[str] = BUILT_IN.names,
        shards: int = 1,
        opine: Opine | None = None,
    ) -> None:
        self.limits, self.clock, self.metrics = limits, clock, metrics
        self.check_model, self.encode, self.searches = check_model, encode, searches
        self.actions, self.shards, self.opine = actions, shards, opine
        self._decode_s = metrics.stage_s.of("decode")

    def early(self, message: Message) -> Message:
        """The message with its event, or with the reason why it has none: `read` need not decode it again."""
        return read_early(message, self.clock.now_ms(), self.limits)

    async def read(self, messages: Sequence[Message]) -> tuple[list[ReadMessage], list[DeadLetter]]:
        """The events in their order, and what could not be read."""
        started, now_ms = time.perf_counter(), self.clock.now_ms()
        reads: list[ReadMessage] = []
        letters: list[DeadLetter] = []
        decoded = 0
        for message in messages:
            incoming = message.early
            if isinstance(incoming, EventError):
                letters.append(DeadLetter(message, incoming.reason, str(incoming), now_ms))
                continue
            try:
                if incoming is None:
                    decoded += 1
                    if decoded % TURN_EVENTS == 0:
                        await asyncio.sleep(0)
                    incoming = read(message, now_ms, self.limits)
                check_action(incoming.event, self.actions)
                check_shard(message, incoming.event, self.shards)
                if isinstance(incoming.event, Control):
                    await self._check(incoming.event)
                reads.append(ReadMessage(message, incoming))
            except EventError as error:
                letters.append(DeadLetter(message, error.reason, str(error), now_ms))
            except (BrokerUnavailableError, StoreUnavailableError):
                raise
            except Exception as error:  # whatever is in a record costs no other one anything
                letters.append(dead_letter(message, UNREADABLE, error, now_ms))
        self._decode_s.observe(time.perf_counter() - started)
        return await self._with_vectors(reads, letters), letters

    async def _check(self, event: Control) -> None:
        match event:
            case Control(command="activate_model"):
                try:
                    await self.check_model(event.model)
                except ModelError as error:
                    raise EventError("bad_model", str(error)) from error
            case _:
                raise unknown_command(event)

    async def _with_vectors(self, reads: list[ReadMessage], letters: list[DeadLetter]) -> list[ReadMessage]:
        read = texts_of if self.searches else _text_alone
        texts = [text for each in reads for text in read(each.event)]
        if self.encode is None or not texts:
            return reads
        started = time.perf_counter()
        try:
            said, opinions = await asyncio.to_thread(self._said, texts, [each.event for each in reads])
        except Exception as error:
            if len(reads) > 1:  # one by one, so that the others have theirs
                parts = [await self._with_vectors([each], letters) for each in reads]
                return [each for part in parts for each in part]
            # Where it is the encoder that fails, it fails here too, and no record is to blame.
            await asyncio.to_thread(self.encode, ["plain words"])
            letters.append(dead_letter(reads[0].message, UNREADABLE, error, self.clock.now_ms()))
            return []
        self.metrics.stage_s.of("encode").observe(time.perf_counter() - started)
        return [
            each._replace(incoming=each.incoming._replace(vectors=vectors_of(each.event, said, opinions)))
            for each in reads
        ]

    def _said(self, texts: Sequence[str], events: Sequence[AnyEvent]) -> tuple[Said, Opinions]:
        """The vectors of texts by text, and the opinions of those that are reviews."""
        reviews = [text for event in events if isinstance(event, Review) and (text := text_of(event))]
        if self.opine is None or not reviews:
            return encoded(texts, self.encode), NO_OPINIONS
        different = list(dict.fromkeys(texts))
        vectors, opinions = self.opine(different, list(dict.fromkeys(reviews)))
        return dict(zip(different, rounded(vectors), strict=True)), opinions


def _text_alone(event: AnyEvent) -> list[str]:
    text = text_of(event)
    return [text] if text else []
