"""Gorse's requests, as its API documentation of v0.5.11 has them (`/apidocs` of a server that runs)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from benchmarks.peers.peer import Address, Sent, Step, answer_of
from benchmarks.peers.world import World
from streams.bench.asking import Fault
from streams.bench.workload import acts, clicks
from streams.datasets.as_events import event_of
from streams.events.schema import Click, Review

BATCH = 500


class Success(msgspec.Struct):
    """The answer to what was written."""

    rows: int = msgspec.field(name="RowAffected")


class Health(msgspec.Struct):
    ready: bool = msgspec.field(name="Ready")


class Gorse:
    """`n`: items of one recommendation."""

    name = "gorse"
    api = "gorse v0.5.11, server/rest.go and /apidocs"

    def __init__(self, address: Address, n: int) -> None:
        self._address, self._n = address, n

    def alive(self) -> tuple[bytes, Fault]:
        """`GET /api/health/ready`."""
        ready = answer_of(Health, lambda health: "" if health.ready else "not ready")
        return self._address.request("GET", "/api/health/ready"), ready

    def loading(self, world: World) -> Iterator[Sent]:
        """Items and users, then the events; `PUT` leaves a second load without effect."""
        items = [
            {
                "ItemId": item_id,
                "IsHidden": False,
                "Categories": item.categories,
                "Timestamp": _time(int(world.past.ts_ms[0])),
                "Labels": {"tags": [*item.categories, *item.tags]},
                "Comment": item.title,
            }
            for item_id, item in world.items.items()
        ]
        yield from self._written("items", "POST", "/api/items", items)
        users = [
            {"UserId": user, "Labels": profile, "Comment": ""} for user, profile in world.profiles.items()
        ]
        yield from self._written("users", "POST", "/api/users", users)
        feedback = [feedback_of(event_of(world.past, k, str(k))) for k in range(len(world.past))]
        yield from self._written("events", "PUT", "/api/feedback", feedback)

    def steps(self, world: World, seed: int) -> list[Step]:
        """Reads as `headrace bench feed` makes them, events in as `headrace bench ingest` does."""
        return [
            Step(f"recommend {self._n}", self._reads(world, seed), answer_of(list[str], self._wrong_items)),
            Step("an event in", self._events(world, seed), _rows(1)),
        ]

    def _written(self, what: str, method: str, path: str, rows: Sequence[Any]) -> Iterator[Sent]:
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            yield Sent(what, len(part), self._address.request(method, path, part), _rows(len(part)))

    def _reads(self, world: World, seed: int) -> Iterator[bytes]:
        path = "/api/recommend/{}?n=" + str(self._n)
        asked = {
            user: self._address.request("GET", path.format(quote(user, safe=""))) for user in world.users
        }
        for user, _ in acts(world.users, list(world.items), world.popularity, seed):
            yield asked[user]

    def _events(self, world: World, seed: int) -> Iterator[bytes]:
        drawn = acts(world.users, list(world.items), world.popularity, seed)
        for click in clicks(f"bench-{world.now_ms}", drawn):
            yield self._address.request("POST", "/api/feedback", [feedback_of(click)])

    def _wrong_items(self, items: list[str]) -> str:
        return "" if len(set(items)) == self._n == len(items) else "other count of items"


def feedback_of(event: Click | Review) -> dict[str, Any]:
    """A rating with its stars, or what the user did."""
    rating = event.rating if isinstance(event, Review) else None
    return {
        "FeedbackType": "rating" if rating is not None else getattr(event, "action", "click"),
        "UserId": event.user_id,
        "ItemId": event.item_id,
        "Value": 1.0 if rating is None else rating,
        "Timestamp": _time(event.ts),
        "Comment": "",
    }


def _rows(count: int) -> Fault:
    return answer_of(Success, lambda success: "" if success.rows == count else "other count of rows")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
