"""Drives the core along a recorded stream, event by event: learn, or predict and then learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np

from model.schema import F32
from streams.catalog import ItemRecord
from streams.draft import Draft
from streams.events import Action, Click, Impression, Review
from streams.recommender import Recommender
from streams.replay.impressions import Shown
from streams.replay.interactions import Interactions
from streams.training import ExampleCollector, Met
from streams.user_state import Delivery, UserState, action_of

Say = Callable[[int], None]
"""Told how many events are done."""


class Stream(NamedTuple):
    """A dataset made ready: `words[k]` is the vector of event k's review text, where it has one; `queries`
    the vectors of what was searched for.
    """

    interactions: Interactions
    words: Mapping[int, F32]
    profiles: Mapping[str, Mapping[str, str]]
    queries: Mapping[str, F32] = {}


class Prequential:
    """Drives a `Recommender` along a stream, event by event.

    `first`: the number of the stream's first event, where it is a part of a longer one.
    """

    def __init__(self, recommender: Recommender, stream: Stream, first: int = 0) -> None:
        self.recommender, self.stream, self.first = recommender, stream, first
        self.states: dict[str, UserState] = {}
        self.at = 0

    def announce(self, items: Sequence[ItemRecord], ts_ms: int) -> None:
        """Tell the recommender of items before the stream begins."""
        core = self.recommender
        core.meet([record.item_id for record in items], ts_ms)
        for record in items:
            core.put_item(core.catalog.rows[record.item_id], record)

    def state(self, user: str) -> UserState:
        """What is known of a user; their profile where they are new."""
        if user not in self.states:
            return UserState(profile=dict(self.stream.profiles.get(user, {})))
        return self.states[user]

    def learn(self) -> int:
        """Fold the next event; the item's row."""
        k, events = self.at, self.stream.interactions
        core, user, item = self.recommender, events.user[k], events.item[k]
        if events.shown is not None:
            self.show(events.shown[k])
        if item not in core.catalog.rows:
            core.meet([item], int(events.ts_ms[k]))
        delivery = Delivery("stream", self.first + k)
        applied = core.apply(self.state(user), self.event(k), delivery, self.stream.words.get(k))
        self.states[user] = applied.state
        self.at += 1
        return core.catalog.rows[item]

    def show(self, slates: Sequence[Shown]) -> None:
        """Fold the slates that were shown before the next event."""
        core = self.recommender
        for slate in slates:
            core.meet([item for item in slate.items if item not in core.catalog.rows], slate.ts_ms)
            shown = Impression(
                event_id=f"shown-{slate.number}",
                ts=slate.ts_ms,
                user_id=slate.user,
                slate_id=slate.slate_id,
                items=list(slate.items),
            )
            delivery = Delivery("impressions", slate.number)
            self.states[slate.user] = core.apply(self.state(slate.user), shown, delivery, None).state

    def event(self, k: int) -> Click | Review:
        """Event k as it would come over the wire: a click where it names an action, else a review."""
        events, rating = self.stream.interactions, float(self.stream.interactions.rating[k])
        user, item, ts = events.user[k], events.item[k], int(events.ts_ms[k])
        event_id = str(self.first + k)
        if events.action is not None and np.isnan(rating):
            action = cast("Action", events.action[k])
            query = events.query[k] if events.query is not None else ""
            slate = events.slate[k] if events.slate is not None else ""
            return Click(
                event_id=event_id,
                ts=ts,
                user_id=user,
                item_id=item,
                action=action,
                query=query,
                slate_id=slate or None,
            )
        stars = None if np.isnan(rating) else rating
        return Review(event_id=event_id, ts=ts, user_id=user, item_id=item, rating=stars)

    def warm(self, until: int, collector: ExampleCollector | None, burn_in: int, say: Say) -> None:
        """Learn up to event `until`; from `burn_in` on, each event first becomes a training example."""
        while self.at < until:
            if collector is not None and self.at >= burn_in:
                self.collect(collector)
            self.learn()
            say(self.at)

    def collect(self, collector: ExampleCollector) -> bool:
        """The next event becomes an example, unless its item is new to all or known to the user."""
        k, events = self.at, self.stream.interactions
        row, state = self.recommender.catalog.rows.get(events.item[k]), self.state(events.user[k])
        if row is None or state.has_consumed(row):
            return False
        return collector.take(state, int(events.ts_ms[k]), self.met(k, row))

    def met(self, k: int, row: int) -> Met:
        """Event k as an example is taught of it."""
        action = action_of(self.event(k))
        return Met(row, action, float(self.stream.interactions.rating[k]), self.searched(k))

    def searched(self, k: int) -> F32 | None:
        """The vector of what the user had searched for before event k."""
        query = self.stream.interactions.query
        return None if query is None else self.stream.queries.get(query[k])

    def predict(self) -> tuple[Draft, int]:
        """A ranked draft for the next event's user at its time; the true item's row, -1 where unknown."""
        events, core = self.stream.interactions, self.recommender
        user, ts = events.user[self.at], int(events.ts_ms[self.at])
        row = core.catalog.rows.get(events.item[self.at], -1)
        core.refresh_model()
        also = [row] if row >= 0 else []
        draft = core.pipeline.draft(self.state(user), ts, also=also, searched=self.searched(self.at))
        core.pipeline.rank([draft])
        return draft, row
