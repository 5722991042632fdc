"""What gateways and the renewal process tell each other through the store: a request to renew the model now,
and how far that is.

Training needs torch, the workers' examples and minutes of processors. A gateway has none of these, and there
may be many of them; of a registry's models one process renews at a time. So a gateway only leaves a request,
and whichever process renews (`headrace renew`) takes it. Nobody waits for it.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import msgspec

from model.errors import FencedError, StoreError
from streams.state.stored_format import decoded_by_head
from streams.stores.base import Store
from streams.stores.commit import digest_of

VERSION = 1
ASKED, TAKEN, STATUS, ALIVE = "renewal-asked", "renewal-taken", "renewal-status", "renewal-alive"
ASKED_MS = 86_400_000
"""A request that nobody takes for so long is forgotten; so is one whose process has ended."""
STATUS_MS = 90 * 86_400_000
ALIVE_MS = 15_000
"""A renewal process that was not heard of for so long is gone: the store's own clock says so."""


class RenewalAsked(msgspec.Struct, array_like=True, frozen=True):
    """A request. `by` and `because`: who asked, and why. `tries`: how often a process has begun it."""

    version: int
    request_id: str
    asked_ms: int
    by: str
    because: str
    tries: int = 0


class RenewalStatus(msgspec.Struct, array_like=True, frozen=True):
    """Of the process that renews. While it is at work: since `began_ms` (else 0), for `request_id` ("": as
    its own schedule says), on what (`stage`, of which `done` of `total` parts).

    Of the last renewal: its `outcome` as `Renewal.once` has it, "" before the first; `said`, why; when it
    ended, and for which request.
    """

    version: int = VERSION
    began_ms: int = 0
    request_id: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    outcome: str = ""
    said: str = ""
    ended_ms: int = 0
    ended_request_id: str = ""


class RenewalSeen(NamedTuple):
    """What the store says. `alive`: a process renews models. `asked`: a request that nobody has taken yet.
    `taken`: one that a process has begun and not ended, whether or not that process still lives.
    """

    alive: bool
    asked: RenewalAsked | None
    status: RenewalStatus
    taken: RenewalAsked | None


_asked = msgspec.msgpack.Decoder(RenewalAsked)
_status = msgspec.msgpack.Decoder(RenewalStatus)


def encode_asked(asked: RenewalAsked) -> bytes:
    """A request as it is stored."""
    return msgspec.msgpack.encode(asked)


def decode_asked(raw: bytes) -> RenewalAsked:
    """What `encode_asked` wrote; raises `StoreError`."""
    return decoded_by_head("request to renew", _asked, raw, VERSION)


def decode_status(raw: bytes) -> RenewalStatus:
    """A stored status; raises `StoreError`."""
    return decoded_by_head("status of renewals", _status, raw, VERSION)


async def read_renewal(store: Store) -> RenewalSeen:
    """How things stand. Raises `StoreError`."""
    alive, asked, status, taken = await store.notes([ALIVE, ASKED, STATUS, TAKEN])
    return RenewalSeen(
        alive is not None,
        None if asked is None else decode_asked(asked),
        RenewalStatus() if status is None else decode_status(status),
        None if taken is None else decode_asked(taken),
    )


async def ask_renewal(store: Store, asked: RenewalAsked) -> bool:
    """Leave a request; False where one waits already. Raises `StoreUnavailableError`."""
    try:
        await store.put_note(ASKED, encode_asked(asked), "", ASKED_MS)
    except FencedError:
        return False
    return True


async def take_renewal(store: Store) -> RenewalAsked | None:
    """Take the request that waits, if there is one: nobody else gets it, and it is kept as taken until
    `end_renewal`. Raises `StoreUnavailableError`.

    One that can't be read is taken, too: it would keep out all others.
    """
    raw, taken = await store.notes([ASKED, TAKEN])
    if raw is None:
        return None
    try:
        asked = _begun(decode_asked(raw))
    except StoreError:  # damaged
        asked = None
    try:
        if asked is not None:  # first: who ends between the two steps has lost nothing
            await store.put_note(TAKEN, encode_asked(asked), digest_of(taken), ASKED_MS)
        await store.put_note(ASKED, b"", digest_of(raw), ASKED_MS)
    except FencedError:  # another process was first
        return None
    return asked


async def take_up_renewal(store: Store) -> RenewalAsked | None:
    """Take the request that a process before this one began and did not end, if there is one; `tries` counts
    this time too. Only who holds the registry's lock may ask: that process has ended. Raises
    `StoreUnavailableError`.
    """
    raw, waiting = await store.notes([TAKEN, ASKED])
    if raw is None:
        return None
    with contextlib.suppress(FencedError):
        try:
            asked = _begun(decode_asked(raw))
        except StoreError:  # damaged: nobody can end it
            await store.put_note(TAKEN, b"", digest_of(raw), ASKED_MS)
            return None
        await store.put_note(TAKEN, encode_asked(asked), digest_of(raw), ASKED_MS)
        if waiting is not None and _is(waiting, asked.request_id):
            await store.put_note(ASKED, b"", digest_of(waiting), ASKED_MS)
        return asked
    return None


async def end_renewal(store: Store, request_id: str) -> None:
    """Nobody takes up this request any more. Raises `StoreUnavailableError`."""
    (raw,) = await store.notes([TAKEN])
    if raw is not None and _is(raw, request_id):
        with contextlib.suppress(FencedError):
            await store.put_note(TAKEN, b"", digest_of(raw), ASKED_MS)


def _begun(asked: RenewalAsked) -> RenewalAsked:
    return msgspec.structs.replace(asked, tries=asked.tries + 1)


def _is(raw: bytes, request_id: str) -> bool:
    try:
        return decode_asked(raw).request_id == request_id
    except StoreError:
        return False


async def tell_alive(store: Store, who: str) -> None:
    """Say that `who` renews models. Raises `StoreUnavailableError`."""
    (found,) = await store.notes([ALIVE])
    with contextlib.suppress(FencedError):
        await store.put_note(ALIVE, who.encode(), digest_of(found), ALIVE_MS)


async def tell_status(store: Store, status: RenewalStatus) -> bool:
    """Write how far it is; False where somebody else wrote just then. Raises `StoreUnavailableError`."""
    (found,) = await store.notes([STATUS])
    try:
        await store.put_note(STATUS, msgspec.msgpack.encode(status), digest_of(found), STATUS_MS)
    except FencedError:
        return False
    return True
