"""A store in this process: for replay, simulation and tests."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from model.errors import FencedError, LedgerGapError
from streams.clock import Clock, SystemClock
from streams.experiments.arm_totals import totals_of
from streams.learning.settings import LearningSettings
from streams.settings.connections import RedisSettings
from streams.state.tombstone import tombstone_name
from streams.state.user_state import StateSettings
from streams.stores.base import (
    ACTIVATIONS_MOST,
    HISTORY_MOST,
    Activation,
    AllTotals,
    FeedNews,
    FeedsRead,
    Loaded,
    StoredReport,
    UserPage,
)
from streams.stores.commit import Commit, check_commit, digest_of, head_of
from streams.stores.condition import SOUND, Condition, ServerLoad
from streams.stores.heard import HeardFeeds
from streams.stores.ledger_entries import START, LedgerEntry, Snapshot, order_of
from streams.stores.withdrawals import Withdrawals, version_of

MS_PER_DAY = 86_400_000


@dataclass
class _Expiring:
    """Values that are forgotten `ttl_ms` after they were last written."""

    ttl_ms: float
    clock: Clock
    values: dict[str, tuple[float, bytes]] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        until, value = self.values.get(key, (0.0, b""))
        if until > self.clock.now_ms():
            return value
        self.values.pop(key, None)
        return None

    def put(self, key: str, value: bytes, ttl_ms: float | None = None) -> None:
        self.values[key] = (self.clock.now_ms() + (self.ttl_ms if ttl_ms is None else ttl_ms), value)


class MemoryStore:
    """`Store` without a server. Nothing awaits in the middle of a write, so each call is a transaction."""

    def __init__(
        self,
        state: StateSettings = StateSettings(),
        clock: Clock | None = None,
        ledger_margin_ms: int = RedisSettings().ledger_margin_ms,
        learning: LearningSettings = LearningSettings(),
    ) -> None:
        self._clock = clock or SystemClock()
        self._ledger_margin_ms = ledger_margin_ms
        self._states = _Expiring(state.ttl_days * MS_PER_DAY, self._clock)
        self._feeds = _Expiring(state.ttl_days * MS_PER_DAY, self._clock)
        self._slates = _Expiring(learning.keep_ms, self._clock)
        self._items: dict[str, bytes] = {}
        self._withdrawn: dict[str, tuple[int, bool]] = {}
        self._withdrawals = ""
        self._rows: dict[str, int] = {}
        self._progress: dict[str, int] = {}
        self._last_commit: dict[str, tuple[Commit, str]] = {}
        self._ledger: list[LedgerEntry] = []
        self._last_position = START
        self._dropped_up_to = START
        self._snapshot: Snapshot | None = None
        self._leases: dict[str, tuple[str, int]] = {}
        self._activations: list[Activation] = []
        self._notes = _Expiring(0, self._clock)
        self._note_times: dict[tuple[str, str], int] = {}
        self._tombstones = _Expiring(0, self._clock)
        self._reports: dict[str, tuple[float, float, bytes]] = {}
        self._text_encoder: str | None = None
        self._experiments: bytes | None = None
        self._experiments_log: list[bytes] = []
        self._arm_sums: dict[str, dict[str, int]] = {}
        self._sums_history: dict[str, list[tuple[int, AllTotals]]] = {}
        self._hearing: set[HeardFeeds] = set()

    async def load(
        self, users: Sequence[str], partitions: Sequence[str], slates_of: Sequence[str] = ()
    ) -> Loaded:
        return Loaded(
            [self._states.get(user) for user in users],
            {partition: self._progress.get(partition, -1) for partition in partitions},
            [self._slates.get(user) for user in slates_of],
            self._tombstones_of((*users, *slates_of)) if partitions else {},
        )

    def _tombstones_of(self, users: Sequence[str]) -> dict[str, bytes]:
        found = {user: self._tombstones.get(tombstone_name(user)) for user in users}
        return {user: raw for user, raw in found.items() if raw is not None}

    async def commit(self, commit: Commit, writer: str) -> str:
        check_commit(commit)
        for partition, offset in commit.expected.items():
            stored = self._progress.get(partition, -1)
            if stored != offset:
                last, position = self._last_commit.get(writer, (None, ""))
                if last == commit:
                    return position
                raise FencedError(
                    f"{partition} is at {stored}, expected {offset}: another worker has written"
                )
        for user, digest in commit.found.items():
            if digest_of(self._states.get(user)) != digest:
                raise FencedError(
                    f"the state of {user} is not the one that was found: another has written it"
                )
        for user, digest in commit.found_slates.items():
            if digest_of(head_of(self._slates.get(user))) != digest:
                raise FencedError(
                    f"the slates of {user} are not those that were found: another has written them"
                )
        for user, (tombstone, until_ms) in commit.forgotten.items():
            for values in (self._states, self._feeds, self._slates):
                values.values.pop(user, None)
            for key, ts in list(self._note_times.items()):
                if key[0] == user and ts <= until_ms:
                    del self._note_times[key]
                    self._notes.values.pop(_note_key(*key), None)
            self._tombstones.put(tombstone_name(user), tombstone, commit.tombstone_ms)
        for user, state in commit.states.items():
            self._states.put(user, state)
        for user, feed in commit.feeds.items():
            self._feeds.put(user, feed)
        for user, slates in commit.slates.items():
            self._slates.put(user, slates)
        self._items.update(commit.items)
        self._list(commit.withdrawn)
        for experiment, added in commit.arm_sums.items():
            numbers = self._arm_sums.setdefault(experiment, {})
            for name, number in added.items():
                numbers[name] = numbers.get(name, 0) + number
        self._progress.update(commit.progress)
        position = self._append(writer, commit.ledger) if commit.ledger else ""
        self._last_commit[writer] = (commit, position)
        for heard in self._hearing:
            for user in (*commit.feeds, *commit.forgotten):
                heard.add(user)
        return position

    def _append(self, writer: str, payload: bytes) -> str:
        ms, sequence = order_of(self._last_position)
        now = self._clock.now_ms()
        position = f"{now}-0" if now > ms else f"{ms}-{sequence + 1}"
        self._ledger.append(LedgerEntry(position, writer, payload))
        self._last_position = position
        return position

    async def intern(self, item_ids: Sequence[str]) -> list[int]:
        return [self._rows.setdefault(item_id, len(self._rows)) for item_id in item_ids]

    async def interned(self, start: int) -> list[str]:
        return list(self._rows)[start:]

    async def item_ids(self, start: int, most: int) -> list[str]:
        return list(islice(self._rows, start, start + most))

    async def items(self, item_ids: Sequence[str]) -> list[bytes | None]:
        return [self._items.get(item_id) for item_id in item_ids]

    async def users(self, cursor: str, about: int) -> UserPage:
        later = (user for user in sorted(self._states.values) if user > cursor and self._states.get(user))
        page = list(islice(later, about + 1))
        return UserPage(page[:about], page[about - 1] if len(page) > about else "")

    async def states(self, users: Sequence[str]) -> list[bytes | None]:
        return [self._states.get(user) for user in users]

    async def feed(self, user: str) -> bytes | None:
        return self._feeds.get(user)

    async def read_feeds(self, users: Sequence[str], states: Sequence[str] = ()) -> FeedsRead:
        return FeedsRead(
            [self._feeds.get(user) for user in users],
            [self._states.get(user) for user in states],
            self._withdrawals,
        )

    async def hear_of_feeds(self) -> FeedNews:
        heard = HeardFeeds(closed=lambda: self._hearing.discard(heard))
        self._hearing.add(heard)
        return heard

    async def withdrawals(self, after: str) -> Withdrawals:
        (began, number), (now, _) = version_of(after), version_of(self._withdrawals)
        whole = began != now
        changes = {
            item_id: withdrawn
            for item_id, (changed, withdrawn) in self._withdrawn.items()
            if whole or changed > number
        }
        return Withdrawals(self._withdrawals, whole, changes)

    async def mend_withdrawn(self, withdrawn: Mapping[str, bool], found: Mapping[str, str]) -> None:
        self._list(
            {
                item_id: now
                for item_id, now in withdrawn.items()
                if digest_of(self._items.get(item_id)) == found[item_id]
            }
        )

    def _list(self, withdrawn: Mapping[str, bool]) -> None:
        for item_id, now in withdrawn.items():
            if self._withdrawn.get(item_id, (0, False))[1] != now:
                began, number = version_of(self._withdrawals or f"{uuid.uuid4().hex}:0")
                self._withdrawals = f"{began}:{number + 1}"
                self._withdrawn[item_id] = number + 1, now

    async def put_feed(self, user: str, feed: bytes) -> None:
        self._feeds.put(user, feed)

    async def read_ledger(self, after: str, limit: int) -> list[LedgerEntry]:
        start = order_of(after)
        if start < order_of(self._dropped_up_to):
            raise LedgerGapError(
                f"the ledger after {after} was dropped up to {self._dropped_up_to}; load the snapshot"
            )
        return [entry for entry in self._ledger if order_of(entry.position) > start][:limit]

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        if self._snapshot and order_of(snapshot.position) < order_of(self._snapshot.position):
            raise FencedError(
                f"snapshot at {snapshot.position} is older than the kept one: another worker leads"
            )
        self._snapshot = snapshot
        oldest_ms = order_of(snapshot.position)[0] - self._ledger_margin_ms
        kept = [entry for entry in self._ledger if order_of(entry.position)[0] >= oldest_ms]
        dropped = len(self._ledger) - len(kept)
        if dropped:
            self._dropped_up_to = self._ledger[dropped - 1].position
        self._ledger = kept

    async def snapshot(self) -> Snapshot | None:
        return self._snapshot

    async def lead(self, name: str, writer: str, ttl_ms: int) -> bool:
        now = self._clock.now_ms()
        holder, until = self._leases.get(name, (writer, 0))
        if holder != writer and until > now:
            return False
        self._leases[name] = (writer, now + ttl_ms)
        return True

    async def activate(self, model: str) -> None:
        if not self._activations or self._activations[0].model != model:
            self._activations.insert(0, Activation(self._clock.now_ms(), model))
            del self._activations[ACTIVATIONS_MOST:]

    async def active_model(self) -> str | None:
        return self._activations[0].model if self._activations else None

    async def activations(self) -> list[Activation]:
        return list(self._activations)

    async def notes(self, names: Sequence[str], about: str = "") -> list[bytes | None]:
        return [self._notes.get(_note_key(about, name)) for name in names]

    async def put_note(
        self, name: str, value: bytes, found: str, ttl_ms: int, about: str = "", ts: int = 0
    ) -> None:
        key = _note_key(about, name)
        if digest_of(self._notes.get(key)) != found:
            raise FencedError(f"the note {name!r} is not the one that was found: another has written it")
        self._note_times.pop((about, name), None)
        if not value:
            self._notes.values.pop(key, None)
            return
        self._notes.put(key, value, ttl_ms)
        if about:
            self._note_times[about, name] = ts

    async def put_report(self, worker: str, report: bytes, ttl_ms: int) -> None:
        if ttl_ms > 0:
            now_ms = self._clock.now_ms()
            self._reports[worker] = (now_ms, now_ms + ttl_ms, report)
        else:
            self._reports.pop(worker, None)

    async def reports(self) -> list[StoredReport]:
        now_ms = self._clock.now_ms()
        self._reports = {name: each for name, each in self._reports.items() if each[1] > now_ms}
        return [
            StoredReport(worker, now_ms - at_ms, report)
            for worker, (at_ms, _, report) in sorted(self._reports.items())
        ]

    async def load_of_server(self) -> ServerLoad:
        return ServerLoad()

    async def note_text_encoder(self, encoder: str) -> str:
        self._text_encoder = self._text_encoder or encoder
        return self._text_encoder

    async def text_encoder(self) -> str | None:
        return self._text_encoder

    async def experiments(self) -> bytes | None:
        return self._experiments

    async def put_experiments(self, value: bytes, found: str, entry: bytes) -> None:
        if digest_of(self._experiments) != found:
            raise FencedError("the experiments are not those that were found: another has changed them")
        self._experiments = value
        self._experiments_log.append(entry)

    async def experiments_log(self) -> list[bytes]:
        return list(self._experiments_log)

    async def read_arm_sums(self, experiment: str) -> AllTotals:
        return totals_of(self._arm_sums.get(experiment, {}))

    async def append_sums_history(self, experiment: str, ts_ms: int) -> None:
        notes = self._sums_history.setdefault(experiment, [])
        notes.append((ts_ms, await self.read_arm_sums(experiment)))
        if len(notes) > HISTORY_MOST:
            notes[:] = [*notes[:-1:2], notes[-1]]

    async def read_sums_history(self, experiment: str) -> list[tuple[int, AllTotals]]:
        return list(self._sums_history.get(experiment, []))

    async def forget_sums(self, experiment: str) -> None:
        self._arm_sums.pop(experiment, None)
        self._sums_history.pop(experiment, None)

    async def condition(self) -> Condition:
        return SOUND

    async def close(self) -> None:
        return None


def _note_key(about: str, name: str) -> str:
    """Notes about a user lie apart from others, whatever their names."""
    return f"{len(about)}:{about}:{name}"
