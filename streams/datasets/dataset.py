"""A dataset: the stream, and what is known of its items and users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from streams.datasets.as_events import left_out
from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.ids import zeros_note
from streams.datasets.files.reading import Readings
from streams.datasets.interactions import Interactions, read_interactions
from streams.datasets.item_texts import ItemText, read_items, read_users
from streams.datasets.mapping import parse_map
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.tables import open_table
from streams.datasets.triples import read_graph
from streams.settings.sections import GraphSettings
from streams.state.knowledge_graph import Graph

NO_GRAPH = GraphSettings()
BY_CONTENT = Readings()


@dataclass(frozen=True)
class DatasetSpec:
    """Where a dataset lies. Each file may be compressed, a member of an archive (`FILE.zip:MEMBER`), or a
    folder of parts.

    `columns`: as `--map` has it. `seed`: breaks ties in time. `reading`: how files are to be read, where
    their content shall not decide; `cells`: how their cells are.
    """

    interactions: str
    items: str | None = None
    users: str | None = None
    columns: str = ""
    seed: int = 7
    graph: GraphSettings = NO_GRAPH
    reading: Readings = BY_CONTENT
    cells: CellRules = AUTO


@dataclass(frozen=True)
class Dataset:
    """`items` and `users` may describe ids that never occur, and miss some that do.

    `notes`: what was assumed in reading, to be shown. `bad`: the rows left out. `graph`: how items are
    related, where that is known.
    """

    interactions: Interactions
    items: dict[str, ItemText] = field(default_factory=dict)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bad: BadRows = field(default_factory=BadRows)
    graph: Graph | None = None

    def first(self, events: int | None) -> Dataset:
        """With only the first so many events of the stream; None for all."""
        if events is None or events >= len(self.interactions):
            return self
        return replace(self, interactions=self.interactions.take(np.arange(events)))


def load_dataset(spec: DatasetSpec) -> Dataset:
    """Read all files of a dataset; raises `DataError` with what to do about it."""
    mapping, bad = parse_map(spec.columns), BadRows()
    table = open_table(spec.interactions, mapping.numbered("interactions"), spec.reading.of("interactions"))
    stream, notes = read_interactions(table, mapping, spec.seed, bad, spec.cells)
    notes += tuple(f"{table.name}: {note}" for note in left_out(stream))
    items: dict[str, ItemText] = {}
    users: dict[str, dict[str, str]] = {}
    if spec.items is not None:
        table = open_table(spec.items, mapping.numbered("items"), spec.reading.of("items"))
        items, said = read_items(table, mapping, bad, spec.cells)
        notes += said
        if not items.keys() & set(stream.item):
            notes += (f"none of the {len(items)} items described occurs in the stream; see items.item",)
    if spec.users is not None:
        table = open_table(spec.users, mapping.numbered("users"), spec.reading.of("users"))
        users, said = read_users(table, mapping, bad, spec.cells)
        notes += said
    mapping.check_used()
    zeros = zeros_note("users", [*stream.user, *users]), zeros_note("items", [*stream.item, *items])
    notes += tuple(filter(None, zeros))
    read, graph = read_graph(spec.graph, spec.reading, spec.cells), None
    if read is not None:
        graph, said, refused = read
        notes += said
        bad.rows.extend(refused.rows)
        if not graph.nodes.keys() & set(stream.item):
            notes += ("the knowledge graph links none of the stream's items; see --links",)
    return Dataset(stream, items, users, notes, bad, graph)
