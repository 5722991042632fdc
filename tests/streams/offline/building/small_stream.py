"""A small stream with all that an example reads: ratings, actions, reviews, searches, slates, new items."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from streams.datasets.impressions import Shown
from streams.datasets.interactions import Interactions
from streams.offline.stream_driver import Prequential, Stream
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.knowledge_graph import Graph
from tests.streams.core import START_MS, unit

EVENTS, USERS, ITEMS, ANNOUNCED = 900, 30, 80, 60


def run_of(seed: int = 1, settings: Settings | None = None, graph: Graph | None = None) -> Prequential:
    """A run before its first event; the last 20 items come without having been announced."""
    rng = np.random.default_rng(seed)
    events = Interactions(
        [f"u{k}" for k in rng.integers(0, USERS, EVENTS)],
        [f"i{k}" for k in rng.integers(0, ITEMS, EVENTS)],
        START_MS + 60_000 * np.cumsum(rng.integers(0, 3, EVENTS)),
        np.where(rng.random(EVENTS) < 0.5, rng.integers(1, 6, EVENTS), np.nan).astype(np.float32),
        action=[("click", "cart", "like")[k] for k in rng.integers(0, 3, EVENTS)],
        query=[("", "red", "blue")[k] for k in rng.integers(0, 3, EVENTS)],
        text=["" if k % 3 else f"said {k}" for k in range(EVENTS)],
    )
    events = replace(events, **slates_of(events))
    said = {name: unit(rng.normal(size=64)) for name in ("red", "blue", *filter(None, events.text or []))}
    profiles = {f"u{k}": {"age": str(k % 4)} for k in range(0, USERS, 2)}
    run = Prequential(Recommender(settings or Settings(), graph), Stream(events, said, profiles))
    items = [
        ItemRecord(
            f"i{k}", START_MS, text=unit(rng.normal(size=64)).astype(np.float16).tobytes(), tags=[f"t{k % 5}"]
        )
        for k in range(ANNOUNCED)
    ]
    run.announce(items, START_MS)
    return run


def slates_of(events: Interactions) -> dict[str, Any]:
    """Every fifth event is a click on a slate that was shown just before, to another user on top."""
    shown: list[tuple[Shown, ...]] = [()] * len(events)
    slate = [""] * len(events)
    for number, k in enumerate(range(0, len(events), 5)):
        items = tuple(dict.fromkeys((events.item[k], f"i{k % ITEMS}", f"only-shown-{k % 7}")))
        own = Shown(2 * number, events.user[k], f"s{number}", int(events.ts_ms[k]), items)
        other = Shown(2 * number + 1, f"u{k % USERS}", f"t{number}", int(events.ts_ms[k]), items[:2])
        shown[k], slate[k] = (own, other), own.slate_id
    return {"shown": shown, "slate": slate}
