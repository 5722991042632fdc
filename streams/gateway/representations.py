"""The described routes' answers on their way out: left out where the client has them, coded where large.

The hot routes send theirs as they are: a feed is small, and to look for a coding costs more than it saves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from litestar.types import HTTPScope, Message, Send

from streams.gateway.answers import Answer
from streams.gateway.compression import Coder, coder_of, coding_for, compressed, is_compressible
from streams.gateway.conditional import conditions_of, tag_of_coding
from streams.settings.processes import GatewaySettings

IN_LINE_BYTES = 65_536
"""A thread codes a larger body."""
KEPT_OF_304 = (b"etag", b"cache-control", b"vary", b"expires", b"date")

Headers = list[tuple[bytes, bytes]]


class Representations:
    """`sending` and `of` give the way out of one request's answer."""

    def __init__(self, gateway: GatewaySettings) -> None:
        self._from_bytes = gateway.compress_from_bytes

    def sending(self, scope: HTTPScope, send: Send) -> Send:
        """What the app is to send its answer with."""
        return _Sending(scope, send, self._from_bytes)

    def of(self, answer: Answer, scope: HTTPScope, send: Send) -> Send:
        """The same for an answer without an entity tag: of a small one nothing changes on its way."""
        if not 0 < self._from_bytes <= len(answer.body):
            return send
        return self.sending(scope, send)


class _Sending:
    def __init__(self, scope: HTTPScope, send: Send, from_bytes: int) -> None:
        self._scope, self._send, self._from_bytes = scope, send, from_bytes
        self._start: Any = None
        self._coder: Coder | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._start is not None:
            start, self._start = self._start, None
            start["headers"] = headers = list(start["headers"])
            if more:
                self._coder = self._coder_for(start)
            else:
                body = await self._whole(start, headers, body)
            await self._send(start)
        if self._coder is not None:
            body = self._coder.part(body) if more else self._coder.part(body) + self._coder.end()
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _whole(self, start: Any, headers: Headers, body: bytes) -> bytes:
        """The body to send, of an answer that is there whole."""
        tag = _value(headers, b"etag")
        if tag and start["status"] == 200 and self._is_known(tag):
            start["status"] = 304
            start["headers"] = [each for each in headers if each[0] in KEPT_OF_304]
            return b""
        if not 0 < self._from_bytes <= len(body) or not _may_be_coded(headers):
            return body
        coding = self._coding(start)
        if coding is None:
            return body
        inline = len(body) <= IN_LINE_BYTES
        coded = compressed(body, coding) if inline else await asyncio.to_thread(compressed, body, coding)
        start["headers"] = [
            each if each[0] != b"content-length" else (each[0], b"%d" % len(coded))
            for each in start["headers"]
        ]
        return coded

    def _is_known(self, tag: bytes) -> bool:
        headers = self._scope["headers"]
        return self._scope["method"] == "GET" and conditions_of(headers).knows(tag.decode("latin-1"))

    def _coder_for(self, start: Any) -> Coder | None:
        """For a body that comes in parts."""
        if not self._from_bytes or not _may_be_coded(start["headers"]):
            return None
        coding = self._coding(start)
        return None if coding is None else coder_of(coding)

    def _coding(self, start: Any) -> str | None:
        """The coding that the client takes; the head of the answer then says so."""
        headers: Headers = start["headers"]
        headers.append((b"vary", b"accept-encoding"))
        coding = coding_for(_value(self._scope["headers"], b"accept-encoding") or b"identity")
        if coding is None:
            return None
        start["headers"] = [
            (name, tag_of_coding(value.decode("latin-1"), coding).encode("latin-1"))
            if name == b"etag"
            else (name, value)
            for name, value in headers
        ]
        start["headers"].append((b"content-encoding", coding.encode()))
        return coding


def _may_be_coded(headers: Headers) -> bool:
    media_type = _value(headers, b"content-type") or b""
    return is_compressible(media_type.decode("latin-1")) and _value(headers, b"content-encoding") is None


def _value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for each, value in headers if each == name), None)
