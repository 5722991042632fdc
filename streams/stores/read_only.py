"""A store of which a process only reads: whatever would write is refused before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from model.errors import StoreError
from streams.stores.base import (
    Activation,
    AllTotals,
    FeedNews,
    FeedsRead,
    Loaded,
    Store,
    StoredReport,
    UserPage,
)
from streams.stores.commit import Commit
from streams.stores.condition import Condition, ServerLoad
from streams.stores.ledger_entries import LedgerEntry, Snapshot
from streams.stores.withdrawals import Withdrawals


class ReadOnlyStore:
    """`Store` over another one. Every method that writes raises `StoreError`; `close` closes the other."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        return await self._store.load(users, partitions, slates_of)

    async def interned(self, start: int) -> list[str]:
        return await self._store.interned(start)

    async def item_ids(self, start: int, most: int) -> list[str]:
        return await self._store.item_ids(start, most)

    async def items(self, item_ids: Sequence[str]) -> list[bytes | None]:
        return await self._store.items(item_ids)

    async def users(self, cursor: str, about: int) -> UserPage:
        return await self._store.users(cursor, about)

    async def states(self, users: Sequence[str]) -> list[bytes | None]:
        return await self._store.states(users)

    async def feed(self, user: str) -> bytes | None:
        return await self._store.feed(user)

    async def read_feeds(self, users: Sequence[str], states: Sequence[str] = ()) -> FeedsRead:
        return await self._store.read_feeds(users, states)

    async def hear_of_feeds(self) -> FeedNews:
        return await self._store.hear_of_feeds()

    async def withdrawals(self, after: str) -> Withdrawals:
        return await self._store.withdrawals(after)

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        return await self._store.read_ledger(after, limit)

    async def snapshot(self) -> Snapshot | None:
        return await self._store.snapshot()

    async def active_model(self) -> str | None:
        return await self._store.active_model()

    async def activations(self) -> list[Activation]:
        return await self._store.activations()

    async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
        return await self._store.notes(names, about)

    async def reports(self) -> list[StoredReport]:
        return await self._store.reports()

    async def load_of_server(self) -> ServerLoad:
        return await self._store.load_of_server()

    async def text_encoder(self) -> str | None:
        return await self._store.text_encoder()

    async def experiments(self) -> bytes | None:
        return await self._store.experiments()

    async def experiments_log(self) -> list[bytes]:
        return await self._store.experiments_log()

    async def read_arm_sums(self, experiment: str) -> AllTotals:
        return await self._store.read_arm_sums(experiment)

    async def read_sums_history(self, experiment: str) -> list[tuple[int, AllTotals]]:
        return await self._store.read_sums_history(experiment)

    async def condition(self) -> Condition:
        return await self._store.condition()

    async def close(self) -> None:
        await self._store.close()

    async def commit(self, commit: Commit, writer: str) -> NoReturn:
        _refuse("commit")

    async def intern(self, item_ids: Sequence[str]) -> NoReturn:
        _refuse("intern")

    async def put_feed(self, user: str, feed: bytes) -> NoReturn:
        _refuse("put_feed")

    async def mend_withdrawn(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> NoReturn:
        _refuse("mend_withdrawn")

    async def save_snapshot(self, snapshot: Snapshot) -> NoReturn:
        _refuse("save_snapshot")

    async def lead(self, name: str, writer: str, ttl_ms: int) -> NoReturn:
        _refuse("lead")

    async def put_experiments(self, value: bytes, found: str, entry: bytes) -> NoReturn:
        _refuse("put_experiments")

    async def activate(self, model: str) -> NoReturn:
        _refuse("activate")

    async def put_note(
        self, name: str, value: bytes, found: str, ttl_ms: int, about: str = "", ts: int = 0
    ) -> NoReturn:
        _refuse("put_note")

    async def put_report(self, worker: str, report: bytes, ttl_ms: int) -> NoReturn:
        _refuse("put_report")

    async def note_text_encoder(self, encoder: str) -> NoReturn:
        _refuse("note_text_encoder")

    async def append_sums_history(self, experiment: str, ts_ms: int) -> NoReturn:
        _refuse("append_sums_history")

    async def forget_sums(self, experiment: str) -> NoReturn:
        _refuse("forget_sums")


def _refuse(method: str) -> NoReturn:
    raise StoreError(
        f"{method}: this process was opened to read only, and this would write to the store;"
        " have a worker do it"
    )
