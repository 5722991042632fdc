"""A body of NDJSON, answered line by line while it comes; memory stays bounded.

A client may send without end, and reads an answer for each line. Where it does not read, answers wait up to a
bound; then the gateway reads no further, and the client's own sending comes to a stand (backpressure). A line
is in Kafka, with all replicas, before its answer says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from litestar.types import Receive, Send

from streams.gateway.bodies import BODY_TIMEOUT_S, BodyError
from streams.gateway.errors import ProblemError, problem, retry_after
from streams.gateway.intake import EventIntake, Read
from streams.gateway.lines import NDJSON, Line, LineSplitter
from streams.gateway.receipts import Result
from streams.settings.tree import Settings

AT_ONCE = 128
"""Lines that are decoded in one turn of the event loop, and written together."""
ANSWERS_MOST = 4 * 1024 * 1024
"""Bytes of answers that wait for a client that does not read."""
PART_BYTES = 65_536
"""Bytes of answers that are sent at once: whoever takes so many is reading."""
ESCAPES = 6
"""An event within `events.max_bytes` may be so many times as long, with all of it as escapes."""
LINE_ANSWERS = (
    "Lines of JSON: a LineAnswer for each line of the body, and a StreamEnd as the last one. With "
    "`answers=refused`, lines that were accepted get none."
)


def longest_line(settings: Settings) -> int:
    """Bytes of a line at most."""
    return ESCAPES * settings.events.max_bytes


class LineAnswer(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What became of one line; `line` counts from 1. The other fields are those of a `Result`."""

    line: int
    status: Literal["accepted", "rejected", "unconfirmed"]
    event_id: str = ""
    reason: str = ""
    message: str = ""


class StreamEnd(msgspec.Struct, kw_only=True):
    """The last line of the answer. `done`: all lines were read. Else `reason` and `message` say why not, and
    lines after `line` were not read: send them again.
    """

    done: bool
    line: int
    accepted: int
    rejected: int
    unconfirmed: int
    reason: str = ""
    message: str = ""


class StreamQuery(NamedTuple):
    """`refused_only`: lines that were accepted get no answer of their own."""

    refused_only: bool = False


def stream_query(query: bytes) -> StreamQuery:
    """The parameters of a stream; raises `ProblemError`.

    >>> stream_query(b"answers=refused")
    StreamQuery(refused_only=True)
    """
    told = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if not told:
        return StreamQuery()
    if len(told) == 1 and told[0][0] == "answers" and told[0][1] in ("each", "refused"):
        return StreamQuery(told[0][1] == "refused")
    raise ProblemError(
        problem(
            400,
            "unknown_parameter" if any(name != "answers" for name, _ in told) else "out_of_range",
            expected="answers=each or answers=refused, or no parameter",
            came=query[:200].decode("latin-1"),
            remedy="leave the others out",
        )
    )


class LineStreams:
    """All streams of a gateway: `most` at a time."""

    def __init__(self, intake: EventIntake, settings: Settings) -> None:
        self._intake, self._gateway = intake, settings.gateway
        self._longest = longest_line(settings)
        self._open = 0

    async def answer(self, receive: Receive, send: Send, read: Read, query: bytes) -> int:
        """Read the body to its end, and answer; the answer's status. Raises `ProblemError` or `BodyError`
        before it begins to answer.
        """
        asked = stream_query(query)
        if self._open >= self._gateway.streams_max:
            wait_s = self._gateway.retry_after_s
            raise ProblemError(
                problem(
                    503,
                    "busy",
                    expected=f"at most {self._gateway.streams_max} streams at a time",
                    came="another one",
                    remedy=f"begin again in {wait_s} s, or raise gateway.streams_max",
                ),
                retry_after(wait_s),
            )
        self._open += 1
        try:
            await _Stream(self._intake, receive, send, read, asked, self._longest).run()
        finally:
            self._open -= 1
        return 200


class _Stream:
    def __init__(
        self,
        intake: EventIntake,
        receive: Receive,
        send: Send,
        read: Read,
        asked: StreamQuery,
        longest: int,
    ) -> None:
        self._intake, self._receive, self._send, self._event = intake, receive, send, read
        self._asked = asked
        self._lines = LineSplitter(longest)
        self._end = StreamEnd(done=False, line=0, accepted=0, rejected=0, unconfirmed=0)
        self._answers, self._encoder = bytearray(), msgspec.json.Encoder()
        self._more, self._room = asyncio.Event(), asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        # Who waits for "100 Continue" gets it by this first look at the body, and then the answer's head.
        try:
            part, more = await self._part()
        except TimeoutError:
            raise BodyError(HTTPStatus.REQUEST_TIMEOUT) from None
        head = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})
        sender = asyncio.create_task(self._send_answers())
        try:
            if not await self._take_all(part, more, sender):
                return  # the client is gone, or reads nothing: nobody would hear how it ended
            self._put(self._encoder.encode(self._end))
            self._ended = True
            self._more.set()
            while not sender.done() and await self._is_read(sender):
                pass
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    async def _take_all(self, part: bytes | None, more: bool, sender: asyncio.Task[None]) -> bool:
        """Take the lines to the end of the body, or to trouble; False where nobody reads the answers."""
        while part is not None:
            lines = list(self._lines.feed(part))
            if not more:
                lines += self._lines.rest()
            for at in range(0, len(lines), AT_ONCE):
                if trouble := await self._take(lines[at : at + AT_ONCE]):
                    self._end.reason, self._end.message = "kafka_unavailable", trouble
                    return True
                if not await self._has_room(sender):
                    return False
                await asyncio.sleep(
                    0
                )  # where nothing was written, other requests have their turn all the same
            if not more:
                self._end.done = True
                return True
            try:
                part, more = await self._part()
            except TimeoutError:
                self._end.reason = "timeout"
                self._end.message = f"nothing came for {BODY_TIMEOUT_S:g} s"
                return True
        return False

    async def _part(self) -> tuple[bytes | None, bool]:
        """The next part of the body, None where the client went away, and whether more comes."""
        async with asyncio.timeout(BODY_TIMEOUT_S):
            message: Any = await self._receive()
        if message["type"] == "http.disconnect":
            return None, False
        return message.get("body", b""), message.get("more_body", False)

    async def _take(self, lines: Sequence[Line]) -> str:
        """Read, write and answer some lines; why Kafka did not confirm all of them, "" where it did."""
        whole = [line for line in lines if line.content is not None]
        taken = await self._intake.take_each([line.content or b"" for line in whole], self._event)
        results = dict(zip((line.number for line in whole), taken.results, strict=True))
        for line in lines:
            result = results.get(line.number) or self._too_long()
            self._count(result)
            if not (self._asked.refused_only and result.status == "accepted"):
                answer = LineAnswer(
                    line=line.number,
                    status=result.status,
                    event_id=result.event_id,
                    reason=result.reason,
                    message=result.message,
                )
                self._put(self._encoder.encode(answer))
            self._end.line = line.number
        return taken.trouble

    def _too_long(self) -> Result:
        self._intake.count_refused("too_large")
        return Result(
            status="rejected", reason="too_large", message="the line is longer than any event may be"
        )

    def _count(self, result: Result) -> None:
        setattr(self._end, result.status, getattr(self._end, result.status) + 1)

    def _put(self, answer: bytes) -> None:
        self._answers += answer
        self._answers += b"\n"
        self._more.set()

    async def _has_room(self, sender: asyncio.Task[None]) -> bool:
        """Wait until the client has read; False where it does not."""
        while len(self._answers) > ANSWERS_MOST:
            if sender.done() or not await self._is_read(sender):
                return False
        return True

    async def _is_read(self, sender: asyncio.Task[None]) -> bool:
        """Wait until the client has read something; False where it does not."""
        self._room.clear()
        reading = asyncio.ensure_future(self._room.wait())
        try:
            done, _ = await asyncio.wait(
                [reading, sender], timeout=BODY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            reading.cancel()
        return bool(done)

    async def _send_answers(self) -> None:
        while not self._ended or self._answers:
            await self._more.wait()
            self._more.clear()
            if self._ended:
                self._more.set()
            while self._answers:
                body = bytes(self._answers[:PART_BYTES])
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
                del self._answers[: len(body)]
                self._room.set()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
