"""The demo's items, users and events as Metarank's events (doc/event-schema.md of 0.7.11)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from benchmarks.peers.world import World
from streams.bench.workload import acts
from streams.datasets.as_events import event_of
from streams.events.schema import Click, Review

SHOWN = 10  # items of a ranking that the load says was shown before an event
LIKED = 4.0  # from so many stars on, an event is a `like`
Fields = list[dict[str, Any]]


def ranking(ranking_id: str, ts_ms: int, user: str, items: list[str]) -> dict[str, Any]:
    """What a user was shown; the body of a ranking request is the same."""
    shown = [{"id": item} for item in items]
    return {"event": "ranking", **_event(ranking_id, ts_ms), "user": user, "session": user, "items": shown}


def interaction(event: Click | Review, shown: str | None) -> dict[str, Any]:
    """What a user did: `like` for four stars or more, `rate` for less, or the action's name. `shown`: the id
    of the ranking before it.
    """
    rating = event.rating if isinstance(event, Review) else None
    if rating is None:
        kind = event.action if isinstance(event, Click) else "rate"
    else:
        kind = "like" if rating >= LIKED else "rate"
    return {
        "event": "interaction",
        **_event(event.event_id, event.ts),
        **({} if shown is None else {"ranking": shown}),
        "user": event.user_id,
        "session": event.user_id,
        "type": kind,
        "item": event.item_id,
    }


def described(world: World) -> Iterator[dict[str, Any]]:
    """Items and users, from before the first event."""
    began_ms = int(world.past.ts_ms[0]) - 1
    for item_id, item in world.items.items():
        fields: Fields = [
            {"name": "title", "value": item.title},
            {"name": "genres", "value": list(item.categories)},
            {"name": "tags", "value": list(item.tags)},
        ]
        yield {"event": "item", **_event(f"item-{item_id}", began_ms), "item": item_id, "fields": fields}
    for user, profile in world.profiles.items():
        fields = [{"name": name, "value": value} for name, value in profile.items()]
        yield {"event": "user", **_event(f"user-{user}", began_ms), "user": user, "fields": fields}


def past(world: World) -> Iterator[dict[str, Any]]:
    """Each event after a ranking in which its item stands: the others are drawn by popularity."""
    others = acts(["nobody"], list(world.items), world.popularity, seed=1)
    for k in range(len(world.past)):
        event = event_of(world.past, k, f"event-{k}")
        items = dict.fromkeys([event.item_id, *(item for _, item in islice(others, SHOWN - 1))])
        shown = f"ranking-{k}"
        yield ranking(shown, event.ts, event.user_id, sorted(items))
        yield interaction(event, shown)


def _event(event_id: str, ts_ms: int) -> dict[str, str]:
    return {"id": event_id, "timestamp": str(ts_ms)}
