"""/v1/admin/dead-letters: events that could not be applied: look at them, and send them back."""

from __future__ import annotations

import asyncio

from model.errors import EventError, LetterError
from streams.clock import Clock
from streams.events.schema import TOPIC_OF, AnyEvent, Control, check_action, decode, encode, key_of
from streams.gateway.admin.letter_bodies import (
    SHOWN_MOST,
    LetterCorrection,
    LetterList,
    LetterReplayed,
    LetterView,
    Replay,
    Replayed,
    letter_view,
)
from streams.gateway.admin.replies import StoreCalls
from streams.gateway.errors import ProblemError, problem
from streams.kafka.dead_letter_box import (
    CorrectedEvent,
    read_letter,
    read_page,
    replay_letter,
    replay_letters,
)
from streams.kafka.topics import topic_name
from streams.settings.tree import Settings

PATH = "/v1/admin/dead-letters"
READ_WITHIN_S, REPLAY_WITHIN_S = 10.0, 60.0
LAST_POSITION = 2**63 - 1


class DeadLetters:
    """What the routes share; one request at a time reads the topic. Raises `ProblemError`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._kafka, self._calls, self._reading = settings.kafka, StoreCalls(settings.gateway), asyncio.Lock()

    async def page(self, n: int, before: int | None, reason: str) -> LetterList:
        """Some letters, the newest first, with the beginning of their values."""
        async with self._calls.answering(READ_WITHIN_S, "kafka"), self._reading:
            page = await read_page(self._kafka, before, n, reason)
        return LetterList([letter_view(letter, SHOWN_MOST) for letter in page.letters], page.before)

    async def one(self, position: int) -> LetterView:
        """A letter with its whole value."""
        if not 0 <= position <= LAST_POSITION:
            raise _unknown(position)
        async with self._calls.answering(READ_WITHIN_S, "kafka"), self._reading:
            letter = await read_letter(self._kafka, position)
        if letter is None:
            raise _unknown(position)
        return letter_view(letter)

    async def replay(self, asked: Replay) -> Replayed:
        """Send letters back."""
        async with self._calls.answering(REPLAY_WITHIN_S, "kafka"), self._reading:
            done = await replay_letters(self._kafka, asked.reason, asked.limit)
        return Replayed(dict(done.sent), done.foreign, done.parts)

    async def replay_one(self, position: int, asked: LetterCorrection) -> LetterReplayed:
        """Send a letter back, as it is or mended."""
        if not 0 <= position <= LAST_POSITION:
            raise _unknown(position)
        event = None if asked.value is None else _mended(asked.value, self._settings, self._clock.now_ms())
        mended = None
        if event is not None:
            topic = topic_name(self._kafka, TOPIC_OF[type(event)])
            mended = CorrectedEvent(topic, key_of(event), encode(event))
        try:
            async with self._calls.answering(REPLAY_WITHIN_S, "kafka"), self._reading:
                letter = await replay_letter(self._kafka, position, mended)
        except LetterError as error:
            raise _unknown(position) if error.reason == "unknown_letter" else _refused(error) from None
        return LetterReplayed(
            position,
            letter.topic if mended is None else mended.topic,
            mended is not None,
            None if event is None else event.event_id,
        )


def _refused(error: LetterError) -> ProblemError:
    again = error.reason == "already_replayed"
    return ProblemError(
        problem(
            409,
            error.reason,
            expected="a letter that can be sent back",
            came=str(error),
            remedy="send the event anew by POST /v1/events"
            if again
            else "send a mended event in its place, as `value`",
        )
    )


def _mended(text: str, settings: Settings, now_ms: int) -> AnyEvent:
    """The event that goes in a letter's place; raises `ProblemError`."""
    try:
        event = decode(text.encode(errors="replace"), now_ms, settings.events)
        check_action(event, settings.meanings.names)
    except EventError as error:
        raise ProblemError(
            problem(
                422,
                error.reason,
                expected="an event as POST /v1/events takes it",
                came=str(error),
                remedy="correct it; docs/events.md has all fields",
            )
        ) from None
    if isinstance(event, Control):
        raise ProblemError(
            problem(
                422,
                "control_event",
                expected="an event of an app",
                came="a control event",
                remedy="activate the model instead: POST /v1/admin/models/NAME/activate",
            )
        )
    return event


def _unknown(position: int) -> ProblemError:
    return ProblemError(
        problem(
            404,
            "unknown_letter",
            expected="the position of a letter that Kafka still holds",
            came=str(position),
            remedy=f"GET {PATH} lists them",
        )
    )
