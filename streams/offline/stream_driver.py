"""Drives the core along a recorded stream, event by event: learn, or predict and then learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from model.schema import F32
from streams.datasets.as_events import event_of, profile_of
from streams.datasets.impressions import Shown
from streams.datasets.interactions import Interactions
from streams.events.schema import Click, Impression, Review
from streams.examples.collector import ExampleCollector
from streams.examples.target import target_of
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.learning.lesson import Lesson
from streams.learning.steps import on_impression
from streams.ranking.draft import Draft
from streams.recommender import Recommender
from streams.settings.tree import DEFAULT_ARM
from streams.state.catalog import ItemRecord
from streams.state.event_meaning import Said, Vectors, items_named, vectors_of
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, UserState

Say = Callable[[int], None]
"""Told how many events are done."""


class Stream(NamedTuple):
    """A dataset made ready: `said` are the vectors of the texts of its reviews and searches."""

    interactions: Interactions
    said: Said
    profiles: Mapping[str, Mapping[str, str]]


class Prequential:
    """Drives a `Recommender` along a stream, event by event.

    `first`: the number of the stream's first event, where it is a part of a longer one.
    """

    def __init__(self, recommender: Recommender, stream: Stream, first: int = 0) -> None:
        self.recommender, self.stream, self.first = recommender, stream, first
        self.states: dict[str, UserState] = {}
        self.slates: dict[str, UserSlates] = {}
        self.at = 0

    def announce(self, items: Sequence[ItemRecord], ts_ms: int) -> None:
        """Tell the recommender of items before the stream begins."""
        core = self.recommender
        core.meet([record.item_id for record in items], ts_ms)
        for record in items:
            core.put_item(core.catalog.rows[record.item_id], record)

    def state(self, user: str) -> UserState:
        """What is known of a user; where they are new, their profile as if they had just told it."""
        if user in self.states:
            return self.states[user]
        profile = self.stream.profiles.get(user)
        if not profile:
            return EMPTY
        told = profile_of(user, profile, int(self.stream.interactions.ts_ms[0]))
        return self.recommender.apply(EMPTY, told, Delivery("users", 0), None).state

    def learn(self) -> int:
        """Fold the next event; the item's row."""
        event, core = self.event(self.at), self.recommender
        if self.stream.interactions.shown is not None:
            self.show(self.stream.interactions.shown[self.at])
        core.meet([item for item in items_named(event) if item not in core.catalog.rows], event.ts)
        user, delivery = event.user_id, Delivery("stream", self.first + self.at)
        kept = self.slates.get(user, NOTHING_KEPT)
        said = self.vectors(event)
        applied = core.apply(self.state(user), event, delivery, said.words, kept, searched=said.searched)
        self.states[user] = applied.state
        if applied.interaction is not None:
            step = core.join(kept, event, applied.interaction, applied.joined)
            self.slates[user] = step.kept
            self.hear(step.lessons)
        self.at += 1
        return core.catalog.rows[event.item_id]

    def blocks(self, k: int) -> bool:
        """Whether event k keeps its item from coming back to its user."""
        core = self.recommender
        return bool(core.blocking >> core.meanings.code(self.event(k)) & 1)

    def show(self, slates: Sequence[Shown]) -> None:
        """Fold the slates that were shown before the next event."""
        core = self.recommender
        for slate in slates:
            core.meet([item for item in slate.items if item not in core.catalog.rows], slate.ts_ms)
            step = core.show(self.slates.get(slate.user, NOTHING_KEPT), impression_of(slate))
            self.slates[slate.user] = step.kept
            self.hear(step.lessons)

    def hear(self, lessons: Sequence[Lesson]) -> None:
        """Told of every lesson, beside the recommender's own learner."""

    def event(self, k: int) -> Click | Review:
        """Event k as it would come over the wire."""
        return event_of(self.stream.interactions, k, str(self.first + k))

    def vectors(self, event: Click | Review) -> Vectors:
        """The vectors of an event's texts."""
        return vectors_of(event, self.stream.said)

    def warm(self, until: int, collector: ExampleCollector | None, burn_in: int, say: Say) -> None:
        """Learn up to event `until`; from `burn_in` on, each event first becomes a training example."""
        while self.at < until:
            if collector is not None and self.at >= burn_in:
                self.collect(collector)
            self.learn()
            say(self.at)

    def collect(self, collector: ExampleCollector) -> bool:
        """The next event becomes an example, unless it teaches nothing (`target_of`)."""
        event = self.event(self.at)
        state = self.state(event.user_id)
        kept = self._kept_by_then(event.user_id)
        met = target_of(self.recommender, state, event, self.vectors(event), kept)
        return met is not None and collector.take(state, event.ts, met)

    def _kept_by_then(self, user: str) -> UserSlates:
        """What is kept of the user's slates when the next event comes.

        The slates before it are not counted yet: its example is taken as it is predicted, before they are
        known. But it says which of its candidates they showed.
        """
        core, kept = self.recommender, self.slates.get(user, NOTHING_KEPT)
        for slate in (
            () if self.stream.interactions.shown is None else self.stream.interactions.shown[self.at]
        ):
            known = [core.catalog.rows[item] for item in slate.items if item in core.catalog.rows]
            if slate.user == user and known:
                kept = on_impression(kept, impression_of(slate), known, core.bounds).kept
        return kept

    def searched(self, k: int) -> F32 | None:
        """The vector of what the user had searched for before event k."""
        return self.vectors(self.event(k)).searched

    def predict(self, explain: bool = False, arm: str = DEFAULT_ARM) -> tuple[Draft, int]:
        """A ranked draft for the next event's user at its time; the true item's row, -1 where unknown.
        `explain`: its places have reasons.
        """
        events, core = self.stream.interactions, self.recommender
        user, ts = events.user[self.at], int(events.ts_ms[self.at])
        row = core.catalog.rows.get(events.item[self.at], -1)
        request = core.request(
            self.state(user),
            ts,
            arm=arm,
            user=user,
            cause=str(self.at),
            searched=self.searched(self.at),
            score_also=(row,) if row >= 0 else (),
            explain=explain,
        )
        return core.draft(request), row

    def offer(self, draft: Draft, places: int) -> None:
        """As if the next event's user had been shown the first places of the draft right before it: the event
        answers it where it is on one of them. Nobody saw it, so no item counts as shown.
        """
        core, user = self.recommender, self.stream.interactions.user[self.at]
        slate = core.slate(draft)
        (look,) = core.looks([slate], draft.batch)
        step = core.keep(user, self.slates.get(user, NOTHING_KEPT), look)
        items = [core.catalog.ids[row] for row in look.rows[:places]]
        self.slates[user] = step.kept
        if items:
            event = Impression(
                event_id=f"offered-{self.at}",
                ts=draft.now_ms,
                user_id=user,
                slate_id=slate.slate_id,
                items=items,
                arm=slate.arm,
            )
            self.slates[user] = core.show(step.kept, event, counts=False).kept


def impression_of(slate: Shown) -> Impression:
    """A slate that was shown, as it would come over the wire."""
    return Impression(
        event_id=f"shown-{slate.number}",
        ts=slate.ts_ms,
        user_id=slate.user,
        slate_id=slate.slate_id,
        items=list(slate.items),
    )
