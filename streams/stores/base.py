"""What the shell needs of a store. `memory` and `redis` pass the same contract suite.

Values are opaque bytes here: the core encodes and decodes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.experiments.arm_totals import ArmTotals
from streams.stores.commit import Commit
from streams.stores.condition import Condition, ServerLoad
from streams.stores.ledger_entries import LedgerEntry, Snapshot
from streams.stores.withdrawals import Withdrawals


class Loaded(NamedTuple):
    """A state (or None) for each user, in order, and the last applied offset of each partition (-1: none);
    the kept slates (or None) of each of those whose slates were asked for. `tombstones`: of all these users,
    those who were deleted; left out where no partition is asked for, as by who only reads.
    """

    states: list[bytes | None]
    progress: dict[str, int]
    slates: Sequence[bytes | None] = ()
    tombstones: Mapping[str, bytes] = {}


class FeedsRead(NamedTuple):
    """A feed and a state (or None) for each user asked for, in order, and the version of the list of
    withdrawn items, all as of one moment; where the store has several shards, as of one in each of them.
    """

    feeds: list[bytes | None]
    states: list[bytes | None]
    withdrawals: str


class StoredReport(NamedTuple):
    """What a worker said of itself last. `age_ms`: how long ago, by the store's clock."""

    worker: str
    age_ms: float
    report: bytes


class UserPage(NamedTuple):
    """Some of the users who have a state, and from where to go on; "" where there are no more."""

    users: list[str]
    cursor: str


class Activation(NamedTuple):
    """Since when a model has been the active one, ms since the epoch; 0: nobody knows."""

    since_ms: int
    model: str


class FeedNews(Protocol):
    """Whose feeds batches wrote, or deleted, from the moment on at which it was begun."""

    async def next(self) -> Sequence[str]:
        """The users since the last call, each once; waits until there is one.

        Raises `StoreUnavailableError` once the link is lost. Then some may have been missed: begin anew, and
        take every feed for a changed one.
        """
        ...

    def close(self) -> None: ...


HISTORY_MOST = 400
"""Notes of an experiment's sums that are kept at most."""

ACTIVATIONS_MOST = 100
"""Activations that are remembered at most."""

AllTotals = Mapping[tuple[str, str], ArmTotals]
"""By arm and by the metric's key (`Metric.key`)."""


class Store(Protocol):
    """Raises `StoreUnavailableError` within the configured timeout when it can't be reached."""

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        """States of `users`, progress of `partitions` and the kept slates of the users `slates_of`."""
        ...

    async def commit(self, commit: Commit, writer: str) -> str:
        """Write all of it or nothing; the position of the ledger entry ("" where there was none).

        After a `StoreUnavailableError` it is unknown whether the batch was written. The same writer may then
        commit the same batch again: if it was written, its position is answered and nothing is written twice.
        """
        ...

    async def intern(self, item_ids: Sequence[str]) -> list[int]:
        """The global row number of each item id; new ids get the next numbers, without gaps, for ever."""
        ...

    async def interned(self, start: int) -> list[str]:
        """The item ids of the rows from `start` on, in row order."""
        ...

    async def item_ids(self, start: int, most: int) -> list[str]:
        """The item ids of the rows from `start` on, in row order, `most` at most."""
        ...

    async def items(self, item_ids: Sequence[str]) -> list[bytes | None]: ...

    async def users(self, cursor: str, about: int) -> UserPage:
        """About `about` of the users who have a state; the first ones at the cursor "".

        Whoever follows the cursors to their end meets each user who had a state all the time, at least once.
        A page may be empty. Raises `CursorError` for a cursor that no page gave.
        """
        ...

    async def states(self, users: Sequence[str]) -> list[bytes | None]: ...

    async def feed(self, user: str) -> bytes | None: ...

    async def read_feeds(self, users: Sequence[str], states: Sequence[str] = ()) -> FeedsRead:
        """Feeds of `users` and states of the users `states`, in one call."""
        ...

    async def put_feed(self, user: str, feed: bytes) -> None:
        """Write a feed outside a batch (the popular fallback); it is no news."""
        ...

    async def hear_of_feeds(self) -> FeedNews:
        """Hear of each feed that a batch writes from now on, whichever process writes it; and of each that
        goes with a deleted user.
        """
        ...

    async def withdrawals(self, after: str) -> Withdrawals:
        """What changed on the list of withdrawn items since its version `after` ("": all of it)."""
        ...

    async def mend_withdrawn(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> None:
        """Put items on the list of the withdrawn, or take them off, outside a batch.

        `found`: the digest of each item's record that says so; one that was changed since is left as it is.
        """
        ...

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        """The next entries, oldest first. `LedgerGapError` where some after `after` were already dropped."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep this snapshot instead of the last one, then drop the ledger that it covers.

        A margin of the latest entries stays for followers that lag (`ledger_margin_ms` before the snapshot's
        position). A snapshot that is older than the kept one is refused (`FencedError`).
        """
        ...

    async def snapshot(self) -> Snapshot | None: ...

    async def lead(self, name: str, writer: str, ttl_ms: int) -> bool:
        """Take or renew the lease `name`; True while `writer` holds it."""
        ...

    async def activate(self, model: str) -> None:
        """Make `model` the one that starting processes load."""
        ...

    async def active_model(self) -> str | None: ...

    async def activations(self) -> list[Activation]:
        """Which models were the active one, the newest first; `ACTIVATIONS_MOST` at most."""
        ...

    async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
        """Notes, which expire: of gateways, of renewals, of the worker that leads. about: a user; see
        `put_note`.
        """
        ...

    async def put_note(
        self, name: str, value: bytes, found: str, ttl_ms: int, about: str = "", ts: int = 0
    ) -> None:
        """Write a note (b"": delete it) in one step with a look at what is there. Raises `FencedError` where
        that is not what was found any more; `found` is its digest (`digest_of`).

        about: the user whom it names; notes about a user have names of their own. Who deletes the user
        deletes those whose `ts` (ms since the epoch) is not later than that.
        """
        ...

    async def put_report(self, worker: str, report: bytes, ttl_ms: int) -> None:
        """Keep what a worker says of itself, in place of what it said before, for `ttl_ms` (0: drop it)."""
        ...

    async def reports(self) -> list[StoredReport]:
        """Those of all workers that have not expired, in the order of their names."""
        ...

    async def load_of_server(self) -> ServerLoad:
        """What the server that keeps it has to do."""
        ...

    async def note_text_encoder(self, encoder: str) -> str:
        """Note by which encoder texts are read, where nobody has; what is noted now."""
        ...

    async def text_encoder(self) -> str | None:
        """By which encoder texts were read, as it was noted."""
        ...

    async def experiments(self) -> bytes | None:
        """The registry of experiments."""
        ...

    async def put_experiments(self, value: bytes, found: str, entry: bytes) -> None:
        """Write the registry, and an entry behind its log, in one step. Raises `FencedError` where the stored
        one is not the one that was found any more; `found` is its digest (`digest_of`).
        """
        ...

    async def experiments_log(self) -> list[bytes]:
        """All entries of the log, oldest first."""
        ...

    async def read_arm_sums(self, experiment: str) -> AllTotals:
        """The sums of an experiment, of all store shards together; empty where there are none."""
        ...

    async def append_sums_history(self, experiment: str, ts_ms: int) -> None:
        """Note what the sums are now. Of more than `HISTORY_MOST` notes every second one goes, but for the
        newest.
        """
        ...

    async def read_sums_history(self, experiment: str) -> list[tuple[int, AllTotals]]:
        """What was noted: when (ms), and the sums. The oldest first."""
        ...

    async def forget_sums(self, experiment: str) -> None:
        """Drop its sums and what was noted of them."""
        ...

    async def condition(self) -> Condition:
        """How the server that keeps it is set up, and whether it takes writes."""
        ...

    async def close(self) -> None: ...
