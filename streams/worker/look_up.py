"""What is left of a batch once it is known what was applied before.

meet new items · load the states and the progress that are not kept · leave out what was applied, or came too
early · decode states
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from model.errors import FencedError, NewerVersionError, StoreError
from streams.clock import Clock
from streams.kafka.dead_letters import DeadLetter, dead_letter
from streams.kafka.gaps import Gaps
from streams.kafka.message import Message
from streams.kafka.progress_check import beyond_the_end
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.serving.replica import Replica
from streams.state import user_state_codec
from streams.state.event_meaning import items_named, shown_to, user_of
from streams.state.user_state import UserState
from streams.stores.base import Loaded, Store, digest_of
from streams.worker.kept_states import Kept, KeptStates
from streams.worker.metrics import WorkerMetrics
from streams.worker.reading import Read

log = logging.getLogger(__name__)

USER_TOPICS = ("clicks", "reviews", "impressions", "users")


class Log(Protocol):
    """What must be asked of Kafka about a partition; a place is "topic-partition"."""

    async def earliest(self, place: str) -> int:
        """The first offset that is still there."""
        ...

    async def end(self, place: str, after: int) -> int:
        """The offset after the last one; what was heard last will do where it is above `after`."""
        ...

    async def reread(self, place: str, offset: int) -> int:
        """Go on reading at `offset`; the number of this seek, which the messages name that come after it."""
        ...

    def assigned(self) -> list[str]:
        """The places that this process reads."""
        ...


class Some:
    """Some of a batch's messages, each by itself: two may be of one offset, which was read before a seek and
    after it, and only the second one's turn comes.
    """

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}

    def add(self, message: Message) -> None:
        self._messages[id(message)] = message

    def __contains__(self, message: Message) -> bool:
        return id(message) in self._messages


class Work(NamedTuple):
    """`reads` are to be applied to `states`; `done` messages are acknowledged once `progress` is written.

    `slates`: what is kept of the slates of those who were shown one, or answered. `expected`, `digests` and
    `slates_digests`: the progress, states and slates in the store on which all of this rests.
    """

    reads: list[Read]
    letters: list[DeadLetter]
    states: dict[str, UserState]
    digests: dict[str, str]
    slates: dict[str, UserSlates]
    slates_digests: dict[str, str]
    expected: dict[str, int]
    progress: dict[str, int]
    done: list[Message]


class LookUp:
    """Asks the store what it knows of a batch, and of its users, beyond what is kept. The caller holds the
    replica's lock.
    """

    def __init__(
        self,
        store: Store,
        replica: Replica,
        kafka: Log,
        kept: KeptStates[UserState],
        kept_slates: KeptStates[UserSlates],
        metrics: WorkerMetrics,
        clock: Clock,
    ) -> None:
        self.store, self.replica, self.kafka, self.kept = store, replica, kafka, kept
        self.kept_slates = kept_slates
        self.metrics, self.clock = metrics, clock
        self.gaps = Gaps()
        self._known: dict[str, int] = {}

    def written(self, progress: Mapping[str, int]) -> None:
        """Note what was committed: a store that says less later has forgotten."""
        self._known |= progress

    async def rest(
        self, messages: Sequence[Message], reads: Sequence[Read], letters: Sequence[DeadLetter]
    ) -> Work:
        """What of `messages` (decoded: `reads`, or `letters` where they could not be) is still to be written.

        Raises `FencedError` where the store has forgotten, `ProgressError` where it is ahead of Kafka.
        """
        started = time.perf_counter()
        await self.replica.meet([item_id for each in reads for item_id in items_named(each.event)])
        users = list(dict.fromkeys(user for each in reads if (user := user_of(each.event)) is not None))
        viewers = list(dict.fromkeys(user for each in reads if (user := shown_to(each.event)) is not None))
        known, slates = self.kept.of(users), self.kept_slates.of(viewers)
        expected, unreadable = await self._load(users, viewers, _fenced_places(messages), known, slates)
        taken, old = await self._in_order(messages, expected)
        progress: dict[str, int] = {}
        for message in messages:
            if message in taken:
                progress[message.place] = max(message.offset, progress.get(message.place, -1))
        fresh_letters = [letter for letter in letters if letter.message in taken]
        kept = []
        for each in reads:
            if each.message not in taken:
                continue
            user = user_of(each.event)
            if user in unreadable:
                fresh_letters.append(
                    dead_letter(each.message, "state_unreadable", unreadable[user], self.clock.now_ms())
                )
            else:
                kept.append(each)
        self.metrics.stage_s.labels("load").observe(time.perf_counter() - started)
        done = [message for message in messages if message in taken or message in old]
        return Work(
            kept,
            fresh_letters,
            states={user: each.value for user, each in known.items()},
            digests={user: each.digest for user, each in known.items()},
            slates={user: each.value for user, each in slates.items()},
            slates_digests={user: each.digest for user, each in slates.items()},
            expected=expected,
            progress=progress,
            done=done,
        )

    async def _load(
        self,
        users: Sequence[str],
        viewers: Sequence[str],
        places: set[str],
        known: dict[str, Kept[UserState]],
        slates: dict[str, Kept[UserSlates]],
    ) -> tuple[dict[str, int], dict[str | None, StoreError]]:
        """The progress of `places`, and whose states can't be read; those that can are added to `known`, and
        the slates of `viewers` to `slates`.

        A progress that is kept stays as it is, whatever the store says by now: what is kept of the users
        rests on it, and the commit compares.
        """
        missing = [user for user in users if user not in known]
        self.metrics.states.labels("kept").inc(len(known))
        self.metrics.states.labels("read").inc(len(missing))
        progress, unreadable = self.kept.progress, dict[str | None, StoreError]()
        slates_of = [user for user in viewers if user not in slates]
        if missing or slates_of or not places <= progress.keys():
            loaded = await self.store.load(missing, sorted(places), slates_of)
            self._check_remembered(loaded)
            read, unreadable = _decoded(missing, loaded)
            await self.replica.know(each.value for each in read.values())
            known |= read
            slates |= self._slates_of(slates_of, loaded)
            progress = loaded.progress | self.kept.progress
        return {place: progress[place] for place in sorted(places)}, unreadable

    def _slates_of(self, users: Sequence[str], loaded: Loaded) -> dict[str, Kept[UserSlates]]:
        """Kept slates; `NewerVersionError` where a newer build wrote some. What can't be read is begun anew:
        no event is worth less for it.
        """
        found: dict[str, Kept[UserSlates]] = {}
        for user, raw in zip(users, loaded.slates, strict=True):
            slates = NOTHING_KEPT
            try:
                slates = kept_slates_codec.decode(raw)
            except NewerVersionError:
                raise
            except StoreError as error:
                log.warning("the kept slates of user %r are begun anew: %s", user, error)
                self.metrics.slates_lost.inc()
            found[user] = Kept(slates, digest_of(raw))
        return found

    async def _in_order(self, messages: Sequence[Message], progress: Mapping[str, int]) -> tuple[Some, Some]:
        """The messages to apply, each the next one of its partition, and those that were applied before.

        Whatever else there is came too early: something before it was left out and is read again.
        """
        taken, old = Some(), Some()
        upcoming = {place: offset + 1 for place, offset in progress.items()}
        for message in messages:
            place, offset = message.place, message.offset
            if offset < upcoming[place]:
                end = await self.kafka.end(place, progress[place])
                if end <= progress[place]:
                    raise beyond_the_end(place, end, progress[place])
                self.metrics.events.labels(message.topic, "skipped").inc()
                self.metrics.skipped.labels("offset").inc()
                old.add(message)
                continue
            since = offset if message.since is None else message.since
            verdict = self.gaps.judge(place, upcoming[place], since, message.seek)
            if verdict == "stale" or (
                verdict == "reread" and not await self._gone(place, upcoming[place], since)
            ):
                continue
            taken.add(message)
            upcoming[place] = offset + 1
        return taken, old

    async def _gone(self, place: str, expected: int, since: int) -> bool:
        """Whether Kafka has nothing left from `expected` up to `since`; what it has is read again."""
        earliest = await self.kafka.earliest(place)
        if since <= earliest:
            log.warning("%s: offsets %d to %d are gone from Kafka", place, expected, since - 1)
            self.metrics.gaps.labels("accept").inc()
            return True
        log.info("%s: read again from offset %d, %d came", place, max(expected, earliest), since)
        self.metrics.gaps.labels("reread").inc()
        self.gaps.sought(place, await self.kafka.reread(place, max(expected, earliest)))
        return False

    def _check_remembered(self, loaded: Loaded) -> None:
        """Raises `FencedError` where the store has forgotten what it once said (it was emptied, or
        restored).
        """
        for place, offset in loaded.progress.items():
            if offset < self._known.get(place, -1):
                self._known.clear()
                self.replica.forget()
                raise FencedError(f"the store has {place} at {offset}, and it was further before")
        self._known |= loaded.progress


def _fenced_places(messages: Sequence[Message]) -> set[str]:
    """The partitions whose progress guards a batch: its own, and those that hold other events of the same
    users.
    """
    places = {message.place for message in messages}
    numbers = {message.partition for message in messages if message.topic in USER_TOPICS}
    return places | {f"{topic}-{number}" for topic in USER_TOPICS for number in numbers}


def _decoded(
    users: Sequence[str], loaded: Loaded
) -> tuple[dict[str, Kept[UserState]], dict[str | None, StoreError]]:
    """The states, and why some could not be read; `NewerVersionError` where a newer build wrote one."""
    states: dict[str, Kept[UserState]] = {}
    unreadable: dict[str | None, StoreError] = {}
    for user, raw in zip(users, loaded.states, strict=True):
        try:
            states[user] = Kept(user_state_codec.decode(raw), digest_of(raw))
        except NewerVersionError:
            raise  # nothing is wrong with it: this build must not go on
        except StoreError as error:
            unreadable[user] = error
    return states, unreadable
