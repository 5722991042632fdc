"""A catalogue of any size: items with random text vectors, users with histories, Zipf's popularity."""

from __future__ import annotations

import numpy as np

from streams.bench.workload import draw, zipf
from streams.events.schema import Review
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, UserState

STEP_MS = 1_000


def catalogue(items: int, dim: int, now_ms: int, seed: int) -> dict[str, ItemRecord]:
    """`items` records with unit vectors."""
    vectors = np.random.default_rng(seed).normal(size=(items, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        f"item-{n}": ItemRecord(
            f"item-{n}", now_ms, text=vector.astype(np.float16).tobytes(), title=f"Item {n}"
        )
        for n, vector in enumerate(vectors)
    }


def warm_core(
    settings: Settings, records: dict[str, ItemRecord], users: int, events: int, now_ms: int, seed: int
) -> tuple[Recommender, dict[str, UserState]]:
    """A core that knows the catalogue and learned `events` reviews up to `now_ms`, and the users' states."""
    core = Recommender(settings)
    ids = list(records)
    core.meet(ids, now_ms - events * STEP_MS)
    for row, record in enumerate(records.values()):
        core.put_item(row, record)
    draws = draw(events, users, zipf(len(ids)), seed, clicks=0.0)
    states: dict[str, UserState] = {f"user-{n}": EMPTY for n in range(users)}
    for k in range(events):
        user = f"user-{draws.user[k]}"
        review = Review(
            event_id=str(k),
            ts=now_ms - (events - k) * STEP_MS,
            user_id=user,
            item_id=ids[draws.item[k]],
            rating=float(draws.rating[k]),
        )
        states[user] = core.apply(states[user], review, Delivery("reviews", k), None).state
    return core, states
