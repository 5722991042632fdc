"""Prequential replay: every event of the second part is predicted, then learned, by the core that serves.

The true item is ranked among all items the user has not met; one that no source brought counts as a miss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from model.schema import F32
from streams.catalog import ItemRecord
from streams.draft import Draft
from streams.events import Review
from streams.recommender import Recommender
from streams.replay.baselines import Baseline, Popularity, Transitions, first_of, rank_of, tie_order
from streams.replay.interactions import Interactions
from streams.replay.result import Outcome
from streams.training import ExampleCollector
from streams.user_state import EMPTY, Delivery, UserState

Say = Callable[[int], None]
"""Told how many events are done."""


class Stream(NamedTuple):
    """A dataset made ready: `words[k]` is the vector of event k's review text, or None."""

    interactions: Interactions
    words: Mapping[int, F32]
    profiles: Mapping[str, Mapping[str, str]]


class Prequential:
    """Drives a `Recommender` along a stream, event by event."""

    def __init__(self, recommender: Recommender, stream: Stream) -> None:
        self.recommender, self.stream = recommender, stream
        self.states: dict[str, UserState] = {}
        self.at = 0

    def announce(self, items: Sequence[tuple[str, F32 | None]], ts_ms: int) -> None:
        """Tell the recommender of items and their text vectors before the stream begins."""
        core = self.recommender
        core.meet([item_id for item_id, _ in items], ts_ms)
        for item_id, vector in items:
            text = b"" if vector is None else vector.astype(np.float16).tobytes()
            core.put_item(core.catalog.rows[item_id], ItemRecord(item_id, ts_ms, text=text))

    def state(self, user: str) -> UserState:
        """What is known of a user; their profile where they are new."""
        if user not in self.states:
            return UserState(profile=dict(self.stream.profiles.get(user, {})))
        return self.states[user]

    def learn(self) -> int:
        """Fold the next event; the item's row."""
        k, events = self.at, self.stream.interactions
        core, user, item = self.recommender, events.user[k], events.item[k]
        ts, rating = int(events.ts_ms[k]), float(events.rating[k])
        if item not in core.catalog.rows:
            core.meet([item], ts)
        event = Review(
            event_id=str(k), ts=ts, user_id=user, item_id=item, rating=None if np.isnan(rating) else rating
        )
        applied = core.apply(self.state(user), event, Delivery("reviews", k), self.stream.words.get(k))
        self.states[user] = applied.state
        self.at += 1
        return core.catalog.rows[item]

    def warm(self, until: int, collector: ExampleCollector | None, burn_in: int, say: Say) -> None:
        """Learn up to event `until`; from `burn_in` on, each event first becomes a training example."""
        events, rows = self.stream.interactions, self.recommender.catalog.rows
        while self.at < until:
            k = self.at
            row = rows.get(events.item[k])
            if collector is not None and k >= burn_in and row is not None:
                state = self.state(events.user[k])
                if not state.has_consumed(row):
                    collector.take(state, int(events.ts_ms[k]), row, float(events.rating[k]))
            self.learn()
            say(self.at)

    def predict(self) -> tuple[Draft, int]:
        """A ranked draft for the next event's user at its time; the true item's row, or -1 where it is unknown."""
        events, core = self.stream.interactions, self.recommender
        user, ts = events.user[self.at], int(events.ts_ms[self.at])
        row = core.catalog.rows.get(events.item[self.at], -1)
        core.refresh_model()
        draft = core.pipeline.draft(self.state(user), ts, also=[row] if row >= 0 else [])
        core.pipeline.rank([draft])
        return draft, row


class Compared:
    """The baselines in the same pass, over all items the user has not met."""

    def __init__(self, stream: Interactions, seed: int) -> None:
        self.users = {user: number for number, user in enumerate(dict.fromkeys(stream.user))}
        self.items = {item: number for number, item in enumerate(dict.fromkeys(stream.item))}
        size = len(self.items)
        self.baselines: tuple[Baseline, ...] = (Popularity(size), Transitions(size))
        self.recommended: dict[str, set[int]] = {each.name: set() for each in self.baselines}
        self._met = np.zeros((len(self.users), size), np.bool_)
        self._seen = np.zeros(size, np.bool_)
        self._order = tie_order(size, seed)
        self._stream = stream

    def ranks(self, k: int) -> list[int]:
        """The place of event k's item for each baseline; 0 where the item was never seen before."""
        user, item = self.users[self._stream.user[k]], self.items[self._stream.item[k]]
        met = self._met[user] | ~self._seen
        ranks = []
        for each in self.baselines:
            scores = each.scores(user, met)
            ranks.append(rank_of(item, scores, met, self._order))
            self.recommended[each.name].update(first_of(10, scores, met, self._order).tolist())
        return ranks

    def learn(self, k: int) -> None:
        """Event k is over."""
        user, item = self.users[self._stream.user[k]], self.items[self._stream.item[k]]
        for each in self.baselines:
            each.learn(user, item, int(self._stream.ts_ms[k]))
        self._met[user, item] = True
        self._seen[item] = True


def outcome(run: Prequential, draft: Draft, row: int, baseline_ranks: Sequence[int]) -> Outcome:
    """What the prediction of the next event came to."""
    k, events = run.at, run.stream.interactions
    state = run.state(events.user[k])
    placed = len(draft.rows) - draft.extra
    found = np.flatnonzero(draft.rows[:placed] == row)
    known = row >= 0
    at = int(found[0]) if len(found) else len(draft.rows) - 1
    ratings = run.recommender.expected_ratings(draft)
    popularity = run.recommender.counters.popularity
    return Outcome(
        ts_ms=int(events.ts_ms[k]),
        user_history=state.interactions,
        item_events=int(popularity.events[row]) if known else 0,
        ranked=known and not state.has_consumed(row),
        rank=place_of(draft, at) if len(found) else 0,
        candidate_rank=at + 1 if len(found) else 0,
        baseline_ranks=baseline_ranks,
        rating=float(events.rating[k]),
        predicted_rating=float(ratings[at]) if known and len(ratings) else popularity.mean_rating(),
    )


def place_of(draft: Draft, at: int) -> int:
    """The place (from 1) of candidate `at`: on the slate where it is there, else behind the slate by its score."""
    on_slate = np.flatnonzero(draft.order == at)
    if len(on_slate):
        return int(on_slate[0]) + 1
    placed = draft.score[: len(draft.rows) - draft.extra]
    ahead = int((placed > placed[at]).sum()) + 1
    return max(ahead, len(draft.order) + 1)


def seconds_since(start: float) -> float:
    """Seconds of wall time since `start` (`time.perf_counter`)."""
    return time.perf_counter() - start
