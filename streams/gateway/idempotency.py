"""`Idempotency-Key`: a request that is sent again under the same key is answered again, and done once.

As draft-ietf-httpapi-idempotency-key-header has it. Answers below 400 are kept in the store for a while, for
all gateways. A request that was refused did nothing: sent again, it is looked at again.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from model.errors import FencedError, StoreError
from streams.gateway.answers import Answer
from streams.gateway.errors import ProblemError, problem, retry_after, unavailable
from streams.settings.processes import GatewaySettings
from streams.state.stored_format import decoded_by_head
from streams.stores.base import Store
from streams.stores.commit import digest_of

log = logging.getLogger(__name__)

HEADER = b"idempotency-key"
REPLAYED = ("Idempotent-Replayed", "true")
VERSION = 1
ANSWER_MOST = 1024 * 1024
"""Bytes of an answer that is kept; a longer one is given once."""
MS_PER_HOUR = 3_600_000
AT_WORK = "The same request is at work under this Idempotency-Key"

_KEY = re.compile(rb'"?([\x21\x23-\x7e]{1,128})"?')


class KeptAnswer(msgspec.Struct, frozen=True, array_like=True):
    """Version 1. `request` names what was sent. `status` is 0 while the request is at work."""

    version: int
    request: bytes
    status: int = 0
    body: bytes = b""
    media_type: str = ""
    headers: list[tuple[str, str]] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(KeptAnswer)


def encode_answer(kept: KeptAnswer) -> bytes:
    """A kept answer as the bytes that `decode_answer` reads."""
    return _encoder.encode(kept)


def decode_answer(raw: bytes) -> KeptAnswer:
    """The answer that `encode_answer` packed; `StoreError` for anything else."""
    return decoded_by_head("kept answer", _decoder, raw, VERSION)


def has_key(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request has any such header."""
    return any(name == HEADER for name, _ in headers)


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The key of a request, with quotes or without; raises `ProblemError` for one that is none.

    >>> key_in([(b"idempotency-key", b'"8e03978e"')])
    b'8e03978e'
    """
    values = [value.strip(b" \t") for name, value in headers if name == HEADER]
    if not values:
        return None
    found = _KEY.fullmatch(values[0])
    if found is None or len(values) > 1:
        raise ProblemError(
            problem(
                400,
                "bad_idempotency_key",
                expected="one Idempotency-Key of 1 to 128 visible ASCII characters, such as a UUID",
                came=b", ".join(values)[:200].decode("latin-1") or "an empty one",
                remedy="send a key that is made anew for each different request",
            )
        )
    return found[1]


class IdempotentAnswers:
    """`make` makes an answer; it is given an id for the event that it writes."""

    def __init__(self, store: Store, gateway: GatewaySettings) -> None:
        self._store, self._gateway = store, gateway
        self._working_ms = max(10_000, 4 * gateway.timeout_ms)
        self._kept_ms = round(gateway.idempotency_hours * MS_PER_HOUR)

    async def answer(
        self,
        headers: Iterable[tuple[bytes, bytes]],
        target: str,
        body: bytes,
        make: Callable[[str], Awaitable[Answer]],
        about: str = "",
    ) -> Answer:
        """The answer, made or kept. `target`: method, path and query. `about`: the user whom the answer
        names, with whom it goes. Raises `ProblemError`.
        """
        key = key_in(headers)
        if key is None:
            return await make(secrets.token_hex(16))
        request = _digest(target.encode(), body)
        name = f"answer:{_digest(key, target.encode()).hex()}"
        marked = encode_answer(KeptAnswer(VERSION, request))
        if (kept := await self._claimed(name, request, marked, about)) is not None:
            return Answer(kept.status, kept.body, kept.media_type, (*kept.headers, REPLAYED))
        answer: Answer | None = None
        try:
            # The same for each try: what it writes counts once even where nobody could keep the answer.
            answer = await make(f"k-{_digest(key, request).hex()}")
            return answer
        finally:
            await self._keep(name, request, marked, answer, about)

    async def _claimed(self, name: str, request: bytes, marked: bytes, about: str) -> KeptAnswer | None:
        """None where the request is to be answered now; else its kept answer."""
        try:
            (raw,) = await self._store.notes([name], about)
            if raw is None:
                await self._store.put_note(name, marked, "", self._working_ms, about)
                return None
            kept = decode_answer(raw)
        except FencedError:
            kept = KeptAnswer(VERSION, request)  # another came first, at this moment
        except StoreError as error:
            raise unavailable("store", str(error), self._gateway.retry_after_s) from None
        if kept.request != request:
            raise _refused(422, "key_reused", "the request that the key was first sent with", "another one")
        if not kept.status:
            wait_s = self._gateway.retry_after_s
            raise _refused(
                409, "at_work", "one request at a time under a key", "it while it is at work", wait_s
            )
        return kept

    async def _keep(
        self, name: str, request: bytes, marked: bytes, answer: Answer | None, about: str
    ) -> None:
        value = b""
        if answer is not None and answer.status < 400 and len(answer.body) <= ANSWER_MOST:
            headers = list(answer.headers)
            value = encode_answer(
                KeptAnswer(VERSION, request, answer.status, answer.body, answer.media_type, headers)
            )
        try:
            await self._store.put_note(name, value, digest_of(marked), self._kept_ms, about)
        except FencedError:
            log.info("the answer under an idempotency key is not kept: its user was deleted meanwhile")
        except StoreError as error:
            log.warning("the answer under an idempotency key is not kept: %s", error)


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()


def _refused(status: int, reason: str, expected: str, came: str, wait_s: int | None = None) -> ProblemError:
    again = "a key that is made anew" if wait_s is None else f"it again in {wait_s} s"
    return ProblemError(
        problem(status, reason, expected=expected, came=came, remedy=f"send {again}"),
        None if wait_s is None else retry_after(wait_s),
    )
