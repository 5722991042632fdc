"""The demo's items, users and events, as every peer gets them: ml-100k, of which the first half is past."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.bench.workload import acting
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.demo.prepare import DemoOptions
from streams.local.datasets import ml_100k


class World(NamedTuple):
    """`past`: events that end at `now_ms`. `users` act in the measurement, on items drawn by `popularity`,
    which has a number for each of `items`.
    """

    items: dict[str, ItemText]
    profiles: dict[str, dict[str, str]]
    past: Interactions
    users: list[str]
    popularity: NDArray[np.float64]
    now_ms: int


def demo_world(users: int, events: int | None, now_ms: int) -> World:
    """The demo's first half, or only its first `events` events, moved in time to end at `now_ms`."""
    files, options = ml_100k(), DemoOptions()
    dataset = load_dataset(DatasetSpec(str(files.interactions), str(files.items), str(files.users)))
    half = int(len(dataset.interactions) * options.warm)
    past = dataset.first(half if events is None else min(events, half)).interactions
    past = replace(past, ts_ms=past.ts_ms + (now_ms - past.ts_ms[-1]))
    met = Counter(past.item)
    return World(
        items=dataset.items,
        profiles=dataset.users,
        past=past,
        users=acting(sorted(set(past.user)), users),
        popularity=np.array([met[item] + 1.0 for item in dataset.items]),
        now_ms=now_ms,
    )
