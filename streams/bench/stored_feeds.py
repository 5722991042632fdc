"""Feeds in the store as a worker leaves them, without a worker: for what the gateway costs alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.bench.workload import zipf
from streams.clock import SystemClock
from streams.kafka.topics import ensure_topics
from streams.ranking.slate import Reason, Slate, SlateItem, encode
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore

ITEMS = 1_000


class Actors(NamedTuple):
    """Who acts, on what: users, items, and how often each item is drawn; what is searched for."""

    settings: Settings
    users: list[str]
    items: list[str]
    popularity: list[float]
    queries: Sequence[str] = ()


async def seed_feeds(settings: Settings, users: int, seed: int = 7) -> Actors:
    """Create the topics, and a full feed of random items for each user."""
    await ensure_topics(settings.kafka)
    rng = np.random.default_rng(seed)
    items = [f"item-{number}" for number in range(ITEMS)]
    names = [f"user-{number}" for number in range(users)]
    store = RedisStore(settings.redis, settings.state, settings.learning)
    try:
        for name in names:
            await store.put_feed(name, encode(_slate(name, items, settings.feed.size, rng)))
    finally:
        await store.close()
    return Actors(settings, names, items, zipf(ITEMS).tolist())


def _slate(user: str, items: list[str], size: int, rng: np.random.Generator) -> Slate:
    chosen = rng.choice(len(items), size, replace=False).tolist()
    scores = np.sort(rng.normal(size=size))[::-1].tolist()
    places = [
        SlateItem(items[item], score, "transitions", Reason("after", items[chosen[0]]))
        for item, score in zip(chosen, scores, strict=True)
    ]
    now_ms = SystemClock().now_ms()
    times = {
        "event": now_ms - 20.0,
        "accepted": now_ms - 19.5,
        "applied": now_ms - 9.25,
        "pushed": now_ms - 1.5,
    }
    propensities = rng.uniform(size=size).tolist()
    return Slate(
        f"{rng.integers(2**62):024x}", user, now_ms, places, "bench-1", "full", "default", "cause-1", times,
        propensities,
    )  # fmt: skip
