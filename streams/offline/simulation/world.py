"""One world: the core that serves, with a store in memory, and its feeds as the gateway gives them.

Events come as JSON, are read as a worker reads them, and are folded one by one (`streams.batch.process`);
states, kept slates and feeds go through the store as bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from streams.batch import BatchResult, process
from streams.clock import ManualClock
from streams.events.schema import TOPIC_OF, AnyEvent, Impression, check_action, encode, key_of
from streams.gateway.impressions import impression_of
from streams.gateway.shelf import Shelf, ShownPart
from streams.kafka.message import Message, read
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import NOTHING_KEPT, KeptSlate
from streams.learning.slate_ids import MARK
from streams.popular_feed import popular_feed
from streams.ranking import slate as stored_slate
from streams.ranking.degradation import Rung
from streams.ranking.slate import POPULAR_USER, slate_id
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.event_meaning import items_named, shown_to, user_of
from streams.state.user_state import UserState
from streams.stores.base import FeedsRead
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore

WRITER, PARTITION, AT_A_TIME = "simulation", 0, 200
TIMEOUT_S = 60.0


class _Store(MemoryStore):
    """The popular feed is made when it is read, if it is older than a worker's would be."""

    def __init__(self, recommender: Recommender, clock: ManualClock) -> None:
        settings = recommender.settings
        super().__init__(settings.state, clock, learning=settings.learning)
        self._recommender, self._now = recommender, clock
        self._every_ms = 1_000.0 * settings.feed.popular_every_s
        self._made_ms: int | None = None

    async def read_feeds(self, users: Sequence[str], states: Sequence[str] = ()) -> FeedsRead:
        now_ms = self._now.now_ms()
        if POPULAR_USER in users and (self._made_ms is None or now_ms - self._made_ms >= self._every_ms):
            made = popular_feed(self._recommender, POPULAR_USER, now_ms)
            await self.put_feed(POPULAR_USER, stored_slate.encode(made))
            self._made_ms = now_ms
        return await super().read_feeds(users, states)


class World:
    """`arm_of`: the arm of each user. `log`: where to write each event, as a line of JSON. `watch`: told what
    each event came to, and of the slates that the world begins with, while the core is as it was when the
    slates were made.
    """

    def __init__(
        self,
        name: str,
        recommender: Recommender,
        arm_of: Callable[[str], str],
        begin_ms: int,
        log: BinaryIO | None = None,
        watch: Callable[[BatchResult], None] | None = None,
    ) -> None:
        self._watch = watch
        self.name, self.recommender, self.arm_of, self._log = name, recommender, arm_of, log
        self.clock = ManualClock(begin_ms)
        self.store = _Store(recommender, self.clock)
        self.shelf = Shelf(recommender.meanings, self.store, self.clock, TIMEOUT_S)
        self.events: Counter[str] = Counter()
        self.learned = 0
        """Clicks and reviews that were applied."""

    @property
    def settings(self) -> Settings:
        return self.recommender.settings

    @property
    def folded(self) -> int:
        """Events of all kinds."""
        return self.events.total()

    async def begin(self, states: Mapping[str, UserState]) -> None:
        """Store users whom the core knows, and a feed for each."""
        core, users, now_ms = self.recommender, list(states), self.clock.now_ms()
        for at in range(0, len(users), AT_A_TIME):
            some = users[at : at + AT_A_TIME]
            looks: list[KeptSlate] = []
            requests = [
                core.request(states[user], now_ms, rung=self._rung, arm=self.arm_of(user), user=user)
                for user in some
            ]
            slates = core.recommend(requests, looks)
            if self._watch is not None:
                self._watch(BatchResult({user: states[user] for user in some}, slates))
            kept = {
                user: core.keep(user, NOTHING_KEPT, look).kept for user, look in zip(some, looks, strict=True)
            }
            await self.store.commit(
                Commit(
                    {},
                    {},
                    {
                        user: user_state_codec.encode(replace(states[user], offsets={}, recent=()))
                        for user in some
                    },
                    {slate.user_id: stored_slate.encode(slate) for slate in slates},
                    {},
                    slates={user: kept_slates_codec.encode(each) for user, each in kept.items()},
                ),
                WRITER,
            )

    async def read(self, user: str, places: int) -> ShownPart:
        """What the gateway would answer now. The id of a stranger's slate is no random one here."""
        shown = await self.shelf.show(user, places)
        if shown.own or not shown.n or MARK in shown.slate.slate_id:
            return shown
        named = slate_id(user, self.clock.now_ms(), "popular")
        return shown._replace(slate=msgspec.structs.replace(shown.slate, slate_id=named))

    def impression(self, shown: ShownPart, user: str, event_id: str) -> Impression:
        """The event that the gateway would log for what was read."""
        told = impression_of(shown.slate, shown.n, user, self.clock.now_ms())
        return msgspec.structs.replace(told, event_id=event_id)

    async def deliver(self, event: AnyEvent) -> None:
        """Take an event that happens now, to the last step. Whatever can't be applied is raised."""
        topic, key, raw = TOPIC_OF[type(event)], key_of(event), encode(event)
        if self._log is not None:
            self._log.write(raw + b"\n")
        now_ms = self.clock.now_ms()
        message = Message(topic, PARTITION, self.events[topic], now_ms, key, raw)
        incoming = read(message, now_ms, self.settings.events)
        check_action(incoming.event, self.recommender.meanings.names)
        await self._meet(incoming.event)
        states, kept = user_of(incoming.event), shown_to(incoming.event)
        loaded = await self.store.load(
            [] if states is None else [states], [message.place], [] if kept is None else [kept]
        )
        outcome = process(
            self.recommender,
            [incoming],
            {} if states is None else {states: user_state_codec.decode(*loaded.states)},
            now_ms,
            self._rung,
            kept={} if kept is None else {kept: kept_slates_codec.decode(*loaded.slates)},
            arm_of=lambda user, _state, _now_ms: self.arm_of(user),
        )
        for error in (*outcome.failed.values(), *outcome.unranked.values()):
            raise error
        if self._watch is not None:
            self._watch(outcome)
        await self.store.commit(
            Commit(
                loaded.progress,
                {message.place: message.offset},
                {user: user_state_codec.encode(state) for user, state in outcome.states.items()},
                {slate.user_id: stored_slate.encode(slate) for slate in outcome.slates},
                outcome.items,
                withdrawn=outcome.withdrawn,
                slates={user: kept_slates_codec.encode(kept) for user, kept in outcome.kept.items()},
            ),
            WRITER,
        )
        self.events[topic] += 1
        self.learned += len(outcome.record.interactions)

    @property
    def _rung(self) -> Rung:
        return rung_of(self.recommender)

    async def _meet(self, event: AnyEvent) -> None:
        core = self.recommender
        new = [item for item in items_named(event) if item not in core.catalog.rows]
        if new:
            core.meet(new, self.clock.now_ms())


def rung_of(core: Recommender) -> Rung:
    """How a world makes slates: without a model, by the counters."""
    return core.worthwhile("full")
