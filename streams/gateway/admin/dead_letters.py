"""/v1/admin/dead-letters: events that could not be applied: look at them, and send them back."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from model.errors import EventError, LetterError
from streams.clock import Clock
from streams.events.schema import TOPIC_OF, AnyEvent, Control, check_action, decode, encode, key_of
from streams.gateway.admin.replies import BODY, CHANGED, READ, StoreCalls, admin_body
from streams.gateway.answers import json_answer, response
from streams.gateway.bodies import body_of
from streams.gateway.errors import ProblemError, problem
from streams.gateway.feeds import NO_STORE
from streams.gateway.loopback import check_loopback
from streams.gateway.operations import json_body, operation
from streams.kafka.dead_letter_box import (
    CorrectedEvent,
    StoredLetter,
    read_letter,
    read_page,
    replay_letter,
    replay_letters,
)
from streams.kafka.topics import topic_name
from streams.settings.tree import Settings

PATH = "/v1/admin/dead-letters"
N_DEFAULT, N_MOST = 20, 200
SHOWN_MOST = 1_000
"""Bytes of a value that a list shows."""
READ_WITHIN_S, REPLAY_WITHIN_S = 10.0, 60.0
LAST_POSITION = 2**63 - 1
EXAMPLE = '{"type":"click","event_id":"e-7","ts":1763934000123,"user_id":"ann","item_id":"B0002E1O5C"}'
Asked = Request[Any, Any, Any]


class Bytes(msgspec.Struct):
    """Bytes as they were sent: as text where they are UTF-8, else in base64. `size` of all of them; they are
    `cut` where a list shows only the first ones.
    """

    size: int
    cut: bool
    text: str | None = None
    base64: str | None = None


class LetterView(msgspec.Struct):
    """A dead letter. `position`: its place among the letters. `topic`, `partition`, `offset`: where the event
    lies in Kafka. `reason` is a code, `message` explains it; `time_ms`: when a worker gave it up. `whole`:
    whether key and value are those of a whole record, which can be sent back; `replayed`: it was.
    """

    position: int
    topic: str
    partition: int
    offset: int
    reason: str
    message: str
    time_ms: int
    key: Bytes | None
    value: Bytes | None
    replayed: bool
    whole: bool


class LetterList(msgspec.Struct):
    """Letters, the newest first. `before`: what to ask for to get the next page; null at the end."""

    letters: list[LetterView]
    before: int | None


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """What to send back: letters with this reason ("" for all), `limit` at most, the oldest first."""

    reason: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000


class LetterCorrection(msgspec.Struct, forbid_unknown_fields=True):
    """What to send in place of a letter's bytes: `value`, an event as JSON text; null for the bytes as they
    are. It goes to the topic and the partition that are the event's own.
    """

    value: Annotated[str, Meta(max_length=1_000_000)] | None = None


class LetterReplayed(msgspec.Struct):
    """The letter that was sent. `mended`: another event went in its place. `event_id` is that event's."""

    position: int
    topic: str
    mended: bool
    event_id: str | None


class Replayed(msgspec.Struct):
    """How many letters were sent back, by reason. Left out were those of another deployment's topics, and
    those that are no whole records.
    """

    sent: dict[str, int]
    foreign: int
    parts: int


class DeadLetters:
    """What the routes share; one request at a time reads the topic. Raises `ProblemError`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._kafka, self._calls, self._reading = settings.kafka, StoreCalls(settings.gateway), asyncio.Lock()

    async def page(self, n: int, before: int | None, reason: str) -> LetterList:
        """Some letters, the newest first, with the beginning of their values."""
        async with self._calls.answering(READ_WITHIN_S, "kafka"), self._reading:
            page = await read_page(self._kafka, before, n, reason)
        return LetterList([_view(letter, SHOWN_MOST) for letter in page.letters], page.before)

    async def one(self, position: int) -> LetterView:
        """A letter with its whole value."""
        if not 0 <= position <= LAST_POSITION:
            raise _unknown(position)
        async with self._calls.answering(READ_WITHIN_S, "kafka"), self._reading:
            letter = await read_letter(self._kafka, position)
        if letter is None:
            raise _unknown(position)
        return _view(letter)

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


def dead_letter_routes(letters: DeadLetters) -> list[HTTPRouteHandler]:
    """The routes, to list, read, mend and replay letters."""

    @get(
        PATH,
        summary="Dead letters",
        description="The newest first. With a rare `reason`, a page may be shorter than `n`, or empty.",
        tags=["dead letters"],
        responses=READ,
    )
    async def list_letters(
        n: Annotated[
            int, QueryParameter(description="How many letters a page has at most.", ge=1, le=N_MOST)
        ] = N_DEFAULT,
        before: Annotated[
            int | None,
            QueryParameter(description="`before` of the page before this one.", ge=0, le=LAST_POSITION),
        ] = None,
        reason: Annotated[str, QueryParameter(description="Only such letters.", max_length=64)] = "",
    ) -> Response[LetterList]:
        return response(json_answer(200, await letters.page(n, before, reason), headers=NO_STORE))

    @get(f"{PATH}/{{position:int}}", summary="One dead letter", tags=["dead letters"], responses=READ)
    async def get_letter(
        position: Annotated[int, PathParameter(description="Its place among the letters.")],
    ) -> Response[LetterView]:
        return response(json_answer(200, await letters.one(position), headers=NO_STORE))

    @post(
        f"{PATH}/replay",
        status_code=200,
        summary="Send dead letters back",
        description=(
            "Sends the original bytes with their key to the topic that they came from. Kafka remembers what "
            "was sent: a second replay sends only newer letters. A letter that fails again is a new one. "
            "From a loopback address alone."
        ),
        tags=["dead letters"],
        operation_class=operation(json_body(Replay, {"reason": "bad_model"}, required=False)),
        responses={**CHANGED, **BODY},
    )
    async def replay(request: Asked) -> Response[Replayed]:
        check_loopback(request)
        told = await letters.replay(admin_body(await body_of(request), Replay))
        return response(json_answer(200, told, headers=NO_STORE))

    @post(
        f"{PATH}/{{position:int}}/replay",
        status_code=200,
        summary="Send one dead letter back, as it is or mended",
        description=(
            "Without a body, the original bytes go back to their topic. With `value`, that event goes in "
            "their place: it is checked as `POST /v1/events` checks it, and the letter counts as replayed. "
            "Keep its `event_id`: an event that was applied after all then changes nothing. From a loopback "
            "address alone."
        ),
        tags=["dead letters"],
        operation_class=operation(json_body(LetterCorrection, {"value": EXAMPLE}, required=False)),
        responses={**CHANGED, **BODY},
    )
    async def replay_one_letter(
        request: Asked,
        position: Annotated[int, PathParameter(description="Its place among the letters.")],
    ) -> Response[LetterReplayed]:
        check_loopback(request)
        told = await letters.replay_one(position, admin_body(await body_of(request), LetterCorrection))
        return response(json_answer(200, told, headers=NO_STORE))

    return [list_letters, get_letter, replay, replay_one_letter]


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


def _view(letter: StoredLetter, most: int | None = None) -> LetterView:
    return LetterView(
        position=letter.position,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        reason=letter.reason,
        message=letter.why,
        time_ms=letter.time_ms,
        key=_bytes(letter.key, most),
        value=_bytes(letter.value, most),
        replayed=letter.replayed,
        whole=letter.whole,
    )


def _bytes(value: bytes | None, most: int | None) -> Bytes | None:
    if value is None:
        return None
    part = value[:most]
    cut = len(part) < len(value)
    try:
        # A character that was cut in two is left out.
        return Bytes(
            len(value), cut, text=part.decode(errors="ignore" if cut and _is_text(value) else "strict")
        )
    except UnicodeDecodeError:
        return Bytes(len(value), cut, base64=base64.b64encode(part).decode())


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


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
