"""A dataset: the stream, its items and its users."""

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
from streams.settings.ranking import GraphSettings
from streams.state.knowledge_graph import Graph

NO_GRAPH = GraphSettings()
BY_CONTENT = Readings()


@dataclass(frozen=True)
class DatasetSpec:
    """Where a dataset lies. Each file may be compressed, a member of an archive (`FILE.zip:MEMBER`), or a
    folder of parts.

    `columns`: what `--map` says. `seed`: breaks ties in time. `reading`: how to read files, if their content
    shall not decide; `cells`: how to read cells.
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
    """`items` and `users` may describe ids that never occur, and may miss ids that do.

    `notes`: what the reader assumed, for people. `bad`: the rows that it left out. `graph`: how items are
    related, if there is a graph.
    """

    interactions: Interactions
    items: dict[str, ItemText] = field(default_factory=dict)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bad: BadRows = field(default_factory=BadRows)
    graph: Graph | None = None

    def first(self, events: int | None) -> Dataset:
        """The dataset with only the first `events` events of the stream; None for all."""
        if events is None or events >= len(self.interactions):
            return self
        return replace(self, interactions=self.interactions.take(np.arange(events)))


def load_dataset(spec: DatasetSpec) -> Dataset:
    """Read all files of a dataset; raises `DataError`, which says what to do."""
    mapping, bad = parse_map(spec.columns), BadRows()
    table = open_table(spec.interactions, mapping.numbered("interactions"), spec.reading.of("interactions"))
    stream, notes = read_interactions(table, mapping, spec.seed, bad, spec.cells)
    notes += tuple(f"{table.name}: {note}" for note in left_out(stream))
    items: dict[str, ItemText] = {}
    users: dict[str, dict[str, str]] = {}
    if spec.items is not None:
        table = open_table(spec.items, mapping.numbered("items"), spec.reading.of("items"))
        items, reader_notes = read_items(table, mapping, bad, spec.cells)
        notes += reader_notes
        if not items.keys() & set(stream.item):
            notes += (f"none of the {len(items)} items described occurs in the stream; see items.item",)
    if spec.users is not None:
        table = open_table(spec.users, mapping.numbered("users"), spec.reading.of("users"))
        users, reader_notes = read_users(table, mapping, bad, spec.cells)
        notes += reader_notes
    mapping.check_used()
    zeros = zeros_note("users", [*stream.user, *users]), zeros_note("items", [*stream.item, *items])
    notes += tuple(filter(None, zeros))
    read, graph = read_graph(spec.graph, spec.reading, spec.cells), None
    if read is not None:
        graph, reader_notes, refused = read
        notes += reader_notes
        bad.rows.extend(refused.rows)
        if not graph.nodes.keys() & set(stream.item):
            notes += ("the knowledge graph links none of the stream's items; see --links",)
    return Dataset(stream, items, users, notes, bad, graph)
