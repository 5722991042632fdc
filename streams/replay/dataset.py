"""A dataset: the stream, and what is known of its items and users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from streams.replay.bad_rows import BadRows
from streams.replay.interactions import Interactions, read_interactions
from streams.replay.item_texts import ItemText, read_items, read_users
from streams.replay.mapping import parse_map
from streams.replay.tables import open_table


@dataclass(frozen=True)
class DatasetSpec:
    """Where a dataset lies. Each file may be compressed, and a member of a zip (`FILE.zip:MEMBER`).

    `columns`: as `--map` has it. `seed`: breaks ties in time.
    """

    interactions: str
    items: str | None = None
    users: str | None = None
    columns: str = ""
    seed: int = 7


@dataclass(frozen=True)
class Dataset:
    """`items` and `users` may describe ids that never occur, and miss some that do.

    `notes`: what was assumed in reading, to be shown. `bad`: the rows left out.
    """

    interactions: Interactions
    items: dict[str, ItemText] = field(default_factory=dict)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bad: BadRows = field(default_factory=BadRows)

    def first(self, events: int | None) -> Dataset:
        """With only the first so many events of the stream; None for all."""
        if events is None or events >= len(self.interactions):
            return self
        return replace(self, interactions=self.interactions.take(np.arange(events)))


def load_dataset(spec: DatasetSpec) -> Dataset:
    """Read all files of a dataset; raises `DataError` with what to do about it."""
    mapping, bad = parse_map(spec.columns), BadRows()
    table = open_table(spec.interactions, mapping.numbered("interactions"))
    stream, notes = read_interactions(table, mapping, spec.seed, bad)
    items: dict[str, ItemText] = {}
    users: dict[str, dict[str, str]] = {}
    if spec.items is not None:
        items, said = read_items(open_table(spec.items, mapping.numbered("items")), mapping, bad)
        notes += said
        if not items.keys() & set(stream.item):
            notes += (f"none of the {len(items)} items described occurs in the stream; see items.item",)
    if spec.users is not None:
        users, said = read_users(open_table(spec.users, mapping.numbered("users")), mapping, bad)
        notes += said
    mapping.check_used()
    return Dataset(stream, items, users, notes, bad)
