"""A catalogue of any size: items with texts of few themes, users with histories, Zipf's popularity."""

from __future__ import annotations

import numpy as np

from model.schema import F32
from streams.bench.workload import draw, zipf
from streams.events.schema import Review
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, UserState

STEP_MS = 1_000
ITEMS_PER_THEME = 100
THEME_EXPONENT = 0.8  # how much larger the larger themes are
WITHIN = 0.7  # how far items lie from their theme, against how far themes lie from one another
CATEGORIES, TAGS, PRICES = 40, 300, 500


def catalogue(items: int, dim: int, now_ms: int, seed: int) -> dict[str, ItemRecord]:
    """`items` records with vectors, two categories at most, a tag and a price."""
    vectors = themed(items, dim, seed).astype(np.float16)
    categories, tags = [f"category {n}" for n in range(CATEGORIES)], [f"tag {n}" for n in range(TAGS)]
    return {
        f"item-{n}": ItemRecord(
            f"item-{n}",
            now_ms,
            text=vector.tobytes(),
            title=f"Item {n}",
            categories=[categories[n % CATEGORIES], categories[n * 7 % (CATEGORIES - 3)]],
            tags=[tags[n % TAGS]],
            price=float(n % PRICES),
        )
        for n, vector in enumerate(vectors)
    }


def themed(items: int, dim: int, seed: int) -> F32:
    """Unit vectors [items, dim] around themes of Zipf's sizes, in directions of which the first say more: as
    the texts of a catalogue lie, and not in all directions alike.
    """
    rng = np.random.default_rng(seed)
    themes = max(items // ITEMS_PER_THEME, 10)
    extent = (1.0 / np.sqrt(1.0 + np.arange(dim) / 6.0)).astype(np.float32)
    share = zipf(themes, THEME_EXPONENT)
    centres = rng.standard_normal((themes, dim), np.float32)
    vectors: F32 = rng.standard_normal((items, dim), np.float32)
    vectors *= np.float32(WITHIN)
    vectors += centres[rng.choice(themes, items, p=share / share.sum())]
    vectors *= extent
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def warm_core(
    settings: Settings, records: dict[str, ItemRecord], users: int, events: int, now_ms: int, seed: int
) -> tuple[Recommender, dict[str, UserState]]:
    """A core that knows the catalogue and learned `events` reviews up to `now_ms`, and the users' states."""
    core = core_with(settings, records, now_ms - events * STEP_MS)
    return core, learned(core, users, events, now_ms, seed)


def core_with(settings: Settings, records: dict[str, ItemRecord], met_ms: int) -> Recommender:
    """A core that knows the catalogue and nothing else."""
    core = Recommender(settings)
    core.meet(list(records), met_ms)
    for row, record in enumerate(records.values()):
        core.put_item(row, record)
    return core


def learned(core: Recommender, users: int, events: int, now_ms: int, seed: int) -> dict[str, UserState]:
    """The users' states after `events` reviews up to `now_ms`, which the core has learned."""
    ids = core.catalog.ids
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
    return states
