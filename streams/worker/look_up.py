"""What is left of a batch once it is known what was applied before.

meet new items · load the states and the progress that are not kept · decode states (many of them in the
core's thread) · leave out what was applied, or came too early (streams/worker/offset_order.py)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from model.errors import FencedError, NewerVersionError, StoreError
from streams.clock import Clock
from streams.events.schema import AnyEvent, Forget, Impression
from streams.experiments.measured import NOTHING_MEASURED, Measured
from streams.kafka.dead_letters import DeadLetter, dead_letter
from streams.kafka.message import Message
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.serving.replica import Replica
from streams.state import user_state_codec
from streams.state.event_meaning import items_named, shown_to, user_of
from streams.state.tombstone import decode_tombstone, with_tombstone
from streams.state.user_state import EMPTY, UserState, newest_row
from streams.stores.base import Loaded, Store
from streams.stores.commit import digest_of, head_of
from streams.worker.kept_states import KeptStates, KeptValue
from streams.worker.metrics import WorkerMetrics
from streams.worker.offset_order import OffsetOrder
from streams.worker.reading import ReadMessage

log = logging.getLogger(__name__)

USER_TOPICS = ("clicks", "reviews", "impressions", "users")

AT_ONCE = 4
"""So many values are decoded on the loop: 5 to 20 us each, less than the way to the core and back."""


class BatchWork(NamedTuple):
    """`reads` are to be applied to `states`; `done` messages are acknowledged once `progress` is written.

    `slates`: what is kept of the slates of those who were shown one, or answered. `measured`: the experiments
    that run; where there are any, `states` has those who were shown something too. `expected`, `digests` and
    `slates_digests`: the progress, states and slates in the store on which all of this rests.
    """

    reads: list[ReadMessage]
    letters: list[DeadLetter]
    states: dict[str, UserState]
    digests: dict[str, str]
    slates: dict[str, UserSlates]
    slates_digests: dict[str, str]
    expected: dict[str, int]
    progress: dict[str, int]
    done: list[Message]
    measured: Measured = NOTHING_MEASURED


class LookUp:
    """Asks the store what it knows of a batch, and of its users, beyond what is kept. The caller holds the
    replica's lock.
    """

    def __init__(
        self,
        store: Store,
        replica: Replica,
        order: OffsetOrder,
        kept: KeptStates[UserState],
        kept_slates: KeptStates[UserSlates],
        metrics: WorkerMetrics,
        clock: Clock,
    ) -> None:
        self.store, self.replica, self.order, self.kept = store, replica, order, kept
        self.kept_slates = kept_slates
        self.metrics, self.clock = metrics, clock
        self._known: dict[str, int] = {}
        self._load_s = metrics.stage_s.of("load")

    def written(self, progress: Mapping[str, int]) -> None:
        """Note what was committed: a store that says less later has forgotten."""
        self._known |= progress

    async def rest(
        self, messages: Sequence[Message], reads: Sequence[ReadMessage], letters: Sequence[DeadLetter]
    ) -> BatchWork:
        """What of `messages` (decoded: `reads`, or `letters` where they could not be) is still to be written.

        Raises `FencedError` where the store has forgotten, `ProgressError` where it is ahead of Kafka.
        """
        started = time.perf_counter()
        events = [each.incoming.event for each in reads]
        await self.replica.meet([item_id for event in events for item_id in items_named(event)])
        measured = self.replica.measured
        changed = changed_by(measured)
        users = list(dict.fromkeys([user for event in events if (user := changed(event)) is not None]))
        viewers = list(dict.fromkeys([user for event in events if (user := shown_to(event)) is not None]))
        known, slates = self.kept.of(users), self.kept_slates.of(viewers)
        expected, unreadable = await self._load(users, viewers, _fenced_places(messages), known, slates)
        taken, old = await self.order.in_order(messages, expected)
        if len(taken) == len(messages):  # as good as always
            done, kept, fresh_letters = list(messages), list(reads), list(letters)
            progress = {message.place: message.offset for message in messages}  # its offsets rise
        else:
            done = [message for message in messages if message in taken or message in old]
            kept = [each for each in reads if each.message in taken]
            fresh_letters = [letter for letter in letters if letter.message in taken]
            progress = {message.place: message.offset for message in messages if message in taken}
        if unreadable:
            now_ms = self.clock.now_ms()
            kept, damaged = _apart(kept, unreadable, known, changed)
            fresh_letters += [
                dead_letter(read.message, "state_unreadable", error, now_ms) for read, error in damaged
            ]
        self._load_s.observe(time.perf_counter() - started)
        return BatchWork(
            kept,
            fresh_letters,
            states={user: each.value for user, each in known.items()},
            digests={user: each.digest for user, each in known.items()},
            slates={user: each.value for user, each in slates.items()},
            slates_digests={user: each.digest for user, each in slates.items()},
            expected=expected,
            progress=progress,
            done=done,
            measured=measured,
        )

    async def _load(
        self,
        users: Sequence[str],
        viewers: Sequence[str],
        places: set[str],
        known: dict[str, KeptValue[UserState]],
        slates: dict[str, KeptValue[UserSlates]],
    ) -> tuple[dict[str, int], dict[str, _Unreadable]]:
        """The progress of `places`, and whose states can't be read; those that can are added to `known`, and
        the slates of `viewers` to `slates`.

        A progress that is kept stays as it is, whatever the store says by now: what is kept of the users
        rests on it, and the commit compares.
        """
        missing = [user for user in users if user not in known]
        self.metrics.states.add(len(known), "kept")
        self.metrics.states.add(len(missing), "read")
        progress, unreadable = self.kept.progress, dict[str, _Unreadable]()
        slates_of = [user for user in viewers if user not in slates]
        if missing or slates_of or not places <= progress.keys():
            # A batch may be written between the question and the answer, which then tells of before.
            before = {place: self._known.get(place, -1) for place in places}
            loaded = await self.store.load(missing, sorted(places), slates_of)
            self._check_remembered(loaded, before)
            if len(missing) + len(slates_of) <= AT_ONCE:
                read = _read(missing, slates_of, loaded)
            else:
                read = await self.replica.core.call(_read, missing, slates_of, loaded)
            self.metrics.slates_lost.inc(read.slates_lost)
            await self.replica.know(read.newest)
            known |= read.states
            slates |= read.slates
            unreadable = read.unreadable
            progress = loaded.progress | self.kept.progress
        return {place: progress[place] for place in sorted(places)}, unreadable

    def _check_remembered(self, loaded: Loaded, before: Mapping[str, int]) -> None:
        """Raises `FencedError` where the store has forgotten what was known of it `before` it was asked (it
        was emptied, or restored).
        """
        for place, offset in loaded.progress.items():
            if offset < before[place]:
                self._known.clear()
                self.replica.forget()
                raise FencedError(f"the store has {place} at {offset}, and it was further before")
            self._known[place] = max(offset, self._known.get(place, -1))


def changed_by(measured: Measured) -> Callable[[AnyEvent], str | None]:
    """Whose state an event changes: where experiments run, an impression changes its user's as well."""
    if not measured:
        return user_of
    return lambda event: event.user_id if isinstance(event, Impression) else user_of(event)


class _Unreadable(NamedTuple):
    """Why a user's state can't be read, and the digest of its bytes in the store."""

    error: StoreError
    digest: str


def _apart(
    reads: Sequence[ReadMessage],
    unreadable: Mapping[str, _Unreadable],
    known: dict[str, KeptValue[UserState]],
    changed: Callable[[AnyEvent], str | None],
) -> tuple[list[ReadMessage], list[tuple[ReadMessage, StoreError]]]:
    """Those that can be applied, and those of users whose states can't be read, with the reason. A deletion
    needs no state: it is applied to an empty one, which is added to `known`, and so is what comes after it.
    """
    fine, damaged, deleted = list[ReadMessage](), list[tuple[ReadMessage, StoreError]](), set[str]()
    for each in reads:
        user = changed(each.event)
        lost = None if user is None or user in deleted else unreadable.get(user)
        if lost is not None and isinstance(each.event, Forget):
            deleted.add(each.event.user_id)
            known.setdefault(each.event.user_id, KeptValue(EMPTY, lost.digest))
            lost = None
        if lost is None:
            fine.append(each)
        else:
            damaged.append((each, lost.error))
    return fine, damaged


class _Read(NamedTuple):
    """What was loaded, decoded. `unreadable`: whose states can't be read, and why. `slates_lost`: how many
    users' slates can't be. `newest`: the newest row that a state names.
    """

    states: dict[str, KeptValue[UserState]]
    unreadable: dict[str, _Unreadable]
    slates: dict[str, KeptValue[UserSlates]]
    slates_lost: int
    newest: int


def _read(users: Sequence[str], viewers: Sequence[str], loaded: Loaded) -> _Read:
    """Raises `NewerVersionError` where a newer build wrote some of it."""
    states, unreadable = _states(users, loaded)
    slates, lost = _slates(viewers, loaded)
    for user, raw in loaded.tombstones.items():
        try:
            forgotten_ms = decode_tombstone(raw).forgotten_ms
            if user in states:
                state, digest = states[user]
                states[user] = KeptValue(with_tombstone(state if digest else None, raw), digest)
            if user in slates:
                kept, digest = slates[user]
                slates[user] = KeptValue(kept._replace(forgotten_ms=forgotten_ms), digest)
        except NewerVersionError:
            raise
        except StoreError as error:
            digest = states[user].digest if user in states else ""
            unreadable.setdefault(user, _Unreadable(error, digest))
    return _Read(states, unreadable, slates, lost, newest_row(each.value for each in states.values()))


def _fenced_places(messages: Sequence[Message]) -> set[str]:
    """The partitions whose progress guards a batch: its own, and those that hold other events of the same
    users.
    """
    places = {message.place for message in messages}
    numbers = {message.partition for message in messages if message.topic in USER_TOPICS}
    return places | {f"{topic}-{number}" for topic in USER_TOPICS for number in numbers}


def _states(
    users: Sequence[str], loaded: Loaded
) -> tuple[dict[str, KeptValue[UserState]], dict[str, _Unreadable]]:
    """The states, and why some could not be read."""
    states: dict[str, KeptValue[UserState]] = {}
    unreadable: dict[str, _Unreadable] = {}
    for user, raw in zip(users, loaded.states, strict=True):
        try:
            states[user] = KeptValue(user_state_codec.decode(raw), digest_of(raw))
        except NewerVersionError:
            raise  # nothing is wrong with it: this build must not go on
        except StoreError as error:
            unreadable[user] = _Unreadable(error, digest_of(raw))
    return states, unreadable


def _slates(users: Sequence[str], loaded: Loaded) -> tuple[dict[str, KeptValue[UserSlates]], int]:
    """Kept slates, and of how many users they can't be read. Those are begun anew: no event is worth less for
    it.
    """
    found: dict[str, KeptValue[UserSlates]] = {}
    lost = 0
    for user, raw in zip(users, loaded.slates, strict=True):
        slates = NOTHING_KEPT
        try:
            slates = kept_slates_codec.decode(raw)
        except NewerVersionError:
            raise
        except StoreError as error:
            log.warning("the kept slates of user %r are begun anew: %s", user, error)
            lost += 1
        found[user] = KeptValue(slates, digest_of(head_of(raw)))
    return found, lost
