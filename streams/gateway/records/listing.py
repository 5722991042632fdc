"""Pages of records, and all of them as NDJSON: what is read at once stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, NamedTuple, Protocol, TypeVar

from model.errors import CursorError
from streams.gateway.errors import ProblemError, problem
from streams.gateway.records.item_kind import ItemDocument, ItemKind
from streams.gateway.records.kind import RecordKind, packed
from streams.gateway.records.records import Records
from streams.gateway.records.user_kind import UserDocument, UserKind
from streams.stores.base import Store

D = TypeVar("D")
D_co = TypeVar("D_co", covariant=True)

PAGE_MOST, PAGE_DEFAULT = 1_000, 100
LOOKS = 20
"""A page looks through so many times as many rows at most: of an item that nobody has described, no row is
shown.
"""
ROWS_END = 2**31
AT_ONCE = 64
"""So many records are read and decoded in one turn of the event loop, and reads of feeds come in between."""


class Page(NamedTuple, Generic[D_co]):
    """`cursor`: where the next page begins; "" after the last."""

    documents: Sequence[D_co]
    cursor: str


class Listing(Protocol[D_co]):
    """A list of records; raises `CursorError`."""

    async def page(self, cursor: str, n: int) -> Page[D_co]: ...


class ItemListing:
    """Items that are described, in the order in which they were first met. `available`: only such, or only
    those that are not; None for all.
    """

    def __init__(self, store: Store, available: bool | None = None) -> None:
        self._store, self._kind, self._available = store, ItemKind(), available

    async def page(self, cursor: str, n: int) -> Page[ItemDocument]:
        row = _row_of(cursor)
        found: list[ItemDocument] = []
        for _ in range(LOOKS):
            missing = n - len(found)
            ids = await self._store.item_ids(row, missing)
            known = await _known(self._store, self._kind, ids)
            found += [each for each in known if self._available in (None, each.available)]
            row += len(ids)
            if len(ids) < missing:
                return Page(found, "")
            if len(found) == n:
                break
        return Page(found, str(row))


class UserListing:
    """Users who have acted, or whose profile was put, in no order."""

    def __init__(self, store: Store) -> None:
        self._store, self._kind = store, UserKind()

    async def page(self, cursor: str, n: int) -> Page[UserDocument]:
        users, after = await self._store.users(cursor, n)
        return Page(await _known(self._store, self._kind, users), after)


class Answering(Protocol):
    """Says how long the store may take, and what is answered where it takes longer."""

    def answering(self) -> AbstractAsyncContextManager[None]: ...


async def one_page(calls: Answering, listing: Listing[D_co], cursor: str, n: int) -> Page[D_co]:
    """A page; raises `ProblemError`."""
    async with calls.answering():
        try:
            return await listing.page(cursor, n)
        except CursorError as error:
            raise ProblemError(
                problem(
                    400,
                    "unknown_cursor",
                    expected="a cursor that a page of this list named, or none",
                    came=str(error),
                    remedy="begin the list anew, without a cursor",
                )
            ) from None


async def all_lines(
    records: Records[D_co], listing: Listing[D_co], page: Page[D_co], n: int
) -> AsyncIterator[bytes]:
    """The records from this page on, as lines of JSON, a page at a time. A client that reads slowly holds
    nobody up; where the store does not answer, the body breaks off.
    """
    while True:
        if page.documents:
            yield b"".join(packed(each) + b"\n" for each in page.documents)
        if not page.cursor:
            return
        page = await one_page(records, listing, page.cursor, n)


async def _known(store: Store, kind: RecordKind[D], ids: Sequence[str]) -> list[D]:
    """Those of `ids` that there are."""
    found: list[D] = []
    for at in range(0, len(ids), AT_ONCE):
        stored = await kind.stored(store, ids[at : at + AT_ONCE])
        found += [each.document for each in stored if each.document is not None]
        await asyncio.sleep(0)
    return found


def _row_of(cursor: str) -> int:
    if not cursor:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= 10 and (row := int(cursor)) < ROWS_END:
        return row
    raise CursorError(f"cursor {cursor[:60]!r}: expected one that a page of items named")
