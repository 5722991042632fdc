"""What items and users have in common for whoever reads and changes them one by one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from streams.events.schema import AnyEvent
from streams.stores.base import Store

D = TypeVar("D")
D_co = TypeVar("D_co", covariant=True)

_encoder = msgspec.json.Encoder(order="deterministic")


class Stored(NamedTuple, Generic[D_co]):
    """A record as workers have written it; None where there is none.

    `ts`: of the update that it is of, 0 where it does not say. `applied`: names of the last events that it
    knows (`streams.state.fold.event_key`).
    """

    document: D_co | None
    ts: int = 0
    applied: Sequence[bytes] = ()


class RecordKind(Protocol[D]):
    """One kind of records, with documents `D` as clients read them."""

    @property
    def name(self) -> str:
        """What a message calls one of them."""
        ...

    @property
    def document(self) -> type[D]: ...

    @property
    def personal(self) -> bool:
        """Whether a record is a user's own, so that what is noted of it goes when the user is deleted."""
        ...

    async def stored(self, store: Store, ids: Sequence[str]) -> list[Stored[D]]:
        """What the store has of each of `ids`."""
        ...

    def read(self, raw: bytes, record_id: str, max_bytes: int) -> D:
        """A whole document from the body of a PUT; raises `EventError`."""
        ...

    def event(self, document: D, event_id: str, ts: int) -> AnyEvent:
        """The event that makes the record this document."""
        ...

    def check_known(self, document: D, named: Container[str]) -> None:
        """Raises `ProblemError` (409) where a field of the stored document is not known, and not `named`
        anew: it would be lost if the document was written again.
        """
        ...

    def told(self, event: AnyEvent) -> D:
        """The document, as it will be read once a worker has applied the event."""
        ...


def packed(document: object) -> bytes:
    """A document as JSON, the same bytes for the same content."""
    return _encoder.encode(document)
